/* What must hold of everything that is shown. Kept apart from the code under test: it decodes by itself. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/show.h"

static void fail(const char *why, const char *text, size_t len, size_t at)
{
    fprintf(stderr, "not clean at byte %zu: %s\n", at, why);
    fwrite(text, 1, len < 4096 ? len : 4096, stderr);
    abort();
}

/* A character of valid UTF-8 at s, and its length; 0: none. */
static size_t decode(const unsigned char *s, size_t len, unsigned *c)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = s[0] < 0x80             ? 1
                  : (s[0] & 0xe0) == 0xc0 ? 2
                  : (s[0] & 0xf0) == 0xe0 ? 3
                  : (s[0] & 0xf8) == 0xf0 ? 4
                                          : 0;
    if (need == 0 || need > len)
        return 0;
    *c = need == 1 ? s[0] : s[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 0x3f);
    }
    return *c < least[need] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : need;
}

/* Bidirectional controls, line and paragraph separators, controls. */
static bool harmful(unsigned c)
{
    return (c < 0x20 && c != '\n') || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029 || c == 0x61c;
}

void show_check_text(const char *text, size_t len, bool ascii)
{
    unsigned c;
    for (size_t at = 0, taken; at < len; at += taken) {
        taken = decode((const unsigned char *)text + at, len - at, &c);
        if (!taken)
            fail("no UTF-8", text, len, at);
        if (harmful(c))
            fail("a control character", text, len, at);
        if (ascii && taken > 1)
            fail("not ASCII", text, len, at);
    }
}

void show_check_json(const char *json, size_t len)
{
    json_error_t error;
    for (size_t at = 0; at < len; at++) {
        if (json[at] < 0x20 || json[at] > 0x7e)
            fail("not printable ASCII", json, len, at);
    }
    json_t *document = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        fail(error.text, json, len, (size_t)error.position);
    json_decref(document);
}
