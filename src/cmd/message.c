/* Messages: one line each, with nothing in them that could drive a terminal. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/console.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/text.h"
#include "cmd/message.h"

static void say(const char *what, const char *todo)
{
    struct gs_console console;
    struct gs_text line;
    gs_console_init(&console, stderr, GS_COLOR_NEVER);
    gs_text_init(&line, console.utf8);
    gs_text_put(&line, "gilspy: ");
    gs_text_add(&line, what);
    if (*todo) {
        gs_text_put(&line, ". ");
        gs_text_add(&line, todo);
    }
    gs_text_write(&line, &console);
    gs_text_fini(&line);
}

int gs_message(enum gs_status status, const struct gs_err *err)
{
    if (gs_memory_short() && gs_status_exit(status) != gs_status_exit(GS_NO_MEMORY)) {
        say("out of memory", ""); /* whatever else seems to be wrong */
        return gs_status_exit(GS_NO_MEMORY);
    }
    say(err->what[0] ? err->what : gs_status_text(status), err->what[0] ? err->todo : "");
    return gs_status_exit(status);
}

void gs_remark(const char *fmt, ...)
{
    char what[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    say(what, "");
}

int gs_output_message(enum gs_status status, const struct gs_err *err)
{
    return status == GS_OUTPUT && !err->what[0] ? gs_status_exit(status) : gs_message(status, err);
}

int gs_stdout_close(int exit)
{
    struct gs_err err;
    enum gs_status status = gs_output_close_stdout(&err);
    return status == GS_OK ? exit : gs_output_message(status, &err);
}

static void tell(void *context, const char *text)
{
    (void)context;
    say(text, "");
}

static int fail(void *context, enum gs_status status, const struct gs_err *err)
{
    (void)context;
    return gs_message(status, err);
}

const struct gs_remarks gs_to_user = {.tell = tell, .fail = fail};
