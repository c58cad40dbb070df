/* Cutting between characters. */
#include <string.h>

#include "base/cut.h"

void gs_cut(char *dst, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--; /* no half of a character */
    }
    memcpy(dst, text, len);
    dst[len] = '\0';
}

void gs_cut_front(char *dst, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len >= size) {
        text += len - (size - 1);
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
    }
    gs_cut(dst, size, text);
}
