/* A sink that lets each sample wait until its moment has come. To go back is to play anew from the beginning, without
 * waiting: whoever sums up has then summed up what it would have when that moment came the first time. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/room.h"
#include "session/loop.h"
#include "session/replay.h"
#include "session/signals.h"

enum { BUSY_NS = 50000000 /* where nothing waits, keys are read so often */ };

static const double speeds[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100};
enum { SPEEDS = sizeof speeds / sizeof *speeds, USUAL = 3 };

struct gs_replay {
    struct gs_sink sink; /* first */
    struct gs_sink *to;
    struct gs_join *recordings;
    struct gs_replay_part part;
    struct gs_replay_calls calls;
    int64_t realtime_ns; /* at part.begin_ns */
    uint64_t at_ns;      /* of the recording: it was there */
    uint64_t since_ns;   /* then, on our own clock; 0: it is to get there without waiting */
    uint64_t passed_ns;  /* on the way there: the last sample */
    uint64_t due_ns;     /* of the recording: what is waited for */
    uint64_t tick_ns;
    int speed;
    bool paused, again, quit;
    struct newcomer { /* threads that the next sample has */
        uint32_t number;
        struct gs_sampled_thread thread;
    } * newcomers;
    size_t newcomer_count, newcomer_room;
};

static double speed(const struct gs_replay *replay)
{
    return replay->paused ? 0 : speeds[replay->speed];
}

/* Where it would be if nothing held it up. */
static uint64_t reached_ns(const struct gs_replay *replay)
{
    double passed_ns = replay->since_ns ? (double)(gs_clock_ns() - replay->since_ns) * speed(replay) : 0;
    uint64_t left_ns = replay->part.end_ns - gs_least(replay->at_ns, replay->part.end_ns);
    return replay->at_ns + (passed_ns < (double)left_ns ? (uint64_t)passed_ns : left_ns);
}

uint64_t gs_replay_now_ns(const struct gs_replay *replay)
{
    return replay->since_ns ? reached_ns(replay) : replay->passed_ns;
}

/* From now on it goes from here, at the speed that there is. */
static void settle(struct gs_replay *replay)
{
    replay->at_ns = reached_ns(replay);
    replay->since_ns = replay->since_ns ? gs_clock_ns() : 0;
}

static void tick(struct gs_replay *replay, uint64_t now_ns, bool woken)
{
    replay->tick_ns = replay->calls.tick(replay->calls.context, now_ns, woken);
    replay->quit = replay->quit || replay->tick_ns == 0;
}

/* ---- waiting ---- */

static uint64_t tick_due(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct gs_replay *)context)->tick_ns;
}

static enum gs_status run_tick(void *context, uint64_t now_ns, bool woken)
{
    tick(context, now_ns, woken);
    return GS_OK;
}

static uint64_t moment_due(void *context, uint64_t now_ns)
{
    const struct gs_replay *replay = context;
    uint64_t reached = reached_ns(replay);
    double wait_ns = speed(replay) > 0 ? (double)(replay->due_ns - gs_least(replay->due_ns, reached)) / speed(replay)
                                       : (double)UINT64_MAX;
    return wait_ns < (double)INT64_MAX ? now_ns + (uint64_t)wait_ns : UINT64_MAX;
}

static bool has_come(void *context, uint64_t now_ns)
{
    const struct gs_replay *replay = context;
    (void)now_ns;
    return replay->quit || replay->again || !replay->since_ns || reached_ns(replay) >= replay->due_ns;
}

/* GS_GONE: it is to go no further. */
static enum gs_status wait_until(struct gs_replay *replay, uint64_t due_ns)
{
    struct gs_loop loop = {.events = {{.context = replay, .due = tick_due, .run = run_tick, .wakes = true},
                                      {.context = replay, .due = moment_due}},
                           .count = 2,
                           .fd = STDIN_FILENO,
                           .context = replay,
                           .over = has_come};
    enum gs_status status = GS_OK;
    replay->due_ns = due_ns;
    if (!replay->since_ns && replay->at_ns < due_ns) { /* it has got where it was to go */
        replay->since_ns = gs_clock_ns();
        replay->tick_ns = replay->since_ns;
    }
    if (!has_come(replay, 0))
        status = gs_loop_run(&loop);
    else if (gs_clock_ns() >= replay->tick_ns + BUSY_NS)
        tick(replay, gs_clock_ns(), true);
    replay->quit = replay->quit || gs_signals_ended();
    return !status && (replay->quit || replay->again) ? GS_GONE : status;
}

/* ---- the sink ---- */

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_replay *replay = (struct gs_replay *)sink;
    replay->realtime_ns = run->realtime_ns;
    replay->newcomer_count = 0;
    return replay->to->begin ? replay->to->begin(replay->to, run) : GS_OK;
}

static enum gs_status process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_sink *to = ((struct gs_replay *)sink)->to;
    return to->process ? to->process(to, number, process) : GS_OK;
}

/* Nobody sees it before its sample has come. */
static enum gs_status thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_replay *replay = (struct gs_replay *)sink;
    if (!gs_room((void **)&replay->newcomers, &replay->newcomer_room, replay->newcomer_count + 1,
                 sizeof *replay->newcomers))
        return GS_NO_MEMORY;
    replay->newcomers[replay->newcomer_count++] = (struct newcomer){number, *thread};
    return GS_OK;
}

static enum gs_status sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_replay *replay = (struct gs_replay *)sink;
    enum gs_status status = wait_until(replay, sample->time_ns);
    replay->passed_ns = sample->time_ns;
    for (size_t i = 0; i < replay->newcomer_count && !status; i++)
        status = replay->to->thread(replay->to, replay->newcomers[i].number, &replay->newcomers[i].thread);
    replay->newcomer_count = 0;
    return status ? status : replay->to->sample(replay->to, sample);
}

static enum gs_status forget(struct gs_sink *sink)
{
    struct gs_sink *to = ((struct gs_replay *)sink)->to;
    return to->forget ? to->forget(to) : GS_OK;
}

/* What was summed up is looked at for as long as anybody wants to. */
static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_replay *replay = (struct gs_replay *)sink;
    (void)end;
    enum gs_status status = GS_OK;
    replay->tick_ns = 1;
    while (!status)
        status = wait_until(replay, UINT64_MAX);
    return status;
}

/* ---- the run ---- */

struct gs_replay *gs_replay_new(struct gs_join *recordings, const struct gs_replay_part *part,
                                const struct gs_replay_calls *calls)
{
    struct gs_replay *replay = malloc(sizeof *replay);
    if (!replay)
        return NULL;
    *replay = (struct gs_replay){.sink = {begin, process, thread, sample, forget, end},
                                 .recordings = recordings,
                                 .part = *part,
                                 .calls = *calls,
                                 .at_ns = part->begin_ns,
                                 .since_ns = gs_clock_ns(),
                                 .speed = USUAL};
    return replay;
}

void gs_replay_free(struct gs_replay *replay)
{
    if (replay)
        free(replay->newcomers);
    free(replay);
}

enum gs_status gs_replay_run(struct gs_replay *replay, struct gs_err *err)
{
    enum gs_status status;
    gs_signals_catch();
    do {
        replay->again = false;
        replay->to = replay->calls.anew(replay->calls.context);
        status = replay->to
                     ? gs_join_play(replay->recordings, &replay->sink, replay->part.from_ns, replay->part.to_ns, err)
                     : gs_fail(err, GS_NO_MEMORY, "cannot play: out of memory");
    } while (replay->again && status == GS_GONE);
    return status == GS_GONE && replay->quit ? GS_OK : status;
}

int64_t gs_replay_realtime_ns(const struct gs_replay *replay)
{
    return replay->realtime_ns + (int64_t)(gs_replay_now_ns(replay) - replay->part.begin_ns);
}

double gs_replay_speed(const struct gs_replay *replay)
{
    return speeds[replay->speed];
}

void gs_replay_faster(struct gs_replay *replay, bool faster)
{
    settle(replay);
    replay->speed += faster ? replay->speed + 1 < SPEEDS : -(replay->speed > 0);
}

void gs_replay_pause(struct gs_replay *replay, bool pause)
{
    settle(replay);
    replay->paused = pause;
}

void gs_replay_skip(struct gs_replay *replay, int64_t by_ns)
{
    uint64_t from_ns = reached_ns(replay), before_ns = from_ns - gs_least(replay->part.begin_ns, from_ns);
    replay->passed_ns = gs_replay_now_ns(replay);
    if (by_ns < 0)
        replay->at_ns = from_ns - gs_least((uint64_t)-by_ns, before_ns);
    else
        replay->at_ns = gs_least(from_ns + (uint64_t)by_ns, replay->part.end_ns);
    replay->again = replay->again || by_ns < 0;
    replay->since_ns = 0;
}
