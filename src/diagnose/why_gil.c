/* Who keeps the GIL too long: by collecting garbage, by sleeping with it, or by one call of C code. Who has ended since
 * is told about, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_rules.h"

enum {
    SHARE_OF_LONG = 4, /* long holds that take a quarter of the time are worth a word, */
    SHARE_OF_GC = 4,   /* and so is garbage collection; */
    SHARE_OF_ONE = 10  /* who does a tenth of it, a name */
};

/* How many threads wait for a GIL, or did for long, but for its holder (an index, or GS_NOBODY); chosen: which. */
static size_t waiters_of(const struct gs_case *c, uint32_t gil, uint32_t holder, bool *chosen)
{
    const struct gs_snapshot *s = c->snapshot;
    size_t count = 0;
    for (uint32_t i = 0; i < s->thread_count; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, &s->threads[i]);
        bool waited = s->threads[i].gil == GS_WAITS || (sum && sum->longest_wait_ns >= GS_WHY_LONG_NS);
        chosen[i] = i != holder && waited && s->interpreters[s->threads[i].interpreter].gil == gil;
        count += chosen[i];
    }
    return count;
}

void gs_why_tell_waiters(struct gs_judging *j, struct gs_verdict *v, uint32_t gil, uint32_t holder)
{
    const struct gs_case *c = j->c;
    bool *chosen = calloc(c->snapshot->thread_count + 1, sizeof *chosen);
    size_t count = chosen ? waiters_of(c, gil, holder, chosen) : 0;
    bool still = holder < c->snapshot->thread_count && c->snapshot->threads[holder].gil == GS_HOLDS;
    struct gs_said number = gs_said_number(count);
    const char *who = count == 1 ? "One thread" : number.words;
    if (count > 0 && still)
        gs_why_evidence(j, v, "%s %s for the GIL: %s. Until it is free nothing else in this process runs Python.", who,
                        count == 1 ? "waits" : "threads wait", gs_said_threads(c, chosen).words);
    else if (count > 0)
        gs_why_evidence(j, v, "%s%s waited for the GIL: %s. Meanwhile nothing else in this process ran Python.", who,
                        count == 1 ? "" : " threads", gs_said_threads(c, chosen).words);
    else
        gs_why_evidence(j, v,
                        still ? "No other thread asks for the GIL at the moment."
                              : "No other thread asked for the GIL meanwhile.");
    for (size_t i = 0; i < c->snapshot->thread_count && chosen; i++) {
        if (chosen[i])
            gs_why_concerns(j, v, i);
    }
    free(chosen);
}

/* ---- garbage collection ---- */

/* What a machine with too much to do makes of a collection: it takes longer by the time in which whoever collects is
 * ready and has no processor. Where they wait for memory from a disk that is not counted. */
struct collectors {
    double own;  /* the part of the time collected in which they had one, and */
    double kept; /* the part of the time watched in which one of them had none, at most */
};

static struct collectors find_collectors(const struct gs_case *c)
{
    struct collectors found = {0, 0};
    double sum_ns = 0;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, &c->snapshot->threads[i]);
        double ran = gs_case_ran(c, i), kept = gs_case_kept(c, i);
        if (!sum || sum->collecting_ns < c->watch->collecting.ns / SHARE_OF_ONE || sum->collecting_ns == 0)
            continue;
        found.own += (double)sum->collecting_ns * (ran + kept > 0 && ran >= 0 ? ran / (ran + kept) : 1);
        found.kept = kept > found.kept ? kept : found.kept;
        sum_ns += (double)sum->collecting_ns;
    }
    found.own = sum_ns > 0 ? found.own / sum_ns : 1; /* not known */
    return found;
}

/* Of the time in which there was a processor for it. */
static bool collects_much(const struct gs_case *c, const struct collectors *by)
{
    double watched_ns = (double)gs_case_watched_ns(c), own_ns = by->own * (double)c->watch->collecting.ns;
    return watched_ns >= GS_WHY_HANGS_NS && own_ns >= GS_WHY_LONG_NS &&
           own_ns >= (1 - by->kept) * watched_ns / SHARE_OF_GC;
}

void gs_why_find_gc(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    uint64_t watched_ns = gs_case_watched_ns(c);
    struct gs_verdict *v = NULL;
    struct collectors by = find_collectors(c);
    double longest_ns = by.own * (double)c->watch->collecting.longest_ns;
    bool now = false;
    for (size_t i = 0; i < c->snapshot->interpreter_count; i++) {
        now |= c->snapshot->interpreters[i].collecting_garbage;
        if (c->snapshot->interpreters[i].finalizing) /* that collects, too, and says more */
            return;
    }
    if (2 * c->watch->stopping.ns > c->watch->collecting.ns) /* for the most part it waits for others to stop */
        return;
    if (c->target->postmortem && now)
        v = gs_why_say(j, GS_WHY_gc, true, "Python was collecting garbage.");
    else if (!c->target->postmortem && longest_ns >= (double)GS_WHY_HANGS_NS)
        v = gs_why_say(j, GS_WHY_gc, true, "Python collects garbage: %s of the %s watched, up to %s without a pause%s.",
                       gs_said_us(c->watch->collecting.ns / 1000).words, gs_said_us(watched_ns / 1000).words,
                       gs_said_us(c->watch->collecting.longest_ns / 1000).words, now ? ", and still does" : "");
    else if (!c->target->postmortem && collects_much(c, &by))
        v = gs_why_say(j, GS_WHY_gc, true, "Python spends much of its time on garbage: %s of the %s watched.",
                       gs_said_us(c->watch->collecting.ns / 1000).words, gs_said_us(watched_ns / 1000).words);
    if (!v)
        return;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        const struct gs_why_thread *sum = gs_why_watch_find(c->watch, thread);
        if ((sum && sum->collecting_ns > 0 && sum->collecting_ns >= c->watch->collecting.ns / SHARE_OF_ONE) ||
            (now && gs_why_watch_collects(thread))) {
            gs_why_evidence(j, v, "%s does it, in %s.", gs_said_thread(c, thread).words,
                            gs_said_stack(c, thread).words);
            gs_why_concerns(j, v, i);
        }
    }
    if (c->watch->stopped.ns > 0)
        gs_why_evidence(j, v, "All other threads were stopped for %s, up to %s at a time.",
                        gs_said_us(c->watch->stopped.ns / 1000).words,
                        gs_said_us(c->watch->stopped.longest_ns / 1000).words);
    else if (c->snapshot->gil_count > 0 && c->snapshot->gils[0].state != GS_GIL_DISABLED)
        gs_why_evidence(j, v, "While it collects, the thread keeps the GIL, and nobody else runs Python.");
    if (!c->target->postmortem)
        gs_why_tell_starved(j, v, by.kept);
    gs_why_advise(j, v,
                  "Many objects that live long make each full collection long: call gc.freeze() after start-up, "
                  "raise gc.set_threshold(), or collect at a time of your own with gc.disable() and gc.collect().");
    gs_why_basis(j, v, "the interpreter's flag for that was set.");
}

/* ---- holders that sleep ---- */

/* Of a core: the holder at that moment, if it slept. */
static void find_blocked_in_core(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (thread->gil != GS_HOLDS || thread->activity.run != GS_RUN_SYSCALL || j->told[i])
            continue;
        bool *chosen = calloc(c->snapshot->thread_count + 1, sizeof *chosen);
        uint32_t gil = c->snapshot->interpreters[thread->interpreter].gil;
        size_t waiting = chosen ? waiters_of(c, gil, (uint32_t)i, chosen) : 0;
        free(chosen);
        if (waiting == 0)
            continue;
        struct gs_verdict *v =
            gs_why_say(j, GS_WHY_gil_held_blocked, false, "%s slept in a system call while it had the GIL: it %s.",
                       gs_said_thread(c, thread).words, gs_said_call(c, &thread->activity).words);
        gs_why_evidence(j, v, "It was in %s.", gs_said_stack(c, thread).words);
        gs_why_concerns(j, v, i);
        gs_why_tell_waiters(j, v, gil, (uint32_t)i);
        gs_why_basis(j, v, "the core is one moment: for how long, it does not tell.");
    }
}

#define REGEX                                                                                                          \
    "A regular expression that backtracks is the usual cause: bound its input, rewrite it without nested repeats, or " \
    "run it in another process."
#define PIECES "It works on much in one call: cut that into pieces, or do it in another process."

/* The C function or its library tells which code it is; where it has no name, the innermost Python function may. */
static const struct {
    const char *part; /* of a C function's name, a library's, or a Python file's path */
    const char *advice;
} rows[] = {
    {"sre_", REGEX},
    {"_sre", REGEX},
    {"re.Pattern", REGEX},
    {"/re/", REGEX},
    {"/re.py", REGEX},
    {"json", PIECES},
    {"pickle", PIECES},
    {"list_sort", PIECES},
    {"list.sort", PIECES},
    {"sqlite3", "A query of SQLite that lasts: an index, or a query for less at a time, is what helps."},
    {"/ctypes/", "ctypes.PyDLL keeps the GIL: CDLL gives it up for the time of the call."},
};

/* why_advice.c */
static const char *advice_for_c(const struct gs_case *c, const struct gs_why_closer *closer,
                                const struct gs_why_hold *hold)
{
    const struct gs_frame frame = {
        .frame = hold->frame, .code = hold->code, .instr = hold->instr, .kind = GS_FRAME_PYTHON};
    struct gs_place place;
    bool known = c->lookup.place(c->lookup.context, &frame, &place);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((closer && (strstr(closer->function, rows[i].part) || strstr(closer->module, rows[i].part))) ||
            (known && strstr(place.file, rows[i].part)))
            return rows[i].advice;
    }
    return "One call of C code that neither ends nor gives up the GIL: give it less at a time, have it give up the GIL "
           "(Py_BEGIN_ALLOW_THREADS), or run it in another process.";
}

/* A thread that kept the GIL in one way. */
struct suspect {
    const struct gs_why_thread *sum;
    const struct gs_why_hold *hold; /* the longest one */
    enum gs_why_spent spent;
    uint32_t index;                     /* GS_NOBODY: it has ended */
    const struct gs_why_closer *closer; /* NULL: it was not looked at more closely */
    struct gs_said who, stack;          /* stack: where it was then */
};

static uint64_t length_ns(const struct gs_why_hold *hold)
{
    return hold->end_ns - hold->begin_ns;
}

/* It covers the whole time, but for what is lost at the edges. */
static bool throughout(const struct gs_case *c, const struct gs_why_hold *hold)
{
    uint64_t watched_ns = gs_case_watched_ns(c);
    return hold->ended_ns == 0 && length_ns(hold) + watched_ns / 20 >= watched_ns;
}

/* Others asked for it all the time, and the switch count stood still: it cannot have let go in between. */
static bool proven(const struct gs_why_hold *hold)
{
    return hold->counted && hold->contended_ns >= length_ns(hold) * 9 / 10 && hold->asked >= hold->looks * 9 / 10;
}

static void give_basis(struct gs_judging *j, struct gs_verdict *v, const struct gs_why_hold *hold)
{
    if (proven(hold))
        gs_why_basis(j, v, "in each of %s looks the GIL's switch count stood at %s, and it was asked to let go.",
                     gs_said_number(hold->looks).words, gs_said_number(hold->switches).words);
    else if (hold->counted)
        gs_why_basis(j, v,
                     "in each of %s looks the GIL's switch count stood at %s; whether it let go for a moment and "
                     "took it again, that does not tell.",
                     gs_said_number(hold->looks).words, gs_said_number(hold->switches).words);
    else
        gs_why_basis(j, v,
                     "in each of %s looks it had the GIL and stood at the same instruction; this Python does not "
                     "count how often the GIL changes hands.",
                     gs_said_number(hold->looks).words);
}

static void make_suspect(const struct gs_case *c, const struct gs_why_thread *sum, enum gs_why_spent spent,
                         struct suspect *suspect)
{
    *suspect = (struct suspect){.sum = sum, .hold = &sum->longest[spent], .spent = spent, .index = GS_NOBODY};
    suspect->closer = gs_case_closer(c, sum->tid);
    for (uint32_t i = 0; i < c->snapshot->thread_count; i++) {
        if (gs_why_watch_find(c->watch, &c->snapshot->threads[i]) == sum && gs_why_watch_speaks(c->snapshot, i))
            suspect->index = i;
    }
    const struct gs_frame there = {.frame = suspect->hold->frame,
                                   .code = suspect->hold->code,
                                   .instr = suspect->hold->instr,
                                   .kind = GS_FRAME_PYTHON};
    if (suspect->index != GS_NOBODY)
        suspect->who = gs_said_tid(c, sum->tid);
    else
        snprintf(suspect->who.words, sizeof suspect->who.words, "%.100s (%d), which has ended since,",
                 suspect->closer ? suspect->closer->name : "a thread", (int)sum->tid);
    if (suspect->closer)
        snprintf(suspect->stack.words, sizeof suspect->stack.words, "%s", suspect->closer->stack);
    else if (suspect->index != GS_NOBODY && suspect->hold->ended_ns == 0)
        suspect->stack = gs_said_stack(c, &c->snapshot->threads[suspect->index]);
    else
        suspect->stack = gs_said_place(c, &there);
    if (!suspect->stack.words[0])
        snprintf(suspect->stack.words, sizeof suspect->stack.words, "no Python code that is known");
}

/* Calls tell for each thread whose holds of that kind lasted long while others wanted the GIL. */
static void find_suspects(struct gs_judging *j, enum gs_why_spent spent,
                          void (*tell)(struct gs_judging *j, const struct suspect *suspect))
{
    const struct gs_case *c = j->c;
    for (size_t i = 0; i < c->watch->thread_count && !c->target->postmortem && !c->stopped; i++) {
        struct suspect suspect;
        if (c->watch->threads[i].long_contended_ns[spent] == 0)
            continue;
        make_suspect(c, &c->watch->threads[i], spent, &suspect);
        if (suspect.index == GS_NOBODY || !j->told[suspect.index])
            tell(j, &suspect);
    }
}

static bool long_one(const struct suspect *s)
{
    return length_ns(s->hold) >= GS_WHY_HANGS_NS && s->hold->contended_ns >= length_ns(s->hold) / 2;
}

static bool many(const struct gs_case *c, const struct suspect *s)
{
    return s->sum->long_contended_ns[s->spent] >= gs_case_watched_ns(c) / SHARE_OF_LONG;
}

/* ---- holders that sleep ---- */

static void tell_what_it_waits_for(struct gs_judging *j, struct gs_verdict *v, uint32_t index)
{
    const struct gs_case *c = j->c;
    const struct gs_wait *wait = &c->now->list[index];
    if (!gs_wait_is_lock(wait))
        return;
    gs_why_evidence(j, v, "What it waits for is %s, which %s has.", gs_said_wait(c, wait).words,
                    wait->owner_tid      ? gs_said_tid(c, wait->owner_tid).words
                    : wait->outsider > 0 ? gs_said_tid(c, wait->outsider).words
                                         : "somebody that cannot be seen");
}

static void tell_blocked(struct gs_judging *j, const struct suspect *s)
{
    const struct gs_case *c = j->c;
    struct gs_said watched = gs_said_us(gs_case_watched_ns(c) / 1000);
    struct gs_verdict *v;
    bool now = s->hold->ended_ns == 0 && s->index != GS_NOBODY;
    if (!long_one(s) && !many(c, s))
        return;
    if (throughout(c, s->hold))
        v = gs_why_say(j, GS_WHY_gil_held_blocked, proven(s->hold),
                       "%s sleeps in a system call with the GIL, and did not let go once in the %s watched.",
                       s->who.words, watched.words);
    else if (s->sum->long_count[GS_WHY_ASLEEP] == 1)
        v = gs_why_say(j, GS_WHY_gil_held_blocked, proven(s->hold),
                       "%s slept in a system call with the GIL for %s of the %s watched%s.", s->who.words,
                       gs_said_us(length_ns(s->hold) / 1000).words, watched.words,
                       s->hold->ended_ns ? "; it has let go since" : ", and still does");
    else
        v = gs_why_say(j, GS_WHY_gil_held_blocked, proven(s->hold),
                       "%s slept in system calls with the GIL for %s of the %s watched, up to %s without letting go.",
                       s->who.words, gs_said_us(s->sum->long_ns[GS_WHY_ASLEEP] / 1000).words, watched.words,
                       gs_said_us(length_ns(s->hold) / 1000).words);
    gs_why_evidence(j, v, "There it %s%s, in %s.", gs_said_call(c, &s->hold->activity).words,
                    now ? gs_said_asleep(c, s->sum->tid).words : "", s->stack.words);
    if (s->closer && s->closer->function[0])
        gs_why_evidence(j, v, "The C function that sleeps with the GIL is %s.", gs_said_closer(s->closer).words);
    if (now)
        tell_what_it_waits_for(j, v, s->index);
    gs_why_concerns(j, v, s->index);
    gs_why_tell_waiters(j, v, s->hold->gil, s->index);
    gs_why_advise(j, v,
                  "C code that may have to wait must give up the GIL first (Py_BEGIN_ALLOW_THREADS; ctypes.CDLL "
                  "instead of PyDLL; `with nogil` in Cython). Until that is mended: do the call in another process.");
    give_basis(j, v, s->hold);
}

void gs_why_find_held_blocked(struct gs_judging *j)
{
    if (j->c->target->postmortem)
        find_blocked_in_core(j);
    find_suspects(j, GS_WHY_ASLEEP, tell_blocked);
}

/* ---- one call of C code ---- */

/* It did not get half of the processor time that its long holds took. */
static bool starved(const struct gs_case *c, const struct suspect *s)
{
    double ran = s->index != GS_NOBODY ? gs_case_ran(c, s->index) : -1;
    return ran >= 0 && ran * (double)gs_case_watched_ns(c) < (double)s->sum->long_ns[GS_WHY_RUNNING] / 2;
}

/* A thread that did not get a processor for most of its holds may stand in one place without keeping anything: what it
 * can have had in this hold counts. */
static bool lasted(const struct gs_case *c, const struct suspect *s)
{
    double ran = s->index != GS_NOBODY ? gs_case_ran(c, s->index) : -1;
    if (!long_one(s) || !starved(c, s))
        return long_one(s);
    double share = ran * (double)gs_case_watched_ns(c) / (double)s->sum->long_ns[GS_WHY_RUNNING];
    return share * (double)length_ns(s->hold) >= (double)GS_WHY_HANGS_NS;
}

static struct gs_verdict *say_hog(struct gs_judging *j, const struct suspect *s)
{
    const struct gs_case *c = j->c;
    const char *who = s->who.words;
    bool certain = proven(s->hold);
    struct gs_said watched = gs_said_us(gs_case_watched_ns(c) / 1000), longest = gs_said_us(length_ns(s->hold) / 1000);
    if (throughout(c, s->hold))
        return gs_why_say(j, GS_WHY_gil_hog, certain, "%s keeps the GIL: it did not let go once in the %s watched.",
                          who, watched.words);
    if (s->sum->long_count[GS_WHY_RUNNING] == 1)
        return gs_why_say(j, GS_WHY_gil_hog, certain, "%s kept the GIL for %s of the %s watched without letting go%s.",
                          who, longest.words, watched.words,
                          s->hold->ended_ns ? "; it has let go since" : ", and still does");
    return gs_why_say(
        j, GS_WHY_gil_hog, certain,
        "%s keeps the GIL again and again: %s times for %s of the %s watched, up to %s without letting go.", who,
        gs_said_number(s->sum->long_count[GS_WHY_RUNNING]).words,
        gs_said_us(s->sum->long_ns[GS_WHY_RUNNING] / 1000).words, watched.words, longest.words);
}

static void tell_hog(struct gs_judging *j, const struct suspect *s)
{
    const struct gs_case *c = j->c;
    /* Who runs Python code is asked to let go every few milliseconds: it does not stay in one place for long. */
    if (!s->hold->one_place || s->hold->contended_ns < length_ns(s->hold) / 2 || (s->closer && s->closer->in_python) ||
        !(lasted(c, s) || (many(c, s) && s->sum->long_count[GS_WHY_RUNNING] > 1 && !starved(c, s))))
        return;
    struct gs_verdict *v = say_hog(j, s);
    if (s->closer && s->closer->function[0])
        gs_why_evidence(j, v, "It runs %s, called by %s.", gs_said_closer(s->closer).words, s->stack.words);
    else
        gs_why_evidence(j, v, "It runs C code, called by %s.", s->stack.words);
    if (starved(c, s))
        gs_why_evidence(j, v,
                        "It had a processor for only %.0f %% of the time watched: this machine has more to do than "
                        "it can, which makes each hold longer.",
                        100 * gs_case_ran(c, s->index));
    gs_why_concerns(j, v, s->index);
    gs_why_tell_waiters(j, v, s->hold->gil, s->index);
    gs_why_advise(j, v, "%s", advice_for_c(c, s->closer, s->hold));
    give_basis(j, v, s->hold);
}

void gs_why_find_hogs(struct gs_judging *j)
{
    find_suspects(j, GS_WHY_RUNNING, tell_hog);
}
