/* Whom the GIL went to since the last snapshot: glances at its words between two snapshots see each hand-over, if they
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

void gs_follow_note(struct gs_reader *reader, const struct gs_gil_words *words)
{
    struct gs_follow *follow = &reader->follow;
    if (!follow->whole || (words->switches == follow->switches && words->last_holder == follow->last))
        return;
    /* The new holder is written before its hand-over is counted: seen in between, the two do not belong together. */
    if (!words->has_switches || words->switches - follow->switches != 1 || words->last_holder == follow->last ||
        !add(follow, words->last_holder)) {
        miss(follow);
        return;
    }
    follow->switches = words->switches;
    follow->last = words->last_holder;
}

/* Whether it pays to look in between: `moved` hand-overs happened in the time since the last snapshot. */
static bool pays(const struct gs_reader *reader, uint64_t since_ns, uint64_t moved)
{
    const struct gs_follow *follow = &reader->follow;
    uint64_t glances = since_ns / GLANCE_NS, rate = moved * GS_NS_PER_S / (since_ns + 1);
    return follow->wanted > 0 && follow->pause == 0 && reader->member_count >= WORTH_THREADS && rate <= RATE_MOST &&
           glances * GLANCE_COST_NS <= reader->member_count * THREAD_COST_NS;
}

void gs_follow_begin(struct gs_reader *reader)
{
    struct gs_follow *follow = &reader->follow;
    const struct gs_gil_words *words = &reader->locks[0].stacked;
    bool provable = words->has_switches && gs_reader_proves(reader);
    uint64_t moved = follow->begun_ns && provable ? words->switches - follow->begun_switches : 0;
    uint64_t since_ns = follow->begun_ns ? reader->taken_ns - follow->begun_ns : 0;
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
    follow->begun_ns = reader->taken_ns;
    follow->begun_switches = follow->switches = words->switches;
    follow->last = follow->holders[0] = words->last_holder;
    follow->count = 1;
    follow->next_ns = provable && pays(reader, since_ns, moved) ? reader->taken_ns + GLANCE_NS : UINT64_MAX;
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

size_t gs_follow_movers(const struct gs_reader *reader, struct gs_member *movers[GS_MOVERS_MOST])
{
    const struct gs_follow *follow = &reader->follow;
    size_t count = 0;
    for (size_t i = 0; i < follow->count; i++) {
        struct gs_member *member = gs_list_find(reader, follow->holders[i]);
        if (!member && i > 0) /* the first may have ended before that snapshot already */
            return SIZE_MAX;
        if (member)
            movers[count++] = member;
    }
    return count;
}
