/* Long holds and long waits. A hold is what src/gil/hold.h says; a wait is the time of samples that follow each other
 * in which the thread waits. */
#include <stdlib.h>

#include "base/room.h"
#include "base/sorted.h"
#include "export/gecko/gecko.h"

static uint64_t since_begin(const struct gs_gecko *gecko, uint64_t ns)
{
    return ns > gecko->run.begin_ns ? ns - gecko->run.begin_ns : 0;
}

/* There are too many: only those are kept that are longer. */
static void drop_short(struct gs_gecko *gecko)
{
    size_t kept = 0;
    gecko->long_ns *= 2;
    for (size_t i = 0; i < gecko->mark_count; i++) {
        if (gecko->marks[i].end_ns - gecko->marks[i].begin_ns >= gecko->long_ns)
            gecko->marks[kept++] = gecko->marks[i];
    }
    gecko->mark_count = kept;
}

static enum gs_status add_mark(struct gs_gecko *gecko, const struct gs_gecko_mark *mark)
{
    if (!gecko->threads[mark->thread].chosen || mark->end_ns - mark->begin_ns < gecko->long_ns ||
        mark->end_ns < mark->begin_ns)
        return GS_OK;
    while (gecko->mark_count >= GS_GECKO_MARKS)
        drop_short(gecko);
    if (!gs_room((void **)&gecko->marks, &gecko->mark_room, gecko->mark_count + 1, sizeof *gecko->marks))
        return GS_NO_MEMORY;
    gecko->marks[gecko->mark_count++] = *mark;
    return GS_OK;
}

static enum gs_status end_hold(struct gs_gecko *gecko, const struct gs_hold_span *span)
{
    if (span->holder == 0 || span->holder > gecko->thread_count)
        return GS_OK;
    struct gs_hold *hold = &gecko->threads[span->holder - 1].hold;
    if (hold->samples == 0)
        return GS_OK;
    struct gs_gecko_mark mark = {.thread = (uint32_t)(span->holder - 1),
                                 .node = hold->leaf,
                                 .begin_ns = since_begin(gecko, span->from_ns),
                                 .end_ns = since_begin(gecko, span->to_ns),
                                 .waiters = (double)hold->waiters / (double)hold->samples};
    hold->samples = 0;
    return add_mark(gecko, &mark);
}

static enum gs_status end_wait(struct gs_gecko *gecko, uint32_t number)
{
    struct gs_gecko_thread *thread = &gecko->threads[number];
    struct gs_gecko_mark mark = {.thread = number,
                                 .node = thread->wait.leaf,
                                 .by = thread->by.leaf,
                                 .wait = true,
                                 .begin_ns = thread->wait.begin_ns,
                                 .end_ns = thread->wait.end_ns};
    if (thread->wait.samples == 0)
        return GS_OK;
    thread->wait.samples = 0;
    return add_mark(gecko, &mark);
}

/* A wait goes on if it was seen in the sample before, which ended when this one began. */
static enum gs_status follow_wait(struct gs_gecko *gecko, const struct gs_sample *sample, size_t at,
                                  const uint32_t *nodes)
{
    const struct gs_thread_sample *now = &sample->threads[at], *holder = gs_sample_blocker(sample, now);
    struct gs_gecko_thread *thread = &gecko->threads[now->thread];
    uint64_t begin_ns = since_begin(gecko, sample->time_ns - sample->weight_ns);
    bool waits = now->gil == GS_WAITS || gs_thread_at_lock(now);
    enum gs_status status = GS_OK;
    if (!waits || thread->wait.end_ns != begin_ns)
        status = end_wait(gecko, now->thread);
    if (!waits || status)
        return status;
    if (thread->wait.samples == 0)
        thread->wait = thread->by = (struct gs_hold){.begin_ns = begin_ns};
    uint64_t end_ns = since_begin(gecko, sample->time_ns);
    gs_hold_go_on(&thread->wait, end_ns, holder ? nodes[holder - sample->threads] : 0, 0);
    gs_hold_go_on(&thread->by, end_ns, holder ? holder->thread + 1 : 0, 0);
    return GS_OK;
}

static enum gs_status follow_hold(struct gs_gecko *gecko, const struct gs_sample *sample, size_t gil,
                                  const uint32_t *nodes)
{
    struct gs_hold_rule rule = gs_hold_rule(gecko->run.rate_hz);
    struct gs_hold_look look = gs_hold_look_of(sample, gil);
    const struct gs_thread_sample *holder = gs_sample_holder(sample, gil);
    struct gs_hold_span ended;
    enum gs_status status = GS_OK;
    if (gs_hold_step(&gecko->processes[sample->process].gils[gil], &look, &rule, &ended))
        status = end_hold(gecko, &ended);
    if (!holder)
        return status;
    struct gs_hold *hold = &gecko->threads[holder->thread].hold;
    if (hold->samples == 0)
        *hold = (struct gs_hold){0};
    gs_hold_go_on(hold, since_begin(gecko, sample->time_ns), nodes[holder - sample->threads],
                  sample->gils[gil].waiters);
    return status;
}

enum gs_status gs_gecko_follow(struct gs_gecko *gecko, const struct gs_sample *sample, const uint32_t *nodes)
{
    struct gs_gecko_process *process = &gecko->processes[sample->process];
    enum gs_status status = GS_OK;
    if (!gs_room((void **)&process->gils, &process->gil_room, sample->gil_count, sizeof *process->gils))
        return GS_NO_MEMORY;
    while (process->gil_count < sample->gil_count)
        process->gils[process->gil_count++] = (struct gs_hold_follow){.any = false};
    for (size_t i = 0; i < sample->gil_count && status == GS_OK; i++)
        status = follow_hold(gecko, sample, i, nodes);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++)
        status = follow_wait(gecko, sample, i, nodes);
    return status;
}

GS_BY_BOTH(by_thread, struct gs_gecko_mark, thread, begin_ns);

enum gs_status gs_gecko_end_marks(struct gs_gecko *gecko)
{
    struct gs_hold_span span;
    enum gs_status status = GS_OK;
    for (uint32_t i = 0; i < gecko->process_count; i++) {
        for (size_t k = 0; k < gecko->processes[i].gil_count && status == GS_OK; k++) {
            if (gs_hold_now(&gecko->processes[i].gils[k], &span))
                status = end_hold(gecko, &span);
        }
    }
    for (uint32_t i = 0; i < gecko->thread_count && status == GS_OK; i++)
        status = end_wait(gecko, i);
    if (gecko->mark_count > 0)
        qsort(gecko->marks, gecko->mark_count, sizeof *gecko->marks, by_thread);
    return status;
}
