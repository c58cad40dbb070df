/* Coroutines that are suspended, and what each of them awaits: cr_await, gi_yieldfrom, ag_await, read from outside. */
#ifndef GS_PYTHON_AWAITS_H
#define GS_PYTHON_AWAITS_H

#include "gilspy/snapshot.h"
#include "python/values_type.h"

enum {
    GS_CHAIN_MOST = 10000, /* coroutines one behind the other */
    GS_KINDS_KNOWN = 64
};

/* What an object is to one who awaits it. */
enum gs_awaitable {
    GS_AWAITABLE_OTHER,
    GS_AWAITABLE_GENERATOR,   /* or a coroutine, or an asynchronous generator */
    GS_AWAITABLE_WRAPPER,     /* it awaits for another object what that one awaits */
    GS_AWAITABLE_FUTURE,      /* of _asyncio, or what derives from it */
    GS_AWAITABLE_TASK,        /* likewise */
    GS_AWAITABLE_PURE_FUTURE, /* those of asyncio's Python code */
    GS_AWAITABLE_PURE_TASK
};

/* What one reading knows. `types` and `kinds` are empty at its beginning: types that die must not outlive one. */
struct gs_awaits {
    const struct gs_layout *layout;
    struct gs_mem *mem;  /* may remember what was read */
    struct gs_mem *live; /* the same memory as it is now */
    struct gs_codes *codes;
    struct gs_types types;
    struct {
        gs_addr type;
        enum gs_awaitable kind;
        int32_t inner; /* of a wrapper: where its object is */
    } kinds[GS_KINDS_KNOWN];
};

/* What it knows, and the pages of the cache below awaits->mem. */
void gs_awaits_forget(struct gs_awaits *awaits, struct gs_mem *pages);

/* The object's class is called so. */
bool gs_awaits_named(struct gs_awaits *awaits, gs_addr object, const char *name);

enum gs_awaitable gs_awaitable_kind(struct gs_awaits *awaits, gs_addr object);

/* A chain of coroutines, from the outermost. Zeroed memory is an empty one; free frames in the end. */
struct gs_chain {
    struct gs_frame *frames; /* outermost first */
    size_t count, room;
    gs_addr end;  /* what the innermost awaits and is no coroutine, 0: nothing */
    bool running; /* the innermost that was found runs: what it calls or awaits is on the stack of a thread */
    bool torn;    /* it could not be followed to its end */
};

/* False when out of memory. */
bool gs_chain_add(struct gs_chain *chain, struct gs_frame frame);
/* Where a coroutine, generator or asynchronous generator itself stands. False: it has ended, or runs, or is none, or
 * cannot be read. */
bool gs_coroutine_frame(struct gs_awaits *awaits, gs_addr object, struct gs_frame *frame);
/* Replaces what is in the chain. GS_NO_MEMORY; anything else in memory makes it torn at most. */
enum gs_status gs_chain_read(struct gs_awaits *awaits, gs_addr object, struct gs_chain *chain) GS_MUST_CHECK;

#endif
