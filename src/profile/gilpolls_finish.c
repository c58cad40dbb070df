/* The end of a span of polls: what goes on is cut there, and the sums become figures. */
#include <math.h>
#include <string.h>

#include "profile/gilpolls_parts.h"

#define QUANTILE 1.96 /* of a normal distribution: 95 % lie within so many deviations */
#define CHANCE   4    /* deviations, squared */
#define RARE     2    /* gaps, squared: holds that are rare and short may all have been missed */

enum { QUARTER = 4, PLACED = 20 /* of so many hand-overs at most one may be to nobody knows whom */ };

void gs_gilpolls_close(struct gs_gilpolls *polls, struct gs_polled *polled)
{
    if (polled->sum == GS_NOBODY)
        return;
    if (polled->waits_ns > 0)
        gs_gilsum_wait(polls->sum, polled->sum, polls->last_ns - polled->waits_ns);
    struct gs_gilsum_thread *thread = gs_gilsum_at(polls->sum, polled->sum);
    if (!polled->ran_known || polled->ran_ns < polled->ran_begin_ns || polled->ran_at_ns <= polled->ran_from_ns)
        return;
    thread->ran_ns = gs_count(polled->ran_ns - polled->ran_begin_ns);
    thread->unread_ns = polls->last_ns - polled->ran_at_ns;
}

/* The share of all that was watched, or, where the whole process has ended since its times were last read, of what was
 * watched until then. What a thread did that ended by itself after that is not known, unless it was next to nothing. */
static struct gs_figure on_cpu(const struct gs_gilsum_thread *thread, double all)
{
    const double nothing = 0.01;
    double unread = (double)thread->unread_ns;
    if (!thread->ran_ns.known || (unread > nothing * all && !thread->to_the_end) || unread >= all)
        return (struct gs_figure){0};
    return gs_figure((double)thread->ran_ns.value / (thread->to_the_end ? all - unread : all));
}

/* What of a thread's share in long gaps is not known, beyond what jumps tell. The longest are taken for what was the
 * rule, from which averages of this length stray the less, the shorter it stays with what it does. */
static double late_ns2(const struct gs_gilpolls *polls, double has, double jumps)
{
    double stays_ns = (double)polls->span_ns / (jumps + 1);
    return has * (1 - has) * (polls->late_ns2 / 2 + fmin(polls->lost_ns2, 2 * stays_ns * polls->lost_ns));
}

/* Where the GIL is handed over all the time, looking at it changes who has it: the thread whose processor we take is
 * left out meanwhile. How much what is seen differs with the processor that we look from tells how much, as far as that
 * is not by chance: the stays on processors are so many draws. */
static double looking(const struct gs_gilpolls *polls, const struct gs_gilsum_thread *thread)
{
    double sum_ns = 0, has_ns = 0, squares = 0;
    for (size_t i = 0; i < GS_GILSUM_PROCESSORS; i++) {
        sum_ns += (double)polls->from_ns[i];
        has_ns += (double)thread->has_from_ns[i];
    }
    if (sum_ns <= 0)
        return 0;
    double share = has_ns / sum_ns, chance = CHANCE * share * (1 - share) / (double)(polls->stays + 1);
    for (size_t i = 0; i < GS_GILSUM_PROCESSORS; i++) {
        double from_ns = (double)polls->from_ns[i];
        double off = from_ns > 0 ? (double)thread->has_from_ns[i] / from_ns - share : 0;
        squares += from_ns / sum_ns * off * off;
    }
    return squares > chance ? sqrt(squares - chance) : 0;
}

/* What is a matter of the whole span: also of threads that have ended. */
static void set_figures(struct gs_gilpolls *polls, bool counted)
{
    double span = (double)polls->span_ns, all = span + (double)polls->missed_ns;
    double gap = polls->span_polls > 0 ? span / (double)polls->span_polls : 0;
    for (size_t i = 0; i < gs_gilsum_count(polls->sum); i++) {
        struct gs_gilsum_thread *thread = gs_gilsum_at(polls->sum, (uint32_t)i);
        thread->half_width = 1; /* nobody has looked */
        if (gap <= 0)
            continue;
        double jumps = thread->error_ns2 * 2 / (gap * gap), has = fmin((double)thread->word_ns[GS_HOLDS] / span, 1);
        double error = sqrt(thread->error_ns2 + RARE * gap * gap + late_ns2(polls, has, jumps));
        double seen = counted ? 0 : looking(polls, thread);
        thread->half_width = fmin(QUANTILE * error / span + seen, 1);
        thread->on_cpu = on_cpu(thread, all);
    }
}

/* Times that polls have seen make up for those that none has. */
static void fill_in(const struct gs_gilpolls *polls, struct gs_gilstat *stat)
{
    double factor = polls->span_ns > 0 ? 1 + (double)polls->missed_ns / (double)polls->span_ns : 1;
    for (size_t i = 0; i < stat->thread_count; i++)
        stat->threads[i].wait_us.value = (uint64_t)((double)stat->threads[i].wait_us.value * factor);
    for (size_t i = 0; i < stat->blame_count; i++)
        stat->blame[i].us = (uint64_t)((double)stat->blame[i].us * factor);
}

enum gs_status gs_gilpolls_finish(struct gs_gilpolls *polls, struct gs_gilstat *stat)
{
    double seconds = (double)(polls->span_ns + polls->missed_ns) / 1e9;
    const struct gs_polled_gil *main = &polls->gils[0];
    bool counted = polls->gil_count > 0 && main->has_switches;
    bool slow = counted && QUARTER * main->total <= polls->span_polls;
    struct gs_gilsum_knows knows = {.takes = slow && PLACED * main->unplaced <= main->total + PLACED,
                                    .waits = slow,
                                    .holds = slow,
                                    .longest = counted};
    for (size_t i = 0; i < polls->gil_count; i++) {
        struct gs_polled_gil *gil = &polls->gils[i];
        gs_gilpolls_end_hold(polls, gil, polls->last_ns);
        struct gs_gilsum_gil *sum = gs_gilsum_gil_at(polls->sum, (uint32_t)i);
        sum->switches = gil->has_switches ? gs_count(gil->total) : (struct gs_count){0};
    }
    for (size_t i = 0; i < polls->count; i++) {
        gs_gilpolls_note_ran(polls, &polls->list[i], polls->last_ns);
        gs_gilpolls_close(polls, &polls->list[i]);
        if (polls->list[i].sum != GS_NOBODY)
            gs_gilsum_at(polls->sum, polls->list[i].sum)->to_the_end = true;
    }
    set_figures(polls, counted);
    *stat = (struct gs_gilstat){.pid = polls->pid,
                                .python = polls->python,
                                .method = GS_METHOD_SAMPLED,
                                .seconds = seconds,
                                .rate_hz = polls->rate_hz,
                                .long_us = polls->long_ns / 1000,
                                .quality = {.samples = polls->span_polls}};
    enum gs_status status = gs_gilsum_finish(polls->sum, polls->span_ns, &knows, stat);
    fill_in(polls, stat);
    return status;
}

void gs_gilpolls_next(struct gs_gilpolls *polls)
{
    gs_gilsum_clear(polls->sum);
    for (size_t i = 0; i < polls->count; i++) {
        struct gs_polled *polled = &polls->list[i];
        polled->sum = polled->any ? gs_gilsum_add(polls->sum, polled->tid, polled->name, polled->main) : GS_NOBODY;
        polled->ran_begin_ns = polled->ran_ns;
        polled->ran_from_ns = polled->ran_at_ns;
    }
    for (size_t i = 0; i < polls->gil_count; i++)
        polls->gils[i].total = polls->gils[i].unplaced = 0;
    polls->span_polls = polls->span_ns = polls->missed_ns = 0;
    polls->late_ns2 = polls->lost_ns = polls->lost_ns2 = 0;
    polls->ran_ns = polls->last_ns;
    memset(polls->from_ns, 0, sizeof polls->from_ns);
    polls->stays = 0;
}
