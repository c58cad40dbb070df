/* The scripted back end of gs_mem. */
#include <stdlib.h>

#include "support/mem_script.h"
#include "support/unit.h"

struct scripted {
    struct gs_mem mem;
    struct gs_mem *below;
    mem_script *script;
    void *context;
    size_t calls;
};

static enum gs_status scripted_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    return gs_mem_read(((struct scripted *)mem)->below, addr, dst, len);
}

static enum gs_status scripted_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    struct scripted *scripted = (struct scripted *)mem;
    size_t call = scripted->calls++;
    for (size_t i = 0; i < count; i++) {
        if (scripted->script)
            scripted->script(scripted->context, call, i, &pieces[i]);
        pieces[i].ok = gs_mem_read(scripted->below, pieces[i].addr, pieces[i].dst, pieces[i].len) == GS_OK;
    }
    if (scripted->script)
        scripted->script(scripted->context, call, count, NULL);
    return GS_OK;
}

static void scripted_free(struct gs_mem *mem)
{
    gs_mem_free(((struct scripted *)mem)->below);
    free(mem);
}

static const struct gs_mem_ops scripted_ops = {scripted_read, scripted_read_many, scripted_free};

struct gs_mem *mem_script_new(struct gs_mem *below)
{
    struct scripted *scripted = calloc(1, sizeof *scripted);
    assert_non_null(scripted);
    scripted->mem.ops = &scripted_ops;
    scripted->below = below;
    return &scripted->mem;
}

void mem_script_set(struct gs_mem *mem, mem_script *script, void *context)
{
    struct scripted *scripted = (struct scripted *)mem;
    scripted->script = script;
    scripted->context = context;
    scripted->calls = 0;
}

size_t mem_script_calls(const struct gs_mem *mem)
{
    return ((const struct scripted *)mem)->calls;
}
