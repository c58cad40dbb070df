/* The list of Python processes, as text and as JSON. */
#ifndef GS_EXPORT_PS_H
#define GS_EXPORT_PS_H

#include "base/console.h"
#include "gilspy/snapshot.h"

struct gs_ps_row {
    pid_t pid, ns_pid;
    char *user;
    char *python;      /* version, NULL: not known */
    const char *build; /* NULL: not known */
    size_t threads;    /* 0: not known */
    enum gs_gil_state gil;
    pid_t holder; /* 0: nobody, or not known */
    char **command;
    size_t command_count;
    bool watchable;
    char *why_not; /* NULL: watchable */
};

struct gs_ps {
    struct gs_ps_row *rows;
    size_t count;
};

void gs_ps_row_fini(struct gs_ps_row *row);
void gs_ps_fini(struct gs_ps *ps);

/* One JSON document and a line feed. Errors of the stream stay in it. */
enum gs_status gs_ps_json(const struct gs_ps *ps, FILE *out) GS_MUST_CHECK;
enum gs_status gs_ps_text(const struct gs_ps *ps, const struct gs_console *console, bool whole) GS_MUST_CHECK;

#endif
