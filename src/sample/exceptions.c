/* Whether a thread handles an exception: it is in an except block, or in what that called. Its own item stands in the
 * thread state, those of the generators that it runs lead from one to the next. */
#include "python/values_type.h"
#include "sample/stack_reader.h"

enum { GENERATORS_MOST = 64, ITEM_BYTES_MAX = 64, JOIN_BYTES = 1024 /* as frames */ };

static bool is_none(struct gs_stack_reader *stacks, gs_addr value)
{
    const struct gs_python *python = stacks->threads->python;
    struct gs_types types = {0};
    struct gs_type type;
    if (!stacks->none && python->layout.ei_none && gs_type_of(&types, &python->layout, python->mem, value, &type) &&
        gs_type_named(&type, python->mem, "NoneType"))
        stacks->none = value;
    return value == stacks->none;
}

static uint32_t item_bytes(const struct gs_layout *layout)
{
    return (uint32_t)layout->ei_previous + sizeof(gs_addr);
}

void gs_exceptions_predict(struct gs_stack_reader *stacks, struct gs_member *member)
{
    const struct gs_python *python = stacks->threads->python;
    const struct gs_layout *layout = &python->layout;
    struct gs_mem *cache = stacks->threads->cache;
    gs_addr at = 0, next, own = member->tstate + (gs_addr)layout->ts_exc_state;
    if (!gs_python_exceptions(python) || gs_mem_read_addr(cache, member->tstate + (gs_addr)layout->ts_exc_info, &at))
        return;
    for (size_t i = 0; at && at != own && i < GENERATORS_MOST && gs_spend(stacks, GS_PATIENT_PAGE); i++) {
        if (gs_mem_read_addr(cache, at + (gs_addr)layout->ei_previous, &next) ||
            !gs_parts_add(stacks, &member->stack.extras, at, item_bytes(layout), JOIN_BYTES))
            return;
        at = next;
    }
}

/* The item at that address: as it was copied with the stack, or as it is now. NULL: it cannot be read. */
static const uint8_t *item_at(struct gs_stack_reader *stacks, struct gs_member *member, gs_addr at,
                              uint8_t now[ITEM_BYTES_MAX])
{
    const struct gs_python *python = stacks->threads->python;
    uint32_t len = item_bytes(&python->layout);
    const uint8_t *copy = gs_parts_at(stacks, &member->stack.extras, at, len, 0);
    return copy || gs_mem_read(python->mem, at, now, len) ? copy : now;
}

bool gs_handles_exception(struct gs_stack_reader *stacks, struct gs_member *member)
{
    const struct gs_python *python = stacks->threads->python;
    const struct gs_layout *layout = &python->layout;
    const uint8_t *tstate = member->stack.tstate_copy;
    if (!gs_python_exceptions(python) || stacks->threads->polling)
        return false;
    gs_addr value = gs_get_addr(tstate, layout->ts_exc_state + layout->ei_value);
    gs_addr at = gs_get_addr(tstate, layout->ts_exc_info), own = member->tstate + (gs_addr)layout->ts_exc_state;
    bool handles = value && !is_none(stacks, value);
    for (size_t i = 0; !handles && at && at != own && i < GENERATORS_MOST && gs_spend(stacks, 1); i++) {
        uint8_t now[ITEM_BYTES_MAX];
        const uint8_t *item = item_at(stacks, member, at, now);
        if (!item)
            break;
        value = gs_get_addr(item, layout->ei_value);
        handles = value && !is_none(stacks, value);
        at = gs_get_addr(item, layout->ei_previous);
    }
    return handles;
}
