/* Made-up programs drawn in a format. */
#ifndef TESTS_DRAWN_H
#define TESTS_DRAWN_H

#include <stdio.h>

#include "profile/modes.h"

FILE *drawn(const char *play, const char *format, const struct gs_selection *selection);
/* To be freed. */
char *drawn_text(const char *play, const char *format, const struct gs_selection *selection);
void drawn_check(const char *play, const char *format, struct gs_selection selection, const char *golden);
/* Nothing but ASCII and line feeds. */
void drawn_is_plain(const char *text);
/* Runs whose numbers are of any size, in each mode: nothing happens but that they are drawn. */
void drawn_wild(const char *format);

#endif
