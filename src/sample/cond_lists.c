/* Who waits for the GIL where the C library is musl: a thread that waits on a condition variable sleeps on a word of
 * its own stack, in a node of a list that hangs from the variable. Sources (musl 1.2.3): struct waiter in
 * src/thread/pthread_cond_timedwait.c, _c_head in src/internal/pthread_impl.h.
 *
 * A waiter leaves the list when it is woken, and for a moment at each of its timeouts: then its node goes to the head.
 */
#include <stdlib.h>

#include "sample/waiters.h"

enum {
    COND_HEAD = 8,     /* pthread_cond_t._c_head */
    NODE_BARRIER = 20, /* struct waiter.barrier, on which it sleeps */
    TRIES = 3          /* a list that changed while it was followed is followed again */
};

struct node {
    gs_addr prev, next;
    int32_t state, barrier;
};

/* Nodes that were read at once: of those who are known to wait. */
struct nodes {
    struct gs_piece *pieces;
    struct node *copies;
    size_t count;
    struct gs_ids by_addr;
};

static void read_known(struct gs_waiters *waiters, uint32_t lock, struct nodes *nodes)
{
    struct gs_thread_list *threads = waiters->threads;
    nodes->pieces = calloc(threads->member_count + 1, sizeof *nodes->pieces);
    nodes->copies = calloc(threads->member_count + 1, sizeof *nodes->copies);
    for (size_t i = 0; nodes->pieces && nodes->copies && i < threads->member_count; i++) {
        const struct gs_member *member = threads->members[i];
        gs_addr addr = member->wait.activity.args[0] - NODE_BARRIER;
        if (threads->interps[member->interpreter].lock != lock ||
            (member->wait.futex != GS_FUTEX_COND && member->wait.futex != GS_FUTEX_SWITCH) ||
            !gs_ids_set(&nodes->by_addr, addr, (uint32_t)nodes->count))
            continue;
        nodes->pieces[nodes->count] = (struct gs_piece){addr, &nodes->copies[nodes->count], sizeof(struct node), false};
        nodes->count++;
    }
    if (nodes->count > 0 && gs_mem_read_many(threads->python->mem, nodes->pieces, nodes->count))
        nodes->count = 0;
}

static bool read_node(const struct gs_waiters *waiters, const struct nodes *nodes, gs_addr addr, struct node *node)
{
    uint32_t at = gs_ids_find(&nodes->by_addr, addr);
    if (at < nodes->count && nodes->pieces[at].ok) {
        *node = nodes->copies[at];
        return true;
    }
    return gs_mem_read(waiters->threads->python->mem, addr, node, sizeof *node) == GS_OK;
}

/* Notes the words of all that hang from the condition variable; false when its end was not met. */
static bool follow(struct gs_waiters *waiters, const struct nodes *nodes, gs_addr head, uint32_t mark, uint32_t *count)
{
    struct node node = {.next = head};
    for (*count = 0; node.next; ++*count) {
        gs_addr at = node.next;
        if (*count > waiters->threads->member_count || at % sizeof at != 0 ||
            !gs_ids_set(&waiters->conds, at + NODE_BARRIER, mark) || !read_node(waiters, nodes, at, &node))
            return false;
    }
    return true;
}

static bool read_heads(const struct gs_waiters *waiters, const struct gs_lock *lock, gs_addr heads[2])
{
    struct gs_piece pieces[] = {{lock->place.cond.addr + COND_HEAD, &heads[0], sizeof *heads, false},
                                {lock->place.switch_cond.addr + COND_HEAD, &heads[1], sizeof *heads, false}};
    return gs_mem_read_many(waiters->threads->python->mem, pieces, 2) == GS_OK && pieces[0].ok && pieces[1].ok;
}

/* What is noted of a word: the GIL, and on which of its two condition variables they wait. */
static uint32_t mark_of(uint32_t lock, bool is_switch)
{
    return 2 * lock + is_switch;
}

void gs_cond_lists_read(struct gs_waiters *waiters, uint32_t its, struct gs_gil_fields *fields)
{
    struct gs_lock *lock = &waiters->threads->locks[its];
    if (!lock->place.listed)
        return;
    struct nodes nodes = {0};
    fields->has_users = false;
    fields->skips_woken = true;
    for (int i = 0; i < TRIES && !fields->has_users && read_heads(waiters, lock, lock->cond_heads); i++) {
        gs_ids_clear(&nodes.by_addr);
        free(nodes.pieces);
        free(nodes.copies);
        nodes = (struct nodes){.by_addr = nodes.by_addr};
        read_known(waiters, its, &nodes);
        fields->has_users = follow(waiters, &nodes, lock->cond_heads[0], mark_of(its, false), &fields->cond_users) &&
                            follow(waiters, &nodes, lock->cond_heads[1], mark_of(its, true), &fields->switch_users);
    }
    lock->lists_whole = fields->has_users;
    gs_ids_fini(&nodes.by_addr);
    free(nodes.pieces);
    free(nodes.copies);
}

enum gs_gil_futex gs_cond_lists_futex(struct gs_waiters *waiters, uint32_t lock, gs_addr word)
{
    gs_addr heads[2];
    struct gs_lock *its = &waiters->threads->locks[lock];
    uint32_t mark = gs_ids_find(&waiters->conds, word);
    /* Whoever came to wait since then is the head. */
    if (mark == GS_IDS_NONE && read_heads(waiters, its, heads) &&
        (heads[0] != its->cond_heads[0] || heads[1] != its->cond_heads[1])) {
        gs_cond_lists_read(waiters, lock, &its->after);
        mark = gs_ids_find(&waiters->conds, word);
    }
    if (mark == mark_of(lock, false))
        return GS_FUTEX_COND;
    if (mark == mark_of(lock, true))
        return GS_FUTEX_SWITCH;
    return its->lists_whole ? GS_FUTEX_OTHER : GS_FUTEX_PERHAPS;
}
