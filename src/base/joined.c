/* One allocation of the right size. */
#include <stdlib.h>
#include <string.h>

#include "base/joined.h"

char *gs_words_joined(char *const *words)
{
    size_t len = 1;
    for (size_t i = 0; words && words[i]; i++)
        len += strlen(words[i]) + 1;
    char *line = calloc(1, len), *at = line;
    for (size_t i = 0; line && words && words[i]; i++) {
        if (i > 0)
            *at++ = ' ';
        at = stpcpy(at, words[i]);
    }
    return line;
}
