/* Everything that gilspy does to a process when it dumps it, and what must hold of the result. */
#ifndef TESTS_SHOW_H
#define TESTS_SHOW_H

#include "gilspy/python.h"

/* What was written; owned. */
struct show {
    char *text, *json; /* NULL: nothing could be shown */
    size_t text_len, json_len;
    size_t threads, frames;
};

/* Opens the Python of a target, takes two snapshots, and renders the second as text (for several kinds of terminal) and
 * as JSON, with the values of variables if asked for. Aborts when a rendering is not clean. */
void show_target(struct show *show, struct gs_target *target, bool locals);
void show_fini(struct show *show);

/* Aborts unless it is valid UTF-8 (ascii: ASCII) without any character that a terminal might obey. */
void show_check_text(const char *text, size_t len, bool ascii);
/* Aborts unless it is JSON of printable ASCII. */
void show_check_json(const char *json, size_t len);

#endif
