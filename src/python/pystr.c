/* Strings of all Pythons: 2.7 str and unicode, and 3.x str, compact, with its data elsewhere, of 1, 2 or 4 bytes. */
#include <stdlib.h>
#include <string.h>

#include "gilspy/python.h"
#include "python/pystr.h"

enum { PAGE = 4096 };

struct gs_piece gs_near_piece(struct gs_near *near, gs_addr object, size_t head)
{
    /* Never into the next page without need: nothing may be mapped there. */
    size_t len = PAGE - object % PAGE;
    if (len > sizeof near->bytes)
        len = sizeof near->bytes;
    if (len < head)
        len = head < sizeof near->bytes ? head : sizeof near->bytes;
    near->object = object;
    near->len = (uint32_t)len;
    return (struct gs_piece){object, near->bytes, near->len, false};
}

enum gs_status gs_near_read(const struct gs_near *near, struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    gs_addr at = addr - near->object;
    if (at <= near->len && len <= near->len - at) {
        memcpy(dst, near->bytes + at, len);
        return GS_OK;
    }
    return gs_mem_read(mem, addr, dst, len);
}

/* Only 2.7's unicode has these fields. */
static bool is_two(const struct gs_layout *layout)
{
    return layout->uni_length != GS_ABSENT;
}

size_t gs_str_head(const struct gs_layout *layout)
{
    return is_two(layout) ? (size_t)layout->uni_str + sizeof(gs_addr) : (size_t)layout->str_state + sizeof(uint32_t);
}

/* 2.7 can be built with 2- or 4-byte characters, and nothing in its objects tells which. Taken as 4 bytes, two
 * 2-byte characters nearly always make a number beyond Unicode. */
static bool is_narrow(struct gs_mem *mem, const struct gs_str *str)
{
    uint32_t units[64];
    size_t count = str->units < 64 ? (size_t)str->units : 64;
    if (count == 0)
        return false;
    if (gs_mem_read(mem, str->data, units, count * sizeof units[0]))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (units[i] > GS_MAX_CODE_POINT)
            return true;
    }
    return false;
}

static enum gs_status parse_two(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_near *near,
                                bool unicode, struct gs_str *str)
{
    int32_t length_at = unicode ? layout->uni_length : layout->ob_size;
    enum gs_status status = gs_near_read(near, mem, near->object + (gs_addr)length_at, &str->units, sizeof str->units);
    if (status)
        return status;
    if (!unicode) {
        *str = (struct gs_str){near->object + (gs_addr)layout->bytes_data, str->units, 1, true, false};
        return GS_OK;
    }
    status = gs_near_read(near, mem, near->object + (gs_addr)layout->uni_str, &str->data, sizeof str->data);
    if (status)
        return status;
    str->utf8 = false;
    str->pairs = is_narrow(mem, str);
    str->unit_bytes = str->pairs ? 2 : 4;
    return GS_OK;
}

/* PyASCIIObject.state: kind (3 bits), compact, ascii, from the bit that the layout names. */
static enum gs_status parse_three(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_near *near,
                                  struct gs_str *str)
{
    uint32_t state;
    enum gs_status status = gs_near_read(near, mem, near->object + (gs_addr)layout->str_state, &state, sizeof state);
    if (!status)
        status = gs_near_read(near, mem, near->object + (gs_addr)layout->str_length, &str->units, sizeof str->units);
    if (status)
        return status;
    state >>= layout->str_kind_shift;
    bool compact = state & 8, ascii = state & 16;
    str->unit_bytes = state & 7;
    str->utf8 = str->pairs = false;
    if (str->unit_bytes != 1 && str->unit_bytes != 2 && str->unit_bytes != 4)
        return GS_LOST;
    if (ascii && str->unit_bytes != 1)
        return GS_LOST;
    if (!compact)
        return gs_near_read(near, mem, near->object + (gs_addr)layout->str_legacy_data, &str->data, sizeof str->data);
    str->data = near->object + (gs_addr)(ascii ? layout->str_ascii_data : layout->str_compact_data);
    return GS_OK;
}

enum gs_status gs_str_parse(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types,
                            const struct gs_near *near, struct gs_str *str)
{
    gs_addr addr;
    enum gs_status status = gs_near_read(near, mem, near->object + (gs_addr)layout->ob_type, &addr, sizeof addr);
    if (status)
        return status;
    struct gs_type type;
    if (!gs_type_get(types, layout, mem, addr, &type))
        return GS_LOST;
    bool unicode = gs_type_has(&type, GS_TYPE_UNICODE);
    if (!unicode && !(is_two(layout) && gs_type_has(&type, GS_TYPE_BYTES)))
        return GS_LOST;
    status = is_two(layout) ? parse_two(layout, mem, near, unicode, str) : parse_three(layout, mem, near, str);
    if (!status && str->units > INT64_MAX / 4)
        return GS_LOST;
    return status;
}

/* Invalid bytes become U+FFFD, one for each beginning of a sequence that goes wrong. */
static uint32_t utf8_next(const uint8_t *raw, size_t len, size_t *pos)
{
    uint8_t first = raw[(*pos)++];
    if (first < 0x80)
        return first;
    unsigned more = first >= 0xc2 && first <= 0xdf   ? 1
                    : (first & 0xf0) == 0xe0         ? 2
                    : first >= 0xf0 && first <= 0xf4 ? 3
                                                     : 0;
    if (more == 0)
        return GS_REPLACEMENT;
    /* What the second byte may be excludes overlong forms, surrogates and what is beyond Unicode. */
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    uint32_t code_point = first & (0x3fu >> more);
    for (; more > 0; more--) {
        if (*pos >= len || raw[*pos] < low || raw[*pos] > high)
            return GS_REPLACEMENT;
        code_point = code_point << 6 | (raw[(*pos)++] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    return code_point;
}

static uint32_t unit_at(const struct gs_str *str, const uint8_t *raw, size_t pos)
{
    uint32_t wide;
    uint16_t half;
    switch (str->unit_bytes) {
    case 1:
        return raw[pos];
    case 2:
        memcpy(&half, raw + pos, sizeof half);
        return half;
    default:
        memcpy(&wide, raw + pos, sizeof wide);
        return wide;
    }
}

uint32_t gs_str_next(const struct gs_str *str, const uint8_t *raw, size_t len, size_t *pos)
{
    if (str->utf8)
        return utf8_next(raw, len, pos);
    if (len - *pos < str->unit_bytes) {
        *pos = len;
        return GS_REPLACEMENT;
    }
    uint32_t code_point = unit_at(str, raw, *pos);
    *pos += str->unit_bytes;
    if (str->pairs && (code_point & 0xfc00) == 0xd800 && len - *pos >= str->unit_bytes) {
        uint32_t second = unit_at(str, raw, *pos);
        if ((second & 0xfc00) == 0xdc00) {
            *pos += str->unit_bytes;
            return 0x10000 + ((code_point & 0x3ff) << 10) + (second & 0x3ff);
        }
    }
    return code_point > GS_MAX_CODE_POINT ? GS_REPLACEMENT : code_point;
}

void gs_utf8_put(struct gs_utf8 *out, uint32_t code_point)
{
    if ((code_point & 0xfffff800) == 0xd800 || code_point > GS_MAX_CODE_POINT)
        code_point = GS_REPLACEMENT;
    size_t need = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    if (out->full || out->size - out->len <= need) {
        out->full = true;
        return;
    }
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = need; i-- > 1; code_point >>= 6)
        out->dst[out->len + i] = (char)(0x80 | (code_point & 0x3f));
    out->dst[out->len] = (char)(marks[need] | code_point);
    out->len += need;
    out->dst[out->len] = '\0';
}

static void decode(const struct gs_str *str, const uint8_t *raw, size_t len, char *dst, size_t size)
{
    struct gs_utf8 out = {dst, size, 0, false};
    size_t pos = 0;
    dst[0] = '\0';
    while (pos < len && !out.full) {
        uint32_t code_point = gs_str_next(str, raw, len, &pos);
        gs_utf8_put(&out, code_point ? code_point : GS_REPLACEMENT); /* a NUL would hide what follows */
    }
}

enum gs_status gs_str_finish(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types,
                             const struct gs_near *near, char *dst, size_t size)
{
    struct gs_str str;
    dst[0] = '\0';
    enum gs_status status = gs_str_parse(layout, mem, types, near, &str);
    if (status || str.units == 0)
        return status;
    /* Each unit makes one byte at least; a few more, so that the cut does not split a character of bytes. */
    size_t units = str.units < size + 4 ? (size_t)str.units : size + 4, len = units * str.unit_bytes;
    gs_addr at = str.data - near->object;
    if (at <= near->len && len <= near->len - at) {
        decode(&str, near->bytes + at, len, dst, size);
        return GS_OK;
    }
    uint8_t *raw = malloc(len);
    if (!raw)
        return GS_NO_MEMORY;
    status = gs_mem_read(mem, str.data, raw, len);
    if (!status)
        decode(&str, raw, len, dst, size);
    free(raw);
    return status;
}

enum gs_status gs_str_read(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, char *dst, size_t size)
{
    struct gs_near near;
    struct gs_types types = {0};
    struct gs_piece piece = gs_near_piece(&near, object, gs_str_head(layout));
    dst[0] = '\0';
    enum gs_status status = object == 0 ? GS_UNREADABLE : gs_mem_read(mem, piece.addr, piece.dst, piece.len);
    return status ? status : gs_str_finish(layout, mem, &types, &near, dst, size);
}
