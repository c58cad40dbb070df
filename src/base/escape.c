/* Decoding UTF-8 that may be anything, and showing characters that may be meant to fool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/escape.h"

size_t gs_utf8_next(const char *s, size_t len, uint32_t *character)
{
    const unsigned char *p = (const unsigned char *)s;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : 4;
    *character = GS_UTF8_REPLACEMENT;
    if (need == 1) {
        *character = p[0];
        return 1;
    }
    if (p[0] < 0xc2 || p[0] > 0xf4 || need > len)
        return 1;
    uint32_t value = p[0] & (0x7f >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (p[i] & 0x3f);
    }
    if (value < smallest[need] || value > 0x10ffff || value - 0xd800 < 0x800)
        return 1;
    *character = value;
    return need;
}

size_t gs_utf8_encode(uint32_t c, char *dst)
{
    if (c < 0x80) {
        dst[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        dst[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    dst[0] = (char)((0xf00 >> len & 0xff) | c);
    return len;
}

/* Controls (C0, DEL, C1), the ends of lines that only Unicode knows, and all that changes the direction of text. */
static bool unsafe(uint32_t c)
{
    return c < 0x20 || c - 0x7f < 0x21 || c == 0x61c || c - 0x200e < 2 || c - 0x2028 < 7 || c - 0x2066 < 10;
}

static int width_of(uint32_t c)
{
    if (c < 0x7f)
        return 1;
    return c == GS_UTF8_REPLACEMENT ? 1 : wcwidth((wchar_t)c);
}

static size_t write_escaped(uint32_t c, char dst[GS_ESCAPE_MAX])
{
    const char *form = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
    return (size_t)snprintf(dst, GS_ESCAPE_MAX, form, c);
}

size_t gs_escape_char(uint32_t c, bool utf8, char dst[GS_ESCAPE_MAX], int *columns)
{
    if (!unsafe(c) && (utf8 || c < 0x7f)) {
        *columns = width_of(c);
        if (*columns >= 0)
            return gs_utf8_encode(c, dst);
    }
    *columns = (int)write_escaped(c, dst);
    return (size_t)*columns;
}

size_t gs_escape_plain(uint32_t c, char dst[GS_ESCAPE_MAX])
{
    /* Unicode has 66 code points that are no characters; XML forbids some of them. */
    bool none = (c & 0xfffe) == 0xfffe || c - 0xfdd0 < 32;
    return unsafe(c) || none ? write_escaped(c, dst) : gs_utf8_encode(c, dst);
}

char *gs_utf8_clean(const char *s)
{
    size_t len = strlen(s), used = 0;
    char *clean = malloc(len * 3 + 1); /* U+FFFD takes three bytes in place of one */
    if (!clean)
        return NULL;
    while (len > 0) {
        uint32_t c;
        size_t taken = gs_utf8_next(s, len, &c);
        used += gs_utf8_encode(c, clean + used);
        s += taken;
        len -= taken;
    }
    clean[used] = '\0';
    return clean;
}
