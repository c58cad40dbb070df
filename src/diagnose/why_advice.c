/* What to try when C code keeps the GIL. */
#include <string.h>

#include "diagnose/why_closer.h"
#include "diagnose/why_rules.h"

#define REGEX                                                                                                          \
    "A regular expression that backtracks is the usual cause: bound its input, rewrite it without nested repeats, or " \
    "run it in another process."
#define PIECES "It works on much in one call: cut that into pieces, or do it in another process."

/* The C function or its library tells which code it is; where it has no name, the innermost Python function may. */
static const struct {
    const char *part; /* of a C function's name, a library's, or a Python file's path */
    const char *advice;
} rows[] = {
    {"sre_", REGEX},
    {"_sre", REGEX},
    {"re.Pattern", REGEX},
    {"/re/", REGEX},
    {"/re.py", REGEX},
    {"json", PIECES},
    {"pickle", PIECES},
    {"list_sort", PIECES},
    {"list.sort", PIECES},
    {"sqlite3", "A query of SQLite that lasts: an index, or a query for less at a time, is what helps."},
    {"/ctypes/", "ctypes.PyDLL keeps the GIL: CDLL gives it up for the time of the call."},
};

const char *gs_why_advice_for_c(const struct gs_case *c, const struct gs_why_closer *closer,
                                const struct gs_why_hold *hold)
{
    const struct gs_frame frame = {
        .frame = hold->frame, .code = hold->code, .instr = hold->instr, .kind = GS_FRAME_PYTHON};
    struct gs_place place;
    bool known = c->lookup.place(c->lookup.context, &frame, &place);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((closer && (strstr(closer->function, rows[i].part) || strstr(closer->module, rows[i].part))) ||
            (known && strstr(place.file, rows[i].part)))
            return rows[i].advice;
    }
    return "One call of C code that neither ends nor gives up the GIL: give it less at a time, have it give up the GIL "
           "(Py_BEGIN_ALLOW_THREADS), or run it in another process.";
}
