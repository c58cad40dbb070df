/* The pieces of memory that a thread's stack was found in, predicted to be needed again. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/sorted.h"
#include "sample/stack_reader.h"

bool gs_grow(const struct gs_stack_reader *stacks, void **list, size_t *room, size_t need, size_t size)
{
    return need <= *room || (!stacks->stopping && gs_room(list, room, need, size));
}

/* gs_grow for a list of which all members together may have no more than `most` elements; *all is how many they have
 * room for. */
static bool grow_shared(const struct gs_stack_reader *stacks, void **list, size_t *room, size_t need, size_t size,
                        size_t *all, size_t most)
{
    size_t before = *room;
    if (need > before && (need > most || *all > most - need))
        return false;
    bool grown = gs_grow(stacks, list, room, need, size);
    *all += *room - before;
    return grown;
}

bool gs_parts_reserve(struct gs_stack_reader *stacks, struct gs_parts *parts, size_t count)
{
    return grow_shared(stacks, (void **)&parts->list, &parts->room, count, sizeof *parts->list,
                       &stacks->threads->parts_room, GS_ALL_PARTS);
}

/* The first part that ends behind addr. */
static size_t find(const struct gs_parts *parts, gs_addr addr)
{
    return GS_FIRST_NOT(i, parts->count, parts->list[i].addr + parts->list[i].len <= addr);
}

const uint8_t *gs_parts_at(struct gs_stack_reader *stacks, struct gs_parts *parts, gs_addr addr, uint32_t len,
                           int which)
{
    size_t i = find(parts, addr);
    if (i == parts->count)
        return NULL;
    struct gs_part *part = &parts->list[i];
    if (addr < part->addr || len > part->len || addr - part->addr > part->len - len || !part->copy[which])
        return NULL;
    part->used = stacks->threads->sample;
    return part->copy[which] + (addr - part->addr);
}

static gs_addr end_of(const struct gs_part *part)
{
    return part->addr + part->len;
}

bool gs_parts_add(struct gs_stack_reader *stacks, struct gs_parts *parts, gs_addr addr, uint32_t len, uint32_t gap)
{
    if (addr + len < addr || addr < gap)
        return false;
    size_t first = find(parts, addr - gap), last = first;
    gs_addr start = addr, end = addr + len;
    uint64_t before = 0;
    for (; last < parts->count && parts->list[last].addr <= end + gap; last++) {
        const struct gs_part *part = &parts->list[last];
        gs_addr low = part->addr < start ? part->addr : start, high = end_of(part) > end ? end_of(part) : end;
        if (high - low > GS_CHUNK_MAX && end_of(part) <= start) {
            first = last + 1; /* long enough already */
            continue;
        }
        if (high - low > GS_CHUNK_MAX && part->addr >= end)
            break;
        start = low;
        end = high;
        before += part->len;
    }
    if (parts->count >= GS_PARTS_MAX || parts->bytes - before + (end - start) > GS_STACK_MAX ||
        !gs_parts_reserve(stacks, parts, parts->count + 1))
        return false;
    struct gs_part *at = parts->list + first;
    if (last - first != 1)
        memmove(at + 1, parts->list + last, (parts->count - last) * sizeof *at);
    parts->count += 1 - (last - first);
    parts->bytes += (end - start) - before;
    *at = (struct gs_part){.addr = start, .len = (uint32_t)(end - start), .used = stacks->threads->sample};
    return true;
}

bool gs_parts_append(struct gs_stack_reader *stacks, struct gs_parts *parts, gs_addr addr, uint32_t len)
{
    if (parts->count >= GS_PARTS_MAX || parts->bytes + len > GS_STACK_MAX ||
        !gs_parts_reserve(stacks, parts, parts->count + 1))
        return false;
    parts->list[parts->count++] = (struct gs_part){.addr = addr, .len = len, .used = stacks->threads->sample};
    parts->bytes += len;
    return true;
}

void gs_parts_keep(struct gs_parts *parts, bool (*wanted)(const struct gs_part *part, const void *context),
                   const void *context)
{
    size_t kept = 0;
    parts->bytes = 0;
    for (size_t i = 0; i < parts->count; i++) {
        if (!wanted(&parts->list[i], context))
            continue;
        parts->bytes += parts->list[i].len;
        parts->list[kept++] = parts->list[i];
    }
    parts->count = kept;
}

void gs_parts_clear(struct gs_parts *parts)
{
    parts->count = 0;
    parts->bytes = 0;
}

static bool young(const struct gs_part *part, const void *stacks)
{
    return ((const struct gs_stack_reader *)stacks)->threads->sample - part->used <= GS_PART_AGE;
}

void gs_parts_age(struct gs_stack_reader *stacks, struct gs_parts *parts)
{
    /* A stack that moves about leaves much behind: better to begin anew than to be full. */
    if (parts->count > GS_PARTS_MAX / 2 || parts->bytes > GS_STACK_MAX / 2)
        gs_parts_clear(parts);
    gs_parts_keep(parts, young, stacks);
}

bool gs_member_grow(struct gs_stack_reader *stacks, struct gs_member *member, size_t count)
{
    size_t room = member->stack.frame_room;
    bool grown = grow_shared(stacks, (void **)&member->stack.frames, &room, count, sizeof *member->stack.frames,
                             &stacks->threads->frames_room, GS_ALL_FRAMES);
    member->stack.frame_room = (uint32_t)room;
    return grown;
}
