/* Opening processes as they are named, are born, and run other programs; letting them go as they end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/room.h"
#include "session/family.h"
#include "session/signals.h"
#include "session/stuck.h"
#include "target/descendants.h"
#include "target/nested.h"
#include "target/procfs.h"

enum {
    FAMILY_MOST = 100000,
    OPENER_NS = 2000000,       /* between two looks whether it is done */
    OPENER_SLOW_NS = 100000000 /* whoever takes so long may wait for the kernel */
};

static bool add(struct gs_family_list *list, pid_t pid)
{
    return list->count >= FAMILY_MOST || gs_pids_add(&list->pids, &list->count, pid);
}

enum gs_status gs_family_list(struct gs_family_list *list, const struct gs_family_options *options)
{
    bool enough = true;
    *list = (struct gs_family_list){0};
    for (size_t i = 0; i < options->pid_count; i++) {
        enough = add(list, options->pids[i]) && enough;
        list->named = i < options->pid_count - options->found_count ? list->count : list->named;
    }
    for (size_t i = 0, roots = list->count; i < roots && options->descendants && options->at_once; i++) {
        pid_t *descendants = NULL;
        size_t count = 0;
        if (gs_target_descendants(gs_target_process_of(list->pids[i]), &descendants, &count) != GS_OK)
            continue; /* whether there is a /proc is found out when it is opened */
        for (size_t k = 0; k < count; k++)
            enough = add(list, descendants[k]) && enough;
        free(descendants);
    }
    return enough ? GS_OK : GS_NO_MEMORY;
}

static void give_up(const struct gs_stuck *stuck, void *context)
{
    struct gs_attach *attach = context;
    const struct gs_family *family = attach->family;
    const struct gs_attach_options *options = &family->options.attach;
    struct gs_err err;
    if (family->calls.give_up) {
        family->calls.give_up(family->calls.context, attach, stuck);
        return;
    }
    gs_stuck_end(stuck, attach->target, family->options.verb, options->remarks, &err);
    options->end(options->context, &err);
}

/* It may have been named twice, by a thread of its for one. */
static bool was_met(const struct gs_family *family, pid_t pid)
{
    for (size_t i = 0; i < family->met_count; i++) {
        if (family->met[i] == pid)
            return true;
    }
    for (size_t i = 0; i < family->count; i++) {
        if (family->members[i]->target->pid == pid)
            return true;
    }
    return false;
}

static enum gs_status welcome(struct gs_family *family, struct gs_attach *attach, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    attach->family = family;
    if (family->options.passing && !gs_pids_add(&family->met, &family->met_count, attach->target->pid))
        return GS_NO_MEMORY;
    if (!gs_room((void **)&family->members, &family->room, family->count + 1, sizeof *family->members))
        return GS_NO_MEMORY;
    if (!family->options.passing && !attach->target->postmortem)
        status = gs_watch_guard(attach->watch, give_up, attach);
    if (!status)
        status = family->calls.opened(family->calls.context, attach, err);
    if (!status && !family->options.passing)
        family->members[family->count++] = attach;
    return status;
}

/* What was opened becomes a member, unless it is one already. */
static enum gs_status take_in(struct gs_family *family, struct gs_attach *attach, enum gs_status status, pid_t pid,
                              struct gs_err *err)
{
    bool fresh = !status && !was_met(family, attach->target->pid);
    if (fresh) {
        *err = (struct gs_err){0}; /* what was tried in vain on the way is no reason */
        status = welcome(family, attach, err);
    }
    if (fresh && status && !err->what[0])
        gs_fail(err, status, "cannot %s process %d: %s", family->options.verb, (int)pid, gs_status_text(status));
    if (status || !fresh || family->options.passing)
        gs_attach_close(attach);
    return status;
}

static enum gs_status adopt(struct gs_family *family, pid_t pid, enum gs_attach_depth depth, struct gs_err *err)
{
    struct gs_attach *attach;
    enum gs_status status = gs_attach_open(&attach, pid, &family->options.attach, depth, err);
    return take_in(family, attach, status, pid, err);
}

bool gs_family_passes(enum gs_status status)
{
    return status == GS_NOT_PYTHON || status == GS_NO_PROCESS || gs_status_class(status) == GS_CLASS_GONE;
}

/* A shell that starts Pythons is none. */
static bool is_expected(const struct gs_family *family, bool named, enum gs_status status)
{
    if (!family->options.at_once && family->options.descendants && status == GS_NOT_PYTHON)
        return true;
    return !named && gs_family_passes(status);
}

static enum gs_status open_listed(struct gs_family *family, const struct gs_family_list *list, int *exit,
                                  struct gs_err *err)
{
    enum gs_status first = GS_OK, status = GS_OK;
    bool some = false;
    for (size_t i = 0; i < list->count && status != GS_OUTPUT; i++) {
        struct gs_err why = {0};
        status = adopt(family, list->pids[i], family->options.named, &why);
        if (family->descendants)
            gs_descendants_tried(family->descendants, list->pids[i], status == GS_OK, gs_clock_ns());
        some = some || status == GS_OK;
        if (status == GS_OK || is_expected(family, i < list->named, status))
            continue;
        if (i < list->named && !family->options.attach.core)
            gs_nested_hint(&why, status, list->pids[i]);
        first = first ? first : status;
        *err = why;
        if (list->count > 1) {
            int failed = gs_tell_failure(family->options.attach.remarks, status, &why);
            *exit = *exit ? *exit : failed;
            err->what[0] = '\0';
        }
    }
    if (!some && !first && list->named == 0 && list->count > 0)
        return gs_fail(err, GS_NOT_PYTHON, "cannot %s: what was found is no Python, or has ended",
                       family->options.verb);
    return family->count > 0 ? GS_OK : first;
}

static enum gs_status cannot(const struct gs_family *family, enum gs_status status, struct gs_err *err)
{
    const char *why = status == GS_NO_MEMORY ? "out of memory" : gs_status_text(status);
    return gs_fail(err, status, "cannot %s: %s", family->options.verb, why);
}

static enum gs_status start(struct gs_family *family, struct gs_err *err)
{
    const struct gs_family_options *options = &family->options;
    struct gs_spawn_manner manner = options->manner;
    manner.foster = options->descendants;
    enum gs_status status = gs_spawn_start(&family->spawn, options->program, &manner, err);
    gs_signals_catch();
    if (status)
        return status;
    family->spawned = true;
    gs_signals_wake_for_children();
    family->descendants = gs_descendants_new(&family->spawn.pid, 1, options->descendants);
    if (!family->descendants)
        return cannot(family, GS_NO_MEMORY, err);
    gs_descendants_foster(family->descendants, getpid());
    return GS_OK;
}

static bool fits(const void *context, pid_t pid)
{
    return gs_search_fits(context, pid);
}

static enum gs_status open_named(struct gs_family *family, int *exit, struct gs_err *err)
{
    const struct gs_family_options *options = &family->options;
    struct gs_family_list list;
    if (!options->at_once) {
        gs_signals_catch();
        family->descendants = options->host
                                  ? gs_descendants_new_host(fits, options->host)
                                  : gs_descendants_new(options->pids, options->pid_count, options->descendants);
        if (!family->descendants)
            return cannot(family, GS_NO_MEMORY, err);
    }
    enum gs_status status = gs_family_list(&list, options);
    if (status)
        gs_fail(err, status, "cannot list the processes: out of memory");
    else
        status = open_listed(family, &list, exit, err);
    free(list.pids);
    return status;
}

enum gs_status gs_family_open(struct gs_family *family, const struct gs_family_options *options,
                              const struct gs_family_calls *calls, int *exit, struct gs_err *err)
{
    *family = (struct gs_family){.options = *options, .calls = *calls};
    return options->program ? start(family, err) : open_named(family, exit, err);
}

/* What came of opening a process of all those here. */
static enum gs_status end_opener(struct gs_family *family, struct gs_opener *opener, struct gs_err *err)
{
    struct gs_attach *attach;
    struct gs_err why = {0};
    pid_t pid;
    enum gs_status status = gs_opener_end(opener, &attach, &pid, &why);
    status = take_in(family, attach, status, pid, &why);
    gs_descendants_tried(family->descendants, pid, status == GS_OK, gs_clock_ns());
    if (status && !gs_family_passes(status) && gs_descendants_tell_once(family->descendants, pid))
        gs_tell_failure(family->options.attach.remarks, status, &why);
    if (status != GS_NO_MEMORY && status != GS_OUTPUT)
        return GS_OK;
    *err = why;
    return status;
}

static enum gs_status end_openers(struct gs_family *family, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = family->opener_count; i-- > 0 && !status;) {
        struct gs_opener *opener = family->openers[i];
        if (!gs_opener_done(opener))
            continue;
        family->openers[i] = family->openers[--family->opener_count];
        status = end_opener(family, opener, err);
    }
    return status;
}

/* Nobody is opened now, or all who are take long. */
static bool may_open(const struct gs_family *family, uint64_t now_ns)
{
    for (size_t i = 0; i < family->opener_count; i++) {
        if (now_ns - gs_opener_began_ns(family->openers[i]) < OPENER_SLOW_NS)
            return false;
    }
    return family->opener_count < GS_FAMILY_OPENERS;
}

/* Of all processes here one after the other is opened beside the sampling, which goes on meanwhile; one that takes long
 * keeps no other waiting. */
static enum gs_status follow_host(struct gs_family *family, uint64_t now_ns, struct gs_err *err)
{
    enum gs_status status = end_openers(family, err);
    while (!status && may_open(family, gs_clock_ns())) {
        pid_t pid = gs_descendants_next(family->descendants, now_ns);
        if (pid == 0)
            break;
        struct gs_opener *opener = gs_opener_begin(pid, &family->options.attach, family->options.born);
        if (!opener)
            return cannot(family, GS_NO_MEMORY, err);
        family->openers[family->opener_count++] = opener;
    }
    return status;
}

enum gs_status gs_family_follow(struct gs_family *family, uint64_t now_ns, struct gs_err *err)
{
    if (!family->descendants)
        return GS_OK;
    enum gs_status status = gs_descendants_poll(family->descendants, now_ns);
    if (status)
        return gs_fail(err, status, "cannot %s: %s", family->options.verb, gs_status_text(status));
    if (family->options.host)
        return follow_host(family, now_ns, err);
    for (pid_t pid; (pid = gs_descendants_next(family->descendants, now_ns)) > 0;) {
        struct gs_err why = {0};
        status = adopt(family, pid, family->options.born, &why);
        gs_descendants_tried(family->descendants, pid, status == GS_OK, gs_clock_ns());
        if (status == GS_NOT_PERMITTED)
            family->refused = why;
        bool hopeless = pid == family->spawn.pid && family->options.hopeless >> status & 1;
        if (status == GS_NO_MEMORY || status == GS_OUTPUT || hopeless) {
            *err = why;
            return status;
        }
    }
    return GS_OK;
}

uint64_t gs_family_follow_ns(const struct gs_family *family, uint64_t followed_ns)
{
    if (family->opener_count > 0)
        return followed_ns + OPENER_NS;
    bool more = family->descendants && (family->options.descendants || family->options.host ||
                                        gs_descendants_count(family->descendants) > family->count);
    return more ? followed_ns + gs_descendants_poll_ns(family->descendants) : UINT64_MAX;
}

enum gs_status gs_family_await(struct gs_family *family, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    while (!status && family->count == 0 && !gs_family_over(family) && !gs_signals_ended()) {
        uint64_t now_ns = gs_clock_ns();
        status = gs_family_follow(family, now_ns, err);
        if (!status && family->count == 0)
            gs_signals_sleep(now_ns + gs_descendants_poll_ns(family->descendants));
    }
    return status;
}

static void leave(struct gs_family *family, struct gs_attach *attach, enum gs_status why)
{
    for (size_t i = 0; i < family->count; i++) {
        if (family->members[i] == attach) {
            family->members[i] = family->members[--family->count];
            break;
        }
    }
    if (family->calls.closed)
        family->calls.closed(family->calls.context, attach, why);
}

void gs_family_abandon(struct gs_family *family, struct gs_attach *attach)
{
    leave(family, attach, GS_FAILED);
}

void gs_family_forget(struct gs_family *family, struct gs_attach *attach, enum gs_status why, uint64_t now_ns)
{
    if (family->descendants)
        gs_descendants_again(family->descendants, attach->target->pid, now_ns);
    leave(family, attach, why);
    gs_attach_close(attach);
    if (family->spawned)
        gs_spawn_ended(&family->spawn);
}

bool gs_family_over(struct gs_family *family)
{
    if (family->spawned)
        return gs_spawn_ended(&family->spawn);
    return !family->descendants || gs_descendants_count(family->descendants) == 0;
}

uint64_t gs_family_missed(const struct gs_family *family)
{
    return family->descendants ? gs_descendants_missed(family->descendants) : 0;
}

enum gs_status gs_family_nobody(struct gs_family *family, const char *done, bool due, struct gs_err *err)
{
    const struct gs_family_options *options = &family->options;
    const char *program = options->program ? options->program[0] : NULL;
    if (!due) {
        gs_fail(err, GS_GONE, "nothing was %s: the end came before the first look was due", done);
        gs_err_todo(err, "Give it more time (--duration), or look more often (--rate)");
        return GS_GONE;
    }
    if (family->refused.what[0]) {
        *err = family->refused;
        return GS_NOT_PERMITTED;
    }
    if (!program)
        return gs_fail(err, GS_GONE, "nothing was %s: no Python could be read before the end", done);
    bool over = !family->spawned || gs_spawn_ended(&family->spawn);
    gs_fail(err, GS_GONE, "nothing was %s: no Python was met in %.100s %s", done, program,
            over ? "before its end" : "so far");
    if (options->single)
        gs_err_todo(err, "If %.100s starts Python as a process of its own, name that with -p", program);
    else if (!options->descendants)
        gs_err_todo(err, "If %.100s starts Python as a process of its own, add -s", program);
    return GS_GONE;
}

int gs_family_wait(struct gs_family *family)
{
    return family->spawned ? gs_spawn_wait(&family->spawn) : -1;
}

void gs_family_close(struct gs_family *family)
{
    for (size_t i = 0; i < family->count; i++)
        gs_attach_close(family->members[i]);
    free(family->members);
    free(family->met);
    while (family->opener_count > 0)
        gs_opener_leave(family->openers[--family->opener_count]);
    gs_descendants_free(family->descendants);
    family->members = NULL;
    family->met = NULL;
    family->descendants = NULL;
    family->count = family->met_count = 0;
}

static bool runs_python(pid_t pid, const char *exe)
{
    char path[GS_PROC_PATH];
    return gs_proc_exe(pid, path) && (strcmp(path, exe) == 0 || gs_called_python(path));
}

enum gs_status gs_family_pythons(const struct gs_target *target, pid_t **children, size_t *count)
{
    size_t kept = 0;
    enum gs_status status = gs_target_children(target->pid, children, count);
    if (status != GS_OK)
        return status;
    for (size_t i = 0; i < *count; i++) {
        if (runs_python((*children)[i], target->exe))
            (*children)[kept++] = (*children)[i];
    }
    *count = kept;
    return GS_OK;
}
