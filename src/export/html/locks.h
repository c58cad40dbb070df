/* When somebody waited for a GIL: what sums over threads cannot tell. */
#ifndef GS_EXPORT_HTML_LOCKS_H
#define GS_EXPORT_HTML_LOCKS_H

#include "gilspy/snapshot.h"

enum { GS_LOCK_CELLS = 4096 };

struct gs_html_lock {
    uint32_t process;
    uint8_t lock;
    uint64_t contended_ns;           /* with one thread at least that waits */
    uint64_t cell_ns[GS_LOCK_CELLS]; /* the same, of each part of the run */
};

struct gs_locks {
    struct gs_html_lock *list[GS_GILS_MOST]; /* of all processes */
    size_t count;
    bool left_out;    /* somebody waited for further ones, of which nothing is known */
    uint64_t cell_ns; /* length of the parts: doubled whenever the run outgrows them */
};

void gs_locks_init(struct gs_locks *locks);
void gs_locks_fini(struct gs_locks *locks);
/* Somebody waited from begin_ns to end_ns. False: out of memory. */
bool gs_locks_add(struct gs_locks *locks, uint32_t process, uint8_t lock, uint64_t begin_ns, uint64_t end_ns);
/* NULL: nobody ever waited for it, or nothing is known. */
const struct gs_html_lock *gs_locks_find(const struct gs_locks *locks, uint32_t process, uint8_t lock);
/* The contended time of a part of the run, as exactly as the cells know it. */
uint64_t gs_locks_ns(const struct gs_locks *locks, const struct gs_html_lock *lock, uint64_t begin_ns, uint64_t end_ns);

#endif
