/* What a run of samples does in the loop: slots, births and ends, what its owner wants to do now and then. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/least.h"
#include "python/opcodes.h"
#include "session/control.h"
#include "session/lock_looks.h"
#include "session/loop.h"
#include "session/sampling.h"
#include "session/stuck.h"

enum {
    LOOK_NS = 500000000, /* how often to see to it that somebody is left, and runs */
    USUAL_HZ = 1000
};

/* The events, in the order in which they are run. */
enum { SAMPLE, FOLLOW, LOOK, TICK };

struct gs_sampling {
    struct gs_sampling_options options;
    struct gs_sampling_calls calls;
    struct gs_family family;
    struct gs_sampler *sampler;
    struct gs_loop loop;
    struct gs_lock_finder finder;
    struct gs_err *err;                          /* of the run */
    uint64_t begin_ns, end_ns, next_ns, tick_ns; /* next: of the samples */
    uint64_t followed_ns;                        /* when births were looked for; 0: not yet */
    bool ends;
    bool due, taken; /* a sample was due; that of next_ns is taken */
    /* A process that a signal stopped: how long it was seen so, up to looked_ns; stopped 0: none was. */
    pid_t stopped;
    bool frozen; /* by its cgroup */
    uint64_t stopped_ns, looked_ns;
    struct gs_attach *abandoned; /* the last one */
    sigset_t signals;            /* of the thread that samples */
};

/* Goes on without that process, in place of the thread that is stuck. */
static void *go_on(void *context)
{
    struct gs_sampling *sampling = context;
    struct gs_attach *attach = sampling->abandoned;
    pthread_sigmask(SIG_SETMASK, &sampling->signals, NULL);
    if (gs_sampler_drop(sampling->sampler, (uint64_t)(uintptr_t)attach, true))
        gs_tell(sampling->family.options.attach.remarks, "out of memory: the last profile of process %d is lost",
                (int)attach->target->pid);
    gs_family_abandon(&sampling->family, attach);
    sampling->calls.go_on(sampling->calls.context);
    return NULL;
}

/* False: no thread can be begun. */
static bool abandon(struct gs_sampling *sampling, struct gs_attach *attach, const struct gs_stuck *stuck)
{
    pthread_t thread;
    struct gs_err err;
    const struct gs_remarks *remarks = sampling->family.options.attach.remarks;
    if (!gs_watch_abandon(attach->watch))
        return true; /* it has just answered */
    sampling->abandoned = attach;
    gs_stuck_end(stuck, attach->target, "sample", remarks, &err);
    gs_tell_failure(remarks, GS_FAILED, &err);
    if (pthread_create(&thread, NULL, go_on, sampling))
        return false;
    pthread_detach(thread);
    return true;
}

static void give_up(void *context, struct gs_attach *attach, const struct gs_stuck *stuck)
{
    struct gs_sampling *sampling = context;
    const struct gs_attach_options *options = &sampling->family.options.attach;
    struct gs_err err;
    if (sampling->calls.go_on && !stuck->holding && abandon(sampling, attach, stuck))
        return;
    gs_stuck_tell(stuck, attach->target->pid, attach->target, true, options->remarks, &err);
    if (stuck->holding)
        options->end(options->context, &err);
    sampling->calls.give_up(sampling->calls.context);
}

static enum gs_status lacks(const struct gs_attach *attach, const char *what, const char *from, struct gs_err *err)
{
    gs_fail(err, GS_UNKNOWN_PYTHON, "cannot sample process %d: of CPython %s gilspy does not know %s",
            (int)attach->target->pid, attach->python->version, what);
    gs_err_todo(err, "It knows that of %s and later", from);
    return GS_UNKNOWN_PYTHON;
}

static enum gs_status opened(void *context, struct gs_attach *attach, struct gs_err *err)
{
    struct gs_sampling *sampling = context;
    enum gs_status status = GS_OK;
    if (sampling->options.exceptions && !gs_python_exceptions(attach->python))
        return lacks(attach, "which threads handle an exception", "3.7", err);
    if (sampling->options.opcodes && !gs_opcodes_known(&attach->python->layout))
        return lacks(attach, "the names of instructions", "3.8", err);
    if (sampling->options.polls)
        status = gs_reader_native(attach->reader, GS_NATIVE_LEAF, 0);
    if (!status)
        status = gs_sampler_add(sampling->sampler, (uint64_t)(uintptr_t)attach, attach->python, attach->reader,
                                attach->names);
    if (!status && sampling->calls.opened)
        sampling->calls.opened(sampling->calls.context, attach);
    return status;
}

static void closed(void *context, struct gs_attach *attach, enum gs_status why)
{
    struct gs_sampling *sampling = context;
    if (sampling->calls.closed)
        sampling->calls.closed(sampling->calls.context, attach, why);
}

static enum gs_status look_at_locks(void *context, uint64_t id, const struct gs_snapshot *snapshot,
                                    struct gs_lock_looks *looks)
{
    struct gs_sampling *sampling = context;
    return gs_lock_finder_look(&sampling->finder, (struct gs_attach *)(uintptr_t)id, snapshot, looks);
}

void gs_sampling_locks(struct gs_sampling *sampling, bool all)
{
    const struct gs_lock_looker looker = {sampling, look_at_locks};
    gs_sampler_locks(sampling->sampler, true, all ? &looker : NULL);
}

enum gs_status gs_sampling_open(struct gs_sampling **out, const struct gs_sampling_options *options,
                                struct gs_sink *sink, const struct gs_sampling_calls *calls, int *exit,
                                struct gs_err *err)
{
    struct gs_sampling *sampling = calloc(1, sizeof *sampling);
    *out = sampling;
    if (!sampling)
        return gs_fail(err, GS_NO_MEMORY, "cannot sample: out of memory");
    sampling->options = *options;
    sampling->calls = *calls;
    struct gs_family_options family = options->family;
    struct gs_family_calls family_calls = {.context = sampling, .opened = opened, .closed = closed, .give_up = give_up};
    family.verb = "sample";
    family.at_once = false;
    family.named = GS_ATTACH_WHOLE;
    family.born = GS_ATTACH_OPEN;
    enum gs_status status = gs_sampler_new(&sampling->sampler, options->rate_hz, sink);
    if (status)
        return gs_fail(err, status, "cannot sample: %s", gs_status_text(status));
    if (options->tasks)
        gs_sampler_tasks(sampling->sampler, options->suspended);
    if (options->opcodes)
        gs_sampler_opcodes(sampling->sampler);
    if (options->locks)
        gs_sampler_locks(sampling->sampler, options->all_locks, &(struct gs_lock_looker){sampling, look_at_locks});
    if (options->loops)
        gs_sampler_loops(sampling->sampler);
    if (options->joins)
        gs_sampler_join(sampling->sampler);
    if (options->polls)
        gs_sampler_poll(sampling->sampler,
                        options->long_us * 1000 / 2); /* so that it is known when it is long enough */
    status = gs_family_open(&sampling->family, &family, &family_calls, exit, err);
    sampling->begin_ns = gs_clock_ns();
    return status;
}

/* ---- in the loop ---- */

static uint64_t sample_due(void *context, uint64_t now_ns)
{
    struct gs_sampling *sampling = context;
    if (now_ns >= sampling->next_ns && (sampling->taken || gs_sampler_count(sampling->sampler) == 0))
        sampling->next_ns = gs_sampler_next_ns(sampling->sampler);
    if (sampling->calls.asked && gs_control_asked())
        sampling->next_ns = gs_least(sampling->next_ns, now_ns);
    uint64_t due_ns = gs_sampler_count(sampling->sampler) > 0 ? sampling->next_ns : UINT64_MAX;
    return gs_least(due_ns, gs_sampler_follow(sampling->sampler, now_ns));
}

static enum gs_status sample(void *context, uint64_t now_ns, bool woken)
{
    struct gs_sampling *sampling = context;
    enum gs_status status = GS_GONE;
    (void)woken;
    if (now_ns < sampling->next_ns || gs_sampler_count(sampling->sampler) == 0)
        return GS_OK; /* it was only to follow the GIL */
    sampling->due = sampling->taken = true;
    while (gs_status_class(status) == GS_CLASS_GONE) {
        uint64_t id;
        status = gs_sampler_take(sampling->sampler, &id);
        if (gs_status_class(status) != GS_CLASS_GONE)
            break;
        gs_family_forget(&sampling->family, (struct gs_attach *)(uintptr_t)id, status, gs_clock_ns());
        sampling->loop.events[FOLLOW].due_ns = 0; /* it may run another program */
    }
    if (sampling->options.each)
        sampling->loop.events[TICK].due_ns = 0;
    if (!status && sampling->calls.asked && gs_control_asked()) {
        gs_control_answered();
        status = sampling->calls.asked(sampling->calls.context);
    }
    return status ? gs_fail(sampling->err, status, "cannot sample any longer: %s", gs_status_text(status)) : GS_OK;
}

static uint64_t follow_due(void *context, uint64_t now_ns)
{
    const struct gs_sampling *sampling = context;
    (void)now_ns;
    return sampling->followed_ns ? gs_family_follow_ns(&sampling->family, sampling->followed_ns) : 0;
}

static enum gs_status follow(void *context, uint64_t now_ns, bool woken)
{
    struct gs_sampling *sampling = context;
    (void)woken;
    sampling->followed_ns = now_ns;
    return gs_family_follow(&sampling->family, now_ns, sampling->err);
}

static uint64_t tick_due(void *context, uint64_t now_ns)
{
    const struct gs_sampling *sampling = context;
    (void)now_ns;
    return sampling->calls.tick ? sampling->tick_ns : UINT64_MAX;
}

static enum gs_status tick(void *context, uint64_t now_ns, bool woken)
{
    struct gs_sampling *sampling = context;
    sampling->tick_ns = sampling->calls.tick(sampling->calls.context, now_ns, woken);
    sampling->ends = sampling->tick_ns == 0;
    return GS_OK;
}

/* At the end, too, so that it is noticed. */
static uint64_t look_due(void *context, uint64_t now_ns)
{
    const struct gs_sampling *sampling = context;
    (void)now_ns;
    return sampling->looked_ns ? gs_least(sampling->end_ns, sampling->looked_ns + LOOK_NS) : 0;
}

/* Who is told: what top shows is a screen. */
static const struct gs_remarks *listener(const struct gs_sampling *sampling)
{
    const struct gs_attach_options *options = &sampling->family.options.attach;
    return options->quiet || sampling->options.keys ? NULL : options->remarks;
}

/* A process that is stopped shows nothing that it does: that is told, lest it looks idle. */
static enum gs_status look_for_stopped(void *context, uint64_t now_ns, bool woken)
{
    struct gs_sampling *sampling = context;
    (void)woken;
    if (now_ns - sampling->looked_ns < LOOK_NS)
        return GS_OK;
    uint64_t since_ns = sampling->looked_ns ? now_ns - sampling->looked_ns : 0;
    sampling->looked_ns = now_ns;
    if (!listener(sampling))
        return GS_OK;
    for (size_t i = 0; i < sampling->family.count; i++) {
        const struct gs_attach *attach = sampling->family.members[i];
        if (sampling->stopped && sampling->stopped != attach->target->pid)
            continue;
        char stopped = gs_attach_stopped(attach, since_ns == 0 ? listener(sampling) : NULL);
        if (!stopped)
            continue;
        sampling->frozen = stopped == 'F';
        sampling->stopped = attach->target->pid;
        sampling->stopped_ns += since_ns;
        break;
    }
    return GS_OK;
}

static void tell_stopped(const struct gs_sampling *sampling)
{
    if (sampling->stopped_ns > 0)
        gs_tell(listener(sampling), "process %d was %s for %.1f s of the time", (int)sampling->stopped,
                sampling->frozen ? "frozen by its cgroup" : "stopped by a signal", (double)sampling->stopped_ns / 1e9);
}

/* The duration is, or nobody is sampled, and nobody will be. */
static bool is_over(void *context, uint64_t now_ns)
{
    struct gs_sampling *sampling = context;
    if (sampling->ends ||
        (!sampling->options.lasts && gs_sampler_count(sampling->sampler) == 0 && gs_family_over(&sampling->family)))
        return true;
    if (now_ns >= sampling->end_ns)
        gs_sampler_until(sampling->sampler, sampling->end_ns);
    return now_ns >= sampling->end_ns;
}

static enum gs_status loop(struct gs_sampling *sampling, struct gs_err *err)
{
    const struct gs_sampling_options *options = &sampling->options;
    sampling->loop = (struct gs_loop){
        .events =
            {[SAMPLE] = {.context = sampling, .due = sample_due, .run = sample},
             [FOLLOW] = {.context = sampling, .due = follow_due, .run = follow},
             [TICK] = {.context = sampling, .due = tick_due, .run = sampling->calls.tick ? tick : NULL, .wakes = true},
             [LOOK] = {.context = sampling, .due = look_due, .run = look_for_stopped}},
        .count = TICK + 1,
        .fd = options->keys ? STDIN_FILENO : -1,
        .context = sampling,
        .over = is_over};
    sampling->err = err;
    sampling->end_ns = options->duration_us > 0 ? sampling->begin_ns + options->duration_us * 1000 : UINT64_MAX;
    sampling->next_ns = options->at_once ? sampling->begin_ns : gs_sampler_next_ns(sampling->sampler);
    if (options->rate_hz > USUAL_HZ)
        prctl(PR_SET_TIMERSLACK, 1UL); /* else each sleep ends 50 us late, which is of a short slot too much */
    return gs_loop_run(&sampling->loop);
}

enum gs_status gs_sampling_run(struct gs_sampling *sampling, struct gs_err *err)
{
    struct gs_run_end end;
    pthread_sigmask(SIG_SETMASK, NULL, &sampling->signals);
    enum gs_status status = loop(sampling, err), ended = GS_OK;
    if (sampling->calls.closing)
        sampling->calls.closing(sampling->calls.context);
    tell_stopped(sampling);
    gs_sampler_sum(sampling->sampler, &end);
    if (status != GS_OUTPUT)
        ended = gs_sampler_end(sampling->sampler);
    if (!status && ended)
        return gs_fail(err, ended, "cannot finish the recording: %s", gs_status_text(ended));
    if (status || end.samples > 0)
        return status;
    return gs_family_nobody(&sampling->family, "recorded", sampling->due || sampling->family.count == 0, err);
}

void gs_sampling_rate(struct gs_sampling *sampling, double rate_hz)
{
    gs_sampler_rate(sampling->sampler, rate_hz);
    sampling->next_ns = gs_sampler_next_ns(sampling->sampler);
}

enum gs_status gs_sampling_review(struct gs_sampling *sampling)
{
    struct gs_search search = *sampling->family.options.host;
    enum gs_status status = GS_OK;
    search.full = false;
    for (size_t i = sampling->family.count; i-- > 0 && !status;) {
        struct gs_attach *attach = sampling->family.members[i];
        if (gs_search_fits(&search, attach->target->pid))
            continue;
        status = gs_sampler_drop(sampling->sampler, (uint64_t)(uintptr_t)attach, false);
        gs_family_forget(&sampling->family, attach, GS_GONE, gs_clock_ns());
    }
    return status;
}

void gs_sampling_sum(const struct gs_sampling *sampling, struct gs_run_end *end)
{
    gs_sampler_sum(sampling->sampler, end);
}

uint64_t gs_sampling_missed(const struct gs_sampling *sampling)
{
    return gs_family_missed(&sampling->family);
}

int gs_sampling_wait(struct gs_sampling *sampling)
{
    return gs_family_wait(&sampling->family);
}

struct gs_spawn *gs_sampling_program(struct gs_sampling *sampling)
{
    return sampling->family.spawned ? &sampling->family.spawn : NULL;
}

void gs_sampling_close(struct gs_sampling *sampling)
{
    if (!sampling)
        return;
    gs_sampler_free(sampling->sampler);
    gs_family_close(&sampling->family);
    gs_lock_finder_fini(&sampling->finder);
    free(sampling);
}
