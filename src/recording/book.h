/* The places and stacks of a recording, as far as it was read. */
#ifndef GS_RECORDING_BOOK_H
#define GS_RECORDING_BOOK_H

#include "recording/wire.h"

struct gs_book {
    struct gs_stacks *stacks;
    const char **strings; /* by number; they belong to the stacks */
    size_t string_count, string_room;
};

enum gs_status gs_book_init(struct gs_book *book) GS_MUST_CHECK;
void gs_book_fini(struct gs_book *book);
void gs_book_forget(struct gs_book *book);
/* Reads the rest of such a record. GS_NO_MEMORY; what should not be sets records->bad. */
enum gs_status gs_book_place(struct gs_book *book, struct gs_wire *records) GS_MUST_CHECK;
enum gs_status gs_book_stack(struct gs_book *book, struct gs_wire *records) GS_MUST_CHECK;

#endif
