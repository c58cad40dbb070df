/* Frames and stacks by number: each different frame, and each different stack, is kept once. */
#ifndef GILSPY_STACK_H
#define GILSPY_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "gilspy/status.h"

/* A frame as users see it. The strings of a place that is kept belong to its gs_stacks and are equal when their
 * pointers are. */
struct gs_place {
    const char *function; /* UTF-8, uncleaned: outputs escape it; never NULL */
    const char *qualname; /* NULL before 3.11 */
    const char *file;     /* "" where it has none */
    const char *module;   /* the ELF file's base name of a native frame, else NULL */
    int32_t line;         /* 0: unknown */
    uint8_t kind;         /* enum gs_frame_kind */
};

/* A stack is its innermost frame, called by another stack. Numbers are dense, in the order in which they were added:
 * places and stacks from 1 on; stack 0 is the empty one, which all begin with. A stack's number is higher than its
 * caller's. */
struct gs_stack {
    uint32_t caller; /* stack */
    uint32_t place;
    uint32_t depth; /* 1 for the outermost frame */
};

struct gs_stacks;

/* NULL: out of memory. */
struct gs_stacks *gs_stacks_new(void);
void gs_stacks_free(struct gs_stacks *stacks);
/* Forgets all; numbers begin anew. The memory is kept for what comes. */
void gs_stacks_clear(struct gs_stacks *stacks);

/* The number of a place, kept now if it is new (its strings are copied); 0: out of memory. */
uint32_t gs_stacks_place(struct gs_stacks *stacks, const struct gs_place *place);
/* The number of the stack in which `caller` calls `place`; 0: out of memory. */
uint32_t gs_stacks_push(struct gs_stacks *stacks, uint32_t caller, uint32_t place);

/* number must be one that was given out. */
const struct gs_place *gs_stacks_place_at(const struct gs_stacks *stacks, uint32_t number);
struct gs_stack gs_stacks_at(const struct gs_stacks *stacks, uint32_t number);
/* The highest numbers given out. */
uint32_t gs_stacks_place_count(const struct gs_stacks *stacks);
uint32_t gs_stacks_count(const struct gs_stacks *stacks);
/* Memory that all that is kept takes: nothing after a clear. What is held ready for more can be as much again. */
size_t gs_stacks_bytes(const struct gs_stacks *stacks);

#endif
