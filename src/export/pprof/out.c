/* The compressed file, and its string table. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "export/pprof/pprof.h"

enum { GZIP_WINDOW = 15 + 16 /* the largest, with gzip's head */, OUT_BYTES = 1 << 16 };

struct gs_pprof_out {
    FILE *out;
    struct gs_pprof_texts *texts;
    z_stream stream;
    bool opened;
    uint8_t *packed;
    size_t room;
    uint8_t bytes[OUT_BYTES];
};

struct gs_pprof_out *gs_pprof_out_new(FILE *file)
{
    struct gs_pprof_out *out = calloc(1, sizeof *out);
    if (!out)
        return NULL;
    out->out = file;
    out->texts = gs_pprof_texts_new();
    out->opened = out->texts && deflateInit2(&out->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                                             Z_DEFAULT_STRATEGY) == Z_OK;
    if (out->opened)
        return out;
    gs_pprof_out_free(out);
    return NULL;
}

void gs_pprof_out_free(struct gs_pprof_out *out)
{
    if (!out)
        return;
    if (out->opened)
        deflateEnd(&out->stream);
    gs_pprof_texts_free(out->texts);
    free(out->packed);
    free(out);
}

static enum gs_status compress_bytes(struct gs_pprof_out *out, size_t len, int flush)
{
    int result;
    if (len > UINT32_MAX / 2)
        return GS_FAILED;
    out->stream.next_in = out->packed;
    out->stream.avail_in = (unsigned)len;
    do {
        out->stream.next_out = out->bytes;
        out->stream.avail_out = OUT_BYTES;
        result = deflate(&out->stream, flush);
        if (result == Z_STREAM_ERROR)
            return GS_FAILED;
        fwrite(out->bytes, 1, OUT_BYTES - out->stream.avail_out, out->out);
    } while (out->stream.avail_out == 0);
    return GS_OK;
}

enum gs_status gs_pprof_put(struct gs_pprof_out *out, const Gs__Profile *piece)
{
    size_t len = gs__profile__get_packed_size(piece);
    if (len > out->room) {
        uint8_t *packed = realloc(out->packed, len * 2);
        if (!packed)
            return GS_NO_MEMORY;
        out->packed = packed;
        out->room = len * 2;
    }
    return compress_bytes(out, gs__profile__pack(piece, out->packed), Z_NO_FLUSH);
}

enum gs_status gs_pprof_put_text(struct gs_pprof_out *out, const char *text, int64_t *number)
{
    char *entry = (char *)text;
    bool added;
    Gs__Profile piece = GS__PROFILE__INIT;
    piece.n_string_table = 1;
    piece.string_table = &entry;
    *number = gs_pprof_text(out->texts, text, &added);
    if (*number < 0)
        return GS_NO_MEMORY;
    return added ? gs_pprof_put(out, &piece) : GS_OK;
}

enum gs_status gs_pprof_out_end(struct gs_pprof_out *out)
{
    return compress_bytes(out, 0, Z_FINISH);
}
