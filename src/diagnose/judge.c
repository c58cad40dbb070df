/* The table of rules, and the order of what they find. */
#include <stdlib.h>

#include "diagnose/why_rules.h"
#include "profile/modes.h"

static const struct {
    const char *name;
    bool healthy, everybody;
} kinds[GS_WHY_KIND_COUNT] = {
#define KIND(name, healthy, everybody) {#name, healthy, everybody},
    GS_WHY_KINDS(KIND)
#undef KIND
};

/* In the order in which they are asked: who was told about by one is left alone by those behind it. */
static void (*const rules[])(struct gs_judging *) = {
    gs_why_find_task_deadlocks, gs_why_find_stopped,
    gs_why_find_deadlocks,      gs_why_find_pools,
    gs_why_find_across,         gs_why_find_imports,
    gs_why_find_stopped_worlds, gs_why_find_gc,
    gs_why_find_held_blocked,   gs_why_find_hogs,
    gs_why_find_lock_waits,     gs_why_find_files,
    gs_why_find_dry_pools,      gs_why_find_swapping,
    gs_why_find_finalizing,     gs_why_find_convoys,
    gs_why_find_saturated,      gs_why_find_contended,
    gs_why_find_loops,          gs_why_find_kept_hubs,
    gs_why_find_lost_waits,     gs_why_find_cancelled_tasks,
    gs_why_find_starved_loops,  gs_why_find_lock_costs,
};

/* Asked when it is known what is wrong with the threads that were asked for. */
static void (*const calm_rules[])(struct gs_judging *) = {gs_why_find_busy, gs_why_find_native_busy, gs_why_find_idle};

const char *gs_why_kind_name(enum gs_why_kind kind)
{
    return kinds[kind].name;
}

bool gs_why_kind_healthy(enum gs_why_kind kind)
{
    return kinds[kind].healthy;
}

bool gs_why_healthy(const struct gs_why *why)
{
    for (size_t i = 0; i < why->count; i++) {
        if (!kinds[why->list[i].kind].healthy)
            return false;
    }
    return true;
}

uint64_t gs_case_watched_ns(const struct gs_case *c)
{
    return c->watch->last_ns - c->watch->first_ns;
}

bool gs_case_hangs(const struct gs_case *c, size_t thread)
{
    uint64_t watched_ns = gs_case_watched_ns(c);
    uint64_t still_ns = gs_why_watch_still_ns(c->watch, &c->snapshot->threads[thread]);
    return c->target->postmortem || (still_ns >= GS_WHY_HANGS_NS && still_ns >= watched_ns / 2);
}

bool gs_case_waited_before(const struct gs_case *c, const struct gs_wait *wait)
{
    for (size_t i = 0; c->before && i < c->before->count; i++) {
        const struct gs_wait *before = &c->before->list[i];
        if (before->tid == wait->tid)
            return before->kind == wait->kind && before->word == wait->word && before->owner_tid == wait->owner_tid;
    }
    return c->target->postmortem != NULL;
}

/* What was read of the thread some time ago; NULL: it was not. */
static const struct gs_wait *before_of(const struct gs_case *c, const struct gs_wait *now)
{
    for (size_t i = 0; c->before && i < c->before->count; i++) {
        if (c->before->list[i].tid == now->tid && c->apart_ns > 0)
            return &c->before->list[i];
    }
    return NULL;
}

double gs_case_ran(const struct gs_case *c, size_t thread)
{
    const struct gs_wait *now = &c->now->list[thread], *before = before_of(c, now);
    if (!before || before->ran_ns == 0 || now->ran_ns < before->ran_ns)
        return -1;
    return (double)(now->ran_ns - before->ran_ns) / (double)c->apart_ns;
}

double gs_case_kept(const struct gs_case *c, size_t thread)
{
    const struct gs_wait *now = &c->now->list[thread], *before = before_of(c, now);
    if (!before || now->kept_ns < before->kept_ns)
        return 0;
    return (double)(now->kept_ns - before->kept_ns) / (double)c->apart_ns;
}

/* More certain ones first, then those of worse kinds. */
static int by_weight(const void *a, const void *b)
{
    const struct gs_verdict *x = a, *y = b;
    bool x_calm = kinds[x->kind].healthy, y_calm = kinds[y->kind].healthy;
    if (x_calm != y_calm)
        return x_calm - y_calm;
    if (x->certain != y->certain)
        return y->certain - x->certain;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

/* What was seen of a process that is gone stays true; that it is gone matters to each verdict. */
static void tell_end(struct gs_judging *j)
{
    for (size_t i = 0; i < j->why->count && j->c->ended; i++)
        gs_why_evidence(j, &j->why->list[i], "The process %s after %s: this is what was seen until then.",
                        j->c->ended == GS_EXECED ? "began to run another program" : "ended",
                        gs_said_us(gs_case_watched_ns(j->c) / 1000).words);
}

static void find_asked(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    char spare[16];
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        j->asked[i] = c->pattern_count == 0 || gs_patterns_fit(c->patterns, c->pattern_count, thread->tid,
                                                               c->lookup.name(c->lookup.context, thread, spare));
        j->asked_count += j->asked[i];
    }
}

/* Others are judged all the same, since what holds one up is mostly what another does. */
static bool is_asked_for(const struct gs_judging *j, const struct gs_verdict *verdict)
{
    const struct gs_snapshot *s = j->c->snapshot;
    for (size_t i = 0; i < s->thread_count; i++) {
        for (size_t k = 0; k < verdict->thread_count && j->asked[i]; k++) {
            if (verdict->threads[k] == s->threads[i].tid)
                return true;
        }
    }
    return kinds[verdict->kind].everybody;
}

static void fini_verdict(struct gs_verdict *verdict)
{
    for (size_t e = 0; e < verdict->evidence_count; e++)
        free(verdict->evidence[e]);
    free(verdict->evidence);
    free(verdict->text);
    free(verdict->basis);
    free(verdict->advice);
    free(verdict->threads);
}

static void leave_out_others(struct gs_judging *j)
{
    struct gs_why *why = j->why;
    size_t kept = 0;
    for (size_t i = 0; i < why->count; i++) {
        if (j->c->pattern_count == 0 || is_asked_for(j, &why->list[i])) {
            why->list[kept++] = why->list[i];
        } else {
            fini_verdict(&why->list[i]);
            why->left_out++;
        }
    }
    why->count = kept;
}

enum gs_status gs_why_judge(struct gs_why *why, const struct gs_case *c)
{
    struct gs_judging j = {.why = why,
                           .c = c,
                           .told = calloc(c->snapshot->thread_count + 1, sizeof *j.told),
                           .asked = calloc(c->snapshot->thread_count + 1, sizeof *j.asked)};
    *why = (struct gs_why){.watched_s = (double)gs_case_watched_ns(c) / 1e9, .samples = c->watch->samples};
    if (j.told && j.asked) {
        find_asked(&j);
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
            rules[i](&j);
        leave_out_others(&j);
        for (size_t i = 0; i < sizeof calm_rules / sizeof *calm_rules; i++)
            calm_rules[i](&j);
        tell_end(&j);
    } else {
        why->failed = true;
    }
    free(j.told);
    free(j.asked);
    if (why->count > 1)
        qsort(why->list, why->count, sizeof *why->list, by_weight);
    return why->failed ? GS_NO_MEMORY : GS_OK;
}

void gs_why_fini(struct gs_why *why)
{
    for (size_t i = 0; i < why->count; i++)
        fini_verdict(&why->list[i]);
    free(why->list);
    *why = (struct gs_why){0};
}
