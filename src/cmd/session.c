/* The loop around the sampler: slots, births and deaths, signals. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/room.h"
#include "base/clock.h"
#include "base/least.h"
#include "base/watch.h"
#include "cmd/look.h"
#include "cmd/message.h"
#include "cmd/nobody.h"
#include "cmd/session.h"
#include "cmd/signals.h"
#include "cmd/stuck.h"
#include "target/nested.h"
#include "target/kin.h"

enum {
    LOOK_NS = 500000000, /* how often to see to it that somebody is left */
    USUAL_HZ = 1000,
    AWAKE_NS = 1000000 /* at the highest rates there is no sleep, but signals are let in so often */
};

struct gs_session {
    const struct gs_args *args;
    struct gs_session_calls calls;
    struct gs_sampler *sampler;
    struct gs_kin *kin;
    struct gs_spawn spawn;
    bool spawned;
    struct gs_look **looks; /* of those that are sampled; its address is the sampler's id */
    size_t look_count, look_room;
    uint64_t begin_ns, next_ns, tick_ns, slept_ns; /* next: of the samples */
    bool woken, ends;
    bool due; /* a sample was */
    /* A process that a signal stopped: how long it was seen so, up to looked_ns; stopped 0: none was. */
    pid_t stopped;
    uint64_t stopped_ns, looked_ns;
    sigset_t waiting;
};

static void give_up(const struct gs_stuck *stuck, void *context)
{
    struct gs_session *session = context;
    struct gs_err err;
    const struct gs_target *target = session->look_count > 0 ? session->looks[0]->target : NULL;
    gs_stuck_tell(stuck, target ? target->pid : 0, target, true, &err);
    if (stuck->holding)
        _exit(gs_message(GS_FAILED, &err));
    session->calls.give_up(session->calls.context);
}

static enum gs_status keep(struct gs_session *session, struct gs_look *look)
{
    if (!gs_room((void **)&session->looks, &session->look_room, session->look_count + 1, sizeof *session->looks))
        return GS_NO_MEMORY;
    session->looks[session->look_count++] = look;
    return GS_OK;
}

static bool is_sampled(const struct gs_session *session, pid_t pid)
{
    for (size_t i = 0; i < session->look_count; i++) {
        if (session->looks[i]->target->pid == pid)
            return true;
    }
    return false;
}

/* Opens a process and begins to sample it, unless that is done already: it may have been named twice. */
static enum gs_status adopt(struct gs_session *session, pid_t pid, enum gs_look_depth depth, struct gs_err *err)
{
    struct gs_look *look;
    enum gs_status status = gs_look_open(&look, pid, session->args, depth, err);
    if (!status && is_sampled(session, look->target->pid)) {
        gs_look_close(look);
        return GS_OK;
    }
    if (!status) {
        status = gs_watch_guard(look->watch, give_up, session);
        if (!status && session->calls.polls)
            status = gs_reader_native(look->reader, GS_NATIVE_LEAF, 0);
        if (!status)
            status =
                gs_sampler_add(session->sampler, (uint64_t)(uintptr_t)look, look->python, look->reader, look->names);
        if (!status)
            status = keep(session, look);
        if (!status && session->calls.opened)
            session->calls.opened(session->calls.context, look);
        if (status)
            gs_fail(err, status, "cannot sample process %d: %s", (int)pid, gs_status_text(status));
    }
    if (status)
        gs_look_close(look);
    return status;
}

static void forget(struct gs_session *session, uint64_t id, enum gs_status why, uint64_t now_ns)
{
    struct gs_look *look = (struct gs_look *)(uintptr_t)id;
    gs_kin_again(session->kin, look->target->pid, now_ns);
    for (size_t i = 0; i < session->look_count; i++) {
        if (session->looks[i] == look) {
            session->looks[i] = session->looks[--session->look_count];
            break;
        }
    }
    if (session->calls.closed)
        session->calls.closed(session->calls.context, look, why);
    gs_look_close(look);
    if (session->spawned)
        gs_spawn_ended(&session->spawn);
}

/* The processes that were named must be there; the others that they started come by and by. */
static enum gs_status open_named(struct gs_session *session, int *exit, struct gs_err *err)
{
    const struct gs_args *args = session->args;
    enum gs_status first = GS_OK;
    session->kin = gs_kin_new(args->pids, args->pid_count, args->subprocesses);
    if (!session->kin)
        return gs_fail(err, GS_NO_MEMORY, "cannot sample: out of memory");
    for (size_t i = 0; i < args->pid_count; i++) {
        struct gs_err why = {0};
        enum gs_status status = adopt(session, args->pids[i], GS_LOOK_WHOLE, &why);
        gs_kin_tried(session->kin, args->pids[i], status == GS_OK, gs_clock_ns());
        if (status == GS_OK)
            continue;
        if (args->subprocesses && status == GS_NOT_PYTHON)
            continue; /* a shell that starts Pythons, for one */
        gs_nested_hint(&why, status, args->pids[i]);
        if (args->pid_count > 1)
            *exit = gs_message(status, &why);
        first = first ? first : status;
        *err = why;
    }
    if (session->look_count > 0 || (first == GS_OK && args->subprocesses))
        return GS_OK;
    if (args->pid_count > 1)
        err->what[0] = '\0'; /* told already */
    return first;
}

enum gs_status gs_session_open(struct gs_session **out, const struct gs_args *args, struct gs_sink *sink,
                               const struct gs_session_calls *calls, int *exit, struct gs_err *err)
{
    struct gs_session *session = calloc(1, sizeof *session);
    *out = session;
    if (!session)
        return gs_fail(err, GS_NO_MEMORY, "cannot sample: out of memory");
    session->args = args;
    session->calls = *calls;
    struct gs_spawn_manner manner = {.user = args->user, .foster = args->subprocesses, .output = calls->output};
    enum gs_status status = args->program ? gs_spawn_start(&session->spawn, args->program, &manner, err) : GS_OK;
    session->spawned = args->program && status == GS_OK;
    gs_signals_catch(&session->waiting);
    if (session->spawned) {
        gs_signals_wake_for_children();
        session->kin = gs_kin_new(&session->spawn.pid, 1, args->subprocesses);
        if (session->kin)
            gs_kin_foster(session->kin, getpid());
    }
    if (!status) {
        status = gs_sampler_new(&session->sampler, args->rate_hz, sink);
        if (status)
            gs_fail(err, status, "cannot sample: %s", gs_status_text(status));
    }
    if (!status && calls->polls)
        gs_sampler_poll(session->sampler, args->long_us * 1000 / 2); /* so that it is known when it is long enough */
    if (!status && session->spawned && !session->kin)
        status = gs_fail(err, GS_NO_MEMORY, "cannot sample: out of memory");
    if (!status && !session->spawned)
        status = open_named(session, exit, err);
    session->begin_ns = gs_clock_ns();
    return status;
}

/* Processes that were born, or became Pythons. */
static enum gs_status take_in(struct gs_session *session, uint64_t now_ns, struct gs_err *err)
{
    enum gs_status status = gs_kin_poll(session->kin, now_ns);
    if (status)
        return gs_fail(err, status, "cannot sample: %s", gs_status_text(status));
    for (pid_t pid; (pid = gs_kin_next(session->kin, now_ns)) > 0;) {
        struct gs_err why = {0};
        status = adopt(session, pid, GS_LOOK_OPEN, &why);
        gs_kin_tried(session->kin, pid, status == GS_OK, gs_clock_ns());
        if (status == GS_NO_MEMORY || status == GS_OUTPUT) {
            *err = why;
            return status;
        }
    }
    return GS_OK;
}

static enum gs_status sample(struct gs_session *session, struct gs_err *err)
{
    for (;;) {
        uint64_t id;
        enum gs_status status = gs_sampler_take(session->sampler, &id);
        if (gs_status_class(status) == GS_CLASS_GONE) {
            forget(session, id, status, gs_clock_ns());
            continue;
        }
        if (status)
            gs_fail(err, status, "cannot sample any longer: %s", gs_status_text(status));
        return status;
    }
}

/* Nobody is sampled, and nobody will be. */
static bool is_over(struct gs_session *session)
{
    if (gs_sampler_count(session->sampler) > 0)
        return false;
    return session->spawned ? gs_spawn_ended(&session->spawn) : gs_kin_count(session->kin) == 0;
}

/* A process that is stopped shows nothing that it does: that is told, lest it looks idle. */
static void look_for_stopped(struct gs_session *session, uint64_t now_ns)
{
    if (now_ns - session->looked_ns < LOOK_NS)
        return;
    uint64_t since_ns = session->looked_ns ? now_ns - session->looked_ns : 0;
    session->looked_ns = now_ns;
    for (size_t i = 0; i < session->look_count; i++) {
        const struct gs_target *target = session->looks[i]->target;
        pid_t tracer;
        if ((session->stopped && session->stopped != target->pid) || gs_target_stopped(target, &tracer) != 'T')
            continue;
        if (since_ns == 0 && !session->args->quiet && !session->calls.keys)
            gs_remark("process %d is stopped by a signal: none of its threads runs until kill -CONT %d",
                      (int)target->pid, (int)target->pid);
        session->stopped = target->pid;
        session->stopped_ns += since_ns;
        return;
    }
}

static void tell_stopped(const struct gs_session *session)
{
    if (session->stopped_ns > 0 && !session->args->quiet && !session->calls.keys)
        gs_remark("process %d was stopped by a signal for %.1f s of the time", (int)session->stopped,
                  (double)session->stopped_ns / 1e9);
}

static void tick(struct gs_session *session, uint64_t now_ns, bool sampled)
{
    bool due = now_ns >= session->tick_ns || session->woken || (sampled && session->calls.each);
    if (!session->calls.tick || !due)
        return;
    session->tick_ns = session->calls.tick(session->calls.context, now_ns, session->woken);
    session->ends = session->tick_ns == 0;
    session->woken = false;
}

static enum gs_status loop(struct gs_session *session, struct gs_err *err)
{
    const struct gs_args *args = session->args;
    uint64_t end_ns = args->duration_us > 0 ? session->begin_ns + args->duration_us * 1000 : UINT64_MAX;
    session->next_ns = session->calls.at_once ? session->begin_ns : gs_sampler_next_ns(session->sampler);
    enum gs_status status = GS_OK;
    if (args->rate_hz > USUAL_HZ)
        prctl(PR_SET_TIMERSLACK, 1UL); /* else each sleep ends 50 us late, which is of a short slot too much */
    for (;;) {
        uint64_t now_ns = gs_clock_ns();
        bool sampled = now_ns >= session->next_ns && gs_sampler_count(session->sampler) > 0;
        session->due = session->due || sampled;
        if (!status && sampled)
            status = sample(session, err);
        if (!status)
            status = take_in(session, now_ns, err);
        look_for_stopped(session, now_ns);
        if (!status)
            tick(session, now_ns, sampled);
        bool over = session->ends || (!session->calls.lasts && is_over(session)) || gs_signals_ended();
        if (!over && now_ns >= end_ns)
            gs_sampler_until(session->sampler, end_ns);
        if (status || over || now_ns >= end_ns)
            return status;
        if (now_ns >= session->next_ns)
            session->next_ns = gs_sampler_next_ns(session->sampler);
        uint64_t wake_ns = gs_sampler_count(session->sampler) > 0 ? session->next_ns : UINT64_MAX;
        if (gs_kin_count(session->kin) > gs_sampler_count(session->sampler) || args->subprocesses)
            wake_ns = gs_least(wake_ns, now_ns + GS_KIN_POLL_NS);
        wake_ns = gs_least(gs_least(wake_ns, end_ns), now_ns + LOOK_NS);
        if (session->calls.tick)
            wake_ns = gs_least(wake_ns, session->tick_ns);
        wake_ns = gs_least(wake_ns, gs_sampler_follow(session->sampler, now_ns));
        if (now_ns - session->slept_ns < AWAKE_NS && gs_signals_awake(wake_ns))
            continue;
        session->woken = gs_signals_wait(wake_ns, session->calls.keys ? STDIN_FILENO : -1, &session->waiting);
        session->slept_ns = now_ns;
    }
}

enum gs_status gs_session_run(struct gs_session *session, struct gs_err *err)
{
    struct gs_run_end end;
    enum gs_status status = loop(session, err), ended = GS_OK;
    if (session->calls.closing)
        session->calls.closing(session->calls.context);
    tell_stopped(session);
    gs_sampler_sum(session->sampler, &end);
    if (status != GS_OUTPUT)
        ended = gs_sampler_end(session->sampler);
    if (!status && ended)
        return gs_fail(err, ended, "cannot finish the recording: %s", gs_status_text(ended));
    if (status || end.samples > 0)
        return status;
    struct gs_nobody nobody = {"recorded", .over = !session->spawned || gs_spawn_ended(&session->spawn),
                               .due = session->due || session->look_count == 0};
    return gs_nobody_tell(&nobody, session->args, err);
}

void gs_session_rate(struct gs_session *session, double rate_hz)
{
    gs_sampler_rate(session->sampler, rate_hz);
    session->next_ns = gs_sampler_next_ns(session->sampler);
}

void gs_session_sum(const struct gs_session *session, struct gs_run_end *end)
{
    gs_sampler_sum(session->sampler, end);
}

uint64_t gs_session_missed(const struct gs_session *session)
{
    return session->kin ? gs_kin_missed(session->kin) : 0;
}

int gs_session_wait(struct gs_session *session)
{
    return session->spawned ? gs_spawn_wait(&session->spawn, &session->waiting) : -1;
}

struct gs_spawn *gs_session_program(struct gs_session *session)
{
    return session->spawned ? &session->spawn : NULL;
}

void gs_session_close(struct gs_session *session)
{
    if (!session)
        return;
    gs_sampler_free(session->sampler);
    for (size_t i = 0; i < session->look_count; i++)
        gs_look_close(session->looks[i]);
    free(session->looks);
    gs_kin_free(session->kin);
    free(session);
}
