/* The Python stacks of the threads: what is read, and what of it is believed.
 *
 * pieces.c makes one scattered read of what is predicted to be needed; read.c says what of it may be believed; chunk.c
 * (3.11 on; deep.c: only what changed) and heap.c (up to 3.10) walk the copies into frames; stopped.c reads again with
 * the thread stopped. */
#ifndef GS_SAMPLE_STACK_READER_H
#define GS_SAMPLE_STACK_READER_H

#include "base/budget.h"
#include "base/watch.h"
#include "python/code_read.h"
#include "sample/natives.h"
#include "sample/proof.h"
#include "sample/thread_list.h"
#include "target/stop.h"

enum {
    GS_CHUNK_MAX = 16 << 20, /* bytes of one data stack chunk */
    GS_CHUNKS_TWICE = 2,  /* of the newest chunks two copies are taken: to leave those and come back takes longer than a
                             reading */
    GS_CHUNK_SLACK = 256, /* read beyond what was in use before: a few calls deeper still fit */
    GS_PARTS_MAX = 1 << 13,  /* of one thread's chunks, or of its frames elsewhere */
    GS_STACK_MAX = 64 << 20, /* bytes of either */
    GS_ALL_PARTS = 1 << 19,  /* of all threads together */
    GS_ALL_FRAMES = 1 << 22,
    GS_PATIENCE = 1 << 24, /* what one snapshot may cost, see gs_spend: seconds */
    GS_PATIENT_BYTES = 256,
    GS_PATIENT_PIECE = 4,
    GS_PATIENT_PAGE = 8,
    GS_READ_MAX = 64 << 20, /* bytes of one read, if it is for several threads */
    GS_PIECES_MAX = 320,    /* of one read, if it is for several threads: the longer it takes, the less it proves */
    GS_MEMBER_PIECES = 7,   /* of one thread, besides those for its parts */
    GS_MOVERS_MOST = 16,    /* threads that moved, if it is known which: more are read with all the others */
    GS_RUNTIME_BYTES = 64,
    GS_PART_AGE = 64 /* samples for which an unused part is still read */
};

/* A code object as it was after a reading. */
struct gs_leaf {
    gs_addr addr;
    uint64_t reading;
    uint8_t bytes[GS_CODE_SPAN];
};

struct gs_stack_reader {
    struct gs_thread_list *threads;
    struct gs_codes *codes;
    struct gs_reader_options options;
    struct gs_quality quality;
    bool heap_frames; /* up to 3.10: frames are objects that point to each other */
    uint32_t frame_bytes;
    uint32_t frame_head; /* those before the first argument */

    bool finalizing_now;      /* as read together with the stacks, */
    uint32_t initialized_now; /* up to 3.6: 0 while it ends */
    gs_addr runtime_at;       /* this and the newest interpreter lie in this window */
    uint32_t runtime_len;
    uint8_t runtime_now[GS_RUNTIME_BYTES];

    struct gs_piece *heads; /* what each read begins with */
    size_t head_count, head_room;
    struct gs_piece *pieces;
    size_t piece_count, piece_room;
    uint8_t *arena; /* copies of the last read, */
    size_t arena_used, arena_room;
    uint64_t reading; /* which is the how manieth, */
    struct gs_leaf leaf;
    gs_addr *chain; /* frame addresses of the chain being followed */
    size_t chain_room;
    uint64_t patience; /* what is left for this sample */
    bool codes_stale;  /* other code objects lie where some were known: all stacks are to be read anew */
    uint32_t all_move; /* samples for which it is not looked who did not move */

    bool stopping; /* a thread stands still for us: nothing is allocated */
    struct gs_stop stop;
    struct gs_budget budget;
    struct gs_natives natives;
    gs_addr none; /* None, 0: not met yet */
};

/* Grows *list (elements of `size` bytes) to hold `need`; false when out of memory or while a thread stands still. */
bool gs_grow(const struct gs_stack_reader *stacks, void **list, size_t *room, size_t need, size_t size);

/* Pays for work that the target makes us do: a unit for a frame that is looked at, or so many bytes that are read.
 * False when there was too much of it: then the stacks that are left end in a gap. */
static inline bool gs_spend(struct gs_stack_reader *stacks, uint64_t units)
{
    bool enough = stacks->patience >= units;
    stacks->patience = enough ? stacks->patience - units : 0;
    return enough;
}

/* For following a chain of frames through the memory itself; another page costs more than another frame in this one. */
static inline bool gs_spend_frame(struct gs_stack_reader *stacks, gs_addr frame, gs_addr before)
{
    return gs_spend(stacks, (frame ^ before) < 4096 ? 1 : GS_PATIENT_PAGE);
}

/* Whoever holds the lock can be known to be the only one that moves. */
static inline bool gs_lock_proves(const struct gs_thread_list *threads, const struct gs_lock *lock)
{
    return gs_gil_proves(&lock->after, lock->sharers, threads->python->layout.free_threaded);
}

/* And there is no other lock: whoever is known not to have had it did not move. */
static inline bool gs_list_proves(const struct gs_thread_list *threads)
{
    return threads->lock_count == 1 && threads->interp_count == 1 && gs_lock_proves(threads, &threads->locks[0]);
}

/* ---- parts.c ---- */

/* The copy `which` of [addr, addr + len), or NULL; marks the part as used. */
const uint8_t *gs_parts_at(struct gs_stack_reader *stacks, struct gs_parts *parts, gs_addr addr, uint32_t len,
                           int which);
/* Makes [addr, addr + len) part of them, joined with neighbours that are closer than `gap` bytes. */
bool gs_parts_add(struct gs_stack_reader *stacks, struct gs_parts *parts, gs_addr addr, uint32_t len, uint32_t gap);
/* Adds it behind the others, joined with none. */
bool gs_parts_append(struct gs_stack_reader *stacks, struct gs_parts *parts, gs_addr addr, uint32_t len);
/* Room for so many parts; false when all threads together have too many. */
bool gs_parts_reserve(struct gs_stack_reader *stacks, struct gs_parts *parts, size_t count);
/* Drops all that are not wanted. */
void gs_parts_keep(struct gs_parts *parts, bool (*wanted)(const struct gs_part *part, const void *context),
                   const void *context);
void gs_parts_clear(struct gs_parts *parts);
/* Drops those that no sample needed for GS_PART_AGE samples. */
void gs_parts_age(struct gs_stack_reader *stacks, struct gs_parts *parts);
/* Makes room for so many frames; false when all threads together have too many. */
bool gs_member_grow(struct gs_stack_reader *stacks, struct gs_member *member, size_t count);

/* The frame behind the last one, to be filled in: a copy of one made elsewhere would wait for its parts. NULL: there
 * is no room. */
static inline struct gs_frame *gs_member_next(struct gs_stack_reader *stacks, struct gs_member *member)
{
    if (member->stack.frame_count == member->stack.frame_room &&
        !gs_member_grow(stacks, member, member->stack.frame_count + 1u))
        return NULL;
    return &member->stack.frames[member->stack.frame_count++];
}

static inline bool gs_member_push(struct gs_stack_reader *stacks, struct gs_member *member, struct gs_frame frame)
{
    struct gs_frame *next = gs_member_next(stacks, member);
    if (next)
        *next = frame;
    return next != NULL;
}

/* A chain of frames came back to where it was (Brent's way of telling: the mark moves to each depth that is a power of
 * two). */
static inline bool gs_chain_turns(gs_addr at, size_t depth, gs_addr *mark)
{
    if (depth > 0 && at == *mark)
        return true;
    if ((depth & (depth - 1)) == 0)
        *mark = at;
    return false;
}

/* A core may lack memory, and some does not come from where it is kept; otherwise, in a process that lives, what cannot
 * be read is a wrong address. */
static inline bool gs_reader_may_lack(const struct gs_stack_reader *stacks)
{
    const struct gs_target *target = stacks->threads->python->target;
    return target->postmortem || gs_watch_careful(target->watch);
}

/* The way to its stack leads through memory that cannot be read; false. */
static inline bool gs_member_lacks(struct gs_member *member)
{
    member->stack.unreadable = true;
    return false;
}

/* ---- pieces.c ---- */

/* Decides in which order the fields of the GILs and the heads of the lists are read, after each discovery. */
bool gs_pieces_arrange(struct gs_stack_reader *stacks);
/* Reads `count` members as they are predicted (twice those that have doubled set) and the fields of every GIL before
 * and after. link: also what should point to each member. Copies lie in the arena until the next read. */
enum gs_status gs_pieces_read(struct gs_stack_reader *stacks, struct gs_member **members, size_t count,
                              bool link) GS_MUST_CHECK;
/* The same without these fields and the heads. */
enum gs_status gs_pieces_read_bare(struct gs_stack_reader *stacks, struct gs_member **members, size_t count,
                                   bool link) GS_MUST_CHECK;
/* All of a member's pieces arrived; parts that did not are forgotten. */
bool gs_pieces_whole(struct gs_stack_reader *stacks, struct gs_member *member);
/* Room that the copies of a member take in the arena. */
size_t gs_pieces_bytes(const struct gs_stack_reader *stacks, const struct gs_member *member);
/* Of reading them, for gs_spend. */
uint64_t gs_pieces_cost(const struct gs_stack_reader *stacks, const struct gs_member *member);

/* Where the word lies that points to the innermost frame, 0: not known. */
gs_addr gs_current_word(const struct gs_stack_reader *stacks, const struct gs_member *member);
/* Notes what the copy of a thread state itself says of the GIL, and of exceptions. */
void gs_pieces_flags(struct gs_stack_reader *stacks, struct gs_member *member);

/* ---- exceptions.c ---- */

/* By the copy of its thread state. False where that is not known. */
bool gs_handles_exception(struct gs_stack_reader *stacks, struct gs_member *member);
/* What that will need of generators is to be read together with their frames. */
void gs_exceptions_predict(struct gs_stack_reader *stacks, struct gs_member *member);

/* ---- chunk.c, heap.c: one of the two, by the layout ---- */

enum gs_walk {
    GS_WALK_OK,
    GS_WALK_MISSING, /* it leads to memory that was not read */
    GS_WALK_TORN     /* the copies contradict themselves */
};

/* Follows the chain through the memory itself (gs_reader.cache, which the caller clears: it may be as old as that), to
 * learn which parts a read will need. The result is not to be believed. */
bool gs_chunk_predict(struct gs_stack_reader *stacks, struct gs_member *member);
bool gs_heap_predict(struct gs_stack_reader *stacks, struct gs_member *member);
static inline bool gs_predict(struct gs_stack_reader *stacks, struct gs_member *member)
{
    return stacks->heap_frames ? gs_heap_predict(stacks, member) : gs_chunk_predict(stacks, member);
}
/* Walks the copies into member->stack.frames. */
enum gs_walk gs_chunk_walk(struct gs_stack_reader *stacks, struct gs_member *member);
enum gs_walk gs_heap_walk(struct gs_stack_reader *stacks, struct gs_member *member);
static inline enum gs_walk gs_member_walk(struct gs_stack_reader *stacks, struct gs_member *member)
{
    return stacks->heap_frames ? gs_heap_walk(stacks, member) : gs_chunk_walk(stacks, member);
}
/* The copy of the thread state says that the newest chunk and the word of the current frame are where they were when
 * this was predicted. */
bool gs_chunk_as_predicted(const struct gs_stack_reader *stacks, const struct gs_member *member);

/* ---- deep.c: for gs_chunk_walk, of members that have a gs_deep, but not while a thread stands still ---- */

/* How a walk ended. */
struct gs_walk_end {
    gs_addr last; /* the frame that was walked last */
    bool at_root; /* the last one in a chunk is the first frame of the root chunk */
    bool entered; /* the last one is one on the C stack, by which the evaluator was entered */
};

/* A walk begins: into member->stack.frames, which may be another list now. */
void gs_deep_begin(struct gs_stack_reader *stacks, struct gs_member *member);
/* It met a frame outside the chunks. */
void gs_deep_meet(const struct gs_stack_reader *stacks, struct gs_member *member, gs_addr addr, const uint8_t *head,
                  bool c_stack);
/* It is at a frame in this chunk, end->last. True when all that is left of the walk would be as before: then the frames
 * are whole, and *end is set. */
bool gs_deep_ends(struct gs_stack_reader *stacks, struct gs_member *member, size_t chunk, struct gs_walk_end *end);
/* A walk of any member ended well, and each frame lies where it should: what is kept for the next one, if the stack is
 * deep. */
void gs_deep_keep(struct gs_stack_reader *stacks, struct gs_member *member, const struct gs_walk_end *end);
/* To be called before the frames are changed otherwise, and when what was walked is not what is shown for this sample.
 */
void gs_deep_spoil(struct gs_member *member);

/* ---- renamed.c ---- */

/* False when code objects of the frames were not what was known of them, and were read anew: another walk shows the
 * new ones. */
bool gs_codes_stand(struct gs_stack_reader *stacks, struct gs_member *member);
/* The stack is still the one that was copied: code objects that were read just now are its own, not those that came to
 * be at the same addresses after a return from it. */
bool gs_stack_stands(struct gs_stack_reader *stacks, const struct gs_member *member);

/* ---- unmoved.c ---- */

/* To be called when the member's stack was made of its copies. */
void gs_unmoved_note(const struct gs_stack_reader *stacks, struct gs_member *member);
/* Of the members, leaves out those whose stacks are as they were when they were last read; returns how many are left.
 */
size_t gs_unmoved_drop(struct gs_stack_reader *stacks, struct gs_member **members, size_t count);
/* Of a member that sleeps: whether the lists, and its frames, are what they were. Each lock's before and after are
 * those of now. lists: these alone matter. */
bool gs_unmoved_again(struct gs_stack_reader *stacks, struct gs_member *member, bool lists);

/* ---- read.c ---- */

/* Reads the stacks of `count` members, and with each read the fields of every GIL at both ends and the heads of the
 * lists. Two copies are taken of those that the GIL does not prove still. Afterwards each lock's before and after
 * are those of the last read, and each member's stack is known, or torn is set. */
enum gs_status gs_read_members(struct gs_stack_reader *stacks, struct gs_member **members, size_t count) GS_MUST_CHECK;
/* The same for one thread that is stopped for it, once. The stack is followed only as far as it takes to know that
 * all of it was copied (no code object is read, nothing is allocated); when the thread runs again gs_read_finish reads
 * these fields and the heads, and makes frames of the copies. gs_read_reserve first, so that there is room for the
 * copies. */
bool gs_read_reserve(struct gs_stack_reader *stacks, struct gs_member *member);
enum gs_status gs_read_stopped(struct gs_stack_reader *stacks, struct gs_member *member) GS_MUST_CHECK;
enum gs_status gs_read_finish(struct gs_stack_reader *stacks, struct gs_member *member) GS_MUST_CHECK;
/* The fields of every GIL and the heads of the lists only. */
enum gs_status gs_read_gils(struct gs_stack_reader *stacks) GS_MUST_CHECK;
/* Finds out where the stack of a member lies that is new. False: it changed meanwhile. */
bool gs_read_fresh(void *stacks, struct gs_member *member);
/* We were not let stop it lately, so that it is not tried again now. */
bool gs_was_refused(const struct gs_stack_reader *stacks, uint64_t refused_ns);
/* The member's thread is one that may be stopped, should it run. */
bool gs_may_stop(const struct gs_stack_reader *stacks, const struct gs_member *member);

/* ---- stopped.c ---- */

/* gs_read_members, and what came out torn once more with its thread stopped, as far as the options allow. */
enum gs_status gs_read_and_stop(struct gs_stack_reader *stacks, struct gs_member **members, size_t count) GS_MUST_CHECK;
/* This sample is to be left out, so that threads do not stand still for more than their share of the time. To be asked
 * once for each. */
bool gs_over_budget(struct gs_stack_reader *stacks);
/* Stops the thread of a C stack, if it runs, and copies its registers and its C stack (into natives.copy) together with
 * the Python stack of the member, which may be NULL. GS_LOST when it could not be stopped, GS_NOT_PERMITTED. */
enum gs_status gs_stop_and_copy(struct gs_stack_reader *stacks, struct gs_member *member,
                                struct gs_cstack *cstack) GS_MUST_CHECK;

#endif
