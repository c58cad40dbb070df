/* The stack of a frame's evaluation, and how much of it is surely in use: up to 3.10 the frame has a stack of its
 * blocks (try, with), later ones find it in the code's table of handlers (Objects/exception_handling_notes.txt). */
#include <string.h>

#include "python/held.h"

enum {
    MAX_BLOCKS = 20, /* CO_MAXBLOCKS: Include/code.h */
    MAX_BLOCK_BYTES = 64,
    MAX_TABLE = 1 << 16,
    TABLE_PIECE = 4096,
    UNIT_BYTES = 2
};

static uint32_t u32_at(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Up to 3.10: how high the stack was when the innermost block began. */
static size_t sure_by_blocks(const struct gs_layout *layout, struct gs_mem *mem, gs_addr frame)
{
    uint8_t block[MAX_BLOCK_BYTES];
    uint32_t count;
    if (layout->fo_blocks == GS_ABSENT || layout->tb_size > MAX_BLOCK_BYTES || layout->tb_level > layout->tb_size - 4 ||
        gs_mem_read_u32(mem, frame + (gs_addr)layout->fo_block_count, &count) || count == 0 || count > MAX_BLOCKS)
        return 0;
    gs_addr at = frame + (gs_addr)layout->fo_blocks + (count - 1) * (gs_addr)layout->tb_size;
    return gs_mem_read(mem, at, block, (size_t)layout->tb_size) ? 0 : u32_at(block + layout->tb_level);
}

/* One number of the table: six bits a byte, the highest first; bit 6: there is more; bit 7: a row begins. */
static bool next_number(const uint8_t *table, size_t size, size_t *at, uint32_t *number)
{
    *number = 0;
    for (int i = 0; i < 6 && *at < size; i++) {
        uint8_t byte = table[(*at)++];
        *number = *number << 6 | (byte & 63);
        if (!(byte & 64))
            return true;
    }
    return false;
}

/* The rows (start, length, target, depth and a flag) are in order, and of the ranges none overlaps another. */
static size_t sure_by_rows(const uint8_t *table, size_t size, uint32_t unit)
{
    uint32_t start, length, target, depth;
    for (size_t at = 0; at < size;) {
        if (!next_number(table, size, &at, &start) || !next_number(table, size, &at, &length) ||
            !next_number(table, size, &at, &target) || !next_number(table, size, &at, &depth))
            return 0;
        if (unit - start < length)
            return depth >> 1;
    }
    return 0;
}

static size_t sure_by_handlers(const struct gs_layout *layout, struct gs_mem *mem, gs_addr code, int32_t instr)
{
    uint8_t table[TABLE_PIECE];
    gs_addr bytes;
    uint64_t size;
    if (instr < 0 || layout->co_exception_table == GS_ABSENT ||
        gs_mem_read_addr(mem, code + (gs_addr)layout->co_exception_table, &bytes) ||
        gs_mem_read_addr(mem, bytes + (gs_addr)layout->ob_size, &size) || size == 0 || size > sizeof table ||
        gs_mem_read(mem, bytes + (gs_addr)layout->bytes_data, table, (size_t)size))
        return 0;
    return sure_by_rows(table, (size_t)size, (uint32_t)instr / UNIT_BYTES);
}

/* Where the stack begins; 0: not known. */
static gs_addr bottom_of(const struct gs_layout *layout, struct gs_mem *mem, gs_addr frame, const struct gs_code *code)
{
    gs_addr bottom;
    if (layout->if_localsplus != GS_ABSENT)
        return frame + (gs_addr)layout->if_localsplus + (gs_addr)code->locals_count * sizeof bottom;
    if (layout->fo_value_stack == GS_ABSENT ||
        gs_mem_read_addr(mem, frame + (gs_addr)layout->fo_value_stack, &bottom) || bottom - frame > MAX_TABLE)
        return 0;
    return bottom;
}

enum gs_status gs_held_read(const struct gs_python *python, struct gs_mem *mem, gs_addr frame,
                            const struct gs_code *code, int32_t instr, struct gs_held *held)
{
    const struct gs_layout *layout = &python->layout;
    int32_t code_at = layout->if_code != GS_ABSENT ? layout->if_code : layout->fo_code;
    gs_addr mask = ~(gs_addr)(uint32_t)layout->ref_tag_mask, runs, bottom = bottom_of(layout, mem, frame, code);
    uint32_t size;
    *held = (struct gs_held){0};
    if (bottom == 0 || gs_mem_read_u32(mem, code->addr + (gs_addr)layout->co_stacksize, &size))
        return GS_LOST;
    held->count = size < GS_HELD_MOST ? size : GS_HELD_MOST;
    if (held->count > 0 && gs_mem_read(mem, bottom, held->slots, held->count * sizeof held->slots[0]))
        return GS_LOST;
    size_t sure = layout->if_localsplus == GS_ABSENT ? sure_by_blocks(layout, mem, frame)
                                                     : sure_by_handlers(layout, mem, code->addr, instr);
    held->sure = sure < held->count ? sure : held->count;
    for (size_t i = 0; i < held->count; i++) /* as in locals: a tag that is all ones is none of ours */
        held->slots[i] = (held->slots[i] & ~mask) > 1 ? 0 : held->slots[i] & mask;
    if (gs_mem_read_addr(mem, frame + (gs_addr)code_at, &runs))
        return GS_LOST;
    return (runs & mask) == code->addr ? GS_OK : GS_LOST;
}

gs_addr gs_frame_globals(const struct gs_layout *layout, struct gs_mem *mem, gs_addr frame)
{
    int32_t at = layout->if_globals != GS_ABSENT ? layout->if_globals : layout->fo_globals;
    gs_addr globals;
    return at == GS_ABSENT || gs_mem_read_addr(mem, frame + (gs_addr)at, &globals) ? 0 : globals;
}
