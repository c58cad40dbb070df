/* The blocks of a recording, checked and unpacked, one after the other. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording/unpacker.h"

enum gs_status gs_unpacker_init(struct gs_unpacker *unpacker, int fd)
{
    struct stat stat;
    *unpacker = (struct gs_unpacker){.fd = fd};
    unpacker->seekable = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
    unpacker->zstd = ZSTD_createDCtx();
    if (!unpacker->zstd)
        return GS_NO_MEMORY;
    /* What a liar of a block may make us hold. */
    return ZSTD_isError(ZSTD_DCtx_setParameter(unpacker->zstd, ZSTD_d_windowLogMax, GS_WINDOW_LOG)) ? GS_NO_MEMORY
                                                                                                    : GS_OK;
}

void gs_unpacker_fini(struct gs_unpacker *unpacker)
{
    if (unpacker->fd >= 0)
        close(unpacker->fd);
    ZSTD_freeDCtx(unpacker->zstd);
    free(unpacker->packed);
    free(unpacker->raw);
    *unpacker = (struct gs_unpacker){.fd = -1};
}

/* Returns how many bytes there were. */
static size_t read_bytes(struct gs_unpacker *unpacker, uint8_t *bytes, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t more = unpacker->seekable ? pread(unpacker->fd, bytes + got, len - got, (off_t)unpacker->at)
                                          : read(unpacker->fd, bytes + got, len - got);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            unpacker->error = errno;
        if (more <= 0)
            break;
        got += (size_t)more;
        unpacker->at += (uint64_t)more;
    }
    return got;
}

size_t gs_unpacker_head(struct gs_unpacker *unpacker, uint8_t head[GS_FILE_HEAD])
{
    return read_bytes(unpacker, head, GS_FILE_HEAD);
}

bool gs_unpacker_rewind(struct gs_unpacker *unpacker)
{
    if (unpacker->at == GS_FILE_HEAD)
        return true;
    if (!unpacker->seekable)
        return false;
    unpacker->at = GS_FILE_HEAD;
    unpacker->error = 0;
    return !ZSTD_isError(ZSTD_DCtx_reset(unpacker->zstd, ZSTD_reset_session_only));
}

static bool make_room(uint8_t **bytes, size_t *room, size_t len)
{
    if (len <= *room)
        return true;
    free(*bytes);
    *bytes = malloc(len);
    *room = *bytes ? len : 0;
    return *bytes;
}

static bool unpack(struct gs_unpacker *unpacker, const struct gs_block_head *head)
{
    ZSTD_inBuffer in = {unpacker->packed, head->len, 0};
    ZSTD_outBuffer out = {unpacker->raw, head->raw_len, 0};
    while (in.pos < in.size || out.pos < out.size) {
        size_t consumed = in.pos, made = out.pos;
        if (ZSTD_isError(ZSTD_decompressStream(unpacker->zstd, &out, &in)) || (in.pos == consumed && out.pos == made))
            return false;
    }
    return true;
}

enum gs_unpacked gs_unpacker_next(struct gs_unpacker *unpacker, struct gs_wire *records)
{
    uint8_t bytes[GS_BLOCK_HEAD];
    struct gs_block_head head;
    do {
        unpacker->block_at = unpacker->at;
        if (read_bytes(unpacker, bytes, sizeof bytes) < sizeof bytes)
            return unpacker->error ? GS_UNPACKED_DAMAGED : GS_UNPACKED_END;
        if (!gs_block_head_get(bytes, &head) || head.raw_len > GS_BLOCK_MOST ||
            head.len > ZSTD_compressBound(GS_BLOCK_MOST))
            return GS_UNPACKED_DAMAGED;
        if (!make_room(&unpacker->packed, &unpacker->packed_room, head.len))
            return GS_UNPACKED_NO_MEMORY;
        if (read_bytes(unpacker, unpacker->packed, head.len) < head.len)
            return unpacker->error ? GS_UNPACKED_DAMAGED : GS_UNPACKED_END;
        if (gs_block_crc(bytes, unpacker->packed, head.len) != head.crc)
            return GS_UNPACKED_DAMAGED;
    } while (head.type != GS_BLOCK_RECORDS);
    if (!make_room(&unpacker->raw, &unpacker->raw_room, head.raw_len))
        return GS_UNPACKED_NO_MEMORY;
    if (!unpack(unpacker, &head))
        return GS_UNPACKED_DAMAGED;
    *records = (struct gs_wire){.at = unpacker->raw, .end = unpacker->raw + head.raw_len};
    return GS_UNPACKED_BLOCK;
}
