/* The state of a reader between its snapshots, for the sources of this folder.
 *
 * A snapshot goes: take.c decides what may have moved since the one before; list.c knows the interpreters and their
 * threads; read.c reads what is predicted to be needed in one scattered read and proves what it may believe of it;
 * chunk.c (3.11 on) and heap.c (up to 3.10) walk the copies; census.c asks the kernel who waits; publish.c hands out
 * the result. */
#ifndef GS_SAMPLE_READER_H
#define GS_SAMPLE_READER_H

#include "base/budget.h"
#include "base/watch.h"
#include "gilspy/snapshot.h"
#include "native/native.h"
#include "python/code_read.h"
#include "python/gil.h"
#include "sample/books.h"
#include "target/stop.h"
#include "target/task.h"

enum {
    GS_TSTATE_MAX = 512, /* bytes of a thread state that are read */
    GS_INTERPRETERS_MAX = 1024,
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

/* A piece of a thread's stack memory, and where its copies lie. */
struct gs_part {
    gs_addr addr;
    uint32_t len;
    uint32_t used;          /* the sample that last needed it */
    const uint8_t *copy[2]; /* NULL: not read */
    size_t piece[2];        /* of the last read: those that the copies are */
};

struct gs_parts {
    struct gs_part *list;
    size_t count, room;
    uint64_t bytes; /* of all together */
};

/* What is known of a thread that is awake without holding the GIL: awake.c. */
struct gs_awake {
    bool looked, accounted, outside;
    uint64_t ran_ns, switches; /* at the first look, ran_ns at the first tick since */
    gs_addr frame, code;       /* where it was then */
    int32_t instr;
};

/* What lay on top of the C stack of a thread that sleeps; sp 0: not known. */
struct gs_top {
    gs_addr sp;
    uint64_t words[4];
};

/* One thread state. */
struct gs_member {
    gs_addr tstate;
    uint32_t interpreter; /* index into reader->interps */
    gs_addr prev, next;   /* its neighbours in the list, 0 at the ends */
    uint64_t ident, serial, native;
    pid_t tid, ns_tid; /* 0: no thread of the kernel belongs to it (not yet, or no more) */
    uint64_t found;    /* the discovery that last saw it */

    struct gs_parts chunks; /* 3.11 on: its data stack, newest first */
    struct gs_parts extras; /* frames elsewhere: generators, marks on the C stack, all frames up to 3.10; by address */
    bool cut;               /* the data stack goes on below the last of these chunks: there are too many */
    gs_addr cframe;         /* 3.11 and 3.12 */

    uint8_t *tstate_copy;
    gs_addr current[2];              /* the word that points to the frame, before and after the copies were taken */
    size_t piece_first, piece_count; /* of the last read */
    size_t tstate_piece;             /* the one that its thread state is in */
    gs_addr link_now;                /* what its neighbour pointed to in the last read */
    bool doubled, still;             /* read twice; known not to have moved during the read */
    uint8_t tries;                   /* readings of it that came out torn */
    uint64_t refused_ns; /* when we were not let stop it, because another tracer has it; 0: the last time we were */
    bool linked;         /* it was in the list, where it was before, when it was read */

    gs_addr c_stack;          /* where on the C stack its chain of frames began, or where it is now; 0: not known */
    gs_addr leaf;             /* the code that ran when it was last read: its memory is read again, */
    const uint8_t *leaf_copy; /* because it may be another's by now; NULL: was not */

    size_t place;            /* of it among the published threads, SIZE_MAX: none */
    bool news;               /* what was published of it is out of date */
    uint32_t read_sample;    /* the sample in which its stack was last read, */
    uint64_t polled_ns;      /* and when a poll last did so */
    struct gs_frame *frames; /* the stack as it was last known */
    uint32_t frame_count, frame_room;
    bool torn;
    bool paired; /* the C stack of its thread was copied in the same stop */
    bool marked; /* its stack is known, and mark is that of the memory that it lies in: unmoved.c */
    uint64_t mark;
    bool unreadable;       /* the last walk led to memory that cannot be read, */
    bool lacks_code;       /* that of a code object, as both copies of its frame have it */
    uint32_t torn_history; /* a bit per sample in which it was read while it may have run, newest lowest */

    bool requested;            /* its gil_requested field (3.15 on), */
    uint32_t requested_sample; /* as of this sample */
    uint64_t breaker;          /* its eval_breaker (3.13 on), */
    uint32_t breaker_sample;   /* as of this sample */
    int syscall_fd, runs_fd;   /* -1: not open */
    struct gs_runs runs;
    uint64_t runs_ns; /* when these were read, 0: never */
    bool runs_known;  /* it slept ever since it had been put on a processor that often */
    struct gs_activity activity;
    struct gs_top top;     /* when it was last seen asleep over something else than the GIL */
    uint64_t asked_ns;     /* when activity was read */
    uint32_t ran_sample;   /* the sample in which its stack was seen to move, */
    uint32_t moved_sample; /* and the last one before which it had the GIL, where that is known */
    enum gs_gil_futex futex;
    struct gs_awake awake;
    enum gs_gil_word gil;
    enum gs_evidence evidence;
    bool apart; /* another thread runs it than the one whose id it bears: census.c */
};

struct gs_lock {  /* one GIL */
    gs_addr addr; /* of its struct, 0 where there is none (2.7, 3.6) */
    struct gs_gil_place place;
    struct gs_gil_words before, after; /* around the last read */
    struct gs_gil_words last;          /* as of the last snapshot, */
    struct gs_gil_words stacked;       /* and before the stacks of the last one that has some */
    struct gs_gil_words begun;         /* before those of this one */
    uint64_t since_ns;                 /* it is seen in the same hands */
    struct gs_gil_words judged[2];     /* before and after, as the census had them, while stacks are taken anew */
    bool stands;                       /* the words were the same again after the census */
    uint32_t sharers;                  /* interpreters on it */
    uint8_t bytes[2][GS_GIL_BYTES];
    struct gs_piece pieces[2][GS_GIL_WINDOWS];
};

/* Who had the GIL since the last snapshot with stacks, if all hand-overs were seen: follow.c. */
struct gs_follow {
    bool whole; /* they were, so far */
    bool asked; /* a glance was taken for this */
    size_t count;
    gs_addr holders[GS_MOVERS_MOST]; /* each once; the first had it when the snapshot was taken */
    gs_addr last;                    /* the last of them, */
    uint64_t switches;               /* and the count when it was seen */
    uint64_t begun_ns, begun_switches;
    uint64_t next_ns; /* of the next glance; UINT64_MAX: none */
    uint32_t wanted;  /* samples for which it is still worth while, */
    uint32_t failed;  /* how often it was tried in vain, */
    uint32_t pause;   /* and samples for which it is therefore not tried */
};

/* A code object as it was after a reading. */
struct gs_leaf {
    gs_addr addr;
    uint64_t reading;
    uint8_t bytes[GS_CODE_SPAN];
};

struct gs_interp {
    gs_addr addr;
    int64_t id;
    uint32_t lock;    /* index into reader->locks */
    gs_addr head;     /* first thread state */
    gs_addr head_now; /* as read together with the stacks */
    uint32_t drop_now, collecting_now;
};

/* The C stack of one thread of the kernel. */
struct gs_cstack {
    pid_t tid, ns_tid;
    bool found;                /* in the last list of them */
    bool has_state;            /* it has a thread state: it is a member, too, */
    bool python_anew;          /* whose stack was read in this sample */
    int syscall_fd, runs_fd;   /* -1: not open */
    struct gs_activity before; /* what it did when the snapshot began, */
    bool has_runs;
    uint64_t runs; /* and how often it had been put on a processor by then */
    bool kept;     /* stack is of a thread that sleeps, and was put on one `kept_runs` times then */
    uint64_t kept_runs;
    uint64_t refused_ns;  /* as that of a member */
    size_t want;          /* bytes to copy of it while it is stopped */
    uint32_t read_sample; /* the sample in which stack became another one */
    struct gs_native_stack stack;
};

struct gs_natives {
    enum gs_native_scope scope; /* GS_NATIVE_NONE: C stacks are not asked for now */
    pid_t only;                 /* of this thread, 0: of all */
    struct gs_native *engine;   /* NULL: they never were */
    struct gs_native_copy copy;
    struct gs_cstack *list; /* by tid */
    size_t count, room;
    uint64_t listed_ns, discovery; /* when, and for which discovery of the members */
    bool published;                /* the last snapshot had some */
    bool polled;                   /* this poll has some */
};

struct gs_reader {
    struct gs_python *python;
    struct gs_mem *cache; /* pages, for following chains that are not known yet */
    struct gs_codes *codes;
    struct gs_reader_options options;
    int kept_files; /* descriptors of threads from this number on are closed again */
    struct gs_quality quality;
    bool heap_frames; /* up to 3.10: frames are objects that point to each other */
    uint32_t tstate_bytes, frame_bytes;
    int32_t pthread_tid; /* offset of the tid in glibc's struct pthread, GS_ABSENT: not found */

    gs_addr interp_head, interp_head_now; /* the newest interpreter; as read together with the stacks */
    bool finalizing_now;
    uint32_t initialized_now; /* up to 3.6: 0 while it ends */
    gs_addr runtime_at;       /* both lie in this window */
    uint32_t runtime_len;
    uint8_t runtime_now[GS_RUNTIME_BYTES];
    struct gs_interp *interps;
    size_t interp_count, interp_room;
    struct gs_lock *locks;
    size_t lock_count, lock_room;
    struct gs_member **members; /* in list order, interpreter by interpreter */
    size_t member_count, member_room;
    struct gs_table {
        struct gs_member **slots; /* by address of the thread state, open addressing */
        size_t size;
    } by_tstate;
    uint64_t discovery; /* number of the last one; 0: none yet */
    uint32_t sample;

    struct gs_piece *heads; /* what each read begins with */
    size_t head_count, head_room;
    struct gs_piece *pieces;
    size_t piece_count, piece_room;
    uint8_t *arena;   /* copies of the last read, */
    uint64_t reading; /* which is the how manieth, */
    struct gs_leaf leaf;
    size_t arena_used, arena_room;
    size_t parts_room, frames_room; /* of all members together */
    uint64_t patience;              /* what is left for this sample */
    gs_addr *chain;                 /* frame addresses of the chain being followed */
    size_t chain_room;
    bool stopping; /* a thread stands still for us: nothing is allocated */
    bool polling;  /* this sample is one without stacks, */
    bool polled;   /* the last one was, */
    bool unread;   /* and some threads were first seen in those, so that their stacks were never read */
    uint64_t unsettled_ns, settle_ns; /* polls: since when it is not known whose some states are; to look again then */
    struct gs_stop stop;

    uint64_t codes_checked_ns, checked_ns;
    bool full_census, lost_before;
    bool stale;   /* a thread has ended whose state is still there, or is now another's: the lists are walked anew */
    bool changed; /* in this sample: somebody does something else than in the last, or the lists changed */
    bool movers_known;   /* in this sample: whoever ran Python since the last one has moved_sample set */
    bool any_open;       /* somebody is awake without holding a GIL */
    bool all_asked;      /* the kernel, once at least */
    bool any_gone;       /* somebody may have ended whose state is still in a list */
    uint32_t all_move;   /* samples for which it is not looked who did not move */
    bool any_torn;       /* somebody's stack, as it was last read, is torn */
    bool all_run;        /* all threads that are awake are on a processor, */
    uint32_t all_ran;    /* seen so this many times, one after the other */
    uint64_t crowded_ns; /* when a thread was last seen to have waited long for a processor, 0: never */
    size_t rotation;     /* the member whose turn it is to be asked when somebody is missing */
    uint64_t taken_ns, rotated_ns, made_ns;
    struct gs_books books;
    uint64_t turn_ns; /* while they do not balance: the time for each thread, */
    size_t turn_at;   /* the one that was looked at last, */
    uint64_t turn_of; /* and the discovery that they are of */
    struct gs_budget budget;

    struct gs_follow follow;
    struct gs_natives natives; /* natives.c */

    struct gs_snapshot snapshot;
    size_t out_interp_room, out_gil_room, out_thread_room;
    struct gs_member **all; /* for reading everybody: a list that the reading may sort */
    size_t all_room;
    struct gs_member **order; /* members as they are published, */
    size_t order_count;
    uint64_t ordered; /* of this discovery */
    uint64_t placed;  /* the one of which all threads have their places, 0: they may change */
    uint32_t *moved;
};

/* Grows *list (elements of `size` bytes) to hold `need`; false when out of memory or while a thread stands still. */
bool gs_grow(const struct gs_reader *reader, void **list, size_t *room, size_t need, size_t size);

/* Pays for work that the target makes us do: a unit for a frame that is looked at, or so many bytes that are read.
 * False when there was too much of it: then the stacks that are left end in a gap. */
static inline bool gs_spend(struct gs_reader *reader, uint64_t units)
{
    bool enough = reader->patience >= units;
    reader->patience = enough ? reader->patience - units : 0;
    return enough;
}

/* For following a chain of frames through the memory itself; another page costs more than another frame in this one. */
static inline bool gs_spend_frame(struct gs_reader *reader, gs_addr frame, gs_addr before)
{
    return gs_spend(reader, (frame ^ before) < 4096 ? 1 : GS_PATIENT_PAGE);
}

static inline struct gs_lock *gs_lock_of(const struct gs_reader *reader, const struct gs_member *member)
{
    return &reader->locks[reader->interps[member->interpreter].lock];
}

/* By the words as they were read last. */
static inline bool gs_member_holds(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_gil_words *words = &gs_lock_of(reader, member)->after;
    return words->enabled && words->locked && words->holder == member->tstate;
}

/* ---- list.c ---- */

/* Walks the interpreters and their threads anew. GS_LOST when the lists changed under it. */
enum gs_status gs_list_discover(struct gs_reader *reader) GS_MUST_CHECK;
bool gs_list_index(struct gs_reader *reader); /* after each change of them, for: */
struct gs_member *gs_list_find(const struct gs_reader *reader, gs_addr tstate);
/* The lists, as they were read together with the stacks, are those that were discovered. */
bool gs_list_same(const struct gs_reader *reader);
/* The copy of its state says that it is the thread that it was, and linked where it was. */
bool gs_list_linked(const struct gs_reader *reader, const struct gs_member *member);
void gs_list_free(struct gs_reader *reader);

/* ---- pieces.c ---- */

/* Decides in which order the words of the GILs and the heads of the lists are read, after each discovery. */
bool gs_pieces_arrange(struct gs_reader *reader);
/* Reads `count` members as they are predicted (twice those that have doubled set) and the words of every GIL before
 * and after. link: also what should point to each member. Copies lie in the arena until the next read. */
enum gs_status gs_pieces_read(struct gs_reader *reader, struct gs_member **members, size_t count,
                              bool link) GS_MUST_CHECK;
/* The same without the words and the heads. */
enum gs_status gs_pieces_read_bare(struct gs_reader *reader, struct gs_member **members, size_t count,
                                   bool link) GS_MUST_CHECK;
/* All of a member's pieces arrived; parts that did not are forgotten. */
bool gs_pieces_whole(struct gs_reader *reader, struct gs_member *member);
/* Room that the copies of a member take in the arena. */
size_t gs_pieces_bytes(const struct gs_reader *reader, const struct gs_member *member);
/* Of reading them, for gs_spend. */
uint64_t gs_pieces_cost(const struct gs_reader *reader, const struct gs_member *member);

/* Where the word lies that points to the innermost frame, 0: not known. */
gs_addr gs_current_word(const struct gs_reader *reader, const struct gs_member *member);

/* ---- renamed.c ---- */

/* False when code objects of the frames were not what was known of them, and were read anew: another walk shows the
 * new ones. */
bool gs_codes_stand(struct gs_reader *reader, struct gs_member *member);
/* The stack is still the one that was copied: code objects that were read just now are its own, not those that came to
 * be at the same addresses after a return from it. */
bool gs_stack_stands(struct gs_reader *reader, const struct gs_member *member);

/* ---- read.c ---- */

/* Reads the stacks of `count` members, and with each read the words of every GIL at both ends and the heads of the
 * lists. Two copies are taken of those that the GIL does not prove still. Afterwards each lock's before and after
 * are those of the last read, and each member's stack is known, or torn is set. */
enum gs_status gs_read_members(struct gs_reader *reader, struct gs_member **members, size_t count) GS_MUST_CHECK;
/* The same for one thread that is stopped for it, once. The stack is followed only as far as it takes to know that
 * all of it was copied (no code object is read, nothing is allocated); when the thread runs again gs_read_finish reads
 * the words and the heads, and makes frames of the copies. gs_read_reserve first, so that there is room for the
 * copies. */
bool gs_read_reserve(struct gs_reader *reader, struct gs_member *member);
enum gs_status gs_read_stopped(struct gs_reader *reader, struct gs_member *member) GS_MUST_CHECK;
enum gs_status gs_read_finish(struct gs_reader *reader, struct gs_member *member) GS_MUST_CHECK;
/* Whoever holds a lock can be known to be the only one that moves. */
bool gs_lock_proves(const struct gs_reader *reader, const struct gs_lock *lock);
/* And there is no other lock: whoever is known not to have had it did not move. */
bool gs_reader_proves(const struct gs_reader *reader);
/* The words of every GIL and the heads of the lists only. */
enum gs_status gs_read_words(struct gs_reader *reader) GS_MUST_CHECK;
/* Notes what the copy of a thread state itself says of the GIL. */
void gs_read_flags(struct gs_reader *reader, struct gs_member *member);

/* ---- unmoved.c ---- */

/* To be called when the member's stack was made of its copies. */
void gs_unmoved_note(const struct gs_reader *reader, struct gs_member *member);
/* Of the members, leaves out those whose stacks are as they were when they were last read; returns how many are left.
 */
size_t gs_unmoved_drop(struct gs_reader *reader, struct gs_member **members, size_t count);

/* ---- chunk.c, heap.c: one of the two, by the layout ---- */

enum gs_walk {
    GS_WALK_OK,
    GS_WALK_MISSING, /* it leads to memory that was not read */
    GS_WALK_TORN     /* the copies contradict themselves */
};

/* Follows the chain through the memory itself (gs_reader.cache, which the caller clears: it may be as old as that), to
 * learn which parts a read will need. The result is not to be believed. */
bool gs_chunk_predict(struct gs_reader *reader, struct gs_member *member);
bool gs_heap_predict(struct gs_reader *reader, struct gs_member *member);
static inline bool gs_predict(struct gs_reader *reader, struct gs_member *member)
{
    return reader->heap_frames ? gs_heap_predict(reader, member) : gs_chunk_predict(reader, member);
}
/* Walks the copies into member->frames. */
enum gs_walk gs_chunk_walk(struct gs_reader *reader, struct gs_member *member);
enum gs_walk gs_heap_walk(struct gs_reader *reader, struct gs_member *member);
/* The copy of the thread state says that the newest chunk and the word of the current frame are where they were when
 * this was predicted. */
bool gs_chunk_as_predicted(const struct gs_reader *reader, const struct gs_member *member);

/* ---- parts.c ---- */

/* The copy `which` of [addr, addr + len), or NULL; marks the part as used. */
const uint8_t *gs_parts_at(struct gs_reader *reader, struct gs_parts *parts, gs_addr addr, uint32_t len, int which);
/* Makes [addr, addr + len) part of them, joined with neighbours that are closer than `gap` bytes. */
bool gs_parts_add(struct gs_reader *reader, struct gs_parts *parts, gs_addr addr, uint32_t len, uint32_t gap);
/* Adds it behind the others, joined with none. */
bool gs_parts_append(struct gs_reader *reader, struct gs_parts *parts, gs_addr addr, uint32_t len);
/* Room for so many parts; false when all threads together have too many. */
bool gs_parts_reserve(struct gs_reader *reader, struct gs_parts *parts, size_t count);
/* Drops all that are not wanted. */
void gs_parts_keep(struct gs_parts *parts, bool (*wanted)(const struct gs_part *part, const void *context),
                   const void *context);
void gs_parts_clear(struct gs_parts *parts);
/* Drops those that no sample needed for GS_PART_AGE samples. */
void gs_parts_age(struct gs_reader *reader, struct gs_parts *parts);
/* Makes room for so many frames; false when all threads together have too many. */
bool gs_member_grow(struct gs_reader *reader, struct gs_member *member, size_t count);

/* The frame behind the last one, to be filled in: a copy of one made elsewhere would wait for its parts. NULL: there
 * is no room. */
static inline struct gs_frame *gs_member_next(struct gs_reader *reader, struct gs_member *member)
{
    if (member->frame_count == member->frame_room && !gs_member_grow(reader, member, member->frame_count + 1u))
        return NULL;
    return &member->frames[member->frame_count++];
}

static inline bool gs_member_push(struct gs_reader *reader, struct gs_member *member, struct gs_frame frame)
{
    struct gs_frame *next = gs_member_next(reader, member);
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
static inline bool gs_reader_may_lack(const struct gs_reader *reader)
{
    const struct gs_target *target = reader->python->target;
    return target->still || gs_watch_careful(target->watch);
}

/* The way to its stack leads through memory that cannot be read; false. */
static inline bool gs_member_lacks(struct gs_member *member)
{
    member->unreadable = true;
    return false;
}

/* ---- stopped.c ---- */

/* gs_read_members, and what came out torn once more with its thread stopped, as far as the options allow. */
enum gs_status gs_read_and_stop(struct gs_reader *reader, struct gs_member **members, size_t count) GS_MUST_CHECK;
/* We were not let stop it lately, so that it is not tried again now. */
bool gs_was_refused(const struct gs_reader *reader, uint64_t refused_ns);
/* The member's thread is one that may be stopped, should it run. */
bool gs_may_stop(const struct gs_reader *reader, const struct gs_member *member);
/* This sample is to be left out, so that threads do not stand still for more than their share of the time. To be asked
 * once for each. */
bool gs_over_budget(struct gs_reader *reader);

/* ---- take.c, poll.c ---- */

/* The begin and the end that snapshots with stacks and without have in common; `taken`: how the reading went. */
enum gs_status gs_sample_begin(struct gs_reader *reader) GS_MUST_CHECK;
enum gs_status gs_sample_end(struct gs_reader *reader, enum gs_status taken,
                             const struct gs_snapshot **snapshot) GS_MUST_CHECK;
/* Somebody ended whose state is still in a list, or a state has a GIL whose thread is not known: the lists are to be
 * walked anew. */
bool gs_sample_ghosts(struct gs_reader *reader);
/* Stops the thread of a C stack, if it runs, and copies its registers and its C stack (into natives.copy) together with
 * the Python stack of the member, which may be NULL. GS_LOST when it could not be stopped, GS_NOT_PERMITTED. */
enum gs_status gs_stop_and_copy(struct gs_reader *reader, struct gs_member *member,
                                struct gs_cstack *cstack) GS_MUST_CHECK;

/* ---- follow.c ---- */

/* A snapshot with stacks was taken: from here on it is followed who gets the GIL. */
void gs_follow_begin(struct gs_reader *reader);
/* What the words of the GIL are now. */
void gs_follow_note(struct gs_reader *reader, const struct gs_gil_words *words);
/* All who are known to have had it; SIZE_MAX: one of them is no more, or not yet known. */
size_t gs_follow_movers(const struct gs_reader *reader, struct gs_member *movers[GS_MOVERS_MOST]);

/* ---- natives.c ---- */

/* Notes what each thread does before the snapshot. */
enum gs_status gs_natives_begin(struct gs_reader *reader) GS_MUST_CHECK;
/* After it: takes the C stack of each, and the Python stack again where that moved. */
void gs_natives_take(struct gs_reader *reader);
/* Before that: stops a member whose thread ran when the snapshot began, and takes both its stacks. False: it is to be
 * read like others. */
bool gs_natives_stop(struct gs_reader *reader, struct gs_member *member);
/* NULL: there is none. */
struct gs_cstack *gs_natives_find(const struct gs_reader *reader, pid_t tid);
/* In a poll: takes that of one thread, together with its Python stack. */
void gs_natives_poll(struct gs_reader *reader, struct gs_member *member);

/* ---- natives_list.c ---- */

/* Takes in who is new, and lets go of who is no more. */
enum gs_status gs_natives_list(struct gs_reader *reader) GS_MUST_CHECK;
/* That of this thread, whoever else is in the list; NULL: out of memory. */
struct gs_cstack *gs_natives_one(struct gs_reader *reader, pid_t tid, pid_t ns_tid);
void gs_natives_free(struct gs_reader *reader);

/* ---- census.c ---- */

/* Finds out who waits: asks the kernel about every thread, or only about those that may have changed. `moved`: how
 * many hand-overs lie between this snapshot and the last. */
void gs_census(struct gs_reader *reader, uint64_t moved);
/* Reads what the member's thread does now. */
void gs_census_ask(struct gs_reader *reader, struct gs_member *member);

/* ---- rotation.c ---- */

/* Asks a share of those who were not asked in this sample, so that all are in turn. */
void gs_rotation_ask(struct gs_reader *reader);

/* ---- tops.c ---- */

enum { GS_TOPS_TOGETHER = 32 };
/* It slept when it was last asked, and it is known where on its C stack. */
bool gs_top_known(const struct gs_member *member);
/* Reads the tops of such members, GS_TOPS_TOGETHER at most. */
void gs_tops_read(struct gs_reader *reader, struct gs_member *const *members, size_t count, struct gs_top *tops);
/* It is as it was when it slept: the thread sleeps on, or again. */
bool gs_top_stands(const struct gs_member *member, const struct gs_top *top);
/* To be called when the member has been asked since. */
void gs_top_note(struct gs_member *member, const struct gs_top *top);

/* ---- awake.c ---- */

/* Takes a look at the member, whose thread is `awake` and does not hold the GIL, or else forgets what was known. */
void gs_awake_note(struct gs_reader *reader, struct gs_member *member, const struct gs_gil_words *words, bool awake);
/* It is known to compute without the GIL. */
bool gs_awake_outside(const struct gs_reader *reader, const struct gs_member *member);

/* How much the process ran in a span of time in which we sleep: begin, sleep, end; then ask all that were awake anew,
 * and judge whether all of them run (reader->all_run). */
struct gs_awake_span {
    bool valid;
    uint32_t awake;
    uint64_t cpu_ns, wall_ns;
};
void gs_awake_begin(const struct gs_reader *reader, struct gs_awake_span *span);
void gs_awake_end(const struct gs_reader *reader, struct gs_awake_span *span);
void gs_awake_judge(struct gs_reader *reader, const struct gs_awake_span *span);

/* ---- publish.c ---- */

enum gs_gil_state gs_lock_state(const struct gs_gil_words *words);
enum gs_status gs_publish(struct gs_reader *reader) GS_MUST_CHECK;
void gs_publish_free(struct gs_reader *reader);

/* Little readers of a copy. */
static inline gs_addr gs_get_addr(const uint8_t *bytes, int32_t offset)
{
    gs_addr value;
    __builtin_memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static inline uint32_t gs_get_u32(const uint8_t *bytes, int32_t offset)
{
    uint32_t value;
    __builtin_memcpy(&value, bytes + offset, sizeof value);
    return value;
}

#endif
