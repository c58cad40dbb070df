/* A memory made of pages, for images of processes: what is on no page is unreadable. */
#ifndef TESTS_BOOK_H
#define TESTS_BOOK_H

#include "gilspy/mem.h"

enum { BOOK_PAGE = 4096 };

struct gs_mem *book_new(void);
/* The page that holds addr, made of zeros at first use. */
uint8_t *book_page(struct gs_mem *book, gs_addr addr);
void book_write(struct gs_mem *book, gs_addr addr, const void *bytes, size_t len);
void book_put32(struct gs_mem *book, gs_addr addr, uint32_t value);
void book_put64(struct gs_mem *book, gs_addr addr, uint64_t value);
/* All pages of [start, end) that are not made otherwise read as this one. */
void book_repeat(struct gs_mem *book, gs_addr start, gs_addr end, const uint8_t page[BOOK_PAGE]);

#endif
