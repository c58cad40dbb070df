/* How a Python string is stored, and its way to UTF-8: for those who read many strings, or want the characters. */
#ifndef GILSPY_PYTHON_PYSTR_H
#define GILSPY_PYTHON_PYSTR_H

#include "python/values_type.h"

enum { GS_REPLACEMENT = 0xfffd, GS_MAX_CODE_POINT = 0x10ffff };

/* The first bytes of an object: with luck the whole of it, so that many objects are read by one scattered read. */
struct gs_near {
    gs_addr object;
    uint32_t len;
    uint8_t bytes[512];
};

/* Where the characters of a string lie and what they are. */
struct gs_str {
    gs_addr data;
    uint64_t units;
    uint32_t unit_bytes; /* 1, 2 or 4 */
    bool utf8;           /* bytes that are taken as UTF-8: 2.7 str */
    bool pairs;          /* two surrogates make one character: 2.7 unicode of a narrow build */
};

/* UTF-8 made in the caller's buffer, always terminated. Once something did not fit, nothing more is added. */
struct gs_utf8 {
    char *dst;
    size_t size, len;
    bool full;
};

/* The piece that reads the beginning of `object`: at least `head` bytes, more as far as the page goes. */
struct gs_piece gs_near_piece(struct gs_near *near, gs_addr object, size_t head);
/* Fills dst from what was read already or from the target. */
enum gs_status gs_near_read(const struct gs_near *near, struct gs_mem *mem, gs_addr addr, void *dst,
                            size_t len) GS_MUST_CHECK;

/* How many bytes at the beginning of a string tell where its characters are. */
size_t gs_str_head(const struct gs_layout *layout);
/* GS_LOST when the object is no string. */
enum gs_status gs_str_parse(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types,
                            const struct gs_near *near, struct gs_str *str) GS_MUST_CHECK;
/* The rest of gs_str_read, once the beginning was read. */
enum gs_status gs_str_finish(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types,
                             const struct gs_near *near, char *dst, size_t size) GS_MUST_CHECK;
/* The code point at raw[*pos], of len bytes; *pos moves behind it. Lone surrogates are returned as they are. */
uint32_t gs_str_next(const struct gs_str *str, const uint8_t *raw, size_t len, size_t *pos);

/* Surrogates and what is beyond Unicode become U+FFFD. */
void gs_utf8_put(struct gs_utf8 *out, uint32_t code_point);

#endif
