/* What came out of a check. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/exam.h"

void gs_check_pass(struct gs_check *check, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(check->text, sizeof check->text, fmt, args);
    va_end(args);
    check->ok = true;
}

void gs_check_fail(struct gs_check *check, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(check->text, sizeof check->text, fmt, args);
    va_end(args);
    check->ok = false;
}

void gs_check_mend(struct gs_check *check, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(check->mend, sizeof check->mend, fmt, args);
    va_end(args);
}

void gs_check_error(struct gs_check *check, const struct gs_err *err)
{
    static const char try[] = "Try: ";
    size_t skip = strncmp(err->todo, try, sizeof try - 1) == 0 ? sizeof try - 1 : 0;
    gs_check_fail(check, "%s", err->what);
    gs_check_mend(check, "%s", err->todo + skip);
}

void gs_check_barrier(struct gs_check *check, const struct gs_barrier *barrier, const struct gs_barrier_facts *facts,
                      bool forbidden)
{
    char text[GS_BARRIER_TEXT];
    if (!barrier->met(facts)) {
        gs_check_pass(check, "%s", barrier->otherwise);
        return;
    }
    barrier->say(facts, text, sizeof text);
    if (!gs_barrier_stands(barrier, facts)) {
        gs_check_pass(check, "%s; CAP_SYS_PTRACE outweighs that", text);
    } else if (!forbidden) {
        gs_check_pass(check, "%s; gilspy can read it all the same", text);
    } else {
        gs_check_fail(check, "%s", text);
        barrier->mend(facts, text, sizeof text);
        gs_check_mend(check, "%s", text);
    }
}
