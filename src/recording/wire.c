/* The bytes of a .gilspy file: numbers, strings, heads of blocks. */
#include <zlib.h>

#include "recording/wire.h"

size_t gs_wire_string_len(const char *text)
{
    return text ? strnlen(text, GS_WIRE_STRING_MOST) : 0;
}

uint8_t *gs_wire_put_string(uint8_t *to, const char *text)
{
    size_t len = gs_wire_string_len(text);
    to = gs_wire_put(to, len);
    if (len > 0)
        memcpy(to, text, len);
    to[len] = 0;
    return to + len + 1;
}

static uint64_t fail(struct gs_wire *wire)
{
    wire->bad = true;
    wire->at = wire->end;
    return 0;
}

uint64_t gs_wire_get_long(struct gs_wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && wire->at < wire->end; shift += 7) {
        uint8_t byte = *wire->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return shift == 63 && byte > 1 ? fail(wire) : value;
    }
    return fail(wire);
}

bool gs_wire_get_bytes(struct gs_wire *wire, void *bytes, size_t len)
{
    if ((size_t)(wire->end - wire->at) < len) {
        fail(wire);
        memset(bytes, 0, len);
        return false;
    }
    memcpy(bytes, wire->at, len);
    wire->at += len;
    return true;
}

const char *gs_wire_get_string(struct gs_wire *wire)
{
    size_t len = gs_wire_get_most(wire, GS_WIRE_STRING_MOST);
    const uint8_t *text = wire->at;
    if (wire->bad || (size_t)(wire->end - text) <= len || memchr(text, 0, len + 1) != text + len) {
        fail(wire);
        return "";
    }
    wire->at += len + 1;
    return (const char *)text;
}

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

void gs_block_head_put(uint8_t bytes[GS_BLOCK_HEAD], const struct gs_block_head *head)
{
    memset(bytes, 0, GS_BLOCK_HEAD);
    memcpy(bytes, GS_BLOCK_MAGIC, 4);
    put_u32(bytes + 4, head->crc);
    bytes[8] = head->type;
    put_u32(bytes + 12, head->raw_len);
    put_u32(bytes + 16, head->len);
}

bool gs_block_head_get(const uint8_t bytes[GS_BLOCK_HEAD], struct gs_block_head *head)
{
    *head = (struct gs_block_head){
        .crc = get_u32(bytes + 4), .type = bytes[8], .raw_len = get_u32(bytes + 12), .len = get_u32(bytes + 16)};
    return memcmp(bytes, GS_BLOCK_MAGIC, 4) == 0;
}

uint32_t gs_block_crc(const uint8_t head[GS_BLOCK_HEAD], const void *payload, size_t len)
{
    uLong crc = crc32(0, head + GS_BLOCK_CRC_FROM, GS_BLOCK_HEAD - GS_BLOCK_CRC_FROM);
    return (uint32_t)crc32_z(crc, payload, len);
}

void gs_wire_expect_gils(struct gs_sampled_gil *gils, size_t count, const struct gs_thread_sample *threads)
{
    for (size_t i = 0; i < count; i++) {
        if (gils[i].holder_at != GS_NO_THREAD) {
            gils[i].state = GS_GIL_HELD;
            gils[i].last = threads[gils[i].holder_at].thread;
        } else if (gils[i].state == GS_GIL_HELD) {
            gils[i].state = GS_GIL_FREE;
        }
    }
}
