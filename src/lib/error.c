/* Errors of libgilspy: what the engine says, in the numbers that the program ends with. */
#include <stdio.h>
#include <string.h>

#include "lib/handle.h"

const char *gilspy_version(void)
{
    return GILSPY_VERSION;
}

const char *gilspy_status_text(enum gilspy_status status)
{
    static const char *const texts[] = {
        [GILSPY_OK] = "done",
        [GILSPY_FAILED] = "failed",
        [GILSPY_USAGE] = "not a valid argument",
        [GILSPY_NO_PROCESS] = "no such process",
        [GILSPY_NOT_PERMITTED] = "not permitted",
        [GILSPY_NOT_PYTHON] = "not a known CPython",
        [GILSPY_ENDED] = "the process ended",
        [GILSPY_BUSY] = "the process changed too fast",
    };
    return (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}

void gs_lib_give(void *to, const void *filled, size_t size)
{
    size_t wanted;
    memcpy(&wanted, to, sizeof wanted);
    size_t len = wanted < size ? wanted : size;
    if (len > sizeof wanted)
        memcpy((char *)to + sizeof wanted, (const char *)filled + sizeof wanted, len - sizeof wanted);
}

static enum gilspy_status public_status(enum gs_status status)
{
    switch (gs_status_class(status)) {
    case GS_CLASS_OK:
        return GILSPY_OK;
    case GS_CLASS_LOST:
        return GILSPY_BUSY;
    case GS_CLASS_GONE:
        return gs_status_exit(status) == GILSPY_NO_PROCESS ? GILSPY_NO_PROCESS : GILSPY_ENDED;
    default:
        return (enum gilspy_status)gs_status_exit(status);
    }
}

enum gilspy_status gs_lib_fail(struct gilspy_error *error, enum gs_status status, const struct gs_err *err)
{
    struct gilspy_error filled = {.struct_size = sizeof filled};
    snprintf(filled.what, sizeof filled.what, "%s", err && err->what[0] ? err->what : gs_status_text(status));
    snprintf(filled.todo, sizeof filled.todo, "%s", err ? err->todo : "");
    if (error)
        gs_lib_give(error, &filled, sizeof filled);
    return public_status(status);
}

enum gilspy_status gs_lib_usage(struct gilspy_error *error, const char *what)
{
    struct gilspy_error filled = {.struct_size = sizeof filled};
    snprintf(filled.what, sizeof filled.what, "%s", what);
    if (error)
        gs_lib_give(error, &filled, sizeof filled);
    return GILSPY_USAGE;
}
