/* Numbers of DWARF, out of the target's memory. */
#include <dwarf.h>
#include <string.h>

#include "native/pointer.h"

enum { PE_FORM = 0x0f, PE_FROM = 0x70 /* bits of an encoding */ };

static bool take(struct gs_cursor *cursor, void *dst, size_t bytes)
{
    memset(dst, 0, bytes);
    if (!cursor->failed && (cursor->at > cursor->end || cursor->end - cursor->at < bytes ||
                            gs_mem_read(cursor->mem, cursor->at, dst, bytes) != GS_OK)) {
        cursor->failed = true;
        memset(dst, 0, bytes);
    }
    if (!cursor->failed)
        cursor->at += bytes;
    return !cursor->failed;
}

uint8_t gs_cursor_u8(struct gs_cursor *cursor)
{
    uint8_t value;
    take(cursor, &value, sizeof value);
    return value;
}

uint64_t gs_cursor_fixed(struct gs_cursor *cursor, size_t bytes)
{
    uint8_t raw[8];
    uint64_t value = 0;
    take(cursor, raw, bytes < sizeof raw ? bytes : sizeof raw);
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | raw[i];
    return value;
}

int64_t gs_cursor_signed(struct gs_cursor *cursor, size_t bytes)
{
    uint64_t value = gs_cursor_fixed(cursor, bytes), sign = UINT64_C(1) << (8 * bytes - 1);
    return (int64_t)((value ^ sign) - sign);
}

uint64_t gs_cursor_uleb(struct gs_cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = gs_cursor_u8(cursor);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80) || cursor->failed)
            return value;
    }
}

int64_t gs_cursor_sleb(struct gs_cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0;;) {
        uint8_t byte = gs_cursor_u8(cursor);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) && !cursor->failed)
            continue;
        return (int64_t)(shift < 64 && (byte & 0x40) ? value | ~UINT64_C(0) << shift : value);
    }
}

gs_addr gs_cursor_pointer(struct gs_cursor *cursor, uint8_t encoding, gs_addr data)
{
    gs_addr value, from = cursor->at;
    if (encoding == DW_EH_PE_omit)
        return 0;
    switch (encoding & PE_FORM) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        value = gs_cursor_fixed(cursor, 8);
        break;
    case DW_EH_PE_udata2:
        value = gs_cursor_fixed(cursor, 2);
        break;
    case DW_EH_PE_udata4:
        value = gs_cursor_fixed(cursor, 4);
        break;
    case DW_EH_PE_sdata2:
        value = (gs_addr)gs_cursor_signed(cursor, 2);
        break;
    case DW_EH_PE_sdata4:
        value = (gs_addr)gs_cursor_signed(cursor, 4);
        break;
    case DW_EH_PE_uleb128:
        value = gs_cursor_uleb(cursor);
        break;
    case DW_EH_PE_sleb128:
        value = (gs_addr)gs_cursor_sleb(cursor);
        break;
    default:
        cursor->failed = true;
        return 0;
    }
    if (value && (encoding & PE_FROM) == DW_EH_PE_pcrel)
        value += from;
    else if (value && (encoding & PE_FROM) == DW_EH_PE_datarel)
        value += data;
    else if (value && (encoding & PE_FROM) != 0)
        cursor->failed = true;
    if (value && (encoding & DW_EH_PE_indirect) && gs_mem_read_addr(cursor->mem, value, &value) != GS_OK)
        cursor->failed = true;
    return cursor->failed ? 0 : value;
}

void gs_cursor_skip(struct gs_cursor *cursor, uint64_t bytes)
{
    if (cursor->failed || cursor->at > cursor->end || bytes > cursor->end - cursor->at)
        cursor->failed = true;
    else
        cursor->at += bytes;
}
