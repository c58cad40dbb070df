/* What all back ends share: dispatch, and the small reads made of it. */
#include <string.h>

#include "gilspy/mem.h"

enum gs_status gs_mem_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    return mem->ops->read(mem, addr, dst, len);
}

enum gs_status gs_mem_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    return mem->ops->read_many(mem, pieces, count);
}

enum gs_status gs_mem_read_addr(struct gs_mem *mem, gs_addr addr, gs_addr *value)
{
    return gs_mem_read(mem, addr, value, sizeof *value);
}

enum gs_status gs_mem_read_u32(struct gs_mem *mem, gs_addr addr, uint32_t *value)
{
    return gs_mem_read(mem, addr, value, sizeof *value);
}

enum gs_status gs_mem_read_cstr(struct gs_mem *mem, gs_addr addr, char *dst, size_t size)
{
    size_t done = 0;
    while (done + 1 < size) {
        /* Up to the end of an aligned block: the string may end just before unmapped memory. */
        size_t len = 64 - (addr + done) % 64;
        if (len > size - 1 - done)
            len = size - 1 - done;
        enum gs_status status = gs_mem_read(mem, addr + done, dst + done, len);
        if (status)
            return status;
        if (memchr(dst + done, '\0', len))
            return GS_OK;
        done += len;
    }
    dst[done] = '\0';
    return GS_OK;
}

void gs_mem_free(struct gs_mem *mem)
{
    if (mem)
        mem->ops->free(mem);
}
