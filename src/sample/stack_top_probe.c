/* Whom to ask first when it is not known who woke up. A thread that sleeps in a system call has the return addresses to
 * it on top of its C stack; whoever woke and waits for the GIL now went elsewhere meanwhile, and has others there. To
 * read that of many threads costs an eighth of asking the kernel about each. It proves nothing: whoever is found to
 * have moved is asked, and if that does not explain what is missing, so are the others. */
#include <string.h>

#include "sample/waiters.h"

enum {
    FALSE_ALARMS = 2, /* waiters that are awake for a moment at their timeout */
    TOGETHER = 32     /* tops of one read */
};

static bool top_known(const struct gs_member *member)
{
    return member->wait.activity.run == GS_RUN_SYSCALL && member->wait.activity.sp != 0;
}

static void read_tops(struct gs_waiters *waiters, struct gs_member *const *members, size_t count,
                      struct gs_stack_top *tops)
{
    struct gs_piece pieces[TOGETHER];
    for (size_t i = 0; i < count; i++) {
        tops[i] = (struct gs_stack_top){.sp = members[i]->wait.activity.sp};
        pieces[i] = (struct gs_piece){tops[i].sp, tops[i].words, sizeof tops[i].words, false};
    }
    bool read = gs_mem_read_many(waiters->threads->python->mem, pieces, count) == GS_OK;
    for (size_t i = 0; i < count; i++) {
        if (!read || !pieces[i].ok)
            tops[i].sp = 0;
    }
}

static bool top_stands(const struct gs_member *member, const struct gs_stack_top *top)
{
    return top->sp != 0 && top->sp == member->wait.top.sp &&
           memcmp(top->words, member->wait.top.words, sizeof top->words) == 0;
}

static void top_note(struct gs_member *member, const struct gs_stack_top *top)
{
    if (top_known(member) && top->sp == member->wait.activity.sp)
        member->wait.top = *top; /* else it is elsewhere now, and comes back, maybe, to what is known */
}

static bool sleeps_for_it(const struct gs_member *member)
{
    return member->wait.futex == GS_FUTEX_COND || member->wait.futex == GS_FUTEX_SWITCH;
}

/* The search for waiters that are not known, or for those that are no more. */
struct search {
    struct gs_waiters *waiters;
    const struct gs_lock *lock;
    uint32_t known, users;
    uint32_t awake; /* of those who were asked: on the way in or out, maybe */
    size_t left;    /* members that were not looked at */
};

/* The next one that may be among them; NULL: no more. */
static struct gs_member *next_of(struct search *search, bool waits)
{
    struct gs_waiters *waiters = search->waiters;
    while (search->left > 0) {
        search->left--;
        waiters->search_at = (waiters->search_at + 1) % waiters->threads->member_count;
        struct gs_member *member = waiters->threads->members[waiters->search_at];
        if (gs_lock_of(waiters->threads, member) == search->lock && member->tid && sleeps_for_it(member) == waits &&
            member->wait.asked_ns != waiters->threads->taken_ns)
            return member;
    }
    return NULL;
}

static void ask_one(struct search *search, struct gs_member *member)
{
    bool was = sleeps_for_it(member);
    gs_ask_thread(search->waiters, member);
    search->known += sleeps_for_it(member) - was;
    search->awake += gs_member_awake(member);
}

/* Those first who went elsewhere since they were last seen asleep. */
static void ask_who_moved(struct search *search)
{
    struct gs_member *members[TOGETHER];
    struct gs_stack_top tops[TOGETHER];
    for (size_t count = 1; count > 0 && search->known < search->users;) {
        struct gs_member *member;
        for (count = 0; count < TOGETHER && (member = next_of(search, false));) {
            if (top_known(member))
                members[count++] = member;
        }
        read_tops(search->waiters, members, count, tops);
        for (size_t i = 0; i < count; i++) {
            if (top_stands(members[i], &tops[i]))
                continue;
            ask_one(search, members[i]);
            top_note(members[i], &tops[i]);
        }
    }
}

void gs_ask_for_missing(struct gs_waiters *waiters, const struct gs_lock *lock, uint32_t known)
{
    struct gs_thread_list *threads = waiters->threads;
    struct search search = {.waiters = waiters,
                            .lock = lock,
                            .known = known,
                            .users = lock->after.cond_users + lock->after.switch_users,
                            .left = threads->member_count};
    if (!lock->after.has_users || (search.known >= search.users && search.known - search.users <= FALSE_ALARMS))
        return;
    if (search.known < search.users && threads->member_count > GS_FEW_THREADS)
        ask_who_moved(&search);
    if (search.known < search.users && search.known + search.awake >= search.users)
        return;
    search.left = threads->member_count;
    bool waits = search.known > search.users;
    for (struct gs_member *member; search.known != search.users && (member = next_of(&search, waits));)
        ask_one(&search, member);
}
