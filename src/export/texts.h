/* Texts by number, each once, from 0 on in the order in which they come. */
#ifndef GS_EXPORT_TEXTS_H
#define GS_EXPORT_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

struct gs_texts;

struct gs_texts *gs_texts_new(void);
void gs_texts_free(struct gs_texts *texts);
/* added: it is a new one; -1: out of memory. */
int64_t gs_texts_number(struct gs_texts *texts, const char *text, bool *added);
/* The text with a number that was given out; it holds as long as texts. */
const char *gs_texts_at(const struct gs_texts *texts, uint32_t number);

#endif
