/* Numbers by number: which index belongs to a tid, to an address, and such. */
#ifndef GS_BASE_IDS_H
#define GS_BASE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS_IDS_FIRST = 64 };
#define GS_IDS_NONE UINT32_MAX

struct gs_ids { /* empty when zeroed */
    struct gs_id {
        uint64_t id;
        uint32_t next; /* the value + 1, 0: a free slot */
    } * slots;
    size_t slot_count, used;
};

/* GS_IDS_NONE: it is not there. */
uint32_t gs_ids_find(const struct gs_ids *ids, uint64_t id);
/* value: any but GS_IDS_NONE. False: out of memory. */
bool gs_ids_set(struct gs_ids *ids, uint64_t id, uint32_t value);
void gs_ids_clear(struct gs_ids *ids);
void gs_ids_fini(struct gs_ids *ids);

#endif
