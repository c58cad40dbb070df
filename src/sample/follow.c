/* Whom the GIL went to since the last snapshot: glances at its fields between two snapshots see each hand-over, if they
 * are not too many, and only those who had it can have moved. Where many threads compete, that is far less than to read
 * all their stacks. */
#include "base/clock.h"
#include "sample/reader.h"

enum {
    WORTH_THREADS = 48,     /* fewer are read as fast */
    GLANCE_NS = 3000000,    /* whoever is asked to let go does so after 5 ms */
    GLANCE_COST_NS = 25000, /* with the waking up */
    THREAD_COST_NS = 1500,  /* of reading one that need not be read */
    RATE_MOST = 400,        /* hand-overs in a second: of more too many are missed */
    LASTS = 16,             /* samples, after one between which it changed hands more than once */
    FAILED_MOST = 6         /* the longest pause is as many doublings of one sample */
};

static void miss(struct gs_follow *follow)
{
    follow->whole = false;
    follow->next_ns = UINT64_MAX;
}

static bool add(struct gs_follow *follow, gs_addr holder)
{
    for (size_t i = 0; i < follow->count; i++) {
        if (follow->holders[i] == holder)
            return true;
    }
    if (follow->count == GS_MOVERS_MOST)
        return false;
    follow->holders[follow->count++] = holder;
    return true;
}

void gs_follow_note(struct gs_follow *follow, const struct gs_gil_fields *now)
{
    if (!follow->whole || (now->switches == follow->switches && now->last_holder == follow->last))
        return;
    /* The new holder is written before its hand-over is counted: seen in between, the two do not belong together. */
    if (!now->has_switches || now->switches - follow->switches != 1 || now->last_holder == follow->last ||
        !add(follow, now->last_holder)) {
        miss(follow);
        return;
    }
    follow->switches = now->switches;
    follow->last = now->last_holder;
}

/* Whether it pays to look in between: `moved` hand-overs happened in the time since the last snapshot. */
static bool pays(const struct gs_follow *follow, uint64_t threads, uint64_t since_ns, uint64_t moved)
{
    uint64_t glances = since_ns / GLANCE_NS, rate = moved * GS_NS_PER_S / (since_ns + 1);
    return follow->wanted > 0 && follow->pause == 0 && threads >= WORTH_THREADS && rate <= RATE_MOST &&
           glances * GLANCE_COST_NS <= threads * THREAD_COST_NS;
}

void gs_follow_begin(struct gs_follow *follow, const struct gs_thread_list *threads)
{
    const struct gs_gil_fields *now = &threads->locks[0].stacked;
    bool provable = now->has_switches && gs_list_proves(threads);
    uint64_t moved = follow->begun_ns && provable ? now->switches - follow->begun_switches : 0;
    uint64_t since_ns = follow->begun_ns ? threads->taken_ns - follow->begun_ns : 0;
    bool followed = follow->asked;
    if (followed)
        follow->failed = follow->whole || moved <= 1 ? 0 : follow->failed + (follow->failed < FAILED_MOST);
    if (followed && follow->failed > 1)
        follow->pause = UINT32_C(1) << follow->failed;
    else if (follow->pause > 0)
        follow->pause--;
    follow->wanted = moved > 1 ? LASTS : follow->wanted - (follow->wanted > 0);
    follow->whole = provable;
    follow->asked = false;
    follow->begun_ns = threads->taken_ns;
    follow->begun_switches = follow->switches = now->switches;
    follow->last = follow->holders[0] = now->last_holder;
    follow->count = 1;
    follow->next_ns =
        provable && pays(follow, threads->member_count, since_ns, moved) ? threads->taken_ns + GLANCE_NS : UINT64_MAX;
}

/* Neither the kernel nor a thread's memory is asked, and what the reader knows stays as it is, but for who had the GIL.
 */
static bool glance_at(struct gs_reader *reader, const struct gs_lock *lock, struct gs_gil *gil)
{
    struct gs_thread_list *threads = &reader->threads;
    struct gs_gil_fields now;
    if (!gs_gil_read(&lock->place, threads->python->mem, &now))
        return false;
    if (lock == threads->locks)
        gs_follow_note(&reader->follow, &now);
    const struct gs_member *holder = now.locked ? gs_list_find(threads, now.holder) : NULL;
    *gil = (struct gs_gil){.state = gs_gil_state_of(&now),
                           .holder = holder && !now.hidden ? holder->tid : 0,
                           .has_switches = now.has_switches,
                           .switches = now.switches};
    return true;
}

enum gs_status gs_reader_glance(struct gs_reader *reader, struct gs_gil *gils, size_t room, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < reader->threads.lock_count && i < room; i++) {
        if (!glance_at(reader, &reader->threads.locks[i], &gils[i]))
            return GS_LOST;
        *count = i + 1;
    }
    return *count > 0 ? GS_OK : GS_LOST;
}

uint64_t gs_reader_follow(struct gs_reader *reader, uint64_t now_ns)
{
    struct gs_follow *follow = &reader->follow;
    struct gs_gil gil;
    size_t count;
    if (now_ns < follow->next_ns)
        return follow->next_ns;
    follow->asked = true;
    follow->next_ns = now_ns + GLANCE_NS;
    if (gs_reader_glance(reader, &gil, 1, &count) != GS_OK)
        miss(follow);
    return follow->next_ns;
}

size_t gs_follow_movers(const struct gs_follow *follow, const struct gs_thread_list *threads,
                        struct gs_member *movers[GS_MOVERS_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < follow->count; i++) {
        struct gs_member *member = gs_list_find(threads, follow->holders[i]);
        if (!member && i > 0) /* the first may have ended before that snapshot already */
            return SIZE_MAX;
        if (member)
            movers[count++] = member;
    }
    return count;
}
