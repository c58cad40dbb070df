/* The beginning of an ELF file, which tells it from others: how it is laid out, and its build id. */
#ifndef GS_ELF_HEAD_H
#define GS_ELF_HEAD_H

#include <elf.h>

#include "elf/bytes.h"

enum { GS_ELF_SEGMENTS_MAX = 64, GS_ELF_BUILD_ID_MAX = 64 };

struct gs_elf_head {
    Elf64_Half type;
    Elf64_Addr entry;
    Elf64_Phdr segments[GS_ELF_SEGMENTS_MAX];
    size_t segment_count;
    uint8_t build_id[GS_ELF_BUILD_ID_MAX];
    size_t build_id_len; /* 0: there is none in these bytes */
};

/* bytes: a file, or as much of its beginning as there is. False when it is no 64-bit ELF file of this machine, or not
 * even its program headers are there. */
bool gs_elf_head_read(struct gs_elf_head *head, const struct gs_bytes *bytes);
/* Takes the build id from the notes of one PT_NOTE segment, which begins at `start` of these bytes. patchelf moves
 * notes to the end of a file, so that its beginning lacks them. */
void gs_elf_head_read_notes(struct gs_elf_head *head, const struct gs_bytes *bytes, uint64_t start,
                            const Elf64_Phdr *segment);

/* Both are laid out alike: the same segments, the same place to begin. */
bool gs_elf_head_alike(const struct gs_elf_head *a, const struct gs_elf_head *b);
bool gs_elf_head_same_id(const struct gs_elf_head *a, const struct gs_elf_head *b);

#endif
