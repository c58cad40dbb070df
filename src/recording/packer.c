/* Records in the making: gathered, packed and written block by block, each with one write. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "recording/packer.h"

enum { LEVEL = 1, SLACK = 4 << 10 /* for the records after which a block turns out to be full */ };

static enum gs_status write_all(struct gs_packer *packer, const uint8_t *bytes, size_t len)
{
    if (packer->error)
        return GS_OUTPUT;
    while (len > 0) {
        ssize_t written = write(packer->fd, bytes, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            packer->error = written < 0 ? errno : ENOSPC;
            return GS_OUTPUT;
        }
        bytes += written;
        len -= (size_t)written;
        packer->written += (uint64_t)written;
    }
    return GS_OK;
}

static bool make_block_room(struct gs_packer *packer, size_t raw_len)
{
    size_t room = GS_BLOCK_HEAD + ZSTD_compressBound(raw_len);
    if (room <= packer->block_room)
        return true;
    free(packer->block);
    packer->block = malloc(room);
    packer->block_room = packer->block ? room : 0;
    return packer->block;
}

enum gs_status gs_packer_init(struct gs_packer *packer, int fd)
{
    *packer = (struct gs_packer){.fd = fd, .room = GS_BLOCK_USUAL + SLACK};
    packer->raw = malloc(packer->room);
    packer->zstd = ZSTD_createCCtx();
    if (!packer->raw || !packer->zstd || !make_block_room(packer, packer->room))
        return GS_NO_MEMORY;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_windowLog, GS_WINDOW_LOG)))
        return GS_FAILED;
    uint8_t head[GS_FILE_HEAD] = GS_FILE_MAGIC;
    head[GS_FILE_HEAD - 1] = GS_FILE_VERSION;
    return write_all(packer, head, sizeof head);
}

void gs_packer_fini(struct gs_packer *packer)
{
    free(packer->raw);
    free(packer->block);
    ZSTD_freeCCtx(packer->zstd);
    *packer = (struct gs_packer){.fd = -1};
}

enum gs_status gs_packer_room(struct gs_packer *packer, size_t most)
{
    if (most <= packer->room - packer->len)
        return GS_OK;
    if (most > GS_BLOCK_MOST)
        return GS_FAILED;
    /* What does not fit beside the others gets a block of its own. */
    enum gs_status status = gs_packer_write(packer);
    if (status || most <= packer->room)
        return status;
    uint8_t *raw = realloc(packer->raw, most);
    if (!raw)
        return GS_NO_MEMORY;
    packer->raw = raw;
    packer->room = most;
    return GS_OK;
}

enum gs_status gs_packer_commit(struct gs_packer *packer, const uint8_t *end)
{
    packer->len = (size_t)(end - packer->raw);
    return packer->len >= GS_BLOCK_USUAL ? gs_packer_write(packer) : GS_OK;
}

enum gs_status gs_packer_write(struct gs_packer *packer)
{
    if (packer->len == 0 || packer->error)
        return packer->error ? GS_OUTPUT : GS_OK;
    if (!make_block_room(packer, packer->len))
        return GS_NO_MEMORY;
    ZSTD_inBuffer in = {packer->raw, packer->len, 0};
    ZSTD_outBuffer out = {packer->block + GS_BLOCK_HEAD, packer->block_room - GS_BLOCK_HEAD, 0};
    size_t left = ZSTD_compressStream2(packer->zstd, &out, &in, ZSTD_e_flush);
    if (left != 0) { /* an error, or no room, which compressBound rules out: the stream cannot go on */
        packer->error = ENOMEM;
        return GS_NO_MEMORY;
    }
    struct gs_block_head head = {.type = GS_BLOCK_RECORDS, .raw_len = (uint32_t)packer->len, .len = (uint32_t)out.pos};
    gs_block_head_put(packer->block, &head);
    head.crc = gs_block_crc(packer->block, packer->block + GS_BLOCK_HEAD, out.pos);
    gs_block_head_put(packer->block, &head);
    packer->len = 0;
    return write_all(packer, packer->block, GS_BLOCK_HEAD + out.pos);
}
