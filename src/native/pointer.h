/* Reading the target's unwind tables byte by byte: numbers of all kinds, and pointers as they are encoded there. */
#ifndef GS_NATIVE_POINTER_H
#define GS_NATIVE_POINTER_H

#include "gilspy/mem.h"

struct gs_cursor {
    struct gs_mem *mem;
    gs_addr at, end; /* nothing is read behind end */
    bool failed;     /* something was to be read that is not there: all that came after is 0 */
};

uint8_t gs_cursor_u8(struct gs_cursor *cursor);
uint64_t gs_cursor_fixed(struct gs_cursor *cursor, size_t bytes);
int64_t gs_cursor_signed(struct gs_cursor *cursor, size_t bytes);
uint64_t gs_cursor_uleb(struct gs_cursor *cursor);
int64_t gs_cursor_sleb(struct gs_cursor *cursor);
/* A DW_EH_PE_ encoded pointer (Linux Standard Base, DWARF Extensions); data: what DW_EH_PE_datarel counts from. An
 * indirect one is followed. */
gs_addr gs_cursor_pointer(struct gs_cursor *cursor, uint8_t encoding, gs_addr data);
void gs_cursor_skip(struct gs_cursor *cursor, uint64_t bytes);

#endif
