/* A core: what it contains, else what the mapped files do. */
#include <stdlib.h>

#include "mem/core.h"

struct core_mem {
    struct gs_mem mem;
    const struct gs_core *core;
    struct gs_core_files *files;
};

static enum gs_status core_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    struct core_mem *core = (struct core_mem *)mem;
    if (len > 0 && addr + len - 1 < addr)
        return GS_UNREADABLE;
    for (size_t done = 0; done < len;) {
        uint8_t *to = (uint8_t *)dst + done;
        size_t got = gs_core_read(core->core, addr + done, to, len - done);
        if (got == 0)
            got = gs_core_files_read(core->files, addr + done, to, len - done);
        if (got == 0)
            return GS_UNREADABLE;
        done += got;
    }
    return GS_OK;
}

static enum gs_status core_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pieces[i].ok = core_read(mem, pieces[i].addr, pieces[i].dst, pieces[i].len) == GS_OK;
    return GS_OK;
}

static void core_free(struct gs_mem *mem)
{
    free(mem);
}

static const struct gs_mem_ops core_ops = {core_read, core_read_many, core_free};

struct gs_mem *gs_mem_core_new(const struct gs_core *core, struct gs_core_files *files)
{
    struct core_mem *mem = malloc(sizeof *mem);
    if (!mem)
        return NULL;
    *mem = (struct core_mem){{&core_ops}, core, files};
    return &mem->mem;
}
