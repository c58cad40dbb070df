/* The search for what a thread waits for, in parts: by the Python functions that it is in, by the lock objects that its
 * frames refer to, by the futex itself. */
#ifndef GS_DIAGNOSE_WHY_WAIT_SEARCH_H
#define GS_DIAGNOSE_WHY_WAIT_SEARCH_H

#include "diagnose/why_waits.h"
#include "mem/metered.h"
#include "python/held.h"
#include "python/locks.h"

enum {
    GS_WAIT_FRAMES = 4, /* of one thread, from the innermost on, for what it waits for */
    GS_WAIT_VARIABLES = 64
};

struct gs_wait_search {
    const struct gs_target *target;
    const struct gs_python *python;
    const struct gs_layout *layout;
    const struct gs_snapshot *snapshot;
    const struct gs_why_lookup *lookup;
    struct gs_metered metered;
    struct gs_mem *mem;
    uint64_t left;
    struct gs_types types;
    struct gs_waits *waits;
    /* What the thread that is looked at sleeps on, if that is a lock of Python's: a semaphore, or a PyMutex. */
    gs_addr semaphore, parked, mutex;
};

/* Index of the thread of that threading ident, GS_NOBODY: there is none. */
uint32_t gs_wait_by_ident(const struct gs_wait_search *s, uint64_t ident);

/* Each fills in `wait` and returns true when it finds out what the thread waits for. */
bool gs_wait_by_frames(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait);
bool gs_wait_by_simple_queue(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait);
bool gs_wait_by_lock(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait);
bool gs_wait_by_object(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait);
/* Sets what its own frames call wait->object. */
void gs_wait_name(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait);
/* Who has the Locks that are waited for. */
void gs_wait_find_holders(struct gs_wait_search *s);
/* why_wait_pools.c: which pool each works for, and whether it waits for that. GS_NO_MEMORY or GS_OK. */
enum gs_status gs_wait_find_pools(struct gs_wait_search *s) GS_MUST_CHECK;
/* The object that a variable of the frame refers to, 0: none. */
gs_addr gs_wait_variable(const struct gs_wait_search *s, const struct gs_frame *frame, const char *name);
/* why_wait_names.c: "app.cache", where `app` is a global that the code of the frame names, and `cache` its attribute.
 */
bool gs_wait_name_by_global(struct gs_wait_search *s, const struct gs_code *code, gs_addr globals, gs_addr object,
                            char name[GS_WAIT_NAME]);
/* Who may have those of which that is not known, where several are waited for. */
void gs_wait_find_referrers(struct gs_wait_search *s);

#endif
