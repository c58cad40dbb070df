/* The locks inside CPython: that of an object of a free-threaded build, which whoever is in a critical section of it
 * has, and any other PyMutex. */
#include <stdio.h>

#include "diagnose/why_wait_search.h"

/* Whose critical sections name it. */
static uint32_t holder_of(struct gs_wait_search *s, gs_addr word)
{
    for (uint32_t i = 0; i < s->snapshot->thread_count; i++) {
        if (gs_lock_in_section(s->layout, s->mem, s->snapshot->threads[i].tstate, word))
            return i;
    }
    return GS_NOBODY;
}

bool gs_wait_by_object(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    struct gs_type type;
    if (s->mutex == 0)
        return false;
    wait->kind = GS_WAIT_OBJECT;
    wait->word = s->mutex;
    wait->locked = true;
    wait->object = gs_lock_of_object(s->layout, s->mem, &s->types, s->mutex, &type);
    if (wait->object && gs_mem_read_cstr(s->mem, type.name, wait->type, sizeof wait->type))
        snprintf(wait->type, sizeof wait->type, "object");
    if (wait->object)
        gs_wait_name(s, thread, wait);
    wait->owner = holder_of(s, s->mutex);
    wait->owner_stated = wait->owner != GS_NOBODY;
    return true;
}
