/* Whose time it was: functions, and the lines of each thread of the live model. Samples only add to the stack that they
 * met; the way from there to its functions is gone when somebody looks, or when there are too many stacks. */
#ifndef GS_PROFILE_LIVE_CODE_H
#define GS_PROFILE_LIVE_CODE_H

#include "profile/topk_table.h"
#include "profile/live_table.h"
#include "stack/strings.h"

enum {
    GS_LIVE_PENDING = 8192, /* stacks whose time is not yet in functions and lines */
    GS_LIVE_LINES = 16384,  /* a thread at a line */
    GS_LIVE_FUNCTIONS = 8192,
    GS_LIVE_STRING_BYTES = 3 << 20,
    GS_LIVE_DEPTH = 4096,   /* frames of a stack that are looked at */
    GS_LIVE_FUNCTION = 160, /* bytes of the function that are kept, */
    GS_LIVE_FILE = 160      /* and of the end of the file's name, where these outlive their threads */
};

struct gs_live_place {
    char function[GS_LIVE_FUNCTION], file[GS_LIVE_FILE]; /* function "": not known */
    int32_t line;
    bool gap, native;
};

/* Times by mode. */
struct gs_live_time {
    double recent_ns[GS_MODE_LIVE];
    uint64_t ns[GS_MODE_LIVE];
};

struct gs_live_pending {
    struct gs_topk_key key; /* thread, stack */
    uint64_t ns[GS_MODE_LIVE];
};

struct gs_live_function {
    struct gs_topk_key key; /* function and file, kept once */
    uint32_t serial;        /* never used again */
    bool gap, native;
    uint64_t stamp;
    struct gs_live_time own, total;
};

struct gs_live_line {
    struct gs_topk_key key; /* thread and function's serial, line */
    uint64_t stamp;
    double recent_ns[GS_MODE_LIVE];
};

struct gs_live_code {
    struct gs_live_table *table;    /* not owned */
    const struct gs_stacks *stacks; /* the source's */
    uint32_t stacks_known;          /* how often it began its numbers anew */
    double recent_ns;               /* what shares of functions are of */
    struct gs_topk pending, functions, lines;
    struct gs_strings *strings; /* of functions */
    uint32_t serial;
    uint64_t stamp;
    uint32_t *function_of; /* place of the source -> function + 1 */
    size_t function_room;
};

/* False: out of memory; finish it in any case. */
bool gs_live_code_make(struct gs_live_code *code, struct gs_live_table *table);
void gs_live_code_fini(struct gs_live_code *code);
/* All counts and times begin anew. */
void gs_live_code_reset(struct gs_live_code *code);
/* ns is the time of the stack where the thread is, by mode. */
void gs_live_code_add(struct gs_live_code *code, struct gs_live_thread *thread, const uint64_t ns[GS_MODE_LIVE]);
/* Everything that is pending goes where it belongs. */
void gs_live_code_flush(struct gs_live_code *code);
/* What the source's numbers meant is known no longer. */
void gs_live_code_forget(struct gs_live_code *code);
void gs_live_code_decay(struct gs_live_code *code, double factor);
/* The function of a place of the source; NULL: no memory. */
struct gs_live_function *gs_live_function_at(struct gs_live_code *code, uint32_t place);
/* The function that stands for a thread, outermost of its stacks; NULL: no memory. */
struct gs_live_function *gs_live_thread_function(struct gs_live_code *code, const struct gs_live_thread *thread);
/* The line of a place, 0 where lines are not told apart. */
int32_t gs_live_line_of(const struct gs_live_code *code, const struct gs_place *place);
/* Where the code of a place is: a file of source, or of C the module. */
/* Its qualified name, where it has one. */
const char *gs_live_name_of(const struct gs_place *place);
const char *gs_live_file_of(const struct gs_place *place);
/* The number of the place that a stack (not 0) is in: of C frames above the innermost Python frame the first that says
 * something. */
uint32_t gs_live_told_place(const struct gs_live_code *code, uint32_t stack);
/* That place: the serial of the function, 0: nowhere. */
uint32_t gs_live_place_of(struct gs_live_code *code, uint32_t stack, struct gs_live_place *place);

#endif
