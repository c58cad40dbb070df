/* What belongs together while top runs: the session that samples or the recording that is played, the model that sums
 * up, the view that is drawn, and the keys. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/output.h"
#include "cmd/args.h"
#include "cmd/draw.h"
#include "cmd/message.h"
#include "cmd/top.h"
#include "cmd/top_program.h"
#include "cmd/wire.h"
#include "session/live_feed.h"
#include "session/replay.h"
#include "session/sampling.h"
#include "session/task_looks.h"
#include "view/screen.h"

/* The file that w writes on the screen of top. */
enum { NAME = 80, SAME_SECOND = 100 };

/* "gilspy-4242-20260131-120000.txt", or with "-2" and so on behind it. */
static bool choose_name(pid_t pid, char name[NAME])
{
    char time_text[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(time_text, sizeof time_text, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    snprintf(name, NAME, "gilspy-%d-%s.txt", (int)pid, time_text);
    for (int i = 2; faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0; i++) { /* a link is none of ours */
        if (i == SAME_SECOND)
            return false;
        snprintf(name, NAME, "gilspy-%d-%s-%d.txt", (int)pid, time_text, i);
    }
    return true;
}

static enum gs_status dump_one(const struct gs_args *args, pid_t pid, const struct gs_output *output,
                               struct gs_err *err)
{
    const struct gs_attach_options options = gs_wire_attach(args, output);
    struct gs_attach *attach;
    struct gs_console console;
    enum gs_status status = gs_attach_open(&attach, pid, &options, GS_ATTACH_WHOLE, err);
    if (status == GS_OK) {
        struct gs_dump shown = gs_wire_dump(attach, args);
        gs_console_init(&console, output->file, GS_COLOR_NEVER);
        status = gs_dump_text(&shown, &console, true);
        if (status)
            gs_fail(err, status, "cannot show process %d: %s", (int)pid, gs_status_text(status));
    }
    gs_attach_close(attach);
    return status;
}

/* Writes what `gilspy dump` shows of these processes now into a new file here, and what came of it into note. */
static void top_dump(const struct gs_args *args, const pid_t *pids, size_t count, char *note, size_t size)
{
    char name[NAME];
    struct gs_output output;
    struct gs_err err = {0}, why = {0};
    size_t written = 0;
    if (count == 0 || !choose_name(pids[0], name)) {
        snprintf(note, size, count == 0 ? "there is nobody to dump any more" : "too many dumps in one second");
        return;
    }
    enum gs_status status = gs_output_open(&output, name, &gs_to_user, &err);
    for (size_t i = 0; !status && i < count; i++) {
        if (written > 0)
            fputc('\n', output.file);
        written += dump_one(args, pids[i], &output, &why) == GS_OK;
    }
    if (!status)
        status = gs_output_close(&output, written > 0, &err);
    if (status)
        snprintf(note, size, "%.200s", err.what);
    else if (written == 0)
        snprintf(note, size, "%.200s", why.what);
    else
        snprintf(note, size, "wrote %s", name);
}

enum { DRAW_NS = 250000000, FIRST_NS = 60000000, ONCE_US = 1000000 };

struct top {
    struct gs_args args; /* as given, but for what the user changes */
    struct gs_live *live;
    struct gs_arena *arena;
    const struct gs_picture *picture; /* the last one, NULL: none yet */
    struct gs_view view;
    struct gs_grid grid;
    struct gs_live_feed feed;
    struct gs_task_looks tasks;
    struct gs_sampling *sampling;
    struct gs_replay *replay;   /* NULL: what is sampled is shown */
    struct gs_draw_whole whole; /* of the recording */
    struct gs_top_program program;
    struct gs_output output; /* of --once */
    struct gs_console console;
    uint64_t begin_ns, draw_ns;
    uint64_t taken;          /* samples, when it was drawn the last time */
    enum gs_status why;      /* the last process is no more */
    bool screen, quit, lost; /* lost: out of memory */
    bool skipped;            /* the recording is elsewhere than what was drawn */
};

/* ---- drawing ---- */

static uint64_t now_ns(const struct top *top)
{
    return top->replay ? gs_replay_now_ns(top->replay) : gs_clock_ns();
}

static void sum(const struct top *top, struct gs_run_end *end)
{
    if (top->replay)
        *end = top->whole.end;
    else
        gs_sampling_sum(top->sampling, end);
}

/* Where the recording is, for the head. */
static void tell_moment(struct top *top)
{
    struct gs_view_moment *moment = &top->view.moment;
    struct tm local;
    if (!top->replay)
        return;
    time_t second = (time_t)(gs_replay_realtime_ns(top->replay) / (int64_t)GS_NS_PER_S);
    strftime(moment->clock, sizeof moment->clock, "%H:%M:%S", localtime_r(&second, &local));
    moment->at_us = (gs_replay_now_ns(top->replay) - top->whole.end.begin_ns) / 1000;
    moment->length_us = (top->whole.end.end_ns - top->whole.end.begin_ns) / 1000;
    moment->speed = gs_replay_speed(top->replay);
}

static void take_picture(struct top *top, unsigned show)
{
    struct gs_run_end end;
    sum(top, &end);
    gs_live_quality(top->live, &end.quality);
    tell_moment(top);
    if (top->sampling)
        gs_sampling_locks(top->sampling, show & GS_SHOW_LOCKS || top->view.mode == GS_MODE_LOCKS);
    if (show & GS_SHOW_TASKS)
        top->lost |= gs_task_looks(&top->tasks, top->feed.attached, top->feed.count, top->live) != GS_OK;
    top->picture = gs_live_picture(top->live, top->arena, show, gs_view_thread(&top->view), now_ns(top));
    top->lost = top->lost || !top->picture;
}

/* The picture has the stack of the thread under the cursor; who that is turns out in drawing. */
static void draw(struct top *top, bool anew)
{
    int rows, columns;
    gs_screen_size(&rows, &columns);
    for (int i = 0; i < 2; i++) {
        uint32_t thread = gs_view_thread(&top->view);
        if (anew)
            take_picture(top, gs_view_shows(&top->view, columns));
        if (!top->picture || !gs_grid_begin(&top->grid, rows, columns))
            return;
        gs_view_draw(&top->view, top->picture, &top->grid);
        if (!anew || thread == gs_view_thread(&top->view))
            break;
    }
    gs_screen_show(&top->grid);
}

/* A screen that stands still can be looked at from all sides; a recording itself stands still. */
static void freeze(struct top *top)
{
    if (top->replay)
        gs_replay_pause(top->replay, top->view.paused);
    else if (top->view.paused)
        take_picture(top, GS_SHOW_ALL);
}

/* ---- keys ---- */

static void change_rate(struct top *top, bool faster)
{
    if (top->replay) {
        gs_replay_faster(top->replay, faster);
        return;
    }
    static const double rates_hz[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
    enum { RATES = sizeof rates_hz / sizeof *rates_hz };
    double now_hz = top->args.rate_hz, next_hz = now_hz;
    for (int i = 0; i < RATES; i++) {
        double rate_hz = rates_hz[faster ? i : RATES - 1 - i];
        if (faster ? rate_hz > now_hz : rate_hz < now_hz) {
            next_hz = rate_hz;
            break;
        }
    }
    top->args.rate_hz = next_hz;
    gs_sampling_rate(top->sampling, next_hz);
    gs_live_rate(top->live, next_hz);
    if (isinf(next_hz))
        snprintf(top->view.note, sizeof top->view.note, "as many samples as can be taken");
    else
        snprintf(top->view.note, sizeof top->view.note, "%g samples a second", next_hz);
}

static void dump(struct top *top)
{
    pid_t pids[16];
    size_t count = 0;
    if (top->replay) {
        snprintf(top->view.note, sizeof top->view.note, "a recording has no process of which to write a dump");
        return;
    }
    for (; count < top->feed.count && count < sizeof pids / sizeof *pids; count++)
        pids[count] = top->feed.attached[count]->target->pid;
    top_dump(&top->args, pids, count, top->view.note, sizeof top->view.note);
}

static void skip(struct top *top, enum gs_request request)
{
    static const int64_t by_ns[] = {
        [GS_REQUEST_BACK] = -1, [GS_REQUEST_FORWARD] = 1, [GS_REQUEST_FAR_BACK] = -30, [GS_REQUEST_FAR_FORWARD] = 30};
    if (top->replay)
        gs_replay_skip(top->replay, by_ns[request] * (int64_t)GS_NS_PER_S);
    else
        snprintf(top->view.note, sizeof top->view.note, "only in a recording one goes back and forward");
    top->skipped = top->replay;
}

static void obey(struct top *top, enum gs_request request)
{
    if (request != GS_REQUEST_QUIT)
        gs_top_program_stays(&top->program);
    switch (request) {
    case GS_REQUEST_QUIT:
        top->quit = gs_top_program_leaves(&top->program, top->sampling, top->view.note, sizeof top->view.note);
        break;
    case GS_REQUEST_RESET:
        gs_live_reset(top->live);
        freeze(top);
        break;
    case GS_REQUEST_PAUSE:
        freeze(top);
        break;
    case GS_REQUEST_DUMP:
        dump(top);
        break;
    case GS_REQUEST_FASTER:
    case GS_REQUEST_SLOWER:
        change_rate(top, request == GS_REQUEST_FASTER);
        break;
    case GS_REQUEST_BACK:
    case GS_REQUEST_FORWARD:
    case GS_REQUEST_FAR_BACK:
    case GS_REQUEST_FAR_FORWARD:
        skip(top, request);
        break;
    default:
        break;
    }
}

/* True: there is something else to show now. */
static bool read_keys(struct top *top)
{
    static const struct gs_picture nothing = {0};
    bool any = false;
    for (uint32_t key; !top->quit && (key = gs_screen_key()) != GS_KEY_NONE; any = true) {
        if (key == GS_KEY_CLOSED) {
            top->quit = true;
            break;
        }
        if (key != GS_KEY_RESIZED)
            obey(top, gs_view_key(&top->view, top->picture ? top->picture : &nothing, key));
    }
    return any;
}

/* ---- the session ---- */

/* Keys and drawing, on a screen; returns when that is due again, 0: it is to end. */
static uint64_t show(struct top *top, uint64_t clock_ns, bool woken)
{
    struct gs_run_end end;
    bool pressed = woken && read_keys(top);
    if (top->quit || top->lost)
        return 0;
    if (!top->picture)
        sum(top, &end);
    bool first = !top->picture && (end.samples > 0 || clock_ns - top->begin_ns >= FIRST_NS);
    if (pressed || first || (top->picture && clock_ns >= top->draw_ns)) {
        draw(top, top->replay || !top->view.paused);
        top->draw_ns = top->skipped ? 1 : gs_clock_ns() + DRAW_NS;
        top->skipped = false;
    }
    return top->picture ? top->draw_ns : top->begin_ns + FIRST_NS;
}

static uint64_t tick(void *context, uint64_t clock_ns, bool woken)
{
    struct top *top = context;
    uint64_t next_ns = gs_live_feed(&top->feed, clock_ns);
    if (!top->screen)
        return top->why && top->feed.count == 0 ? 0 : next_ns;
    if (top->feed.count == 0)
        gs_top_program_look(&top->program, top->sampling, top->view.note, sizeof top->view.note);
    return gs_least(next_ns, show(top, clock_ns, woken));
}

static void opened(void *context, struct gs_attach *attach)
{
    struct top *top = context;
    gs_live_feed_add(&top->feed, attach);
    top->why = GS_OK;
}

static void closed(void *context, struct gs_attach *attach, enum gs_status why)
{
    struct top *top = context;
    gs_live_feed_drop(&top->feed, attach);
    gs_live_ended(top->live, attach->target->pid);
    if (top->feed.count == 0) {
        top->why = why;
        snprintf(top->view.note, sizeof top->view.note, "%s; q ends", gs_status_text(why));
    }
}

static void closing(void *context)
{
    struct top *top = context;
    if (top->screen)
        return;
    gs_live_feed_cpu(&top->feed, gs_clock_ns());
    take_picture(top, 0);
}

/* The thread that samples and draws waits for ever; gs_sampling has said so. */
static void give_up(void *context)
{
    const struct top *top = context;
    if (top->screen)
        gs_screen_abandon();
    else
        gs_output_abandon(&top->output);
    _exit(gs_status_exit(GS_FAILED));
}

/* ---- the run ---- */

static enum gs_status prepare(struct top *top, const struct gs_args *args, struct gs_err *err)
{
    struct gs_selection selection = gs_draw_selection(args);
    top->args = *args;
    top->screen = !args->once;
    top->begin_ns = gs_clock_ns();
    if (args->once && args->duration_us == 0)
        top->args.duration_us = ONCE_US;
    top->live = gs_live_new(top->screen, &selection);
    top->arena = gs_arena_new();
    if (!top->live || !top->arena)
        return gs_fail(err, GS_NO_MEMORY, "cannot watch: out of memory");
    gs_live_rate(top->live, args->rate_hz);
    gs_live_feed_init(&top->feed, top->live, top->begin_ns);
    enum gs_status status = args->once ? gs_output_open(&top->output, args->output, &gs_to_user, err) : GS_OK;
    gs_console_init(&top->console, args->once && !status ? top->output.file : stdout, args->color);
    gs_view_init(&top->view, args->mode, top->console.utf8);
    top->view.patterns = selection.patterns;
    top->view.pattern_count = selection.pattern_count;
    top->view.full_files = args->verbose;
    if (!status && top->screen)
        status = gs_screen_able(err); /* rather before a program is started */
    if (!status)
        status = gs_top_program_open(&top->program, args, err);
    gs_top_program_introduce(&top->program, top->view.note, sizeof top->view.note);
    return status;
}

static enum gs_status run(struct top *top, int *exit, struct gs_err *err)
{
    struct gs_sampling_calls calls = {
        .context = top, .tick = tick, .opened = opened, .closed = closed, .closing = closing, .give_up = give_up};
    struct gs_sampling_options options = {.family = gs_wire_family(&top->args, top->screen ? NULL : &top->output),
                                          .rate_hz = top->args.rate_hz,
                                          .duration_us = top->args.duration_us,
                                          .each = true,
                                          .at_once = true,
                                          .keys = top->screen,
                                          .lasts = top->screen,
                                          .locks = top->args.mode == GS_MODE_LOCKS,
                                          .all_locks = true};
    options.family.manner.output = top->program.output;
    enum gs_status status = gs_sampling_open(&top->sampling, &options, gs_live_sink(top->live), &calls, exit, err);
    if (!status && top->screen)
        status = gs_screen_open(top->console.depth, err);
    if (!status)
        status = gs_sampling_run(top->sampling, err);
    gs_screen_close();
    if (status == GS_GONE && top->screen)
        status = GS_OK; /* the user was faster than the first sample */
    if (!status && top->lost)
        status = gs_fail(err, GS_NO_MEMORY, "cannot watch any longer: out of memory");
    return status;
}

/* ---- the same of a recording ---- */

static struct gs_sink *anew(void *context)
{
    struct top *top = context;
    struct gs_selection selection = gs_draw_selection(&top->args);
    gs_live_free(top->live);
    top->live = gs_live_new(top->screen, &selection);
    if (!top->live)
        return NULL;
    gs_live_rate(top->live, top->whole.rate_hz);
    return gs_live_sink(top->live);
}

static uint64_t tick_replay(void *context, uint64_t clock_ns, bool woken)
{
    struct top *top = context;
    if (top->screen)
        return show(top, clock_ns, woken);
    if (gs_replay_now_ns(top->replay) < top->whole.end.end_ns)
        return clock_ns + DRAW_NS;
    take_picture(top, 0);
    return 0;
}

static enum gs_status play(struct top *top, struct gs_join *recordings, struct gs_err *err)
{
    struct gs_replay_calls calls = {.context = top, .tick = tick_replay, .anew = anew};
    struct gs_replay_part part = {.from_ns = top->args.from_us * 1000,
                                  .to_ns = top->args.to_us ? top->args.to_us * 1000 : UINT64_MAX};
    enum gs_status status = gs_draw_whole(recordings, &top->whole, &top->args, err);
    part.begin_ns = top->whole.end.begin_ns;
    part.end_ns = top->whole.end.end_ns;
    if (!status && !(top->replay = gs_replay_new(recordings, &part, &calls)))
        status = gs_fail(err, GS_NO_MEMORY, "cannot play: out of memory");
    snprintf(top->view.note, sizeof top->view.note,
             "a recording: , . a second back, forward   < > half a minute   + - speed");
    if (!status && !top->screen)
        gs_replay_skip(top->replay, INT64_MAX);
    if (!status && top->screen)
        status = gs_screen_open(top->console.depth, err);
    if (!status)
        status = gs_replay_run(top->replay, err);
    gs_screen_close();
    if (!status && top->lost)
        status = gs_fail(err, GS_NO_MEMORY, "cannot play any longer: out of memory");
    return status;
}

static enum gs_status run_replay(struct top *top, struct gs_err *err)
{
    struct gs_join *recordings = gs_join_new();
    enum gs_status status = recordings ? gs_draw_open(recordings, top->args.words, top->args.word_count, err)
                                       : gs_fail(err, GS_NO_MEMORY, "cannot play: out of memory");
    if (!status)
        status = play(top, recordings, err);
    gs_replay_free(top->replay);
    gs_join_free(recordings);
    return status;
}

static enum gs_status print(struct top *top, enum gs_status status, struct gs_err *err)
{
    if (!status && top->picture)
        gs_view_print(&top->view, top->picture, &top->console);
    return gs_output_end(&top->output, status, err);
}

int gs_top_watch(const struct gs_args *args)
{
    struct top top = {0};
    struct gs_err err = {0};
    int exit = 0;
    enum gs_status status = prepare(&top, args, &err);
    bool opened_output = args->once && !status;
    if (!status)
        status = args->word_count > 0 ? run_replay(&top, &err) : run(&top, &exit, &err);
    if (opened_output)
        status = print(&top, status, &err);
    if (status)
        exit = err.what[0] || !exit ? gs_output_message(status, &err) : exit;
    else if (top.why && !args->quiet && !args->program)
        gs_remark("%s", gs_status_text(top.why));
    int child = gs_top_program_finish(&top.program, top.sampling, top.quit, args->quiet);
    if (child >= 0)
        exit = status ? gs_status_exit(GS_FAILED) : child;
    gs_sampling_close(top.sampling);
    gs_live_feed_fini(&top.feed);
    gs_task_looks_fini(&top.tasks);
    gs_view_fini(&top.view);
    gs_grid_fini(&top.grid);
    gs_arena_free(top.arena);
    gs_live_free(top.live);
    return exit;
}
