/* Pages by address in a hash table with open addressing, and a few ranges that repeat one page. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/book.h"

enum { FIRST_SLOTS = 256, RANGES = 8 };

struct slot {
    gs_addr addr;
    uint8_t *bytes; /* NULL: empty */
};

struct book {
    struct gs_mem mem;
    struct slot *slots;
    size_t size, count;
    struct range {
        gs_addr start, end;
        uint8_t page[BOOK_PAGE];
    } ranges[RANGES];
    size_t range_count;
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static struct slot *slot_of(const struct book *book, gs_addr page)
{
    size_t i = (size_t)(page / BOOK_PAGE * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (book->size - 1);
    while (book->slots[i].bytes && book->slots[i].addr != page)
        i = (i + 1) & (book->size - 1);
    return &book->slots[i];
}

static const uint8_t *find(const struct book *book, gs_addr page)
{
    const uint8_t *bytes = slot_of(book, page)->bytes;
    for (size_t i = 0; i < book->range_count && !bytes; i++) {
        const struct range *range = &book->ranges[i];
        bytes = page - range->start < range->end - range->start ? range->page : NULL;
    }
    return bytes;
}

static enum gs_status book_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    uint8_t *to = dst;
    while (len > 0) {
        size_t at = addr % BOOK_PAGE, n = BOOK_PAGE - at < len ? BOOK_PAGE - at : len;
        const uint8_t *page = find((struct book *)mem, addr - at);
        if (!page)
            return GS_UNREADABLE;
        memcpy(to, page + at, n);
        to += n;
        addr += n;
        len -= n;
    }
    return GS_OK;
}

static enum gs_status book_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pieces[i].ok = book_read(mem, pieces[i].addr, pieces[i].dst, pieces[i].len) == GS_OK;
    return GS_OK;
}

static void book_free(struct gs_mem *mem)
{
    struct book *book = (struct book *)mem;
    for (size_t i = 0; i < book->size; i++)
        free(book->slots[i].bytes);
    free(book->slots);
    free(book);
}

static const struct gs_mem_ops book_ops = {book_read, book_read_many, book_free};

struct gs_mem *book_new(void)
{
    struct book *book = must(calloc(1, sizeof *book));
    book->mem.ops = &book_ops;
    book->size = FIRST_SLOTS;
    book->slots = must(calloc(book->size, sizeof *book->slots));
    return &book->mem;
}

static void grow(struct book *book)
{
    struct slot *old = book->slots;
    size_t size = book->size;
    book->size *= 2;
    book->slots = must(calloc(book->size, sizeof *book->slots));
    for (size_t i = 0; i < size; i++) {
        if (old[i].bytes)
            *slot_of(book, old[i].addr) = old[i];
    }
    free(old);
}

uint8_t *book_page(struct gs_mem *mem, gs_addr addr)
{
    struct book *book = (struct book *)mem;
    gs_addr page = addr - addr % BOOK_PAGE;
    struct slot *slot = slot_of(book, page);
    if (slot->bytes)
        return slot->bytes;
    if (2 * ++book->count > book->size) {
        grow(book);
        slot = slot_of(book, page);
    }
    *slot = (struct slot){page, must(calloc(1, BOOK_PAGE))};
    return slot->bytes;
}

void book_write(struct gs_mem *mem, gs_addr addr, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    while (len > 0) {
        size_t at = addr % BOOK_PAGE, n = BOOK_PAGE - at < len ? BOOK_PAGE - at : len;
        memcpy(book_page(mem, addr) + at, from, n);
        from += n;
        addr += n;
        len -= n;
    }
}

void book_put32(struct gs_mem *mem, gs_addr addr, uint32_t value)
{
    book_write(mem, addr, &value, sizeof value);
}

void book_put64(struct gs_mem *mem, gs_addr addr, uint64_t value)
{
    book_write(mem, addr, &value, sizeof value);
}

void book_repeat(struct gs_mem *mem, gs_addr start, gs_addr end, const uint8_t page[BOOK_PAGE])
{
    struct book *book = (struct book *)mem;
    if (book->range_count == RANGES)
        abort();
    struct range *range = &book->ranges[book->range_count++];
    range->start = start;
    range->end = end;
    memcpy(range->page, page, BOOK_PAGE);
}
