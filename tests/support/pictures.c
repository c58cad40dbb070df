/* Figures that nobody measured. */
#include "base/escape.h"
#include "python/tasks.h"
#include "support/pictures.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

#define MATCH                                                                                                          \
    {                                                                                                                  \
        "match", "/usr/lib/python3.11/re/__init__.py", 166, false, false                                               \
    }
#define TOKENIZE                                                                                                       \
    {                                                                                                                  \
        "tokenize", "/srv/shop/app/parser.py", 88, false, false                                                        \
    }
#define SELECT                                                                                                         \
    {                                                                                                                  \
        "select", "/usr/lib/python3.11/selectors.py", 468, false, false                                                \
    }
#define WAIT                                                                                                           \
    {                                                                                                                  \
        "wait", "/usr/lib/python3.11/threading.py", 327, false, false                                                  \
    }
#define RUN                                                                                                            \
    {                                                                                                                  \
        "serve.<locals>.Worker.run", "/srv/shop/app/worker.py", 31, false, false                                       \
    }

static const struct gs_picture_process server[] = {{.pid = 4242,
                                                    .command = "/usr/bin/python3.11 /srv/shop/app.py --workers 4",
                                                    .python = "3.11.7",
                                                    .uptime_us = 11520000000,
                                                    .cpu = 1.04,
                                                    .threads = 4}};

static const struct gs_picture_frame frames[] = {
    {MATCH, {0.52, 0.52, 0.5, 0.51, 0, 0.4}},
    {TOKENIZE, {0.61, 0.61, 0.55, 0.52, 0.09, 0.4}},
    {RUN, {0.95, 1, 0.53, 0.52, 0.43, 0.4}},
    {{"_bootstrap", "/usr/lib/python3.11/threading.py", 1002, false, false}, {0.95, 1, 0.53, 0.52, 0.43, 0.4}},
};

static const struct gs_picture_cell cells_holds[] = {{{200}},        {{120, 80}}, {{20, 180}}, {{0}},
                                                     {{190, 0, 10}}, {{200}},     {{90, 60}}};
static const struct gs_picture_cell cells_waits[] = {
    {{0, 200}}, {{80, 120}}, {{0, 0, 150, 0, 0, 50}}, {{0, 0, 0, 0, 200}}, {{0, 150}}};
static const struct gs_picture_cell cells_idle[] = {{{[GS_DOING_IDLE] = 200}},
                                                    {{[GS_DOING_IDLE] = 200}},
                                                    {{[GS_DOING_IDLE] = 199, [GS_HOLDS] = 1}},
                                                    {{[GS_DOING_IDLE] = 100}}};

static const struct gs_picture_thread threads[] = {
    {.number = 0,
     .tid = 4242,
     .name = "MainThread",
     .main = true,
     .doing = GS_WAITS,
     .share = {0.101, 0.02, 0.2, 0, 0, 0.679},
     .cpu = 0.12,
     .doing_us = 412000,
     .place = SELECT,
     .cells = cells_waits,
     .cell_count = COUNT(cells_waits)},
    {.number = 1,
     .tid = 4249,
     .name = "worker-1",
     .doing = GS_WAITS,
     .share = {0.351, 0.619, 0.03},
     .cpu = 0.359,
     .doing_us = 410000,
     .place = TOKENIZE,
     .cells = cells_waits,
     .cell_count = COUNT(cells_waits)},
    {.number = 2,
     .tid = 4250,
     .name = "worker-2",
     .doing = GS_HOLDS,
     .share = {0.52, 0.43, 0.05},
     .cpu = 0.53,
     .doing_us = 412000,
     .place = MATCH,
     .frames = frames,
     .frame_count = COUNT(frames),
     .cells = cells_holds,
     .cell_count = COUNT(cells_holds)},
    {.number = 7,
     .tid = 4251,
     .name = "log-writer",
     .doing = GS_DOING_IDLE,
     .share = {[GS_DOING_IDLE] = 1},
     .cpu = -1,
     .doing_us = 12000000,
     .at_least = true,
     .place = WAIT,
     .cells = cells_idle,
     .cell_count = COUNT(cells_idle)},
};

#define HOLD(thread, thread_name, us)                                                                                  \
    {                                                                                                                  \
        .tid = (thread), .name = (thread_name), .waiters = 3, .times = 12, .longest_us = (us), .total_us = 4100000,    \
        .ago_us = 2000000, .place = MATCH                                                                              \
    }

#define SECONDS .held_s = {[56] = 0.2F, 0.5F, 0.97F, 1}, .waiting_s = {[56] = 0, 0.4F, 1.5F, 3}, .seconds = 4

static const struct gs_picture_gil gils[] = {{.state = GS_GIL_HELD,
                                              .held = 0.972,
                                              .waiting = 1.9,
                                              .waiters = 2,
                                              .handovers_hz = 183,
                                              .now = HOLD(4250, "worker-2", 412000),
                                              .longest = HOLD(4250, "worker-2", 526000),
                                              SECONDS}};

static const struct gs_picture_hold holds[] = {
    HOLD(4250, "worker-2", 526000),
    {.tid = 4249,
     .name = "worker-1",
     .waiters = 1,
     .times = 1200,
     .longest_us = 5100,
     .total_us = 6000000,
     .ago_us = 400000,
     .place = TOKENIZE},
    {.tid = 4242,
     .name = "MainThread",
     .at_least = true,
     .times = 1,
     .longest_us = 41000,
     .total_us = 41000,
     .ago_us = 61000000},
};

static const struct gs_picture_blame blames[] = {
    {.waiter_tid = 4249,
     .holder_tid = 4250,
     .waiter = "worker-1",
     .holder = "worker-2",
     .us = 3200000,
     .times = 14,
     .ago_us = 4000,
     .place = MATCH},
    {.waiter_tid = 4242,
     .holder_tid = 4250,
     .waiter = "MainThread",
     .holder = "worker-2",
     .us = 900000,
     .times = 3,
     .ago_us = 2000000,
     .place = MATCH},
    {.waiter_tid = 4250, .waiter = "worker-2", .holder = "", .us = 12000, .times = 1, .ago_us = 90000000},
};

static const struct gs_picture_function functions[] = {
    {MATCH, {0.49, 0.49, 0.48, 0.48}, {0.49, 0.49, 0.48, 0.48}, {29.4, 29.4, 29, 29}, {29.4, 29.4, 29, 29}},
    {TOKENIZE, {0.31, 0.4, 0.1, 0.11, 0.2}, {0.8, 0.89, 0.58, 0.59, 0.2}, {18, 20, 6, 6, 12}, {48, 50, 35, 35, 12}},
    {RUN, {0}, {0.8, 2, 0.58, 0.59, 0.2}, {0}, {48, 120, 35, 35, 12}},
    {WAIT, {0, 1}, {0, 1}, {0, 60}, {0, 60}},
    {{"changed while it was read", "", 0, true, false}, {0.001}, {0.001}, {0.06}, {0.06}},
};

static const struct gs_picture_lock wanted[] = {
    {0,
     {.kind = GS_LOCK_OBJECT,
      .type = "dict",
      .name = "app.cache",
      .address = 0x7f12345678c0,
      .mean_waiters = 1.4,
      .most_waiters = 6,
      .wait_us = 5300000,
      .longest_wait_us = 81000,
      .holder = 4250,
      .held_in = {.function = "Worker.run", .file = "/srv/shop/app/parser.py", .line = 12}}},
    {0,
     {.kind = GS_LOCK_PTHREAD,
      .address = 0x7f0000001000,
      .mean_waiters = 0.02,
      .most_waiters = 1,
      .wait_us = 40000,
      .longest_wait_us = 9000}},
};

static const struct gs_picture_task tasks[] = {
    {.tid = 4242,
     .state = GS_TASK_RUNNING,
     .count = 1,
     .name = "hot",
     .names = "hot",
     .waits_for = "",
     .place = TOKENIZE},
    {.tid = 4242,
     .state = GS_TASK_WAITS,
     .count = 19999,
     .for_us = 3200000,
     .at_least = true,
     .name = "request-*",
     .names = "request-1, request-2",
     .waits_for = "Lock held by request-0",
     .place = RUN},
    {.tid = 4249,
     .state = GS_TASK_WAITS,
     .count = 1,
     .for_us = 61000000,
     .name = "request-0",
     .names = "request-0",
     .waits_for = "read from 10.0.0.7:5432",
     .place = {"changed while it was read", "", 0, true, false}},
};

#define SERVER                                                                                                         \
    .gils = gils, .gil_count = COUNT(gils), .threads = threads, .thread_count = COUNT(threads),                        \
    .functions = functions, .function_count = COUNT(functions), .holds = holds, .hold_count = COUNT(holds),            \
    .blames = blames, .blame_count = COUNT(blames), .tasks = tasks, .task_rows = COUNT(tasks), .task_count = 20001,    \
    .tasks_left_out = 7, .tasks_ago_us = 9000000, .tasks_read = true, .wanted = wanted, .wanted_count = COUNT(wanted), \
    .locks_us = 3800000, .watched_us = 60000000, .rate_hz = 100, .whole = 1

const struct gs_picture picture_server = {.processes = server, .process_count = 1, SERVER};

static const struct gs_picture_process dead[] = {{.pid = 4242,
                                                  .command = "/usr/bin/python3.11 /srv/shop/app.py --workers 4",
                                                  .python = "3.11.7",
                                                  .uptime_us = 11520000000,
                                                  .cpu = 1.04,
                                                  .threads = 4,
                                                  .ended = true}};
const struct gs_picture picture_ended = {.processes = dead, .process_count = 1, SERVER, .ended = true};

static const struct gs_picture_process two[] = {
    {.pid = 4242, .command = "python3 gunicorn", .python = "3.11.7", .uptime_us = 90000000, .cpu = 0, .threads = 1},
    {.pid = 4300, .command = "python3 -m worker", .python = "3.13.0", .uptime_us = 80000000, .cpu = 0.5, .threads = 1},
};
static const struct gs_picture_thread of_two[] = {
    {.number = 0,
     .tid = 4242,
     .name = "MainThread",
     .main = true,
     .doing = GS_DOING_IDLE,
     .share = {[GS_DOING_IDLE] = 1},
     .place = WAIT},
    {.number = 1,
     .process = 1,
     .tid = 4300,
     .name = "MainThread",
     .main = true,
     .doing = GS_HOLDS,
     .share = {0.5, 0, 0.25, 0, 0.25},
     .cpu = 0.5,
     .doing_us = 5000,
     .place = TOKENIZE},
};
static const struct gs_picture_gil gils_of_two[] = {
    {.process = 0, .state = GS_GIL_FREE, .handovers_hz = 0},
    {.process = 1,
     .state = GS_GIL_HELD,
     .held = 0.5,
     .handovers_hz = -1,
     .now = {.process = 1, .tid = 4300, .name = "MainThread", .place = TOKENIZE}},
};
const struct gs_picture picture_family = {.processes = two,
                                          .process_count = 2,
                                          .gils = gils_of_two,
                                          .gil_count = 2,
                                          .threads = of_two,
                                          .thread_count = 2,
                                          .rate_hz = 50,
                                          .whole = 0.995,
                                          .shares_unknown = true};

static const struct gs_picture_process odd[] = {{.pid = 1,
                                                 .command = "python3 \xe5\x88\x86\xe6\x9e\x90\x1b[31m.py",
                                                 .python = "3.12.1",
                                                 .uptime_us = 1000000,
                                                 .cpu = -1,
                                                 .threads = 5}};
static const struct gs_picture_thread odd_threads[] = {
    {.number = 0,
     .tid = 1,
     .name = "\xe5\x88\x86\xe6\x9e\x90\xe7\xba\xbf\xe7\xa8\x8b\xe5\x88\x86\xe6\x9e\x90\xe7\xba\xbf\xe7\xa8\x8b",
     .main = true,
     .doing = GS_UNKNOWN,
     .share = {[GS_UNKNOWN] = 1},
     .cpu = -1,
     .place =
         {"\xe8\xae\xa1\xe7\xae\x97",
          "/srv/\xe8\xae\xa1\xe7\xae\x97/\xe8\xae\xa1\xe7\xae\x97\xe8\xae\xa1\xe7\xae\x97\xe8\xae\xa1\xe7\xae\x97.py",
          7, false, false}},
    {.number = 1, .tid = 2, .name = "\033]0;owned\a\033[2J", .doing = GS_NONE, .share = {[GS_NONE] = 1}, .cpu = 0.1},
    {.number = 2,
     .tid = 3,
     .name = "e\xcc\x81"
             "a\xcc\x88\xcc\xa3\xcc\xa4o",
     .doing = GS_WITHOUT,
     .share = {[GS_WITHOUT] = 1},
     .cpu = 1,
     .place = {"changed while it was read", "", 0, true, false}},
    {.number = 3,
     .tid = 4,
     .name = "\xe2\x80\xaertl\xe2\x80\xac",
     .doing = GS_WAITS,
     .share = {0, 1},
     .place = {"<lambda>", "<string>", 1, false, false}},
    {.number = 4,
     .tid = 5,
     .name = "\xff\xfe\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7!",
     .doing = GS_HOLDS,
     .share = {1},
     .place = {"line\nfeed\ttab", "a\rb.py", 3, false, false}},
};
static const struct gs_picture_gil odd_gils[] = {
    {.state = GS_GIL_HELD,
     .held = 1,
     .waiters = 1,
     .handovers_hz = 0.25,
     .now = {.tid = 5,
             .name = "\xff\xfe\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7!",
             .at_least = true,
             .longest_us = 61000000,
             .place = {"line\nfeed\ttab", "a\rb.py", 3, false, false}}}};
const struct gs_picture picture_hostile = {.processes = odd,
                                           .process_count = 1,
                                           .gils = odd_gils,
                                           .gil_count = 1,
                                           .threads = odd_threads,
                                           .thread_count = COUNT(odd_threads),
                                           .rate_hz = 1000,
                                           .whole = -1,
                                           .shares_unknown = true};

static const struct gs_picture_process loose[] = {
    {.pid = 77, .command = "python3.13t x.py", .python = "3.13.0", .uptime_us = 3600000000, .cpu = 3.98, .threads = 2}};
static const struct gs_picture_thread loose_threads[] = {
    {.number = 0,
     .tid = 77,
     .name = "MainThread",
     .main = true,
     .doing = GS_NONE,
     .share = {[GS_NONE] = 1},
     .cpu = 0.99,
     .place = TOKENIZE},
    {.number = 1,
     .tid = 78,
     .name = "pool",
     .doing = GS_DOING_IDLE,
     .share = {[GS_NONE] = 0.5, [GS_DOING_IDLE] = 0.5},
     .cpu = 0.5,
     .place = WAIT},
};
static const struct gs_picture_gil none[] = {{.state = GS_GIL_DISABLED, .handovers_hz = -1}};
const struct gs_picture picture_free = {.processes = loose,
                                        .process_count = 1,
                                        .gils = none,
                                        .gil_count = 1,
                                        .threads = loose_threads,
                                        .thread_count = 2,
                                        .rate_hz = 100,
                                        .whole = 1};

static const struct gs_picture_gil many_gils[] = {
    {.lock = 0,
     .state = GS_GIL_HELD,
     .held = 0.972,
     .waiters = 2,
     .handovers_hz = 183,
     .now = HOLD(4250, "worker-2", 412000),
     SECONDS},
    {.lock = 1, .state = GS_GIL_FREE, .held = 0.1, .handovers_hz = 2},
    {.lock = 2, .state = GS_GIL_HELD, .held = 0.2, .handovers_hz = 3},
    {.lock = 3, .state = GS_GIL_FREE, .handovers_hz = 0},
};
const struct gs_picture picture_interpreters = {.processes = server,
                                                .process_count = 1,
                                                .gils = many_gils,
                                                .gil_count = COUNT(many_gils),
                                                .threads = threads,
                                                .thread_count = COUNT(threads),
                                                .rate_hz = 100,
                                                .whole = 1};

const struct gs_picture picture_empty = {.rate_hz = 100, .whole = -1};

static void write_row(const struct gs_cell *line, int columns, FILE *out)
{
    int end = columns;
    while (end > 0 && line[end - 1].character == ' ')
        end--;
    for (int i = 0; i < end; i++) {
        char bytes[4];
        if (line[i].character)
            fwrite(bytes, 1, gs_utf8_encode(line[i].character, bytes), out);
        for (int k = 0; k < GS_CELL_MARKS && line[i].marks[k]; k++)
            fwrite(bytes, 1, gs_utf8_encode(line[i].marks[k], bytes), out);
    }
    fputc('\n', out);
}

static void write_styles(const struct gs_cell *line, int columns, FILE *out)
{
    static const char letters[] = " .hwoiunbdr", selected[] = " :HWOIUNBDR";
    int end = columns;
    while (end > 0 && line[end - 1].style == GS_STYLE_PLAIN && !line[end - 1].selected)
        end--;
    for (int i = 0; i < end; i++)
        fputc(line[i].selected ? selected[line[i].style] : letters[line[i].style], out);
    fputc('\n', out);
}

void grid_write(const struct gs_grid *grid, FILE *out)
{
    for (int row = 0; row < grid->rows; row++)
        write_row(&grid->cells[row * grid->columns], grid->columns, out);
    fputs("----\n", out);
    for (int row = 0; row < grid->rows; row++)
        write_styles(&grid->cells[row * grid->columns], grid->columns, out);
}
