/* Who is watched to find out why it hangs: from the first process to the last look. */
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/pace.h"
#include "base/room.h"
#include "session/signals.h"
#include "session/why_run.h"
#include "target/descendants.h"

#define DURATION_NS UINT64_C(2000000000)

static uint64_t duration_ns(const struct gs_why_run *run)
{
    return run->options.duration_us > 0 ? run->options.duration_us * 1000 : DURATION_NS;
}

static void forget(struct gs_why_session *session)
{
    if (session)
        gs_why_session_close(session);
    free(session);
}

static enum gs_status opened(void *context, struct gs_attach *attach, struct gs_err *err)
{
    struct gs_why_run *run = context;
    struct gs_why_session *session = calloc(1, sizeof *session);
    (void)err;
    if (!session || !gs_room((void **)&run->list, &run->room, run->count + 1, sizeof *run->list)) {
        free(session);
        return GS_NO_MEMORY;
    }
    enum gs_status status = gs_why_session_open(session, attach, &run->options.each);
    if (status)
        forget(session);
    else
        run->list[run->count++] = session;
    return status;
}

static void closed(void *context, struct gs_attach *attach, enum gs_status why)
{
    struct gs_why_run *run = context;
    (void)why;
    for (size_t i = 0; i < run->count; i++) {
        if (run->list[i]->attach != attach)
            continue;
        forget(run->list[i]);
        run->list[i] = run->list[--run->count];
        return;
    }
}

enum gs_status gs_why_run_open(struct gs_why_run *run, const struct gs_why_run_options *options, int *exit,
                               struct gs_err *err)
{
    struct gs_family_options family = options->family;
    struct gs_family_calls calls = {.context = run, .opened = opened, .closed = closed};
    *run = (struct gs_why_run){.options = *options, .begin_ns = gs_clock_ns()};
    family.verb = "watch";
    family.at_once = !family.program;
    family.named = GS_ATTACH_WHOLE;
    family.born = GS_ATTACH_GLANCE;
    family.hopeless = UINT64_C(1) << GS_NOT_PERMITTED;
    family.attach.reader.native = family.attach.core ? options->each.native : GS_NATIVE_NONE;
    enum gs_status status = gs_family_open(&run->family, &family, &calls, exit, err);
    if (!family.program)
        run->begin_ns = gs_clock_ns();
    return status;
}

/* ---- watching ---- */

/* One that runs another program now is another: that is to be found out about. */
static void let_go(struct gs_why_run *run, uint64_t now_ns)
{
    for (size_t i = run->count; i-- > 0;) {
        if (run->list[i]->ended == GS_EXECED)
            gs_family_forget(&run->family, run->list[i]->attach, GS_EXECED, now_ns);
    }
}

static enum gs_status look_at_each(struct gs_why_run *run, bool remember)
{
    for (size_t i = 0; i < run->count; i++) {
        enum gs_status status = gs_why_session_look(run->list[i]);
        if (status == GS_OK && remember)
            status = gs_why_session_remember(run->list[i]);
        if (status != GS_OK)
            return gs_fail(run->err, status, "cannot watch process %d any longer: %s",
                           (int)run->list[i]->attach->target->pid, gs_status_text(status));
    }
    return GS_OK;
}

static uint64_t look_due(void *context, uint64_t now_ns)
{
    struct gs_why_run *run = context;
    if (now_ns >= run->next_ns)
        run->next_ns = gs_pace_next(&run->pace, now_ns);
    return gs_least(run->next_ns, run->end_ns);
}

/* A program that was started comes into its waits while it is watched: those of the middle are compared with those of
 * the end. */
static enum gs_status look(void *context, uint64_t now_ns, bool woken)
{
    struct gs_why_run *run = context;
    bool remember = now_ns >= run->middle_ns;
    (void)woken;
    if (remember)
        run->middle_ns = UINT64_MAX;
    return look_at_each(run, remember);
}

/* The program itself when it becomes a Python, and others that it starts. */
static uint64_t follow_due(void *context, uint64_t now_ns)
{
    const struct gs_why_run *run = context;
    (void)now_ns;
    if (!run->family.spawned)
        return UINT64_MAX;
    return run->count == 0 ? run->next_ns : run->followed_ns + gs_descendants_poll_ns(run->family.descendants);
}

static enum gs_status follow(void *context, uint64_t now_ns, bool woken)
{
    struct gs_why_run *run = context;
    (void)woken;
    let_go(run, now_ns);
    run->followed_ns = now_ns;
    return gs_family_follow(&run->family, now_ns, run->err);
}

static bool is_over(void *context, uint64_t now_ns)
{
    struct gs_why_run *run = context;
    if (now_ns >= run->end_ns)
        return true;
    for (size_t i = 0; i < run->count; i++) {
        if (!run->list[i]->ended)
            return false;
    }
    return gs_family_over(&run->family);
}

enum gs_status gs_why_run_watch(struct gs_why_run *run, struct gs_err *err)
{
    uint64_t now_ns = gs_clock_ns();
    if (run->options.family.attach.core)
        return GS_OK;
    gs_signals_catch();
    run->err = err;
    run->end_ns = run->begin_ns + duration_ns(run);
    run->middle_ns = run->family.spawned ? run->end_ns - duration_ns(run) / 2 : UINT64_MAX;
    gs_pace_init(&run->pace, run->options.rate_hz, now_ns);
    run->loop = (struct gs_loop){
        .events = {{.context = run, .due = look_due, .run = look}, {.context = run, .due = follow_due, .run = follow}},
        .count = 2,
        .fd = -1,
        .context = run,
        .over = is_over};
    prctl(PR_SET_TIMERSLACK, 1UL);
    enum gs_status status = gs_loop_run(&run->loop);
    if (status != GS_OK || run->count > 0)
        return status;
    return gs_family_nobody(&run->family, "watched", true, err);
}

int gs_why_run_close(struct gs_why_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        forget(run->list[i]);
    free(run->list);
    run->list = NULL;
    run->count = 0;
    gs_family_close(&run->family);
    return gs_family_wait(&run->family);
}
