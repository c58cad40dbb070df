/* Who collects garbage, how often that was done, and in free-threaded Pythons who stops all other threads and who is
 * late to stop.
 *
 * While `collecting` of an interpreter's collector is set, the thread that has its GIL when that begins collects, also
 * when a finalizer that it runs lets go of the GIL; without a GIL it is the one that stops the others for it. How many
 * collections there were is counted when each ends. Sources: gc_collect_main in Modules/gcmodule.c up to 3.11,
 * Python/gc.c and Python/gc_free_threading.c since; stop_the_world in Python/pystate.c, 3.13 on. */
#ifndef GS_SAMPLE_COLLECTOR_H
#define GS_SAMPLE_COLLECTOR_H

#include "sample/thread_list.h"

static inline bool gs_stop_world_known(const struct gs_layout *layout)
{
    return layout->free_threaded && layout->is_stop_world != GS_ABSENT && layout->rt_stop_world != GS_ABSENT;
}

/* Where its statistics are; len 0: they cannot be read. */
void gs_collector_find(const struct gs_thread_list *threads, struct gs_interp *interp);
/* Of all interpreters, as they were just read. While threads are being stopped, those are read that are to stop. */
void gs_collectors_decode(struct gs_thread_list *threads);
/* Whoever collects, or stops all others, and was not looked at closely since it began; NULL: nobody. */
struct gs_member *gs_collector_unseen(const struct gs_thread_list *threads, const struct gs_collector *collector);

#endif
