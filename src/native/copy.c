/* Copies of stacks: taken at once, followed at leisure. */
#include <stdlib.h>
#include <string.h>

#include "native/native.h"

void gs_native_copy_fini(struct gs_native_copy *copy)
{
    free(copy->first.bytes);
    free(copy->second.bytes);
    *copy = (struct gs_native_copy){0};
}

static bool reserve(struct gs_native_stretch *stretch, size_t bytes)
{
    if (bytes <= stretch->room)
        return true;
    uint8_t *grown = realloc(stretch->bytes, bytes);
    if (!grown)
        return false;
    /* A page that is touched for the first time takes longer: not while a thread stands still. */
    memset(grown, 0, bytes);
    stretch->bytes = grown;
    stretch->room = bytes;
    return true;
}

bool gs_native_copy_reserve(struct gs_native_copy *copy, size_t bytes)
{
    return reserve(&copy->first, bytes) && (!copy->second_sp || reserve(&copy->second, bytes));
}

/* How many bytes from its address on there are: the pages up to the first that cannot be read. Below a stack, and
 * above, there may be pages that nobody may touch, and that the maps do not tell of (MADV_GUARD_INSTALL, Linux 6.13
 * on). */
static size_t copy_pages(struct gs_native *native, struct gs_native_stretch *copy, size_t want)
{
    enum { PAGE = 4096, TOGETHER = 64 };
    struct gs_piece pieces[TOGETHER];
    size_t done = 0;
    while (done < want) {
        size_t count = 0;
        for (size_t at = done; at < want && count < TOGETHER; count++) {
            size_t left = PAGE - (copy->addr + at) % PAGE, len = left < want - at ? left : want - at;
            pieces[count] = (struct gs_piece){.addr = copy->addr + at, .dst = copy->bytes + at, .len = (uint32_t)len};
            at += len;
        }
        if (gs_mem_read_many(native->target->mem, pieces, count) != GS_OK)
            return done;
        for (size_t i = 0; i < count; i++) {
            if (!pieces[i].ok)
                return done;
            done += pieces[i].len;
        }
    }
    return done;
}

static bool take(struct gs_native *native, struct gs_native_stretch *copy, gs_addr sp, size_t bytes)
{
    copy->len = 0;
    copy->whole = false;
    if (sp % 8 != 0 || sp - GS_ARCH_RED_ZONE > sp)
        return false;
    copy->addr = sp - GS_ARCH_RED_ZONE;
    const struct gs_map *map = gs_target_map_at(native->target, sp);
    size_t want = bytes < copy->room ? bytes : copy->room;
    if (map && map->end - copy->addr <= want) {
        want = map->end - copy->addr;
        copy->whole = true;
    }
    if (gs_mem_read(native->target->mem, copy->addr, copy->bytes, want) == GS_OK) {
        copy->len = want;
        return true;
    }
    copy->len = copy_pages(native, copy, want);
    copy->whole = true;
    return copy->len > GS_ARCH_RED_ZONE;
}

bool gs_native_copy_take(struct gs_native *native, struct gs_native_copy *copy, size_t bytes)
{
    copy->first.len = copy->second.len = 0;
    if (!(copy->registers.known & GS_ARCH_BIT(GS_ARCH_SP)))
        return false;
    /* Without the second the first is still worth something. */
    if (copy->second_sp)
        (void)take(native, &copy->second, copy->second_sp, bytes);
    return take(native, &copy->first, copy->registers.value[GS_ARCH_SP], bytes);
}

bool gs_native_copy_more(struct gs_native_copy *copy, const struct gs_native_stack *stack, size_t factor, size_t *bytes)
{
    if (stack->end != GS_NATIVE_CUT)
        return false;
    if (stack->second_sp && !copy->second_sp) {
        copy->second_sp = stack->second_sp;
        return true;
    }
    *bytes *= factor;
    return !copy->first.whole || (copy->second_sp && !copy->second.whole);
}

static bool word_in(const struct gs_native_stretch *copy, gs_addr addr, uint64_t *word)
{
    gs_addr at = addr - copy->addr;
    if (at >= copy->len || copy->len - at < sizeof *word)
        return false;
    memcpy(word, copy->bytes + at, sizeof *word);
    return true;
}

bool gs_native_copy_word(const struct gs_native_copy *copy, gs_addr addr, uint64_t *word)
{
    return word_in(&copy->first, addr, word) || (copy->second.len > 0 && word_in(&copy->second, addr, word));
}
