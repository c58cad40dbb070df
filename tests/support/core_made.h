/* Core files made by hand. */
#ifndef TESTS_CORE_MADE_H
#define TESTS_CORE_MADE_H

#include <elf.h>

#include "elf/core.h"

/* A core in the making: its headers, notes from CORE_MADE_NOTES on, memory from CORE_MADE_MEMORY on. */
enum {
    CORE_MADE_ROOM = 1 << 20,
    CORE_MADE_SEGMENTS = 16,
    CORE_MADE_NOTES = 4096,
    CORE_MADE_MEMORY = 65536,
    CORE_MADE_PAGE = 4096
};

struct core_made {
    uint8_t *bytes;
    size_t size, notes;
    size_t segments;
    struct gs_core core;
    struct gs_err err;
};

/* An empty core with one thread, 42. */
struct core_made *core_made_begin(void);
Elf64_Ehdr *core_made_header(struct core_made *m);
Elf64_Phdr *core_made_segment(struct core_made *m, size_t i);
Elf64_Phdr *core_made_load(struct core_made *m, gs_addr addr, uint64_t memory, uint64_t offset, uint64_t file);
/* Returns where the note's contents are. */
uint8_t *core_made_note(struct core_made *m, const char *name, uint32_t type, const void *contents, size_t len);
/* Each byte of its registers is that. */
enum { CORE_MADE_REGISTERS = 0x5a };
void core_made_thread(struct core_made *m, int tid, int signal);
/* An exact copy is read, so that a reading behind its end is found out. */
enum gs_status core_made_open(struct core_made *m);
void core_made_reopen(struct core_made *m);
/* It is not taken for a core, and why; it is freed. */
void core_made_refused(struct core_made *m, const char *why);
void core_made_end(struct core_made *m);

#endif
