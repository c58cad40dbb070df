/* An ELF image as it lies in a target's memory: no file is needed for what the dynamic linker needs too. */
#ifndef GS_ELF_IMAGE_H
#define GS_ELF_IMAGE_H

#include "gilspy/mem.h"

struct gs_image {
    struct gs_mem *mem;                            /* not owned */
    gs_addr base;                                  /* where its ELF header lies */
    gs_addr bias;                                  /* what to add to an address of the file */
    gs_addr end;                                   /* behind its last segment */
    gs_addr data_start, data_end;                  /* its writable segments */
    gs_addr symbols, strings, gnu_hash, sysv_hash; /* .dynsym and its helpers, 0 where there is none */
    uint64_t strings_bytes;
};

/* GS_NOT_PYTHON when no 64-bit ELF image of our byte order begins at base. */
enum gs_status gs_image_open(struct gs_image *image, struct gs_mem *mem, gs_addr base) GS_MUST_CHECK;

/* The address of a defined symbol of .dynsym, 0 when there is none. */
gs_addr gs_image_symbol(const struct gs_image *image, const char *name);

#endif
