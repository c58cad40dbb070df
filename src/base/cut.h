/* Text that has to fit. */
#ifndef GS_BASE_CUT_H
#define GS_BASE_CUT_H

#include <stddef.h>

/* Copies text (UTF-8), cut at its end, or at its front, so that it fits into size bytes: no half of a character is
 * left. */
void gs_cut(char *dst, size_t size, const char *text);
void gs_cut_front(char *dst, size_t size, const char *text);

#endif
