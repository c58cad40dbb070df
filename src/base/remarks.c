/* Remarks on their way to whoever listens. */
#include <stdarg.h>
#include <stdio.h>

#include "base/remarks.h"

void gs_tell(const struct gs_remarks *to, const char *fmt, ...)
{
    char what[1024];
    va_list args;
    if (!to)
        return;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    to->tell(to->context, what);
}

int gs_tell_failure(const struct gs_remarks *to, enum gs_status status, const struct gs_err *err)
{
    return to ? to->fail(to->context, status, err) : gs_status_exit(status);
}
