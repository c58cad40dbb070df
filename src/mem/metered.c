/* Counts the pieces that are read, and is unreadable when they are used up. */
#include "mem/metered.h"

/* What one read counts: more when it is long. */
static uint64_t price(size_t len)
{
    return 1 + len / 512;
}

static bool pay(struct gs_metered *metered, uint64_t sum)
{
    bool enough = *metered->left >= sum;
    *metered->left = enough ? *metered->left - sum : 0;
    return enough;
}

static enum gs_status metered_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    struct gs_metered *metered = (struct gs_metered *)mem;
    return pay(metered, price(len)) ? gs_mem_read(metered->below, addr, dst, len) : GS_UNREADABLE;
}

static enum gs_status metered_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    struct gs_metered *metered = (struct gs_metered *)mem;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += price(pieces[i].len);
    return pay(metered, sum) ? gs_mem_read_many(metered->below, pieces, count) : GS_UNREADABLE;
}

static void metered_free(struct gs_mem *mem)
{
    (void)mem;
}

static const struct gs_mem_ops metered_ops = {metered_read, metered_read_many, metered_free};

void gs_metered_init(struct gs_metered *metered, struct gs_mem *below, uint64_t *left)
{
    *metered = (struct gs_metered){.mem = {&metered_ops}, .below = below, .left = left};
}
