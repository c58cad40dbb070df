/* Threads of which nothing says that they did anything are asked in turn, so that none goes for long without. Most of
 * them sleep, and how often the kernel put a thread on a processor is told for half the price of what it does: as long
 * as that stays the same, it sleeps on. Not told by it is that one was woken and waits for a processor; so where
 * threads were lately seen to wait long for one, all are asked what they do. */
#include <unistd.h>

#include "base/clock.h"
#include "sample/reader.h"

enum {
    STALE_NS = 100000000, /* nobody's activity is older */
    ROTATION_SHARE = 16,  /* of the threads are asked at once, */
    QUIET_SHARE = 5,      /* or can be spared that at once, when nobody seems to run */
    NO_FILE = -2,         /* of runs_fd: cannot be had */
    WAIT_NS = 1000000     /* for a processor, each time: more is long, */
};
#define CROWDED_NS UINT64_C(10000000000) /* and counts for so long */

static bool seems_quiet(const struct gs_reader *reader)
{
    bool busy = reader->any_open;
    for (size_t i = 0; i < reader->lock_count && !busy; i++)
        busy = reader->locks[i].after.locked;
    return !busy;
}

/* Since when no thread of the process was on a processor: what the kernel said after that still holds. It adds up all
 * threads for it, which costs about as much as to ask a tenth of them. */
static uint64_t stood_since_ns(struct gs_reader *reader)
{
    uint64_t cpu_ns;
    if (!gs_target_clock_ns(reader->python->target, &cpu_ns))
        return UINT64_MAX;
    if (reader->stood_ns == 0 || cpu_ns != reader->stood_cpu_ns)
        reader->stood_ns = gs_clock_ns();
    reader->stood_cpu_ns = cpu_ns;
    return reader->stood_ns;
}

/* It slept over something else than the GIL when it was last asked. */
static bool sleeps(const struct gs_member *member)
{
    return member->activity.run == GS_RUN_SYSCALL && member->futex == GS_FUTEX_OTHER;
}

static bool read_runs(struct gs_reader *reader, struct gs_member *member, struct gs_runs *runs)
{
    if (member->runs_fd == -1)
        member->runs_fd = gs_runs_open(reader->python->target, member->tid);
    if (member->runs_fd >= reader->kept_files)
        close(member->runs_fd);
    if (member->runs_fd < 0 || member->runs_fd >= reader->kept_files)
        member->runs_fd = NO_FILE;
    return member->runs_fd >= 0 && gs_runs_read(member->runs_fd, runs) && runs->count > 0;
}

static void ask(struct gs_reader *reader, struct gs_member *member)
{
    struct gs_runs now = {0}, before = member->runs;
    bool crowded = reader->crowded_ns && reader->taken_ns - reader->crowded_ns < CROWDED_NS;
    bool told = !crowded && sleeps(member) && read_runs(reader, member, &now);
    if (told && member->runs_known && now.count == before.count) {
        member->asked_ns = reader->taken_ns;
        return;
    }
    if (told && member->runs_known && now.waited_ns - before.waited_ns > (now.count - before.count) * WAIT_NS)
        reader->crowded_ns = reader->taken_ns;
    gs_census_ask(reader, member);
    /* They were read before: if it ran in between, they are others the next time. */
    member->runs = now;
    member->runs_known = told && sleeps(member);
}

/* A share of the others each time, so that none goes without being asked for longer than STALE_NS. */
void gs_rotation_ask(struct gs_reader *reader)
{
    uint64_t turn_ns = STALE_NS * UINT64_C(4) / 5 / reader->member_count + 1;
    uint64_t due = (reader->taken_ns - reader->rotated_ns) / turn_ns;
    bool quiet = seems_quiet(reader);
    /* Several at once are cheaper than one at a time. */
    if (due < reader->member_count / (quiet ? QUIET_SHARE : ROTATION_SHARE))
        return;
    reader->rotated_ns += due * turn_ns;
    uint64_t stood_ns = quiet ? stood_since_ns(reader) : UINT64_MAX;
    due += quiet ? due / 4 : 0; /* looks are further apart then, and nobody is to wait longer for that */
    for (size_t i = 0; i < reader->member_count && i < due; i++) {
        reader->rotation = (reader->rotation + 1) % reader->member_count;
        struct gs_member *member = reader->members[reader->rotation];
        if (member->tid && member->asked_ns != reader->taken_ns && member->asked_ns < stood_ns)
            ask(reader, member);
    }
}
