/* A gs_mem whose bytes the test made: a set of regions at chosen addresses. */
#ifndef TESTS_MEM_FAKE_H
#define TESTS_MEM_FAKE_H

#include "gilspy/mem.h"

struct gs_mem *mem_fake_new(void);
/* Makes `len` zero bytes readable at addr and returns where the test may fill them in; they live as long as mem. */
void *mem_fake_map(struct gs_mem *mem, gs_addr addr, size_t len);
/* The bytes at addr in an existing region; fails the test when they are not mapped. */
void *mem_fake_at(struct gs_mem *mem, gs_addr addr, size_t len);
void mem_fake_put64(struct gs_mem *mem, gs_addr addr, uint64_t value);
void mem_fake_put32(struct gs_mem *mem, gs_addr addr, uint32_t value);

#endif
