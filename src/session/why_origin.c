/* A fork has the parent's memory, with the locks that other threads there had, and none of these threads. */
#include <stdio.h>
#include <string.h>

#include "diagnose/why_say.h"
#include "session/why_lookup.h"
#include "session/why_origin.h"

static bool is_orphan(const struct gs_wait *wait)
{
    return wait->kind == GS_WAIT_LOCK && wait->locked && wait->owner == GS_NOBODY && !wait->ambiguous;
}

static struct gs_why_inherited *add(struct gs_why_origin *origin, const struct gs_wait *wait)
{
    for (size_t i = 0; i < origin->count; i++) {
        if (origin->list[i].word == wait->word)
            return NULL;
    }
    if (origin->count == GS_WHY_INHERITED)
        return NULL;
    origin->list[origin->count] = (struct gs_why_inherited){.word = wait->word};
    return &origin->list[origin->count++];
}

static void note_holder(struct gs_why_inherited *one, struct gs_attach *parent, const struct gs_wait *wait)
{
    const struct gs_case c = {.target = parent->target,
                              .python = parent->python,
                              .snapshot = parent->snapshot,
                              .lookup = gs_why_lookup_of(parent)};
    uint32_t holder = gs_waits_holder(parent->target, parent->python, parent->snapshot, &c.lookup, wait);
    if (holder == GS_NOBODY)
        return;
    const struct gs_thread *thread = &parent->snapshot->threads[holder];
    one->tid = thread->tid;
    snprintf(one->who, sizeof one->who, "%.119s", gs_said_thread(&c, thread).words);
    snprintf(one->stack, sizeof one->stack, "%s", gs_said_stack(&c, thread).words);
}

static void look_there(struct gs_why_origin *origin, const struct gs_waits *waits)
{
    static const struct gs_attach_options options = {.quiet = true, .reader.stopping = GS_STOP_NEVER};
    struct gs_attach *parent = NULL;
    struct gs_err err;
    enum gs_status status = gs_attach_open(&parent, origin->pid, &options, GS_ATTACH_WHOLE, &err);
    bool seen = status == GS_OK && parent->snapshot;
    origin->threads = seen ? parent->snapshot->thread_count : 0;
    for (size_t i = 0; i < waits->count && seen; i++) {
        struct gs_why_inherited *one = is_orphan(&waits->list[i]) ? add(origin, &waits->list[i]) : NULL;
        if (one)
            note_holder(one, parent, &waits->list[i]);
    }
    gs_attach_close(parent);
}

void gs_why_origin_find(struct gs_why_origin *origin, const struct gs_attach *attach, const struct gs_waits *waits)
{
    bool any = false;
    for (size_t i = 0; i < waits->count; i++)
        any |= is_orphan(&waits->list[i]);
    if (!any || attach->target->postmortem || !gs_target_forked(attach->target, &origin->pid))
        return;
    origin->forked = true;
    if (origin->pid > 0) {
        gs_process_comm(origin->pid, origin->comm);
        look_there(origin, waits);
    }
}
