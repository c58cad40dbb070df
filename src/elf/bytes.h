/* Bytes at offsets: those of a file, which may shrink while it is read, or of memory of ours. */
#ifndef GS_ELF_BYTES_H
#define GS_ELF_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gs_watch;

struct gs_bytes {
    uint64_t size;
    int fd;             /* not owned; -1: memory */
    const void *memory; /* not owned */
    /* Told of each read of the file, which may wait for ever. */
    struct gs_watch *watch;
    const char *step; /* the name of that */
    bool spare;       /* it can be left out */
};

void gs_bytes_of_memory(struct gs_bytes *bytes, const void *memory, size_t size);
/* False when the size of the file cannot be told. watch: not owned, may be NULL; step: not owned either. */
bool gs_bytes_of_file(struct gs_bytes *bytes, int fd, struct gs_watch *watch, const char *step, bool spare);

/* False when not all of [offset, offset + len) is there. */
bool gs_bytes_read(const struct gs_bytes *bytes, uint64_t offset, void *dst, size_t len);

#endif
