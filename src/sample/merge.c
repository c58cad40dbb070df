/* Threads by their ids, out of thread states: in most processes each thread has one, and nothing is to be done. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "sample/merge.h"
#include "sample/mixed.h"

enum { ROLES = 1 << 10 };

/* What a C function is to the merging, by an address in it. */
struct role {
    gs_addr pc; /* 0: empty */
    uint8_t role;
};

struct gs_merge {
    struct gs_thread *threads; /* the result, where it is not the snapshot's own */
    uint32_t *states;          /* of all threads, one thread's after the other's */
    uint32_t *first;           /* of each thread, and one behind: where its states begin */
    size_t room;
    struct gs_frame *frames; /* of all threads with several states */
    size_t frame_count, frame_room;
    struct gs_mixed mixed; /* frames of all threads with C stacks */
    uint8_t *roles;        /* of the C frames of one */
    size_t role_room;
    struct role known[ROLES]; /* those met lately, */
    uint64_t generation;      /* of these names */
};

struct gs_merge *gs_merge_new(void)
{
    return calloc(1, sizeof(struct gs_merge));
}

void gs_merge_free(struct gs_merge *merge)
{
    if (!merge)
        return;
    free(merge->threads);
    free(merge->states);
    free(merge->first);
    free(merge->frames);
    free(merge->mixed.frames);
    free(merge->roles);
    free(merge);
}

static bool make_room(struct gs_merge *merge, size_t count)
{
    if (count < merge->room)
        return true;
    size_t room = 2 * count + 16;
    struct gs_thread *threads = realloc(merge->threads, room * sizeof *threads);
    merge->threads = threads ? threads : merge->threads;
    uint32_t *states = realloc(merge->states, room * sizeof *states);
    merge->states = states ? states : merge->states;
    uint32_t *first = realloc(merge->first, room * sizeof *first);
    merge->first = first ? first : merge->first;
    if (!threads || !states || !first)
        return false;
    for (size_t i = 0; i < room; i++)
        merge->states[i] = merge->first[i] = (uint32_t)i;
    merge->room = room;
    return true;
}

static bool is_one_thread(const struct gs_thread *state, const struct gs_thread *next)
{
    return state->tid == next->tid && state->tid > 0 && !state->apart && !next->apart;
}

static bool is_plain(const struct gs_snapshot *snapshot)
{
    if (snapshot->native != GS_NATIVE_NONE)
        return false;
    for (size_t i = 1; i < snapshot->thread_count; i++) {
        if (is_one_thread(&snapshot->threads[i - 1], &snapshot->threads[i]))
            return false;
    }
    return true;
}

/* Which of a thread's states is the one to show: it can run in one interpreter only at a time. */
static int telling(const struct gs_thread *thread)
{
    return (thread->gil == GS_HOLDS ? 4 : thread->gil == GS_WAITS ? 2 : 0) + (thread->frame_count > 0);
}

/* The state that was called by the others first. */
static int by_call(const void *left, const void *right, void *context)
{
    const struct gs_thread *threads = context;
    const struct gs_thread *a = &threads[*(const uint32_t *)left], *b = &threads[*(const uint32_t *)right];
    if (a->c_stack != b->c_stack)
        return a->c_stack < b->c_stack ? -1 : 1;
    return (a->interpreter < b->interpreter) - (a->interpreter > b->interpreter);
}

/* One thread out of the states [first, end), whose frames are put one behind the other's. */
static struct gs_thread join(struct gs_merge *merge, const struct gs_thread *states, uint32_t first, uint32_t end)
{
    struct gs_thread thread = states[first];
    for (uint32_t i = first + 1; i < end; i++) {
        if (telling(&states[i]) > telling(&thread))
            thread = states[i];
    }
    qsort_r(merge->states + first, end - first, sizeof *merge->states, by_call, (void *)states);
    struct gs_frame *frames = merge->frames + merge->frame_count;
    thread.frames = frames;
    thread.frame_count = 0;
    for (uint32_t i = first; i < end; i++) {
        const struct gs_thread *state = &states[merge->states[i]];
        for (uint32_t k = 0; k < state->frame_count; k++)
            frames[thread.frame_count++] = state->frames[k];
        thread.torn |= state->torn;
        thread.handles |= state->handles;
        /* Another number whenever one of them was read anew; they only grow. */
        thread.read = state->read > thread.read ? state->read : thread.read;
    }
    merge->frame_count += thread.frame_count;
    for (uint32_t i = first; i < end; i++) /* as in the snapshot, for whoever asks */
        merge->states[i] = i;
    return thread;
}

static bool reserve_frames(struct gs_merge *merge, const struct gs_snapshot *snapshot)
{
    size_t need = 1;
    for (size_t i = 0; i < snapshot->thread_count; i++)
        need += snapshot->threads[i].frame_count;
    merge->frame_count = 0;
    if (need <= merge->frame_room)
        return true;
    struct gs_frame *frames = realloc(merge->frames, 2 * need * sizeof *frames);
    if (!frames)
        return false;
    merge->frames = frames;
    merge->frame_room = 2 * need;
    return true;
}

static uint8_t role_of(struct gs_merge *merge, const struct gs_snapshot *snapshot, gs_addr pc)
{
    struct role *known = &merge->known[pc * UINT64_C(0x9e3779b97f4a7c15) >> 54];
    _Static_assert(ROLES == 1 << (64 - 54), "as many as the bits above");
    if (known->pc != pc)
        *known = (struct role){
            pc, (uint8_t)gs_mixed_role(gs_native_name(snapshot->natives, pc)->function, snapshot->evaluator)};
    return known->role;
}

/* The thread's frames and its C frames become one stack, behind those of the threads before. */
static bool mix(struct gs_merge *merge, const struct gs_snapshot *snapshot, const struct gs_thread *thread)
{
    const struct gs_native_stack *native = thread->native;
    if (!gs_room((void **)&merge->roles, &merge->role_room, native->count + 1, sizeof *merge->roles))
        return false;
    for (size_t i = 0; i < native->count; i++)
        merge->roles[i] = role_of(merge, snapshot, native->frames[i].pc);
    return gs_mixed_add(&merge->mixed, thread->frames, thread->frame_count, thread->torn, native, merge->roles,
                        snapshot->native == GS_NATIVE_LEAF);
}

static bool mix_all(struct gs_merge *merge, const struct gs_snapshot *snapshot, size_t count)
{
    merge->mixed.count = 0;
    if (merge->generation != gs_native_generation(snapshot->natives)) {
        memset(merge->known, 0, sizeof merge->known);
        merge->generation = gs_native_generation(snapshot->natives);
    }
    for (size_t i = 0; i < count; i++) {
        struct gs_thread *thread = &merge->threads[i];
        size_t before = merge->mixed.count;
        if (!thread->native)
            continue;
        if (!mix(merge, snapshot, thread))
            return false;
        thread->frame_count = (uint32_t)(merge->mixed.count - before);
    }
    /* The list may have moved while it grew. */
    for (size_t i = 0, at = 0; i < count; i++) {
        struct gs_thread *thread = &merge->threads[i];
        if (!thread->native)
            continue;
        thread->frames = merge->mixed.frames + at;
        at += thread->frame_count;
    }
    return true;
}

const struct gs_thread *gs_merge_threads(struct gs_merge *merge, const struct gs_snapshot *snapshot, size_t *count)
{
    size_t all = snapshot->thread_count, threads = 0;
    const struct gs_thread *states = snapshot->threads;
    if (!make_room(merge, all + 1))
        return NULL;
    *count = all;
    if (is_plain(snapshot)) {
        for (size_t i = 0; i <= all; i++)
            merge->first[i] = (uint32_t)i;
        return states;
    }
    if (!reserve_frames(merge, snapshot))
        return NULL;
    for (size_t i = 0, end; i < all; i = end) {
        for (end = i + 1; end < all && is_one_thread(&states[i], &states[end]); end++)
            ;
        merge->first[threads] = (uint32_t)i;
        merge->threads[threads++] = end > i + 1 ? join(merge, states, (uint32_t)i, (uint32_t)end) : states[i];
    }
    merge->first[threads] = (uint32_t)all;
    *count = threads;
    return snapshot->native == GS_NATIVE_NONE || mix_all(merge, snapshot, threads) ? merge->threads : NULL;
}

const uint32_t *gs_merge_states(const struct gs_merge *merge, size_t thread, size_t *count)
{
    *count = merge->first[thread + 1] - merge->first[thread];
    return merge->states + merge->first[thread];
}
