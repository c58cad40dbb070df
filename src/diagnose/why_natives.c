/* What a library computes in threads of its own is seen by none of Python's; the kernel tells of all. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "diagnose/why_natives.h"
#include "diagnose/why_rules.h"

#define BUSY_SHARE 0.50 /* of a processor, that all of them had or could have used */
#define ONE_SHARE  0.05 /* who has less is not named */

enum { NAMED_MOST = 6 };

static enum gs_status read_all(struct gs_why_natives *natives, const struct gs_target *target)
{
    struct gs_task *tasks = NULL;
    size_t count = 0;
    *natives = (struct gs_why_natives){.ns = gs_clock_ns()};
    if (target->postmortem)
        return GS_OK;
    enum gs_status status = gs_target_tasks(target, &tasks, &count);
    if (status != GS_OK)
        return status == GS_NO_MEMORY ? status : GS_OK;
    natives->list = calloc(count + 1, sizeof *natives->list);
    natives->known = natives->list != NULL;
    for (size_t i = 0; i < count && natives->list; i++) {
        struct gs_why_native *native = &natives->list[natives->count++];
        native->tid = tasks[i].tid;
        gs_target_comm(target, native->tid, native->name);
        if (!gs_target_ran_ns(target, native->tid, &native->ran_ns))
            natives->known = false;
        if (!gs_target_kept_ns(target, native->tid, &native->kept_ns))
            native->kept_ns = 0;
    }
    free(tasks);
    return natives->list ? GS_OK : GS_NO_MEMORY;
}

enum gs_status gs_why_natives_begin(struct gs_why_natives *natives, const struct gs_target *target)
{
    return read_all(natives, target);
}

static double share(uint64_t before_ns, uint64_t now_ns, uint64_t span_ns)
{
    return now_ns > before_ns && span_ns > 0 ? (double)(now_ns - before_ns) / (double)span_ns : 0;
}

static struct gs_why_native find_before(const struct gs_why_natives *before, pid_t tid)
{
    for (size_t i = 0; i < before->count; i++) {
        if (before->list[i].tid == tid)
            return before->list[i];
    }
    return (struct gs_why_native){0};
}

enum gs_status gs_why_natives_end(struct gs_why_natives *natives, const struct gs_target *target,
                                  const struct gs_snapshot *snapshot)
{
    struct gs_why_natives now;
    enum gs_status status = read_all(&now, target);
    for (size_t i = 0; i < now.count; i++) {
        struct gs_why_native *native = &now.list[i], before = find_before(natives, native->tid);
        native->ran = share(before.ran_ns, native->ran_ns, now.ns - natives->ns);
        native->kept = share(before.kept_ns, native->kept_ns, now.ns - natives->ns);
        for (size_t k = 0; snapshot && k < snapshot->thread_count; k++)
            native->python |= snapshot->threads[k].tid == native->tid;
    }
    now.known &= natives->known;
    gs_why_natives_fini(natives);
    *natives = now;
    return status;
}

void gs_why_natives_fini(struct gs_why_natives *natives)
{
    free(natives->list);
    *natives = (struct gs_why_natives){0};
}

double gs_why_natives_ran(const struct gs_why_natives *natives)
{
    double ran = 0;
    for (size_t i = 0; i < natives->count; i++)
        ran += natives->list[i].python ? 0 : natives->list[i].ran;
    return ran;
}

const struct gs_why_native *gs_why_natives_next(const struct gs_why_natives *natives, const struct gs_why_native *last)
{
    const struct gs_why_native *most = NULL;
    for (size_t i = 0; i < natives->count; i++) {
        const struct gs_why_native *one = &natives->list[i];
        bool behind = !last || one->ran < last->ran || (one->ran == last->ran && one > last);
        if (!one->python && one->ran >= ONE_SHARE && behind && (!most || one->ran > most->ran))
            most = one;
    }
    return most;
}

/* For so long, in each second, they could have run and had no processor. */
static double kept_of(const struct gs_why_natives *natives)
{
    double kept = 0;
    for (size_t i = 0; i < natives->count; i++)
        kept += natives->list[i].python ? 0 : natives->list[i].kept;
    return kept;
}

/* Who waits for them is not known; what Python's threads do meanwhile is. */
void gs_why_find_native_busy(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    double ran = c->natives ? gs_why_natives_ran(c->natives) : 0, kept = c->natives ? kept_of(c->natives) : 0;
    size_t count = 0, named = 0;
    if (c->stopped || c->pattern_count > 0 || ran + kept < BUSY_SHARE || ran < ONE_SHARE)
        return;
    struct gs_said said = {""};
    for (const struct gs_why_native *one = NULL; (one = gs_why_natives_next(c->natives, one)) != NULL; count++) {
        struct gs_said with;
        if (named == NAMED_MOST)
            continue;
        snprintf(with.words, sizeof with.words, "%s%s (%d) %.0f %%", named++ ? ", " : "", one->name, (int)one->tid,
                 100 * one->ran);
        gs_said_append(&said, with.words);
    }
    struct gs_verdict *v = gs_why_say(
        j, GS_WHY_busy, false, "Threads that run no Python compute: they had %.0f %% of a processor.", 100 * ran);
    if (count > 0)
        gs_why_evidence(j, v, "They are %s%s.", said.words, count > named ? " and more" : "");
    gs_why_tell_starved(j, v, kept);
    gs_why_tell_sleepers(j, v);
    gs_why_advise(
        j, v,
        "They are a library's own. If that is not what it should do: gilspy record -p %d -n -d 10 -o out.svg shows "
        "their C functions.",
        (int)c->target->pid);
    gs_why_basis(j, v, "the processor time of each thread, as the kernel counts it.");
}
