/* How long somebody had a GIL, out of looks at it: the one definition that all figures of samples share.
 *
 * A hold goes on from look to look while the same thread has the GIL and it has not been handed over. It began between
 * the look before its first one and that, and ended between its last one and the next: the time between two looks is
 * divided evenly among those that had the GIL in it. */
#ifndef GS_GIL_HOLD_H
#define GS_GIL_HOLD_H

#include <stdbool.h>
#include <stdint.h>

/* What is taken for granted at a rate of looks. */
struct gs_hold_rule {
    uint64_t
        most_ns; /* a part of the time between two looks is no longer: after a late look it would make a long hold */
    uint64_t lost_ns; /* between looks further apart than this nobody knows what was, unless nothing has changed */
};
/* rate_hz: infinite, or not over 0: as fast as possible. */
struct gs_hold_rule gs_hold_rule(double rate_hz);

struct gs_hold_look {
    uint64_t ns;       /* when */
    uint64_t holder;   /* any number that is the thread's alone; 0: nobody, or not known */
    uint64_t switches; /* hand-overs so far, if they are counted */
    bool held, counted;
    bool moved; /* it is known otherwise that this is not the hold of the look before */
};

/* A GIL that is looked at again and again; zeroed: not yet. */
struct gs_hold_follow {
    bool any;
    bool at_least; /* the hold that goes on began before the first look, or nobody knows when */
    struct gs_hold_look last;
    uint64_t begin_ns; /* of the hold that goes on, if last.held */
};

/* A hold that has ended. It may have been shorter or longer by doubt_ns at its end, and by as much at its beginning. */
struct gs_hold_span {
    uint64_t holder;
    uint64_t from_ns, to_ns, doubt_ns;
    bool at_least;
};

/* The next look. True: *ended is the hold that ended before it. */
bool gs_hold_step(struct gs_hold_follow *follow, const struct gs_hold_look *now, const struct gs_hold_rule *rule,
                  struct gs_hold_span *ended);
/* The hold that goes on, as far as it was seen: false: there is none. */
bool gs_hold_now(const struct gs_hold_follow *follow, struct gs_hold_span *span);
/* Hand-overs between the last look and this one; 0 where they are not counted, or what is told makes no sense. */
uint64_t gs_hold_moved(const struct gs_hold_follow *follow, const struct gs_hold_look *now);
/* Nothing has changed since the last look: the same thread has it, or nobody had it. */
bool gs_hold_same(const struct gs_hold_follow *follow, const struct gs_hold_look *now);
/* The part that each of those gets that had the GIL between two looks gap_ns apart, with so many hand-overs. */
uint64_t gs_hold_part_ns(uint64_t gap_ns, uint64_t moved, const struct gs_hold_rule *rule);

#endif
