/* Text as roff: nothing in it is taken for a command, hyphens of options can be copied and searched for. */
#ifndef MAN_ROFF_H
#define MAN_ROFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What is typed or printed literally. */
void gs_roff_literal(FILE *out, const char *text, size_t len);
/* A paragraph's words in lines, options among them in bold; beginning with a capital when `sentence`, and ended by a
 * full stop. */
void gs_roff_prose(FILE *out, const char *text, size_t len, bool sentence);
/* An argument as usage shows it: PID[,PID], capitals in italics, small letters in bold. */
void gs_roff_argument(FILE *out, const char *argument);

#endif
