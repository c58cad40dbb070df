/* Words as one line. */
#ifndef GS_BASE_JOINED_H
#define GS_BASE_JOINED_H

/* With a blank between each two; words end with NULL, and may be NULL. The caller frees it; NULL: out of memory. */
char *gs_words_joined(char *const *words);

#endif
