/* Whether a file is the one that a process had mapped, and which of its contents the process cannot have changed. */
#ifndef GS_MEM_CORE_MATCH_H
#define GS_MEM_CORE_MATCH_H

#include <sys/stat.h>

#include "elf/core.h"
#include "elf/head.h"

enum { GS_CORE_PAGE = 4096 };

/* A mapped file: `pieces` are those of core->files that are of it, by address; of[] is the number of each one's image.
 */
struct gs_core_image {
    const struct gs_core *core;
    const uint32_t *of;
    uint32_t number;
    bool deleted;
    const uint32_t *pieces;
    size_t piece_count;
};

/* What the core has of the beginning of a mapped file. */
struct gs_core_first {
    uint8_t bytes[GS_CORE_PAGE];
    size_t len;
    bool is_elf;
    struct gs_elf_head head;
};
void gs_core_first_read(struct gs_core_first *first, const struct gs_core_image *image);

/* NULL: it is the file, and *head is its head; else why not. named: by the user. */
const char *gs_core_match(const struct gs_core_image *image, const struct gs_core_first *first,
                          const struct gs_bytes *file, struct gs_elf_head *head, const struct stat *st, bool named,
                          int64_t made_at_ns);

/* What lies at addr, which is `offset` in the file, belongs to a segment that is not writable. */
bool gs_core_is_constant(const struct gs_core_image *image, const struct gs_elf_head *head, gs_addr addr,
                         uint64_t offset);

#endif
