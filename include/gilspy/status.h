/* What every function that can fail returns, and how a failure is told to the user. */
#ifndef GILSPY_STATUS_H
#define GILSPY_STATUS_H

#include <stdbool.h>

#define GS_MUST_CHECK        __attribute__((warn_unused_result))
#define GS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum gs_status {
    GS_OK = 0,
#define ERROR(name, class, text) GS_##name,
#include "../../src/base/errors.def"
#undef ERROR
    GS_STATUS_COUNT
};

/* LOST: one reading failed, go on. GONE: the target ended, finish what was begun. FATAL: give up. */
enum gs_status_class { GS_CLASS_OK, GS_CLASS_LOST, GS_CLASS_GONE, GS_CLASS_FATAL };

enum gs_status_class gs_status_class(enum gs_status status);
const char *gs_status_text(enum gs_status status);

/* The exit status of the program: 0 done, 1 could not, 2 usage, 3 no such process, 4 not permitted, 5 not a known
 * CPython. */
int gs_status_exit(enum gs_status status);

/* The reason of a failure, in words for the user, kept by the caller; functions with an `err` argument fill it when
 * they fail (NULL is accepted). what: what happened, why; todo: what to do about it, may be empty. No line feed. */
struct gs_err {
    char what[480];
    char todo[320];
};

/* Sets err->what (err->todo is emptied) and returns status, so that `return gs_fail(err, GS_X, ...)` reads well. */
enum gs_status gs_fail(struct gs_err *err, enum gs_status status, const char *fmt, ...) GS_PRINTF(3, 4);
/* Adds what to do. */
void gs_err_todo(struct gs_err *err, const char *fmt, ...) GS_PRINTF(2, 3);

#endif
