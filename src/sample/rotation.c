/* Threads of which nothing says that they did anything are asked in turn, so that none goes for long without. Most of
 * them sleep. As long as the books balance (books.h) nobody need be asked for that; and if they do not, how often the
 * kernel put a thread on a processor is told for half the price of what it does: as long as that stays the same, it
 * sleeps on. Not told by either is that one was woken and waits for a processor; so where threads were lately seen to
 * wait long for one, all are asked what they do. */
#include <unistd.h>

#include "base/clock.h"
#include "sample/reader.h"

enum {
    CHECK_NS = 40000000,  /* between two looks at the books: what somebody does who does not sleep on */
    FOUND_NS = 20000000,  /* is found out within so long after it, */
    TURN_NS = 80000000,   /* or, where they never balance, so long after the last time: within 100 ms also at 100 Hz, */
                          /* where two samples may be 20 ms apart. Each has its turn */
    TURNS = 2,            /* as often in that time, and is asked if it was not for another reason */
    LATELY_NS = 20000000, /* ago: between two turns may lie 80 ms */
    ROTATION_SHARE = 16,  /* of the threads are asked at once: that is cheaper than one at a time */
    TRUST = 16,           /* turns, after which one is asked although the books balance */
    BOOKS_LEAST = 16,     /* fewer threads are asked as fast as the books are read */
    BUSY_SHARE = 8,       /* where more of the threads did something since, books are not worth while */
    BUSY_LEAST = 4,
    TRIES = 3,        /* to read the books before the next tick */
    NO_FILE = -2,     /* of runs_fd: cannot be had */
    WAIT_NS = 1000000 /* for a processor, each time: more is long, */
};
#define CROWDED_NS UINT64_C(10000000000) /* and counts for so long */

/* It slept over something else than the GIL when it was last asked. */
static bool sleeps(const struct gs_member *member)
{
    return member->activity.run == GS_RUN_SYSCALL && member->futex == GS_FUTEX_OTHER;
}

static bool is_crowded(const struct gs_reader *reader)
{
    return reader->crowded_ns && reader->taken_ns - reader->crowded_ns < CROWDED_NS;
}

static bool open_runs(struct gs_reader *reader, struct gs_member *member)
{
    if (member->runs_fd == -1)
        member->runs_fd = gs_runs_open(reader->python->target, member->tid);
    if (member->runs_fd >= reader->kept_files)
        close(member->runs_fd);
    if (member->runs_fd < 0 || member->runs_fd >= reader->kept_files)
        member->runs_fd = NO_FILE;
    return member->runs_fd >= 0;
}

/* Reads how long it was on a processor; *more_ns: than when this was last read. True: it sleeps, and did so all the
 * while. */
static bool read_runs(struct gs_reader *reader, struct gs_member *member, uint64_t *more_ns, bool *told)
{
    struct gs_runs now, before = member->runs_ns ? member->runs : (struct gs_runs){0};
    bool known = member->runs_known;
    *more_ns = 0;
    *told = open_runs(reader, member) && gs_runs_read(member->runs_fd, &now) && now.count > 0;
    member->runs_known = false;
    if (!*told)
        return false;
    *more_ns = now.ran_ns - before.ran_ns;
    member->runs = now;
    member->runs_ns = reader->taken_ns;
    if (known && now.waited_ns - before.waited_ns > (now.count - before.count) * WAIT_NS)
        reader->crowded_ns = reader->taken_ns;
    member->runs_known = known && now.count == before.count;
    return member->runs_known;
}

/* Asks what it does, unless that is known. */
static void ask(struct gs_reader *reader, struct gs_member *member)
{
    uint64_t more_ns = 0;
    bool told = false, tell = sleeps(member) && !is_crowded(reader);
    /* Of who was looked at when they were balanced, or later, or never before, nothing is missing. */
    bool counts = member->runs_ns && member->runs_ns < reader->books.checked_ns;
    bool slept = tell && read_runs(reader, member, &more_ns, &told);
    gs_books_look(&reader->books, counts ? more_ns : 0);
    if (slept && !is_crowded(reader)) {
        member->asked_ns = reader->taken_ns;
        return;
    }
    gs_census_ask(reader, member);
    /* They were read before: if it ran in between, they are others the next time. */
    member->runs_known = told && sleeps(member);
}

/* It may have run since its time on a processor was read. */
static bool is_open(const struct gs_member *member)
{
    return member->tid && (!sleeps(member) || member->asked_ns > member->runs_ns);
}

static size_t count_open(const struct gs_reader *reader)
{
    size_t open = 0;
    for (size_t i = 0; i < reader->member_count; i++)
        open += is_open(reader->members[i]);
    return open;
}

/* Brings what is known of those who may have run up to date. *changed: somebody had. */
static bool read_open(struct gs_reader *reader, bool *changed)
{
    uint64_t more_ns;
    bool told = true;
    *changed = false;
    for (size_t i = 0; i < reader->member_count && told; i++) {
        struct gs_member *member = reader->members[i];
        if (!is_open(member))
            continue;
        bool slept = read_runs(reader, member, &more_ns, &told);
        *changed |= more_ns != 0;
        if (!told || slept || !sleeps(member))
            continue;
        gs_census_ask(reader, member); /* it may sleep over something else now */
        member->runs_known = sleeps(member);
    }
    return told;
}

/* The time of the process but for that of its threads that are looked at; GS_BOOKS_UNKNOWN: not told. */
static uint64_t rest_ns(struct gs_reader *reader)
{
    uint64_t cpu_ns, known_ns = 0;
    bool changed;
    if (!read_open(reader, &changed))
        return GS_BOOKS_UNKNOWN;
    /* What is read before and after is of one moment if it is the same. */
    for (int i = 0; i < TRIES; i++) {
        if (!gs_target_clock_ns(reader->python->target, &cpu_ns) || !read_open(reader, &changed))
            return GS_BOOKS_UNKNOWN;
        if (!changed)
            break;
    }
    for (size_t i = 0; i < reader->member_count; i++)
        known_ns += reader->members[i]->runs_ns ? reader->members[i]->runs.ran_ns : 0;
    return changed || known_ns > cpu_ns ? GS_BOOKS_UNKNOWN : cpu_ns - known_ns;
}

/* Whether somebody is to be asked now. */
static bool begin_turn(struct gs_reader *reader)
{
    struct gs_books *books = &reader->books;
    if (reader->taken_ns - books->checked_ns < CHECK_NS)
        return false;
    books->checked_ns = reader->taken_ns;
    reader->turn_ns = (books->balanced ? FOUND_NS : TURN_NS / TURNS) / reader->member_count + 1;
    reader->turn_of = reader->discovery;
    /* With several interpreters the time of a thread may be met twice. */
    bool worth = !is_crowded(reader) && reader->interp_count == 1 && reader->member_count >= BOOKS_LEAST &&
                 count_open(reader) <= reader->member_count / BUSY_SHARE + BUSY_LEAST;
    if (!gs_books_balance(books, worth ? rest_ns(reader) : GS_BOOKS_UNKNOWN, reader->member_count))
        return true;
    books->left = reader->member_count / TRUST + 1;
    return true;
}

/* Those who are counted as waiters are all that are known to wait, or fewer: then none of these has left the wait. */
static bool waiters_fit(const struct gs_reader *reader)
{
    uint32_t waiters = 0;
    if (reader->lock_count != 1 || !reader->locks[0].after.has_users)
        return false;
    for (size_t i = 0; i < reader->member_count; i++)
        waiters += reader->members[i]->futex == GS_FUTEX_COND;
    return waiters <= reader->locks[0].after.cond_users;
}

/* Nothing is to be learnt of it: it waits on, or was asked lately. */
static bool is_known(const struct gs_reader *reader, const struct gs_member *member, bool fit)
{
    uint64_t age_ns = reader->taken_ns - member->asked_ns;
    bool searched = reader->books.missing_ns != GS_BOOKS_UNKNOWN;
    return !member->tid || age_ns == 0 || (fit && member->futex == GS_FUTEX_COND) || (!searched && age_ns < LATELY_NS);
}

/* A share of the others each time. */
void gs_rotation_ask(struct gs_reader *reader)
{
    struct gs_books *books = &reader->books;
    uint64_t since_ns = reader->taken_ns - reader->rotated_ns;
    if (since_ns < TURN_NS / ROTATION_SHARE)
        return;
    if (books->left == 0 && !begin_turn(reader)) {
        reader->rotated_ns = reader->taken_ns;
        return;
    }
    if (reader->turn_of != reader->discovery) {
        gs_books_restart(books, reader->member_count);
        reader->turn_ns = TURN_NS / TURNS / reader->member_count + 1;
        reader->turn_of = reader->discovery;
    }
    uint64_t due = since_ns / reader->turn_ns;
    reader->rotated_ns += due * reader->turn_ns;
    bool fit = waiters_fit(reader);
    for (size_t i = 0; i < reader->member_count && i < due && books->left > 0; i++) {
        reader->turn_at = (reader->turn_at + 1) % reader->member_count;
        struct gs_member *member = reader->members[reader->turn_at];
        if (is_known(reader, member, fit))
            gs_books_look(books, 0);
        else
            ask(reader, member);
    }
}
