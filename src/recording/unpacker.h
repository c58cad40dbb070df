/* The blocks of a recording, checked and unpacked, one after the other. */
#ifndef GS_RECORDING_UNPACKER_H
#define GS_RECORDING_UNPACKER_H

#include <zstd.h>

#include "recording/wire.h"

struct gs_unpacker {
    int fd;            /* owned */
    bool seekable;     /* a regular file: read by place, whatever else fd is used for */
    uint64_t at;       /* bytes read */
    uint64_t block_at; /* where the last block began */
    int error;         /* errno of the read that failed */
    uint8_t *packed, *raw;
    size_t packed_room, raw_room;
    ZSTD_DCtx *zstd;
};

enum gs_unpacked {
    GS_UNPACKED_BLOCK,
    GS_UNPACKED_END,     /* no more whole blocks: it is cut, or still grows */
    GS_UNPACKED_DAMAGED, /* the block is not as it was written, or cannot be read */
    GS_UNPACKED_NO_MEMORY
};

enum gs_status gs_unpacker_init(struct gs_unpacker *unpacker, int fd) GS_MUST_CHECK;
void gs_unpacker_fini(struct gs_unpacker *unpacker);
/* The head of the file; how much of it there is. */
size_t gs_unpacker_head(struct gs_unpacker *unpacker, uint8_t head[GS_FILE_HEAD]);
/* Back to the first block; false: what was read from cannot be read again. */
bool gs_unpacker_rewind(struct gs_unpacker *unpacker);
/* The next block's records; they hold until the next call. */
enum gs_unpacked gs_unpacker_next(struct gs_unpacker *unpacker, struct gs_wire *records);

#endif
