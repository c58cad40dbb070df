/* uvloop 0.14 to 0.23 (loop.pxd): the first field of a Loop, behind the object's head and Cython's table of methods, is
 * its uv_loop_t, whose `data` is the Loop. libuv 1.x (uv.h, uv/unix.h) keeps the layout of that. Further on, behind
 * what else may be set, the deque _ready stands before a set, _queued_streams. */
#include <pthread.h>

#include "python/task_list.h"
#include "python/uvloop.h"

enum { UV_OF_LOOP = 8, UV_TIME = 504 + sizeof(pthread_mutex_t), WORDS = 32 /* of a Loop that are looked at */ };

/* Where its uv_loop_t is; 0: it is no loop of uvloop. */
static gs_addr uv_of(const struct gs_layout *layout, struct gs_mem *mem, gs_addr loop)
{
    gs_addr uv, data;
    return loop != 0 && gs_mem_read_addr(mem, loop + (gs_addr)layout->head_bytes + UV_OF_LOOP, &uv) == GS_OK &&
                   gs_mem_read_addr(mem, uv, &data) == GS_OK && data == loop
               ? uv
               : 0;
}

uint64_t gs_uvloop_clock_ms(const struct gs_layout *layout, struct gs_mem *mem, gs_addr tstate)
{
    struct gs_awaits awaits = {.layout = layout, .mem = mem, .live = mem};
    gs_addr uv = uv_of(layout, mem, gs_task_running_loop(&awaits, &(struct gs_tasks_thread){.tstate = tstate}));
    uint64_t ms;
    return uv != 0 && gs_mem_read(mem, uv + UV_TIME, &ms, sizeof ms) == GS_OK ? ms : 0;
}

gs_addr gs_uvloop_queue(struct gs_awaits *awaits, gs_addr loop)
{
    gs_addr words[WORDS], queue = 0;
    if (uv_of(awaits->layout, awaits->mem, loop) == 0 ||
        gs_mem_read(awaits->mem, loop + (gs_addr)awaits->layout->head_bytes, words, sizeof words))
        return 0;
    for (size_t i = 0; i + 1 < WORDS && queue == 0; i++) {
        if (gs_awaits_named(awaits, words[i], "collections.deque") && gs_awaits_named(awaits, words[i + 1], "set"))
            queue = words[i];
    }
    return queue;
}
