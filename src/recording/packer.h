/* Records in the making: gathered, packed and written block by block. */
#ifndef GS_RECORDING_PACKER_H
#define GS_RECORDING_PACKER_H

#include <zstd.h>

#include "recording/wire.h"

struct gs_packer {
    int fd;    /* not owned */
    int error; /* errno of the write that failed; nothing is written any more */
    uint64_t written;
    uint8_t *raw;
    size_t len, room;
    uint8_t *block; /* head and payload */
    size_t block_room;
    ZSTD_CCtx *zstd;
};

/* Writes the head of the file. GS_OUTPUT, GS_NO_MEMORY. */
enum gs_status gs_packer_init(struct gs_packer *packer, int fd) GS_MUST_CHECK;
void gs_packer_fini(struct gs_packer *packer);
/* Makes room for a record of at most `most` bytes, which begins at raw + len. GS_NO_MEMORY; GS_FAILED: no block is that
 * big. */
enum gs_status gs_packer_room(struct gs_packer *packer, size_t most) GS_MUST_CHECK;
/* The record ends here. A block that is big enough by now is written. */
enum gs_status gs_packer_commit(struct gs_packer *packer, const uint8_t *end) GS_MUST_CHECK;
/* Writes what there is. GS_OUTPUT, GS_NO_MEMORY. */
enum gs_status gs_packer_write(struct gs_packer *packer) GS_MUST_CHECK;

#endif
