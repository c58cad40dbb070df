/* The parts of exact tracing, for the sources of this folder. */
#ifndef GS_PROFILE_EXACT_PARTS_H
#define GS_PROFILE_EXACT_PARTS_H

#include "profile/exact.h"
#include "gil/counters.h"
#include "gil/turn_feed.h"
#include "trace/governor.h"
#include "trace/leeway.h"

enum { GS_EXACT_WHY_BYTES = 240 };

struct gs_exact {
    struct gs_python *python; /* these three are not owned */
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_exact_eye eye;
    struct gs_exact_tap tap;
    struct gs_tracer *tracer;
    struct gs_turns *turns;
    struct gs_account *sum;
    struct gs_turn_feed *figures;
    struct gs_gilcounts *counts; /* NULL: not wanted */
    struct gs_governor governor;
    struct gs_leeway leeway;
    const struct gs_snapshot *snapshot; /* of the reader; NULL: none that holds */
    uint64_t long_ns;
    uint64_t *ran_ns; /* by thread of the sum: processor time when the span began */
    size_t ran_room;
    uint64_t names_ns, names_wait_ns,
        names_rest_ns; /* names are looked for then, afterwards so much later; no sooner */
    uint64_t checked_ns, next_ns;
    struct {
        uint64_t since_ns, seen_ns; /* the hold in which the holder's stack was read last, and when */
    } looks[GS_SPOTS_MOST];
    uint64_t look_ns;   /* when it is looked at who has the GIL, UINT64_MAX: when something else is done */
    uint64_t span_ns;   /* when the span of the figures began */
    uint64_t window_ns; /* when the window, or the part of it in this span, began */
    uint64_t until_ns;  /* up to where events were handed on */
    uint64_t traced_ns; /* in windows of this span that have ended */
    uint64_t ended_ns;  /* when a thread ended last */
    uint64_t events, lost, traps, cpu_us; /* at the beginning of the span */
    uint64_t violations;
    struct gs_count switches[GS_SPOTS_MOST];
    uint64_t counts_ns;                    /* when counts were told last */
    bool counting;                         /* they are wanted */
    bool on, gone, over, ended, beginning; /* beginning: who is met now was there when the span began */
    bool torn, holes; /* torn: events were lost in this window, of which nothing counts any more; holes: in any */
    char why[GS_EXACT_WHY_BYTES];
};

/* ---- exact_people.c: names, and what threads do when a window begins ---- */

/* As struct gs_turn_feed_names has it. */
void gs_exact_find_name(void *context, pid_t tid, char *name, size_t size, bool *main);
/* A new snapshot, or none. */
void gs_exact_look_again(struct gs_exact *exact);
void gs_exact_refresh_names(struct gs_exact *exact);
/* Somebody new is there, who has a name by now, or soon. */
void gs_exact_expect_names(struct gs_exact *exact);
/* Tells the turns what each thread does, by the snapshot. */
enum gs_status gs_exact_tell_states(struct gs_exact *exact) GS_MUST_CHECK;
/* What whoever has a GIL for long does, and when to look again. */
void gs_exact_see_holds(struct gs_exact *exact);

/* ---- exact_windows.c ---- */

enum gs_status gs_exact_begin_window(struct gs_exact *exact) GS_MUST_CHECK;
enum gs_status gs_exact_end_window(struct gs_exact *exact) GS_MUST_CHECK;
/* What threads do from here on until the next look at them is not known. */
void gs_exact_tear_window(struct gs_exact *exact, uint64_t ns);
/* Events were lost, if not in what was handed on yet: it is not exact any more. */
void gs_exact_note_holes(struct gs_exact *exact);
/* What is traced goes on, but a new part of it begins, for the next span. */
void gs_exact_cut_window(struct gs_exact *exact, uint64_t ns);
/* Counts up to here are whole: the tap is told, now and then. */
void gs_exact_tell_counts(struct gs_exact *exact, uint64_t ns);
enum gs_status gs_exact_govern(struct gs_exact *exact) GS_MUST_CHECK;

/* ---- exact.c ---- */

enum gs_status gs_exact_take_event(void *context, const struct gs_event *event);

/* ---- exact_figures.c ---- */

/* Between windows time goes on, too. */
void gs_exact_note_time(struct gs_exact *exact);
void gs_exact_begin_span(struct gs_exact *exact, uint64_t now_ns);

#endif
