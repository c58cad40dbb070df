/* The texts and classes of statuses, and the making of messages. */
#include <stdarg.h>
#include <stdio.h>

#include "gilspy/status.h"

struct row {
    const char *text;
    enum gs_status_class class;
    int exit;
};

#define CLASS_LOST    GS_CLASS_LOST, 1
#define CLASS_GONE    GS_CLASS_GONE, 1
#define CLASS_FATAL_1 GS_CLASS_FATAL, 1
#define CLASS_FATAL_2 GS_CLASS_FATAL, 2
#define CLASS_FATAL_3 GS_CLASS_FATAL, 3
#define CLASS_FATAL_4 GS_CLASS_FATAL, 4
#define CLASS_FATAL_5 GS_CLASS_FATAL, 5

static const struct row rows[GS_STATUS_COUNT] = {
    [GS_OK] = {"done", GS_CLASS_OK, 0},
#define ERROR(name, class, text) [GS_##name] = {text, CLASS_##class},
#include "errors.def"
#undef ERROR
};

enum gs_status_class gs_status_class(enum gs_status status)
{
    return rows[status].class;
}

const char *gs_status_text(enum gs_status status)
{
    return rows[status].text;
}

int gs_status_exit(enum gs_status status)
{
    return rows[status].exit;
}

enum gs_status gs_fail(struct gs_err *err, enum gs_status status, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(err->what, sizeof err->what, fmt, args);
        va_end(args);
        err->todo[0] = '\0';
    }
    return status;
}

void gs_err_todo(struct gs_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->todo, sizeof err->todo, fmt, args);
    va_end(args);
}
