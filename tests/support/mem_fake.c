/* The fake back end of gs_mem. */
#include <stdlib.h>
#include <string.h>

#include "support/mem_fake.h"
#include "support/unit.h"

struct region {
    gs_addr addr;
    size_t len;
    uint8_t *bytes;
};

struct fake {
    struct gs_mem mem;
    struct region *regions;
    size_t count;
};

static uint8_t *find(struct fake *fake, gs_addr addr, size_t len)
{
    for (size_t i = 0; i < fake->count; i++) {
        struct region *r = &fake->regions[i];
        if (addr >= r->addr && addr - r->addr <= r->len && len <= r->len - (addr - r->addr))
            return r->bytes + (addr - r->addr);
    }
    return NULL;
}

static enum gs_status fake_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    const uint8_t *bytes = find((struct fake *)mem, addr, len);
    if (!bytes)
        return GS_UNREADABLE;
    memcpy(dst, bytes, len);
    return GS_OK;
}

static enum gs_status fake_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pieces[i].ok = fake_read(mem, pieces[i].addr, pieces[i].dst, pieces[i].len) == GS_OK;
    return GS_OK;
}

static void fake_free(struct gs_mem *mem)
{
    struct fake *fake = (struct fake *)mem;
    for (size_t i = 0; i < fake->count; i++)
        free(fake->regions[i].bytes);
    free(fake->regions);
    free(fake);
}

static const struct gs_mem_ops fake_ops = {fake_read, fake_read_many, fake_free};

struct gs_mem *mem_fake_new(void)
{
    struct fake *fake = calloc(1, sizeof *fake);
    assert_non_null(fake);
    fake->mem.ops = &fake_ops;
    return &fake->mem;
}

void *mem_fake_map(struct gs_mem *mem, gs_addr addr, size_t len)
{
    struct fake *fake = (struct fake *)mem;
    fake->regions = realloc(fake->regions, (fake->count + 1) * sizeof *fake->regions);
    assert_non_null(fake->regions);
    uint8_t *bytes = calloc(1, len ? len : 1);
    assert_non_null(bytes);
    fake->regions[fake->count++] = (struct region){addr, len, bytes};
    return bytes;
}

void *mem_fake_at(struct gs_mem *mem, gs_addr addr, size_t len)
{
    uint8_t *bytes = find((struct fake *)mem, addr, len);
    assert_non_null(bytes);
    return bytes;
}

void mem_fake_put64(struct gs_mem *mem, gs_addr addr, uint64_t value)
{
    memcpy(mem_fake_at(mem, addr, sizeof value), &value, sizeof value);
}

void mem_fake_put32(struct gs_mem *mem, gs_addr addr, uint32_t value)
{
    memcpy(mem_fake_at(mem, addr, sizeof value), &value, sizeof value);
}
