/* One code object, read whole. */
#ifndef GILSPY_PYTHON_CODE_READ_H
#define GILSPY_PYTHON_CODE_READ_H

#include "gilspy/python.h"
#include "python/values_type.h"

struct gs_code_string;

/* Names of functions and files, each once. Zeroed memory is an empty set. */
struct gs_code_strings {
    struct gs_code_string **buckets;
    size_t bucket_count, count;
};

/* Everything must have been dropped. */
void gs_code_strings_fini(struct gs_code_strings *strings);

enum { GS_LINE_MARK_BYTES = 4096 /* from one mark to the next */ };
enum { GS_CODE_SPAN = 512 /* more bytes than the part of any Python's PyCodeObject that is read */ };

/* The one copy of text; NULL when out of memory. gs_code_fini drops those that a code object has. */
char *gs_code_string(struct gs_code_strings *strings, const char *text);

/* How many bytes of a code object hold all fields of it that are read. */
size_t gs_code_span(const struct gs_layout *layout);
/* Reads the code object at addr into *code, which takes its strings from `strings`. On failure nothing is kept. */
enum gs_status gs_code_read(struct gs_python *python, struct gs_types *types, struct gs_code_strings *strings,
                            gs_addr addr, struct gs_code *code) GS_MUST_CHECK;
/* `bytes`, gs_code_span of them just read at code->addr, are still that code object. */
bool gs_code_same(const struct gs_python *python, const struct gs_code *code, const uint8_t *bytes);
/* A string's length and hash, which follow its type: 2.7's Include/stringobject.h, Include/cpython/unicodeobject.h. */
struct gs_piece gs_code_mark_piece(const struct gs_layout *layout, gs_addr string, struct gs_code_mark *mark);
/* Puts marks into a line table that is long. */
void gs_code_mark_lines(const struct gs_layout *layout, struct gs_code *code);
void gs_code_fini(struct gs_code *code, struct gs_code_strings *strings);

#endif
