/* uvloop 0.1 to 0.23 (loop.pxd): the first field of a Loop, behind the object's head and Cython's table of methods, is
 * its uv_loop_t, whose `data` is the Loop. libuv 1.x (uv.h, uv/unix.h) keeps the layout of that. */
#include <pthread.h>

#include "python/task_list.h"
#include "python/uvloop.h"

enum { UV_OF_LOOP = 8, UV_TIME = 504 + sizeof(pthread_mutex_t) };

uint64_t gs_uvloop_clock_ms(const struct gs_layout *layout, struct gs_mem *mem, gs_addr tstate)
{
    struct gs_awaits awaits = {.layout = layout, .mem = mem, .live = mem};
    gs_addr uv, data;
    uint64_t ms;
    gs_addr loop = gs_task_running_loop(&awaits, &(struct gs_tasks_thread){.tstate = tstate});
    if (loop == 0 || gs_mem_read_addr(mem, loop + (gs_addr)layout->head_bytes + UV_OF_LOOP, &uv) ||
        gs_mem_read_addr(mem, uv, &data) || data != loop || gs_mem_read(mem, uv + UV_TIME, &ms, sizeof ms))
        return 0;
    return ms;
}
