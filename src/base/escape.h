/* What was read from a target, made safe for a terminal: no character of it can move a cursor or turn text around. */
#ifndef GS_BASE_ESCAPE_H
#define GS_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS_UTF8_REPLACEMENT = 0xfffd, GS_ESCAPE_MAX = 12 };

/* The first character of the len (at least 1) bytes at s, U+FFFD for a byte that begins no valid sequence (an encoded
 * surrogate is none). Returns how many bytes it takes, at least 1. */
size_t gs_utf8_next(const char *s, size_t len, uint32_t *character);

/* Writes one character as UTF-8; returns the bytes written, 4 at most. */
size_t gs_utf8_encode(uint32_t character, char *dst);

/* The form in which a character is shown, not terminated: itself, or \xNN, \uNNNN, \UNNNNNNNN when it could do harm
 * or the terminal knows no UTF-8. Returns its length in bytes; *columns is the room that it takes. */
size_t gs_escape_char(uint32_t character, bool utf8, char dst[GS_ESCAPE_MAX], int *columns);

/* The same for a file, which is UTF-8 whatever the locale: itself, or \xNN, \uNNNN, \UNNNNNNNN when it could do harm or
 * is none that a file may hold. */
size_t gs_escape_plain(uint32_t character, char dst[GS_ESCAPE_MAX]);

/* A malloc'ed copy in which invalid bytes have become U+FFFD; NULL when out of memory. */
char *gs_utf8_clean(const char *s);

#endif
