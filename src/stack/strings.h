/* Strings, each kept once: two of them are equal when their pointers are. */
#ifndef GS_STACK_STRINGS_H
#define GS_STACK_STRINGS_H

#include <stddef.h>
#include <stdint.h>

struct gs_strings;

/* NULL: out of memory. */
struct gs_strings *gs_strings_new(void);
void gs_strings_free(struct gs_strings *strings);
/* Forgets all strings, but keeps the memory for the next ones. */
void gs_strings_clear(struct gs_strings *strings);
/* The one that is kept for this text, which is copied if it is new. NULL: out of memory. */
const char *gs_strings_keep(struct gs_strings *strings, const char *text);
/* Memory that the strings take which are kept; what was got for more of them is not counted. */
size_t gs_strings_bytes(const struct gs_strings *strings);

#endif
