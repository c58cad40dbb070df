/* Copies of stacks: taken at once, followed at leisure. */
#include <stdlib.h>
#include <string.h>

#include "native/native.h"

void gs_native_copy_fini(struct gs_native_copy *copy)
{
    free(copy->bytes);
    *copy = (struct gs_native_copy){0};
}

bool gs_native_copy_reserve(struct gs_native_copy *copy, size_t bytes)
{
    if (bytes <= copy->room)
        return true;
    uint8_t *grown = realloc(copy->bytes, bytes);
    if (!grown)
        return false;
    memset(grown, 0,
           bytes); /* a page that is touched for the first time takes longer: not while a thread stands still */
    copy->bytes = grown;
    copy->room = bytes;
    return true;
}

/* As far as is known the stack's memory goes on to *end. */
static bool find_end(const struct gs_native *native, gs_addr from, gs_addr *end)
{
    const struct gs_map *map = gs_target_map_at(native->target, from);
    *end = map ? map->end : 0;
    return map && map->readable;
}

bool gs_native_copy_take(struct gs_native *native, struct gs_native_copy *copy, size_t bytes)
{
    gs_addr sp = copy->registers.value[GS_ARCH_SP], end;
    copy->len = 0;
    copy->whole = false;
    if (!(copy->registers.known & 1u << GS_ARCH_SP) || sp % 8 != 0 || sp < GS_ARCH_RED_ZONE)
        return false;
    copy->addr = sp - GS_ARCH_RED_ZONE;
    bool mapped = find_end(native, sp, &end);
    size_t want = bytes < copy->room ? bytes : copy->room;
    if (mapped && end - copy->addr <= want) {
        want = end - copy->addr;
        copy->whole = true;
    }
    /* A stack that is younger than what is known of the maps ends somewhere: half as much may still be there. */
    for (; want > GS_ARCH_RED_ZONE; want /= 2, copy->whole = false) {
        if (gs_mem_read(native->target->mem, copy->addr, copy->bytes, want) == GS_OK) {
            copy->len = want;
            return true;
        }
        if (mapped)
            mapped = false;
    }
    return false;
}

bool gs_native_copy_word(const struct gs_native_copy *copy, gs_addr addr, uint64_t *word)
{
    gs_addr at = addr - copy->addr;
    if (at >= copy->len || copy->len - at < sizeof *word)
        return false;
    memcpy(word, copy->bytes + at, sizeof *word);
    return true;
}
