/* The instruction that a frame is at. Its number stands in the code object itself, from 3.11 on as it is specialised:
 * Python/specialize.c. */
#include <stdio.h>
#include <string.h>

#include "python/code_read.h"
#include "python/field.h"
#include "python/opcodes.h"

static const struct {
    uint32_t version;
    const char *names; /* as python-offsets/opcodes.def says */
} tables[] = {
#define OPCODES(major, minor, names) {GS_VERSION(major, minor), names},
#include "../../python-offsets/opcodes.def"
#undef OPCODES
};

static const char *names_of(const struct gs_layout *layout)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (tables[i].version >> 16 == layout->version >> 16)
            return tables[i].names;
    }
    return NULL;
}

bool gs_opcodes_known(const struct gs_layout *layout)
{
    return names_of(layout) != NULL;
}

/* Where the bytecode begins that the frame runs; 0: not known. */
static gs_addr start_of(const struct gs_python *python, struct gs_codes *codes, const struct gs_code *code,
                        gs_addr frame)
{
    const struct gs_layout *layout = &python->layout;
    gs_addr bytes = 0;
    uint32_t number = 0;
    if (layout->co_code != GS_ABSENT)
        return gs_mem_read_addr(python->mem, code->addr + (gs_addr)layout->co_code, &bytes)
                   ? 0
                   : bytes + (gs_addr)layout->bytes_data;
    if (layout->if_tlbc_index != GS_ABSENT &&
        !gs_mem_read(python->mem, frame + (gs_addr)layout->if_tlbc_index, &number, sizeof number))
        bytes = gs_codes_copy(codes, code->addr, number, false);
    return bytes ? bytes : code->addr + (gs_addr)code->head_offset;
}

int gs_opcode_read(const struct gs_python *python, struct gs_codes *codes, const struct gs_frame *frame)
{
    const struct gs_code *code = gs_codes_find(codes, frame->code);
    uint8_t opcode;
    if (!code || frame->instr < 0)
        return -1;
    gs_addr start = start_of(python, codes, code, frame->frame);
    return start && !gs_mem_read(python->mem, start + (gs_addr)frame->instr, &opcode, 1) ? opcode : -1;
}

void gs_opcode_name(const struct gs_layout *layout, int opcode, char name[GS_OPCODE_NAME])
{
    const char *at = names_of(layout);
    for (int i = 0; at && i < opcode; i++)
        at = (at = strchr(at, ' ')) ? at + 1 : NULL;
    int all = at ? (int)strcspn(at, " ") : 0, len = at ? (int)strcspn(at, " /") : 0;
    if (len == 0 || *at == '-')
        snprintf(name, GS_OPCODE_NAME, "<%d>", opcode);
    else if (len == all)
        snprintf(name, GS_OPCODE_NAME, "%.*s", len, at);
    else
        snprintf(name, GS_OPCODE_NAME, "%.*s (%.*s)", len, at, all - len - 1, at + len + 1);
}
