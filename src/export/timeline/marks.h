/* What a timeline in a page has in it, in memory of a fixed size: when there is too much, what is short is merged with
 * its neighbours, so that what is long stays as it was. */
#ifndef GS_EXPORT_TIMELINE_MARKS_H
#define GS_EXPORT_TIMELINE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/status.h"

enum {
    GS_MARKS_MOST = 200000,    /* in a page; fewer in rows of which there are many */
    GS_MARK_WORDS = 5,         /* of a row */
    GS_MARKS_FINEST_NS = 1000, /* the first length below which it is merged */
};

enum gs_mark_flag {
    GS_MARK_BEGUN = 1,  /* within the time that was traced */
    GS_MARK_ENDED = 2,  /* likewise */
    GS_MARK_FORCED = 4, /* somebody had asked for the GIL when it was dropped */
    GS_MARK_SAMPLED = 8 /* not traced */
};

struct gs_mark {
    uint64_t begin_ns, end_ns;
    union {
        struct {
            uint64_t since_ns; /* marks that follow each other with the same one are one */
            uint64_t from_ns;
        };
        uint64_t word_ns[GS_MARK_WORDS]; /* of merged ones: how long each word was */
    };
    uint64_t count; /* how many they are; 1: not merged */
    uint32_t value; /* the largest of merged ones, or with `longest` that of the longest */
    pid_t from;     /* 0: not known */
    uint8_t word, lock, flags;
};

struct gs_mark_row {
    bool longest;
    struct gs_mark *list; /* in their order */
    size_t count, room;
};

struct gs_marks { /* empty when zeroed, but for `most` */
    struct gs_mark_row *rows;
    size_t row_count, row_room;
    size_t count, most; /* of all rows */
    uint64_t fine_ns;   /* what is shorter may be merged; 0: nothing is */
};

void gs_marks_fini(struct gs_marks *marks);
/* The number of a new row, or GS_NO_MEMORY. */
enum gs_status gs_marks_row(struct gs_marks *marks, bool longest, uint32_t *number) GS_MUST_CHECK;
/* At the row's end; time that it has already is left out. */
enum gs_status gs_marks_add(struct gs_marks *marks, uint32_t row, const struct gs_mark *mark) GS_MUST_CHECK;

#endif
