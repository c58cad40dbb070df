/* Outputs compared byte by byte with the files of tests/golden; GOLDEN_WRITE=1 in the environment writes them anew. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stdio.h>

/* A stream into memory; golden_check closes it and compares what was written with the file called name. */
FILE *golden_open(void);
void golden_check(FILE *stream, const char *name);
/* The text that was written, which the caller frees; closes the stream. */
char *golden_text(FILE *stream);

#endif
