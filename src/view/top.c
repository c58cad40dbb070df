/* The loop of top: sample, draw now and then, and never let a key wait. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pace.h"
#include "view/screen.h"
#include "view/top.h"
#include "view/top_lines.h"

enum { DRAW_NS = 250 * 1000 * 1000, NAMES_NS = 1000 * 1000 * 1000, GAP_SLOTS = 10, LEAST_GAP_NS = 200 * 1000 * 1000 };

struct run {
    const struct gs_top *top;
    struct gs_top_model model;
    struct gs_pace pace;
    struct gs_text line;
    uint64_t end_ns; /* 0: none */
    uint64_t draw_ns, names_ns;
    bool quit;
};

static void draw(struct run *run)
{
    int rows, columns;
    size_t lines = GS_TOP_HEAD_LINES + run->model.row_count, used = 0;
    gs_screen_size(&rows, &columns);
    for (; used < lines && (int)used < rows - 1; used++) {
        gs_top_line(&run->model, used, columns, &run->line);
        gs_screen_line((int)used, &run->line);
    }
    gs_screen_show((int)used);
    gs_text_clear(&run->line);
    gs_text_style(&run->line, GS_STYLE_DIM);
    gs_text_put(&run->line, "q quit  r count anew");
    gs_text_cut(&run->line, columns - 1);
    gs_screen_line(rows - 1, &run->line);
    gs_screen_show(rows);
}

static void print(struct run *run)
{
    for (size_t i = 0; i < GS_TOP_HEAD_LINES + run->model.row_count; i++) {
        gs_top_line(&run->model, i, run->top->console->columns, &run->line);
        gs_text_write(&run->line, run->top->console);
    }
}

static void obey(struct run *run, bool ready)
{
    enum gs_key key;
    while ((key = gs_screen_key(ready)) != GS_KEY_NONE && !run->quit) {
        ready = false;
        if (key == GS_KEY_QUIT || key == GS_KEY_CLOSED)
            run->quit = true;
        if (key == GS_KEY_RESET)
            gs_top_model_fini(&run->model);
        run->draw_ns = 0; /* show at once what the key did */
    }
}

/* Until the moment of the next sample, or a key or signal. */
static void wait_until(struct run *run, uint64_t moment_ns)
{
    for (;;) {
        struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
        uint64_t now = gs_clock_ns(), left = moment_ns > now ? moment_ns - now : 0;
        struct timespec time = {.tv_sec = (time_t)(left / GS_NS_PER_S), .tv_nsec = (long)(left % GS_NS_PER_S)};
        int ready = ppoll(&keys, run->top->text ? 0 : 1, &time, run->top->waiting);
        if (run->top->ended())
            run->quit = true;
        if (ready != 0 && !run->top->text && !run->quit)
            obey(run, ready > 0);
        if (ready == 0 || run->quit || (run->draw_ns == 0 && !run->top->text))
            return;
    }
}

/* Takes one sample and adds it up. */
static enum gs_status sample(struct run *run, bool whole, struct gs_err *err)
{
    const struct gs_top *top = run->top;
    const struct gs_snapshot *snapshot;
    uint64_t gap_ns = run->pace.period_ns * GAP_SLOTS;
    if (whole)
        gs_reader_full_census(top->reader);
    enum gs_status status = gs_reader_take(top->reader, &snapshot);
    if (status == GS_OK) {
        status = gs_shares_add(&run->model.shares, snapshot, gap_ns > LEAST_GAP_NS ? gap_ns : LEAST_GAP_NS);
        if (snapshot->gil_count > 0)
            run->model.gil = snapshot->gils[0];
        if (gs_clock_ns() - run->names_ns >= NAMES_NS) {
            for (size_t i = 0; i < snapshot->interpreter_count; i++)
                gs_names_refresh(top->names, snapshot->interpreters[i].addr);
            run->names_ns = gs_clock_ns();
        }
    } else {
        gs_shares_drop_frames(&run->model.shares);
    }
    if (gs_status_class(status) == GS_CLASS_LOST)
        return GS_OK;
    if (status != GS_OK)
        gs_fail(err, status, "cannot watch process %d any longer: %s", (int)top->target->pid, gs_status_text(status));
    return status;
}

static enum gs_status watch(struct run *run, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    while (status == GS_OK && !run->quit) {
        uint64_t now = gs_clock_ns();
        bool last = run->end_ns > 0 && now >= run->end_ns;
        bool shown = last || now >= run->draw_ns;
        status = sample(run, shown || run->model.shares.samples == 0, err);
        /* Text shows only the last, but after its end a process cannot be asked what that was. */
        if (shown && status == GS_OK) {
            status = gs_top_arrange(&run->model);
            run->draw_ns = gs_clock_ns() + DRAW_NS;
        }
        if (shown && status == GS_OK && !run->top->text)
            draw(run);
        if (last || status != GS_OK)
            break;
        now = gs_clock_ns();
        uint64_t next = gs_pace_next(&run->pace, now);
        wait_until(run, run->end_ns > 0 && run->end_ns < next ? run->end_ns : next);
    }
    return status;
}

/* The first look at the processors' time of every thread: shares of it are reckoned from here. */
static void begin_cpu(struct run *run)
{
    gs_text_clear(&run->line);
    for (size_t i = 0; i < GS_TOP_HEAD_LINES + run->model.row_count; i++)
        gs_top_line(&run->model, i, 0, &run->line);
}

enum gs_status gs_top_run(const struct gs_top *top, struct gs_err *err)
{
    struct run run = {.top = top};
    uint64_t now = gs_clock_ns();
    run.model = (struct gs_top_model){.target = top->target,
                                      .python = top->python,
                                      .lookup = top->lookup,
                                      .quality = gs_reader_quality(top->reader),
                                      .rate_hz = top->rate_hz};
    run.end_ns = top->duration_ns > 0 ? now + top->duration_ns : 0;
    gs_text_init(&run.line, top->console->utf8);
    gs_pace_init(&run.pace, top->rate_hz, now);
    prctl(PR_SET_TIMERSLACK, 1UL);
    enum gs_status status = sample(&run, true, err); /* a process that is gone by now gets no screen */
    if (status == GS_OK)
        status = gs_top_arrange(&run.model);
    if (status == GS_OK && !top->text)
        status = gs_screen_open(top->console->depth, err);
    bool began = status == GS_OK;
    if (began) {
        begin_cpu(&run);
        status = watch(&run, err);
    }
    if (!top->text)
        gs_screen_close();
    if (began && top->text && gs_top_arrange(&run.model) == GS_OK)
        print(&run);
    gs_text_fini(&run.line);
    gs_top_model_fini(&run.model);
    return status;
}
