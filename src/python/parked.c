/* An entry is copied whole, with what its argument points to, and believed when the ring agrees. */
#include <stdlib.h>

#include "python/field.h"
#include "python/parked.h"

enum {
    ENTRY_BYTES = 96,     /* room for a struct wait_entry */
    ARGUMENT_NEAR = 4096, /* the frame of whoever calls _PyParkingLot_Park is next to its own */
    FAIR_NS = 1000000     /* time_to_be_fair is so long after the moment of asking: Python/lock.c */
};

struct copy {
    uint8_t entry[ENTRY_BYTES];
    uint64_t fair_ns;
};

static uint32_t entry_bytes(const struct gs_layout *layout)
{
    int32_t bytes = layout->we_node + 2 * (int32_t)sizeof(gs_addr);
    return layout->we_node == GS_ABSENT || layout->we_arg == GS_ABSENT || layout->we_addr == GS_ABSENT ||
                   layout->we_sema == GS_ABSENT || layout->me_fair == GS_ABSENT || bytes > ENTRY_BYTES
               ? 0
               : (uint32_t)bytes;
}

/* Its neighbours; false: it is in no ring. */
static bool linked(const struct gs_layout *layout, const struct copy *copy, gs_addr node[2])
{
    for (int i = 0; i < 2; i++) {
        node[i] = gs_get_addr(copy->entry, layout->we_node + i * (int32_t)sizeof(gs_addr));
        if (node[i] == 0 || node[i] % sizeof(gs_addr) != 0)
            return false;
    }
    return true;
}

/* The neighbours refer to it. What its argument tells is read along with them, 0: that cannot be. */
static bool confirm(struct gs_mem *mem, gs_addr node, const gs_addr neighbours[2], gs_addr fair, uint64_t *fair_ns)
{
    gs_addr back[2] = {0};
    struct gs_piece pieces[] = {{neighbours[0] + sizeof(gs_addr), &back[0], sizeof back[0], false},
                                {neighbours[1], &back[1], sizeof back[1], false},
                                {fair, fair_ns, sizeof *fair_ns, false}};
    bool read = gs_mem_read_many(mem, pieces, fair ? 3 : 2) == GS_OK;
    *fair_ns = read && pieces[2].ok ? *fair_ns : 0;
    return read && pieces[0].ok && pieces[1].ok && back[0] == node && back[1] == node;
}

bool gs_parked_read(const struct gs_layout *layout, struct gs_mem *mem, gs_addr futex, struct gs_parked *parked)
{
    struct copy copy;
    gs_addr neighbours[2];
    uint32_t bytes = entry_bytes(layout);
    *parked = (struct gs_parked){.entry = futex - (gs_addr)layout->we_sema};
    if (bytes == 0 || futex % sizeof(gs_addr) != 0 || gs_mem_read(mem, parked->entry, copy.entry, bytes) ||
        !linked(layout, &copy, neighbours)) {
        *parked = (struct gs_parked){0};
        return false;
    }
    parked->argument = gs_get_addr(copy.entry, layout->we_arg);
    parked->word = gs_get_addr(copy.entry, layout->we_addr);
    bool near = parked->argument - parked->entry < ARGUMENT_NEAR;
    if (!confirm(mem, parked->entry + (gs_addr)layout->we_node, neighbours,
                 near ? parked->argument + (gs_addr)layout->me_fair : 0, &copy.fair_ns)) {
        *parked = (struct gs_parked){0};
        return false;
    }
    parked->mutex = copy.fair_ns > FAIR_NS;
    parked->since_ns = parked->mutex ? copy.fair_ns - FAIR_NS : 0;
    return true;
}

static bool same(const struct gs_layout *layout, const struct gs_parked *parked, const struct copy *copy)
{
    gs_addr neighbours[2];
    return gs_get_addr(copy->entry, layout->we_addr) == parked->word &&
           gs_get_addr(copy->entry, layout->we_arg) == parked->argument && linked(layout, copy, neighbours) &&
           (!parked->mutex || copy->fair_ns == parked->since_ns + FAIR_NS);
}

void gs_parked_stay(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_parked *const *list,
                    size_t count, bool *stays)
{
    struct copy copies[GS_PARKED_MOST];
    struct gs_piece pieces[2 * GS_PARKED_MOST];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        pieces[used++] = (struct gs_piece){list[i]->entry, copies[i].entry, entry_bytes(layout), false};
        if (list[i]->mutex)
            pieces[used++] = (struct gs_piece){list[i]->argument + (gs_addr)layout->me_fair, &copies[i].fair_ns,
                                               sizeof copies[i].fair_ns, false};
    }
    bool read = gs_mem_read_many(mem, pieces, used) == GS_OK;
    for (size_t i = 0, at = 0; i < count; i++) {
        bool ok = read && pieces[at++].ok;
        if (list[i]->mutex)
            ok = read && pieces[at++].ok && ok;
        stays[i] = ok && same(layout, list[i], &copies[i]);
    }
}
