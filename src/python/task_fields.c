/* The fields of TaskObj and FutureObj of _asyncio, and those of asyncio's Python code.
 * Sources: Modules/_asynciomodule.c, Lib/asyncio/futures.py, tasks.py (3.7-3.15). */
#include <stdio.h>
#include <string.h>

#include "python/field.h"
#include "python/locks.h"
#include "python/names_attribute.h"
#include "python/task_fields.h"
#include "python/values_int.h"

enum {
    TASK_BYTES_MOST = 512,
    PENDING = 0 /* enum fut_state, Modules/_asynciomodule.c */
};

static bool read_fields(struct gs_awaits *awaits, gs_addr task, struct gs_task_fields *fields)
{
    const struct gs_layout *layout = awaits->layout;
    uint8_t bytes[TASK_BYTES_MOST];
    uint32_t state, cancels = 0;
    if (layout->task_size == GS_ABSENT || layout->task_size > TASK_BYTES_MOST ||
        gs_mem_read(awaits->mem, task, bytes, (size_t)layout->task_size))
        return false;
    memcpy(&state, bytes + layout->task_state, sizeof state);
    if (layout->task_cancels != GS_ABSENT)
        memcpy(&cancels, bytes + layout->task_cancels, sizeof cancels);
    *fields =
        (struct gs_task_fields){.loop = gs_get_addr(bytes, layout->task_loop),
                                .coroutine = gs_get_addr(bytes, layout->task_coro),
                                .waiter = gs_get_addr(bytes, layout->task_fut_waiter),
                                .name = layout->task_name != GS_ABSENT ? gs_get_addr(bytes, layout->task_name) : 0,
                                .cancels = cancels,
                                .pending = state == PENDING};
    return true;
}

static gs_addr attribute(struct gs_awaits *awaits, gs_addr object, const char *name)
{
    return gs_attribute_find(awaits->layout, awaits->mem, &awaits->types, object, name);
}

/* Futures of Python code have their state as text; while it is pending it is the class's. */
static bool pure_pending(struct gs_awaits *awaits, gs_addr future)
{
    char text[16];
    gs_addr state = attribute(awaits, future, "_state");
    return state == 0 || gs_str_read(awaits->layout, awaits->mem, state, text, sizeof text) != GS_OK ||
           strcmp(text, "PENDING") == 0;
}

gs_addr gs_none_as_zero(struct gs_awaits *awaits, gs_addr object)
{
    struct gs_type type;
    if (object != 0 && gs_type_of(&awaits->types, awaits->layout, awaits->mem, object, &type) &&
        gs_type_named(&type, awaits->mem, "NoneType"))
        return 0;
    return object;
}

bool gs_task_fields_read(struct gs_awaits *awaits, gs_addr task, struct gs_task_fields *fields)
{
    enum gs_awaitable kind = gs_awaitable_kind(awaits, task);
    if (kind == GS_AWAITABLE_TASK)
        return read_fields(awaits, task, fields);
    if (kind != GS_AWAITABLE_PURE_TASK)
        return false;
    *fields = (struct gs_task_fields){.loop = attribute(awaits, task, "_loop"),
                                      .coroutine = attribute(awaits, task, "_coro"),
                                      .waiter = gs_none_as_zero(awaits, attribute(awaits, task, "_fut_waiter")),
                                      .name = attribute(awaits, task, "_name"),
                                      .cancels = (uint32_t)gs_attribute_number(
                                          awaits->layout, awaits->mem, &awaits->types, task, "_num_cancels_requested"),
                                      .pending = pure_pending(awaits, task)};
    return fields->loop != 0 && fields->coroutine != 0;
}

bool gs_future_pending(struct gs_awaits *awaits, gs_addr future)
{
    uint32_t state;
    switch (gs_awaitable_kind(awaits, future)) {
    case GS_AWAITABLE_TASK:
    case GS_AWAITABLE_FUTURE:
        return gs_mem_read_u32(awaits->mem, future + (gs_addr)awaits->layout->fut_state, &state) != GS_OK ||
               state == PENDING;
    case GS_AWAITABLE_PURE_TASK:
    case GS_AWAITABLE_PURE_FUTURE:
        return pure_pending(awaits, future);
    default:
        return true;
    }
}

void gs_task_name_read(struct gs_awaits *awaits, gs_addr object, char name[GS_TASK_NAME])
{
    const struct gs_layout *layout = awaits->layout;
    struct gs_type type;
    struct gs_int number;
    name[0] = '\0';
    if (object == 0 || !gs_type_of(&awaits->types, layout, awaits->mem, object, &type))
        return;
    if (gs_type_has(&type, GS_TYPE_UNICODE)) {
        if (gs_str_read(layout, awaits->mem, object, name, GS_TASK_NAME))
            name[0] = '\0';
    } else if (gs_int_is(layout, &type) && gs_int_read(layout, awaits->mem, &type, object, &number) == GS_OK &&
               number.bits <= 64) {
        snprintf(name, GS_TASK_NAME, "Task-%llu", (unsigned long long)number.magnitude);
    }
}
