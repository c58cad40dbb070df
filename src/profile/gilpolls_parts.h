/* What the polls of one process are summed up from, for gilpolls.c, gilpolls_holds.c and gilpolls_finish.c. */
#ifndef GS_PROFILE_GILPOLLS_PARTS_H
#define GS_PROFILE_GILPOLLS_PARTS_H

#include "profile/gilpolls.h"

#define GS_NOBODY UINT32_MAX

/* One thread, as it was in the last poll. */
struct gs_polled {
    uint32_t number; /* of the samples */
    uint32_t sum;    /* in the gs_gilsum; GS_NOBODY: not there */
    pid_t tid;
    char *name;
    bool main;
    bool any;             /* it was in a poll before */
    uint8_t word, before; /* enum gs_gil_word: now, and in the poll before (if any) */
    uint32_t gil;
    uint64_t poll;     /* number of the last one that had it */
    uint64_t waits_ns; /* waits since; 0: does not */
    bool ran_known;
    uint64_t ran_begin_ns, ran_ns;   /* on a processor: when the span began, and as last read, */
    uint64_t ran_from_ns, ran_at_ns; /* and when these were read */
};

/* One GIL, as it was in the last poll. */
struct gs_polled_gil {
    bool any, held, has_switches;
    uint32_t holder; /* number of the thread, GS_NOBODY: nobody or not known, */
    uint32_t was;    /* and in the poll before, */
    bool was_held;
    uint32_t waiters, were_waiting;
    uint32_t last; /* number of the last holder, GS_NO_THREAD: not known */
    uint64_t switches;
    uint64_t moved;           /* hand-overs since the poll before */
    uint64_t begin_ns;        /* of the hold that goes on */
    uint64_t hold;            /* its number */
    uint64_t charged_ns;      /* of it, up to when it was charged to places */
    uint32_t most_waiters;    /* for it */
    struct gs_place place;    /* last seen in it: of Python (function NULL: nothing was), */
    struct gs_place native;   /* and the C function that it called (function NULL: none) */
    uint64_t total, unplaced; /* hand-overs in the span; of these, to nobody knows whom */
};

struct gs_gilpolls {
    pid_t pid;
    char python[48];
    bool recorded;
    double rate_hz;
    uint64_t long_ns;
    struct gs_gilsum *sum;
    struct gs_polled *list; /* by number */
    size_t count, room;
    uint32_t *at; /* of the threads of this sample: where they are in the list */
    size_t at_room;
    struct gs_polled_gil gils[GS_GILSUM_GILS];
    size_t gil_count;
    bool over;      /* the process is no more what it was */
    uint64_t polls; /* since the beginning */
    uint64_t span_polls, span_ns;
    uint64_t missed_ns;                     /* further time, in which polls came so late that nothing is known of it */
    double late_ns2;                        /* squares of gaps longer than usual in which something changed, */
    double lost_ns, lost_ns2;               /* and the gaps that are missed_ns, and their squares */
    uint64_t last_ns, ran_ns;               /* of the last poll; when times on processors were last read */
    uint64_t holds;                         /* numbers given out */
    uint32_t from;                          /* the last poll's processor, as in struct gs_sample, */
    uint64_t from_ns[GS_GILSUM_PROCESSORS]; /* for how much of the span it was each, */
    uint64_t stays;                         /* and how often another */
};

/* The hand-overs between two polls; 0 where they are not counted, or what the process says makes no sense. */
uint64_t gs_gilpolls_moved(const struct gs_polled_gil *gil, const struct gs_sampled_gil *now);
/* The thread of this number; GS_NOBODY: there is none. */
uint32_t gs_gilpolls_find(const struct gs_gilpolls *polls, uint32_t number);

/* Goes on with the hold of a GIL, or ends it and begins another; holder: where in the list, GS_NOBODY: nobody. gap_ns:
 * since the poll before. */
void gs_gilpolls_step(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_sampled_gil *now,
                      uint32_t holder, uint64_t time_ns, uint64_t gap_ns);
/* Charges a hold that lasts long, as far as it has come, to where it is spent. place, native: seen in this poll; place
 * NULL: nothing was. */
void gs_gilpolls_charge(struct gs_gilpolls *polls, struct gs_polled_gil *gil, const struct gs_place *place,
                        const struct gs_place *native, uint64_t time_ns);
/* The hold ends at that time, or is cut there by the end of the span. */
void gs_gilpolls_end_hold(struct gs_gilpolls *polls, struct gs_polled_gil *gil, uint64_t time_ns);
/* The thread's time on a processor is read again. */
void gs_gilpolls_note_ran(struct gs_gilpolls *polls, struct gs_polled *polled, uint64_t now_ns);
/* A thread that has ended, or the end of a span: what is known of it only now goes into the sums. */
void gs_gilpolls_close(struct gs_gilpolls *polls, struct gs_polled *polled);

#endif
