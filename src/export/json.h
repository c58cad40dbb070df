/* JSON that may hold anything that a target contains. */
#ifndef GS_EXPORT_JSON_H
#define GS_EXPORT_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "gilspy/snapshot.h"

/* A string of the target's, in which invalid bytes become U+FFFD. NULL when out of memory, as json_pack hands on. */
json_t *gs_json_text(const char *theirs);
/* null for NULL and "". */
json_t *gs_json_text_or_null(const char *theirs);
json_t *gs_json_texts(char *const *list, size_t count);
/* null when it is not known. */
json_t *gs_json_number(bool known, uint64_t number);
/* The "quality" of every document. */
json_t *gs_json_quality(const struct gs_quality *quality);

/* Writes the value in ASCII, all else escaped, and frees it. GS_NO_MEMORY when value is NULL; errors of the stream
 * stay in it. */
enum gs_status gs_json_write(json_t *value, FILE *out) GS_MUST_CHECK;

/* The same, with no more digits of each number than a measurement has. */
enum gs_status gs_json_write_figures(json_t *value, FILE *out) GS_MUST_CHECK;

/* The same for gs_json_text_or_null(theirs), without jansson where nothing in it needs escaping: names of functions and
 * files, of which there are many. */
enum gs_status gs_json_write_text(const char *theirs, FILE *out) GS_MUST_CHECK;

#endif
