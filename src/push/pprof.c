/* What all protocols do with a profile. */
#include <stdlib.h>
#include <zlib.h>

#include "base/room.h"
#include "push/protocol.h"

enum { GZIP_WINDOW = 15 + 16, PIECE = 1 << 16, MOST = 64 << 20 /* bytes of a profile: many times what one has */ };

/* malloc'ed, of *len bytes; NULL: it is not whole, too long, or memory is out. */
static uint8_t *inflate_all(const uint8_t *packed, size_t packed_len, size_t *len)
{
    z_stream stream = {.next_in = (uint8_t *)packed, .avail_in = (unsigned)packed_len};
    uint8_t *bytes = NULL;
    size_t room = 0;
    int result = inflateInit2(&stream, GZIP_WINDOW);
    *len = 0;
    while (result == Z_OK && *len < MOST && gs_room((void **)&bytes, &room, *len + PIECE, 1)) {
        stream.next_out = bytes + *len;
        stream.avail_out = PIECE;
        result = inflate(&stream, Z_NO_FLUSH);
        *len += PIECE - stream.avail_out;
    }
    inflateEnd(&stream);
    if (result == Z_STREAM_END)
        return bytes;
    free(bytes);
    return NULL;
}

Gs__Profile *gs_push_unpack(const struct gs_push_profile *profile)
{
    size_t len;
    uint8_t *bytes = inflate_all(profile->pprof, profile->len, &len);
    Gs__Profile *unpacked = bytes ? gs__profile__unpack(NULL, len, bytes) : NULL;
    free(bytes);
    return unpacked;
}

void gs_push_message_free(struct gs_push_message *message)
{
    free(message->path);
    free(message->body);
    *message = (struct gs_push_message){0};
}

static void put_pair(struct gs_push_pairs *pairs, const char *name, const char *value)
{
    Gs__PushLabel *label = &pairs->list[pairs->count];
    gs__push_label__init(label);
    label->name = (char *)name;
    label->value = (char *)value;
    pairs->labels[pairs->count++] = label;
}

bool gs_push_pairs_init(struct gs_push_pairs *pairs, const struct gs_push_profile *profile)
{
    size_t most = profile->label_count + 3;
    *pairs = (struct gs_push_pairs){.list = calloc(most, sizeof *pairs->list),
                                    .labels = calloc(most, sizeof(Gs__PushLabel *))};
    if (!pairs->list || !pairs->labels)
        return false;
    snprintf(pairs->pid, sizeof pairs->pid, "%d", (int)profile->pid);
    put_pair(pairs, "__name__", GS_PUSH_NAME);
    put_pair(pairs, "service_name", profile->service);
    put_pair(pairs, "pid", pairs->pid);
    for (size_t i = 0; i < profile->label_count; i++)
        put_pair(pairs, profile->labels[i].name, profile->labels[i].value);
    return true;
}

void gs_push_pairs_fini(struct gs_push_pairs *pairs)
{
    free(pairs->list);
    free(pairs->labels);
}
