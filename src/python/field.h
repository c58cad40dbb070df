/* Fields of copies of the target's structs, and what a copied frame runs. */
#ifndef GS_PYTHON_FIELD_H
#define GS_PYTHON_FIELD_H

#include "gilspy/python.h"

static inline gs_addr gs_get_addr(const uint8_t *bytes, int32_t offset)
{
    gs_addr value;
    __builtin_memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static inline uint32_t gs_get_u32(const uint8_t *bytes, int32_t offset)
{
    uint32_t value;
    __builtin_memcpy(&value, bytes + offset, sizeof value);
    return value;
}

/* The byte offset of the instruction in bytecode that begins at `start`, -1 before the first; false when it is not in
 * there. */
static inline bool gs_code_within(const struct gs_code *code, gs_addr start, gs_addr pointer, int32_t *instr)
{
    gs_addr offset = pointer - start;
    *instr = offset == (gs_addr)-2 ? -1 : (int32_t)offset;
    return offset == (gs_addr)-2 || (offset < (gs_addr)code->code_bytes && offset % 2 == 0);
}

/* The instruction that a frame (3.11 on; its copy) runs: in the code object itself, or in the copy of it that the
 * thread has (3.14 on, free-threaded). False when it is not one of this code. */
static inline bool gs_frame_instruction(const struct gs_layout *layout, struct gs_codes *codes,
                                        const struct gs_code *code, const uint8_t *frame, int32_t *instr)
{
    gs_addr pointer = gs_get_addr(frame, layout->if_instr);
    if (gs_code_within(code, code->addr + (gs_addr)code->head_offset, pointer, instr))
        return true;
    if (layout->if_tlbc_index == GS_ABSENT)
        return false;
    for (int anew = 0; anew < 2; anew++) {
        gs_addr start = gs_codes_copy(codes, code->addr, gs_get_u32(frame, layout->if_tlbc_index), anew != 0);
        if (start && gs_code_within(code, start, pointer, instr))
            return true;
    }
    return false;
}

#endif
