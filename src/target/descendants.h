/* The descendants of some processes, or all processes here, those born later too: who is to be looked at, and when
 * again. */
#ifndef GS_TARGET_DESCENDANTS_H
#define GS_TARGET_DESCENDANTS_H

#include "gilspy/target.h"

struct gs_descendants;

/* NULL: out of memory. The processes that there are now are noted: `roots` and, if wanted, their descendants. */
struct gs_descendants *gs_descendants_new(const pid_t *roots, size_t count, bool descendants);
void gs_descendants_free(struct gs_descendants *relatives);

/* All processes that there are and will be, but for threads of the kernel. wanted: whether one is worth trying, asked
 * when it is due. They are looked for four times a second, and tried again within a second when they run another
 * program. */
struct gs_descendants *gs_descendants_new_host(bool (*wanted)(const void *context, pid_t pid), const void *context);

/* Processes whose parent has ended become children of this one, which is no relative itself: they are descendants. */
void gs_descendants_foster(struct gs_descendants *relatives, pid_t pid);

/* How often it is to be asked for new ones. */
uint64_t gs_descendants_poll_ns(const struct gs_descendants *relatives);
/* Looks for processes that were born or run another program since the last time; at most every gs_descendants_poll_ns.
 */
enum gs_status gs_descendants_poll(struct gs_descendants *relatives, uint64_t now_ns) GS_MUST_CHECK;
/* A process that is worth trying now, 0: none. It is not given again before it was told how that went. */
pid_t gs_descendants_next(struct gs_descendants *relatives, uint64_t now_ns);
/* It is watched; or it is no Python, perhaps not yet: it is tried again soon while it is young, and when it runs
 * another program. */
void gs_descendants_tried(struct gs_descendants *relatives, pid_t pid, bool watched, uint64_t now_ns);
/* Whether this is the first time that something is told of a process. */
bool gs_descendants_tell_once(struct gs_descendants *relatives, pid_t pid);
/* A watched process runs another program, or the same anew: it is to be tried again. */
void gs_descendants_again(struct gs_descendants *relatives, pid_t pid, uint64_t now_ns);
/* How many there are now. */
size_t gs_descendants_count(const struct gs_descendants *relatives);
/* How many descendants ended without having been watched although they looked like Python. */
uint64_t gs_descendants_missed(const struct gs_descendants *relatives);

#endif
