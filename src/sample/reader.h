/* The state of a reader between its snapshots. A snapshot goes: take.c decides what may have moved since the one
 * before; list.c knows the interpreters and their threads; their stacks are read (stack_reader.h); the kernel is asked
 * who waits (waiters.h); publish.c hands out the result. */
#ifndef GS_SAMPLE_READER_H
#define GS_SAMPLE_READER_H

#include "sample/stack_reader.h"
#include "sample/waiters.h"

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

struct gs_publication {
    struct gs_snapshot snapshot;
    size_t interp_room, gil_room, thread_room;
    struct gs_member **order; /* members as they are published, */
    size_t order_count;
    uint64_t ordered; /* of this arrangement of the list */
    uint64_t placed;  /* the one of which all threads have their places, 0: they may change */
    uint32_t *moved;
    struct gs_collecting { /* frames of whoever collects, by interpreter, with GS_FRAME_GC ahead */
        struct gs_frame *frames;
        size_t room;
    } * collecting;
    size_t collecting_room;
};

struct gs_reader {
    struct gs_thread_list threads;
    struct gs_stack_reader stacks;
    struct gs_waiters waiters;
    struct gs_follow follow;
    struct gs_publication out;
    struct gs_member **all; /* for reading everybody: a list that the reading may sort */
    size_t all_room;
    uint64_t codes_checked_ns, checked_ns;
    uint64_t unsettled_ns, settle_ns; /* polls: since when it is not known whose some states are; to look again then */
    struct {
        uint64_t cpu_ns;   /* of the process, before the last snapshot; 0: not known; */
        uint64_t since_ns; /* when that was found to have changed */
        uint32_t looks;    /* since it sleeps for long */
        gs_addr last;      /* who had the GIL last, 0: not known; */
        uint64_t ran_ns;   /* so much of cpu_ns is that one's */
    } asleep;
    bool polled; /* the last sample was a poll, */
    bool unread; /* and some threads were first seen in polls, so that their stacks were never read */
    bool lost_before, any_torn;
    bool stale; /* a thread has ended whose state is still there, or is now another's: the lists are walked anew */
};

/* ---- take.c ---- */

/* gs_list_discover, and what is read from then on. */
enum gs_status gs_sample_discover(struct gs_reader *reader) GS_MUST_CHECK;
/* The begin and the end that snapshots with stacks and without have in common; `taken`: how the reading went. */
enum gs_status gs_sample_begin(struct gs_reader *reader) GS_MUST_CHECK;
enum gs_status gs_sample_end(struct gs_reader *reader, enum gs_status taken,
                             const struct gs_snapshot **snapshot) GS_MUST_CHECK;
/* Somebody ended whose state is still in a list, or a state has a GIL whose thread is not known: the lists are to be
 * walked anew. */
bool gs_sample_ghosts(struct gs_reader *reader);

/* ---- follow.c ---- */

/* A snapshot with stacks was taken: from here on it is followed who gets the GIL. */
void gs_follow_begin(struct gs_follow *follow, const struct gs_thread_list *threads);
/* What the fields of the GIL are now. */
void gs_follow_note(struct gs_follow *follow, const struct gs_gil_fields *now);
/* All who are known to have had it; SIZE_MAX: one of them is no more, or not yet known. */
size_t gs_follow_movers(const struct gs_follow *follow, const struct gs_thread_list *threads,
                        struct gs_member *movers[GS_MOVERS_MOST]);

/* ---- publish.c ---- */

enum gs_status gs_publish(struct gs_reader *reader) GS_MUST_CHECK;
void gs_publish_free(struct gs_publication *out);

#endif
