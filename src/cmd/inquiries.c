/* Who is watched to find out why it hangs: from the command line to the last look. */
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pace.h"
#include "base/room.h"
#include "cmd/family.h"
#include "cmd/inquiries.h"
#include "cmd/message.h"
#include "cmd/nobody.h"
#include "cmd/signals.h"
#include "cmd/stuck.h"
#include "target/kin.h"
#include "target/nested.h"

#define DURATION_NS UINT64_C(2000000000)

static uint64_t duration_ns(const struct gs_inquiries *all)
{
    return all->args->duration_us > 0 ? all->args->duration_us * 1000 : DURATION_NS;
}

/* The thread that looks waits for ever: nothing is left but to say so. */
static void give_up(const struct gs_stuck *stuck, void *context)
{
    _exit(gs_stuck_end(stuck, context, "watch"));
}

static bool is_watched(const struct gs_inquiries *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i]->look->target->pid == pid)
            return true;
    }
    return false;
}

static void forget(struct gs_inquiry *inquiry)
{
    if (inquiry)
        gs_inquiry_close(inquiry);
    free(inquiry);
}

/* Opens a process and begins to watch it, unless that is done already. */
static enum gs_status adopt(struct gs_inquiries *all, pid_t pid, enum gs_look_depth depth, struct gs_err *err)
{
    struct gs_inquiry *inquiry = calloc(1, sizeof *inquiry);
    if (!inquiry || !gs_room((void **)&all->list, &all->room, all->count + 1, sizeof *all->list)) {
        free(inquiry);
        return gs_fail(err, GS_NO_MEMORY, "cannot watch process %d: out of memory", (int)pid);
    }
    enum gs_status status = gs_inquiry_open(inquiry, pid, all->args, depth, err);
    if (status == GS_OK && is_watched(all, inquiry->look->target->pid)) {
        forget(inquiry);
        return GS_OK;
    }
    if (status == GS_OK && !all->args->core) {
        status = gs_watch_guard(inquiry->look->watch, give_up, inquiry->look->target);
        if (status != GS_OK)
            gs_fail(err, status, "cannot watch process %d: %s", (int)pid, gs_status_text(status));
    }
    if (status == GS_OK)
        all->list[all->count++] = inquiry;
    else
        forget(inquiry);
    return status;
}

/* The processes of a family; children that are no Python, or gone, are left out. */
static enum gs_status open_family(struct gs_inquiries *all, const struct gs_family *family, int *exit,
                                  struct gs_err *err)
{
    enum gs_status first = GS_OK;
    for (size_t i = 0; i < family->count; i++) {
        struct gs_err why = {0};
        enum gs_status status = adopt(all, family->pids[i], GS_LOOK_WHOLE, &why);
        bool child = i >= family->named &&
                     (status == GS_NOT_PYTHON || status == GS_NO_PROCESS || gs_status_class(status) == GS_CLASS_GONE);
        if (status == GS_OK || child)
            continue;
        if (i < family->named)
            gs_nested_hint(&why, status, family->pids[i]);
        if (family->count > 1) {
            int failed = gs_message(status, &why);
            *exit = *exit ? *exit : failed;
        } else {
            *err = why;
        }
        first = first ? first : status;
    }
    return all->count > 0 ? GS_OK : first;
}

static enum gs_status start(struct gs_inquiries *all, struct gs_err *err)
{
    const struct gs_args *args = all->args;
    const struct gs_spawn_manner manner = {.user = args->user, .foster = args->subprocesses};
    all->begin_ns = gs_clock_ns();
    enum gs_status status = gs_spawn_start(&all->spawn, args->program, &manner, err);
    all->spawned = status == GS_OK;
    gs_signals_catch(&all->waiting);
    if (status != GS_OK)
        return status;
    gs_signals_wake_for_children();
    all->kin = gs_kin_new(&all->spawn.pid, 1, args->subprocesses);
    if (!all->kin)
        return gs_fail(err, GS_NO_MEMORY, "cannot watch: out of memory");
    gs_kin_foster(all->kin, getpid());
    return GS_OK;
}

enum gs_status gs_inquiries_open(struct gs_inquiries *all, const struct gs_args *args, int *exit, struct gs_err *err)
{
    struct gs_family family;
    *all = (struct gs_inquiries){.args = args};
    if (args->program)
        return start(all, err);
    if (args->core)
        return adopt(all, 0, GS_LOOK_WHOLE, err);
    enum gs_status status = gs_family_init(&family, args, err);
    if (status == GS_OK)
        status = open_family(all, &family, exit, err);
    gs_family_fini(&family);
    all->begin_ns = gs_clock_ns();
    gs_signals_catch(&all->waiting);
    return status;
}

/* ---- watching ---- */

/* One that runs another program now is another: that is to be found out about. */
static void let_go(struct gs_inquiries *all, uint64_t now_ns)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i]->ended != GS_EXECED)
            continue;
        gs_kin_again(all->kin, all->list[i]->look->target->pid, now_ns);
        forget(all->list[i]);
        all->list[i--] = all->list[--all->count];
    }
}

/* The program itself when it becomes a Python, and others that it starts. */
static enum gs_status take_in(struct gs_inquiries *all, uint64_t now_ns, struct gs_err *err)
{
    let_go(all, now_ns);
    enum gs_status status = gs_kin_poll(all->kin, now_ns);
    if (status != GS_OK)
        return gs_fail(err, status, "cannot watch: %s", gs_status_text(status));
    for (pid_t pid; (pid = gs_kin_next(all->kin, now_ns)) > 0;) {
        status = adopt(all, pid, GS_LOOK_GLANCE, err);
        gs_kin_tried(all->kin, pid, status == GS_OK, gs_clock_ns());
        if (status == GS_NO_MEMORY || (status == GS_NOT_PERMITTED && pid == all->spawn.pid))
            return status;
    }
    return GS_OK;
}

static bool all_ended(struct gs_inquiries *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (!all->list[i]->ended)
            return false;
    }
    return all->spawned ? gs_spawn_ended(&all->spawn) : true;
}

static enum gs_status look_at_each(struct gs_inquiries *all, bool remember, struct gs_err *err)
{
    for (size_t i = 0; i < all->count; i++) {
        enum gs_status status = gs_inquiry_look(all->list[i]);
        if (status == GS_OK && remember)
            status = gs_inquiry_remember(all->list[i]);
        if (status != GS_OK)
            return gs_fail(err, status, "cannot watch process %d any longer: %s", (int)all->list[i]->look->target->pid,
                           gs_status_text(status));
    }
    return GS_OK;
}

/* A program that was started comes into its waits while it is watched: those of the middle are compared with those of
 * the end. */
enum gs_status gs_inquiries_watch(struct gs_inquiries *all, struct gs_err *err)
{
    struct gs_pace pace;
    uint64_t now_ns = gs_clock_ns(), taken_in_ns = 0;
    uint64_t end_ns = all->begin_ns + duration_ns(all);
    uint64_t middle_ns = all->spawned ? end_ns - duration_ns(all) / 2 : UINT64_MAX;
    enum gs_status status = GS_OK;
    gs_pace_init(&pace, all->args->rate_hz, now_ns);
    prctl(PR_SET_TIMERSLACK, 1UL);
    while (status == GS_OK && now_ns < end_ns && !all_ended(all)) {
        uint64_t next_ns = gs_pace_next(&pace, now_ns);
        if (!gs_signals_sleep(next_ns < end_ns ? next_ns : end_ns, &all->waiting))
            break;
        now_ns = gs_clock_ns();
        status = look_at_each(all, now_ns >= middle_ns, err);
        if (now_ns >= middle_ns)
            middle_ns = UINT64_MAX;
        if (status == GS_OK && all->spawned && (all->count == 0 || now_ns - taken_in_ns >= GS_KIN_POLL_NS)) {
            status = take_in(all, now_ns, err);
            taken_in_ns = now_ns;
        }
        now_ns = gs_clock_ns();
    }
    if (status != GS_OK || all->count > 0)
        return status;
    struct gs_nobody nobody = {"watched", .over = gs_spawn_ended(&all->spawn), .due = true};
    return gs_nobody_tell(&nobody, all->args, err);
}

int gs_inquiries_close(struct gs_inquiries *all)
{
    for (size_t i = 0; i < all->count; i++)
        forget(all->list[i]);
    free(all->list);
    gs_kin_free(all->kin);
    return all->spawned ? gs_spawn_wait(&all->spawn, &all->waiting) : -1;
}
