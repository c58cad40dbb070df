/* Looking at many processes, where each may be forbidden, stuck, gone or no Python at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "python/engine.h"
#include "session/identity.h"
#include "session/role.h"
#include "session/survey.h"
#include "target/barrier.h"
#include "target/nested.h"
#include "target/procfs.h"

void gs_ps_row_fini(struct gs_ps_row *row)
{
    for (size_t i = 0; i < row->command_count; i++)
        free(row->command[i]);
    free(row->command);
    free(row->user);
    free(row->python);
    free(row->why_not);
    free(row->role);
}

void gs_ps_fini(struct gs_ps *ps)
{
    for (size_t i = 0; i < ps->count; i++)
        gs_ps_row_fini(&ps->rows[i]);
    free(ps->rows);
}

static bool copy_command(struct gs_ps_row *row, char *const *command, size_t count)
{
    row->command = calloc(count + 1, sizeof *row->command);
    while (row->command && row->command_count < count) {
        row->command[row->command_count] = strdup(command[row->command_count]);
        if (!row->command[row->command_count++])
            return false;
    }
    return row->command != NULL;
}

/* The GIL of the main interpreter, and how many threads there are in all. */
static void fill_state(struct gs_ps_row *row, const struct gs_snapshot *snapshot)
{
    row->threads = snapshot->thread_count;
    row->gil = GS_GIL_UNKNOWN;
    for (size_t i = 0; i < snapshot->interpreter_count; i++) {
        const struct gs_gil *gil = &snapshot->gils[snapshot->interpreters[i].gil];
        if (snapshot->interpreters[i].id != 0 && snapshot->interpreter_count > 1)
            continue;
        row->gil = gil->state;
        row->holder = gil->holder;
    }
}

/* python: it is one, or cannot be read and seems to be one. */
static enum gs_status look_at(struct gs_ps_row *row, const struct gs_identity *identity,
                              const struct gs_attach_options *options, bool *python, struct gs_err *err)
{
    struct gs_attach *attach;
    pid_t pid = row->pid;
    enum gs_status status = gs_attach_open(&attach, pid, options, GS_ATTACH_GLANCE, err);
    if (attach && attach->target) {
        row->pid = attach->target->pid;
        if (!copy_command(row, attach->target->command, attach->target->command_count))
            status = GS_NO_MEMORY;
    }
    if (status == GS_OK) {
        row->python = strdup(attach->python->version);
        row->build = gs_python_build(attach->python);
        row->watchable = true;
        if (attach->snapshot)
            fill_state(row, attach->snapshot);
    }
    const char *engine = status == GS_NOT_PYTHON && attach && attach->target ? gs_python_engine(attach->target) : NULL;
    if (engine)
        row->python = strdup(engine);
    *python = status == GS_OK || status == GS_UNKNOWN_PYTHON ||
              gs_identity_is_python(identity, pid, attach ? attach->target : NULL);
    gs_attach_close(attach);
    return status;
}

static enum gs_status survey_one(struct gs_ps_row *row, pid_t pid, const struct gs_attach_options *options, bool *keep,
                                 struct gs_err *err)
{
    struct gs_identity identity;
    *row = (struct gs_ps_row){.pid = pid, .gil = GS_GIL_UNKNOWN};
    *keep = false;
    if (!gs_identity_read(&identity, pid))
        return gs_barrier_missing(pid, err);
    row->ns_pid = identity.ns_pid;
    row->parent = gs_role_parent(pid);
    row->user = gs_identity_user(&identity);
    bool python;
    enum gs_status status = look_at(row, &identity, options, &python, err);
    if (status == GS_OK) {
        *keep = true;
        return GS_OK;
    }
    bool other = status == GS_NOT_PYTHON && row->python; /* a Python, which is not CPython */
    if (!other &&
        (gs_status_class(status) != GS_CLASS_FATAL || status == GS_NOT_PYTHON || status == GS_NO_PROCESS || !python))
        return status;
    char *const comm[] = {identity.comm};
    if (row->command_count == 0 && !copy_command(row, comm, 1))
        return GS_NO_MEMORY;
    row->why_not = strdup(err->what[0] ? err->what : gs_status_text(status));
    *keep = true;
    return GS_OK;
}

struct survey {
    struct gs_ps *ps;
    const struct gs_attach_options *options;
    size_t named; /* of the others, what is no Python is left out without a word */
    int *exit;
};

static void survey_all(const struct survey *survey, const pid_t *pids, size_t count)
{
    struct gs_ps *ps = survey->ps;
    for (size_t i = 0; i < count; i++) {
        struct gs_ps_row *row = &ps->rows[ps->count];
        struct gs_err err = {0};
        bool keep;
        if (pids[i] == getpid() || (i >= survey->named && gs_identity_is_ours(pids[i])))
            continue;
        enum gs_status status = survey_one(row, pids[i], survey->options, &keep, &err);
        if (keep) {
            ps->count++;
            continue;
        }
        if (i < survey->named) {
            gs_nested_hint(&err, status, pids[i]);
            int failed = gs_tell_failure(survey->options->remarks, status, &err);
            *survey->exit = *survey->exit ? *survey->exit : failed;
        }
        gs_ps_row_fini(row);
    }
}

static bool name_roles(struct gs_ps *ps)
{
    struct gs_role_member *members = calloc(ps->count + 1, sizeof *members);
    for (size_t i = 0; members && i < ps->count; i++)
        members[i] = (struct gs_role_member){
            .pid = ps->rows[i].pid, .parent = ps->rows[i].parent, .command = ps->rows[i].command};
    bool enough = members && gs_roles_find(members, ps->count);
    for (size_t i = 0; members && i < ps->count; i++) {
        ps->rows[i].role = members[i].role;
        members[i].role = NULL;
        ps->rows[i].helper = members[i].helper;
    }
    if (members)
        gs_roles_free(members, ps->count);
    free(members);
    return enough;
}

/* Puts the children of `parent`, and theirs, behind it. taken: nobody is met twice, whatever the kernel
 * told while processes came and went. */
static void put_children(const struct gs_ps *ps, struct gs_ps_row *ordered, size_t *done, bool *taken, pid_t parent,
                         size_t depth)
{
    for (size_t i = 0; i < ps->count; i++) {
        if (taken[i] || ps->rows[i].parent != parent)
            continue;
        taken[i] = true;
        ordered[*done] = ps->rows[i];
        ordered[(*done)++].depth = depth;
        put_children(ps, ordered, done, taken, ps->rows[i].pid, depth + 1);
    }
}

static bool has_row(const struct gs_ps *ps, pid_t pid)
{
    for (size_t i = 0; i < ps->count; i++) {
        if (ps->rows[i].pid == pid)
            return true;
    }
    return false;
}

bool gs_ps_tree(struct gs_ps *ps)
{
    struct gs_ps_row *ordered = calloc(ps->count + 1, sizeof *ordered);
    bool *taken = calloc(ps->count + 1, sizeof *taken);
    size_t done = 0;
    for (size_t turn = 0; ordered && taken && turn < 2; turn++) { /* the second: of a circle, anybody */
        for (size_t i = 0; i < ps->count; i++) {
            if (taken[i] || (turn == 0 && has_row(ps, ps->rows[i].parent)))
                continue;
            taken[i] = true;
            ordered[done++] = ps->rows[i];
            put_children(ps, ordered, &done, taken, ps->rows[i].pid, 1);
        }
    }
    bool enough = ordered && taken;
    free(taken);
    free(enough ? ps->rows : ordered);
    ps->rows = enough ? ordered : ps->rows;
    return enough;
}

enum gs_status gs_survey(struct gs_ps *ps, const pid_t *pids, size_t count, size_t found,
                         const struct gs_attach_options *options, int *exit, struct gs_err *err)
{
    const struct survey survey = {.ps = ps, .options = options, .named = count - found, .exit = exit};
    pid_t *all = NULL;
    *ps = (struct gs_ps){0};
    if (count == 0) {
        enum gs_status status = gs_proc_check(err);
        if (status != GS_OK)
            return status;
        status = gs_target_processes(&all, &count);
        if (status != GS_OK)
            return gs_fail(err, status, "cannot list the processes: %s", gs_status_text(status));
    }
    ps->rows = calloc(count + 1, sizeof *ps->rows);
    if (ps->rows)
        survey_all(&survey, all ? all : pids, count);
    free(all);
    return ps->rows && name_roles(ps) ? GS_OK : gs_fail(err, GS_NO_MEMORY, "cannot list the processes: out of memory");
}
