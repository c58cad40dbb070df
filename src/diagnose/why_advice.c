/* What to try when C code keeps the GIL. */
#include <string.h>

#include "diagnose/why_rules.h"

/* The innermost Python function often tells which C code it is. */
static const struct {
    const char *file, *advice; /* file: a part of its path */
} rows[] = {
    {"/re/", "A regular expression that backtracks is the usual cause: bound its input, rewrite it without nested "
             "repeats, or run it in another process."},
    {"/re.py", "A regular expression that backtracks is the usual cause: bound its input, rewrite it without nested "
               "repeats, or run it in another process."},
    {"/sre_", "A regular expression that backtracks is the usual cause: bound its input, rewrite it without nested "
              "repeats, or run it in another process."},
    {"/json/", "A large document is read or written in one call: cut it into pieces, or do it in another process."},
    {"/pickle", "A large object is pickled in one call: cut it into pieces, or do it in another process."},
    {"/ctypes/", "ctypes.PyDLL keeps the GIL: CDLL gives it up for the time of the call."},
};

const char *gs_why_advice_for_c(const struct gs_case *c, const struct gs_thread *thread)
{
    const struct gs_frame *frame = gs_case_innermost(thread);
    struct gs_place place;
    for (size_t i = 0; frame && c->lookup.place(c->lookup.context, frame, &place) && i < sizeof rows / sizeof *rows;
         i++) {
        if (strstr(place.file, rows[i].file))
            return rows[i].advice;
    }
    return "One call of C code that neither ends nor gives up the GIL: give it less at a time, have it give up the GIL "
           "(Py_BEGIN_ALLOW_THREADS), or run it in another process.";
}
