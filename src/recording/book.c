/* The places and stacks of a recording. A file has each of them once, so that their numbers in the file are those that
 * gs_stacks gives them; where they are not, the file is no recording of ours. */
#include <stdlib.h>

#include "recording/book.h"

enum { FIELDS = 4 };

enum gs_status gs_book_init(struct gs_book *book)
{
    *book = (struct gs_book){.stacks = gs_stacks_new()};
    return book->stacks ? GS_OK : GS_NO_MEMORY;
}

void gs_book_fini(struct gs_book *book)
{
    gs_stacks_free(book->stacks);
    free(book->strings);
}

void gs_book_forget(struct gs_book *book)
{
    gs_stacks_clear(book->stacks);
    book->string_count = 0;
}

static bool make_room(struct gs_book *book)
{
    if (book->string_count + FIELDS <= book->string_room)
        return true;
    size_t room = book->string_room ? book->string_room * 2 : 256;
    const char **strings = realloc(book->strings, room * sizeof *strings);
    if (!strings)
        return false;
    book->strings = strings;
    book->string_room = room;
    return true;
}

/* A new string lies in the block for now. */
static const char *get_string(struct gs_book *book, struct gs_wire *records, bool *is_new)
{
    uint64_t number = gs_wire_get_most(records, book->string_count + 1);
    *is_new = number == 1;
    if (*is_new)
        return book->strings[book->string_count++] = gs_wire_get_string(records);
    return number ? book->strings[number - 2] : NULL;
}

enum gs_status gs_book_place(struct gs_book *book, struct gs_wire *records)
{
    struct gs_place place = {0};
    const char **fields[FIELDS] = {&place.function, &place.qualname, &place.file, &place.module};
    bool is_new[FIELDS];
    if (!make_room(book))
        return GS_NO_MEMORY;
    size_t first = book->string_count;
    for (size_t i = 0; i < FIELDS; i++)
        *fields[i] = get_string(book, records, &is_new[i]);
    place.line = (int32_t)gs_wire_unzigzag(gs_wire_get_most(records, UINT32_MAX));
    place.kind = (uint8_t)gs_wire_get_most(records, GS_WIRE_KIND_MOST);
    if (!place.function || !place.file || gs_stacks_bytes(book->stacks) > GS_WIRE_STACKS_BYTES)
        records->bad = true;
    if (records->bad) {
        book->string_count = first;
        return GS_OK;
    }
    uint32_t known = gs_stacks_place_count(book->stacks), number = gs_stacks_place(book->stacks, &place);
    if (number == 0)
        return GS_NO_MEMORY;
    records->bad = number <= known;
    place = *gs_stacks_place_at(book->stacks, number);
    for (size_t i = 0; i < FIELDS; i++) {
        if (is_new[i])
            book->strings[first++] = *fields[i];
    }
    return GS_OK;
}

enum gs_status gs_book_stack(struct gs_book *book, struct gs_wire *records)
{
    uint64_t made = (uint64_t)gs_stacks_count(book->stacks) + 1;
    uint64_t back = gs_wire_get_most(records, made), place = gs_wire_get(records);
    if (back == 0 || place == 0 || place > gs_stacks_place_count(book->stacks) ||
        gs_stacks_bytes(book->stacks) > GS_WIRE_STACKS_BYTES)
        records->bad = true;
    if (records->bad)
        return GS_OK;
    uint32_t number = gs_stacks_push(book->stacks, (uint32_t)(made - back), (uint32_t)place);
    if (number == 0)
        return GS_NO_MEMORY;
    records->bad = number != made;
    return GS_OK;
}
