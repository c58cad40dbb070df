/* Each span goes to its thread; a window is a sample of the whole time, whose spread tells how good it is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "gil/exact_feed.h"

enum {
    NAME_BYTES = 256,
    MARKS_MOST = 64,   /* places in which holds were seen that are not told of yet */
    PLACES_MOST = 1024 /* that are remembered for that */
};

struct person {
    bool there;
    pid_t tid;                  /* 0: those that ended, in one row */
    uint32_t thread;            /* its number in the sum, and here */
    double window_ns;           /* held in the present window */
    double held_held, held_all; /* sums over windows: of the square of that, and of that times the window's length */
    struct gs_count ran_ns;     /* on a processor, when the span began */
};

/* The hold that was told of last, and what was seen in it and since: events are told some time after they were, so that
 * holds are seen that are not told of yet. */
struct hold {
    pid_t tid;
    uint64_t number;            /* of all that were listed, from 1 on */
    uint64_t since_ns, told_ns; /* told_ns: up to there the sum knows of it, 0: it does not */
    struct gs_stacks *places;
    struct mark {
        pid_t tid;
        uint64_t since_ns;              /* of its hold, as far as was known */
        uint64_t first_ns, ns;          /* seen first, and last */
        uint32_t place, native, called; /* native, called 0: none */
    } marks[MARKS_MOST];
    size_t mark_count;
};

struct gs_exact_feed {
    struct gs_account *sum;
    const struct gs_gil_addresses *addresses;
    struct gs_exact_feed_source source;
    uint64_t long_ns;
    struct person *people; /* by number in the sum */
    size_t count, room;
    struct hold holds[GS_ADDRESSES_MOST];
    uint64_t long_holds;
    uint64_t windows, window_ns; /* how many there were, and how long all together */
    double all_all;              /* the squares of their lengths */
};

static void begin_gils(struct gs_exact_feed *exact)
{
    /* There is one, if only in name. */
    for (unsigned i = 0; i < gs_gil_addresses_gils(exact->addresses) || i == 0; i++) {
        struct gs_account_gil *gil = gs_account_gil_at(exact->sum, i);
        gil->interpreter = exact->addresses->list[i].interpreter;
        gil->state = GS_GIL_FREE;
        gil->switches = gs_count(0);
    }
}

struct gs_exact_feed *gs_exact_feed_new(const struct gs_gil_addresses *addresses, uint64_t long_ns,
                                        const struct gs_exact_feed_source *source)
{
    struct gs_exact_feed *exact = calloc(1, sizeof *exact);
    if (!exact)
        return NULL;
    *exact =
        (struct gs_exact_feed){.sum = gs_account_new(), .addresses = addresses, .source = *source, .long_ns = long_ns};
    bool enough = exact->sum != NULL;
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++)
        enough = (exact->holds[i].places = gs_stacks_new()) && enough;
    if (!enough) {
        gs_exact_feed_free(exact);
        return NULL;
    }
    begin_gils(exact);
    return exact;
}

void gs_exact_feed_free(struct gs_exact_feed *exact)
{
    if (!exact)
        return;
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++)
        gs_stacks_free(exact->holds[i].places);
    gs_account_free(exact->sum);
    free(exact->people);
    free(exact);
}

void gs_exact_feed_next(struct gs_exact_feed *exact)
{
    gs_account_clear(exact->sum);
    exact->count = 0;
    exact->windows = exact->window_ns = 0;
    exact->all_all = 0;
    for (unsigned i = 0; i < GS_ADDRESSES_MOST; i++)
        exact->holds[i].told_ns = 0;
    begin_gils(exact);
}

/* ---- threads ---- */

/* How long it ran before the span: not at all, if it was born in it. */
static struct gs_count ran_before(const struct gs_exact_feed *exact, pid_t tid, bool since_begin)
{
    uint64_t ran_ns = 0;
    bool known = exact->source.ran && (!since_begin || exact->source.ran(exact->source.context, tid, &ran_ns));
    return (struct gs_count){.value = ran_ns, .known = known};
}

/* NULL: there are too many. */
static struct person *meet(struct gs_exact_feed *exact, pid_t tid, bool since_begin)
{
    char name[NAME_BYTES] = "";
    bool main = false;
    uint64_t ident = 0;
    uint32_t known = gs_account_find(exact->sum, tid);
    if (known != UINT32_MAX)
        return &exact->people[known];
    if (!gs_room((void **)&exact->people, &exact->room, exact->count + 1, sizeof *exact->people))
        return NULL;
    if (gs_account_next(exact->sum) >= GS_ACCOUNT_THREADS)
        return NULL;
    exact->source.find(exact->source.context, tid, name, sizeof name, &ident, &main);
    uint32_t thread = gs_account_add(exact->sum, tid, ident, name, main);
    if (thread == UINT32_MAX)
        return NULL;
    exact->count = thread < exact->count ? exact->count : thread + 1;
    struct person *person = &exact->people[thread];
    *person =
        (struct person){.there = true, .tid = tid, .thread = thread, .ran_ns = ran_before(exact, tid, since_begin)};
    return person;
}

void gs_exact_feed_meet(struct gs_exact_feed *exact, pid_t tid, bool since_begin)
{
    if (meet(exact, tid, since_begin))
        gs_account_add(exact->sum, tid, 0, "", false); /* should it have been another of that tid that ended */
}

/* Who has no row any more becomes part of the row of all. */
static void fold(struct gs_exact_feed *exact)
{
    uint32_t number = exact->sum->folded;
    struct person *row = number == UINT32_MAX ? NULL : &exact->people[number];
    for (size_t i = 0; row && i < exact->count; i++) {
        struct person *person = &exact->people[i];
        if (!person->tid || gs_account_find(exact->sum, person->tid) == i)
            continue;
        person->tid = 0;
        if (person == row)
            continue;
        row->window_ns += person->window_ns;
        row->held_held += person->held_held;
        row->held_all += person->held_all;
        person->there = false;
    }
}

void gs_exact_feed_ended(struct gs_exact_feed *exact, pid_t tid)
{
    uint32_t known = gs_account_find(exact->sum, tid);
    if (known == UINT32_MAX || gs_account_at(exact->sum, known)->ended)
        return;
    size_t vacant = exact->sum->vacant_count;
    gs_account_ended(exact->sum, known);
    if (exact->sum->vacant_count > vacant)
        fold(exact);
}

void gs_exact_feed_end_gone(struct gs_exact_feed *exact, bool (*gone)(void *context, pid_t tid), void *context)
{
    for (size_t i = 0; i < exact->count; i++) {
        if (exact->people[i].tid && gone(context, exact->people[i].tid))
            gs_exact_feed_ended(exact, exact->people[i].tid);
    }
}

void gs_exact_feed_rename(struct gs_exact_feed *exact, const char *(*name)(void *context, pid_t tid, uint64_t *ident),
                          void *context)
{
    for (size_t i = 0; i < exact->count; i++) {
        const struct person *person = &exact->people[i];
        struct gs_account_thread *row = gs_account_at(exact->sum, person->thread);
        const char *now = person->tid ? name(context, person->tid, &row->ident) : NULL;
        if (now && strcmp(now, row->name) != 0)
            gs_account_rename(exact->sum, person->thread, now);
    }
}

/* ---- long holds ---- */

static void begin_hold(struct gs_exact_feed *exact, struct hold *hold, pid_t tid, uint64_t since_ns)
{
    if (hold->tid == tid && hold->since_ns == since_ns)
        return;
    hold->tid = tid;
    hold->since_ns = since_ns;
    hold->number = ++exact->long_holds;
    hold->told_ns = 0;
}

static void drop_marks(struct hold *hold, size_t count)
{
    if (count == 0)
        return;
    hold->mark_count -= count;
    memmove(hold->marks, hold->marks + count, hold->mark_count * sizeof *hold->marks);
    if (hold->mark_count == 0)
        gs_stacks_clear(hold->places);
}

/* How many of the marks are of moments before this one. */
static size_t marks_before(const struct hold *hold, uint64_t ns)
{
    size_t count = 0;
    while (count < hold->mark_count && hold->marks[count].first_ns < ns)
        count++;
    return count;
}

void gs_exact_feed_see(struct gs_exact_feed *exact, unsigned lock, pid_t tid, uint64_t since_ns, uint64_t now_ns,
                       const struct gs_place *place, const struct gs_hold_call *call)
{
    struct hold *hold = &exact->holds[lock];
    if (gs_stacks_place_count(hold->places) > PLACES_MOST)
        drop_marks(hold, hold->mark_count);
    uint32_t number = gs_stacks_place(hold->places, place);
    uint32_t native = call->native ? gs_stacks_place(hold->places, call->native) : 0;
    uint32_t called = call->called ? gs_stacks_place(hold->places, call->called) : 0;
    struct mark *last = hold->mark_count > 0 ? &hold->marks[hold->mark_count - 1] : NULL;
    if (last && last->tid == tid && last->since_ns == since_ns && last->place == number && last->native == native &&
        last->called == called)
        last->ns = now_ns;
    else if (number && hold->mark_count < MARKS_MOST)
        hold->marks[hold->mark_count++] = (struct mark){
            tid, since_ns, .first_ns = now_ns, .ns = now_ns, .place = number, .native = native, .called = called};
}

static const struct gs_place *place_of(const struct hold *hold, uint32_t number)
{
    return number ? gs_stacks_place_at(hold->places, number) : NULL;
}

/* Each part of a hold was spent where it was seen at the part's end; what came last, where it was seen last. */
static void tell_hold(struct gs_exact_feed *exact, struct hold *hold, const struct person *person,
                      const struct gs_gil_span *gil_span)
{
    uint64_t from_ns = hold->told_ns > gil_span->begin_ns ? hold->told_ns : gil_span->begin_ns;
    uint64_t whole_ns = gil_span->end_ns - gil_span->since_ns;
    size_t count = marks_before(hold, gil_span->end_ns + 1); /* later ones are of what comes then */
    for (size_t i = 0; i < count || i == 0; i++) {
        const struct mark *mark = count > 0 && hold->marks[i].tid == gil_span->tid ? &hold->marks[i] : NULL;
        uint64_t to_ns = i + 1 < count && hold->marks[i].ns < gil_span->end_ns ? hold->marks[i].ns : gil_span->end_ns;
        struct gs_account_part part = {.place = place_of(hold, mark ? mark->place : 0),
                                       .native = place_of(hold, mark ? mark->native : 0),
                                       .called = place_of(hold, mark ? mark->called : 0),
                                       .ns = to_ns - from_ns,
                                       .hold = hold->number,
                                       .whole_ns = whole_ns,
                                       .waiters = gil_span->waiters};
        if (to_ns > from_ns) {
            gs_account_hog(exact->sum, person->thread, &part);
            from_ns = to_ns;
        }
    }
    if (count > 1)
        drop_marks(hold, count - 1); /* where it was seen last, it may be still */
    hold->told_ns = gil_span->end_ns;
}

static void end_hold(struct gs_exact_feed *exact, const struct person *person, const struct gs_gil_span *gil_span)
{
    struct hold *hold = &exact->holds[gil_span->lock];
    drop_marks(hold, marks_before(hold, gil_span->since_ns));
    if (gil_span->end_ns - gil_span->since_ns >= exact->long_ns) {
        begin_hold(exact, hold, gil_span->tid, gil_span->since_ns);
        tell_hold(exact, hold, person, gil_span);
    }
    if (!gil_span->ended)
        return;
    drop_marks(hold, marks_before(hold, gil_span->end_ns + 1));
    hold->tid = 0;
}

/* ---- spans ---- */

static void add_hold(struct gs_exact_feed *exact, struct person *person, const struct gs_gil_span *gil_span)
{
    struct gs_account_thread *thread = gs_account_at(exact->sum, person->thread);
    struct gs_account_gil *gil = gs_account_gil_at(exact->sum, gil_span->lock);
    uint64_t ns = gil_span->end_ns - gil_span->since_ns;
    bool first = gil_span->begin_ns == gil_span->since_ns;
    thread->gil = gil_span->lock;
    thread->takes += first && gil_span->begun;
    if (first && gil_span->begun && gil_span->from && gil_span->from != gil_span->tid)
        gil->switches.value++;
    person->window_ns += (double)(gil_span->end_ns - gil_span->begin_ns);
    if (gil_span->begun && gil_span->ended)
        gs_account_hold(exact->sum, person->thread, ns, 1);
    if (ns > thread->longest_hold_ns) /* it lasted this long at least */
        thread->longest_hold_ns = ns;
    if (ns > gil->longest_hold_ns) {
        gil->longest_hold_ns = ns;
        gil->longest_hold_tid = gil_span->tid;
    }
    end_hold(exact, person, gil_span);
}

void gs_exact_feed_turn(struct gs_exact_feed *exact, const struct gs_gil_span *gil_span)
{
    struct person *person = meet(exact, gil_span->tid, false);
    if (!person || gil_span->lock >= gs_gil_addresses_gils(exact->addresses))
        return;
    struct gs_account_thread *thread = gs_account_at(exact->sum, person->thread);
    gs_account_spend(thread, gil_span->word, gil_span->end_ns - gil_span->begin_ns);
    if (gil_span->word == GS_HOLDS)
        add_hold(exact, person, gil_span);
    else if (gil_span->word == GS_WAITS)
        gs_account_wait(exact->sum, person->thread, gil_span->end_ns - gil_span->since_ns);
}

void gs_exact_feed_moment(struct gs_exact_feed *exact, unsigned lock, pid_t holder, uint32_t waiters, uint64_t ns)
{
    if (lock < gs_gil_addresses_gils(exact->addresses))
        gs_account_gil(exact->sum, lock, holder != 0, waiters, ns);
}

void gs_exact_feed_blame(struct gs_exact_feed *exact, pid_t waiter, pid_t holder, uint64_t ns)
{
    const struct person *first = meet(exact, waiter, false);
    uint32_t thread = first ? first->thread : 0;
    const struct person *second = first ? meet(exact, holder, false) : NULL;
    if (second)
        gs_account_blame(exact->sum, thread, second->thread, ns);
}

/* ---- windows ---- */

void gs_exact_feed_window(struct gs_exact_feed *exact, uint64_t ns)
{
    double all = (double)ns;
    exact->windows++;
    exact->window_ns += ns;
    exact->all_all += all * all;
    for (size_t i = 0; i < exact->count; i++) {
        struct person *person = &exact->people[i];
        person->held_held += person->window_ns * person->window_ns;
        person->held_all += person->window_ns * all;
        person->window_ns = 0;
    }
}

/* Student's t for 97.5 %, by degrees of freedom from 1 on; many: that of the normal distribution. */
static double student(uint64_t freedom)
{
    static const double few[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23,
                                 2.20,  2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09};
    return freedom == 0 ? INFINITY : freedom <= sizeof few / sizeof *few ? few[freedom - 1] : 2.05;
}

/* The error of a ratio of sums over windows that were chosen out of the whole time (W. G. Cochran, Sampling Techniques,
 * 6.4), which gets smaller as they become all of it. It is told as that of a normal distribution with the same bound.
 */
static double half_width(const struct gs_exact_feed *exact, const struct person *person, uint64_t whole_ns)
{
    double traced = (double)exact->window_ns, n = (double)exact->windows;
    double left = exact->window_ns < whole_ns ? 1 - traced / (double)whole_ns : 0;
    double held = (double)gs_account_at(exact->sum, person->thread)->word_ns[GS_HOLDS];
    double share = traced > 0 ? held / traced : 0;
    double squares = person->held_held - 2 * share * person->held_all + share * share * exact->all_all;
    if (left <= 0)
        return 0;
    if (exact->windows < 2 || traced <= 0)
        return 1; /* one window tells nothing of how much they differ */
    return squares > 0 ? fmin(student(exact->windows - 1) * sqrt(left * n / (n - 1) * squares) / traced, 1) : 0;
}

/* ---- the end of a span ---- */

static struct gs_figure on_cpu(const struct gs_exact_feed *exact, const struct person *person, uint64_t whole_ns)
{
    uint64_t ran_ns, before_ns = person->ran_ns.value;
    if (!person->ran_ns.known || whole_ns == 0 || !exact->source.ran(exact->source.context, person->tid, &ran_ns) ||
        ran_ns < before_ns)
        return (struct gs_figure){0};
    return gs_figure((double)(ran_ns - before_ns) / (double)whole_ns);
}

uint64_t gs_exact_feed_traced_ns(const struct gs_exact_feed *exact)
{
    return exact->window_ns;
}

enum gs_status gs_exact_feed_finish(struct gs_exact_feed *exact, uint64_t whole_ns, struct gs_gilstat *stat)
{
    static const struct gs_account_knows all = {true, true, true, true};
    for (size_t i = 0; i < exact->count; i++) {
        const struct person *person = &exact->people[i];
        if (!person->there)
            continue;
        struct gs_account_thread *thread = gs_account_at(exact->sum, person->thread);
        thread->on_cpu = on_cpu(exact, person, whole_ns);
        thread->half_width = half_width(exact, person, whole_ns);
    }
    return gs_account_finish(exact->sum, exact->window_ns, &all, stat);
}
