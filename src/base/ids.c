/* Open addressing, at most half full; what is in it stays until all is cleared. */
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"

static struct gs_id *slot_of(const struct gs_ids *ids, uint64_t id)
{
    size_t at = (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
    for (;; at++) {
        struct gs_id *slot = &ids->slots[at & (ids->slot_count - 1)];
        if (slot->next == 0 || slot->id == id)
            return slot;
    }
}

uint32_t gs_ids_find(const struct gs_ids *ids, uint64_t id)
{
    return ids->slot_count > 0 ? slot_of(ids, id)->next - 1 : GS_IDS_NONE;
}

static bool grow(struct gs_ids *ids)
{
    struct gs_ids more = {.slot_count = ids->slot_count > 0 ? 2 * ids->slot_count : GS_IDS_FIRST, .used = ids->used};
    more.slots = calloc(more.slot_count, sizeof *more.slots);
    if (!more.slots)
        return false;
    for (size_t i = 0; i < ids->slot_count; i++) {
        if (ids->slots[i].next)
            *slot_of(&more, ids->slots[i].id) = ids->slots[i];
    }
    free(ids->slots);
    *ids = more;
    return true;
}

bool gs_ids_set(struct gs_ids *ids, uint64_t id, uint32_t value)
{
    if (2 * (ids->used + 1) > ids->slot_count && !grow(ids))
        return false;
    struct gs_id *slot = slot_of(ids, id);
    ids->used += slot->next == 0;
    *slot = (struct gs_id){.id = id, .next = value + 1};
    return true;
}

void gs_ids_clear(struct gs_ids *ids)
{
    if (ids->slot_count > 0)
        memset(ids->slots, 0, ids->slot_count * sizeof *ids->slots);
    ids->used = 0;
}

void gs_ids_fini(struct gs_ids *ids)
{
    free(ids->slots);
    *ids = (struct gs_ids){0};
}
