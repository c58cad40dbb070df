/* One line per check with its mark, below it what mends it, and at the end what gilspy can be used for. */
#include <string.h>

#include "base/wrap.h"
#include "export/doctor.h"

enum mark { MARK_OK, MARK_NOTE, MARK_MISSING };

static const struct {
    const char *symbol, *ascii;
    enum gs_style style;
} marks[] = {
    [MARK_OK] = {"✓", "ok", GS_STYLE_WITHOUT},
    [MARK_NOTE] = {"•", "note", GS_STYLE_HOLDS},
    [MARK_MISSING] = {"✗", "missing", GS_STYLE_WAITS},
};

enum { SYMBOL_COLUMNS = 2, ASCII_COLUMNS = 9, GAP = 2 };

static enum mark mark_of(const struct gs_check *check)
{
    return check->ok ? MARK_OK : check->needed ? MARK_MISSING : MARK_NOTE;
}

static void put_mark(struct gs_text *line, enum mark mark)
{
    gs_text_style(line, marks[mark].style);
    gs_text_put(line, "%s", line->utf8 ? marks[mark].symbol : marks[mark].ascii);
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_text_pad(line, line->utf8 ? SYMBOL_COLUMNS : ASCII_COLUMNS);
}

/* A command is to be copied: it is not wrapped. */
static void write_mend(struct gs_text *line, const struct gs_console *console, const struct gs_check *check, int indent)
{
    if (!check->mend[0])
        return;
    gs_text_pad(line, indent);
    gs_text_style(line, GS_STYLE_BOLD);
    gs_text_put(line, "%s ", line->utf8 ? "→" : "->");
    gs_text_add(line, check->mend);
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_text_write(line, console);
}

static int name_columns(const struct gs_doctor *doctor)
{
    size_t most = 0;
    for (size_t i = 0; i < doctor->count; i++) {
        size_t len = strlen(doctor->checks[i].name);
        most = len > most ? len : most;
    }
    return (int)most;
}

static void write_verdict(struct gs_text *line, const struct gs_console *console, const struct gs_doctor *doctor)
{
    char of[48] = "";
    if (doctor->pid != 0)
        snprintf(of, sizeof of, " on process %d", (int)doctor->pid);
    gs_text_write(line, console);
    gs_text_style(line, GS_STYLE_BOLD);
    if (doctor->usable[GS_USE_DUMP])
        gs_text_put(line, "dump, top and ps can be used%s.", of);
    else
        gs_text_put(line, "dump, top and ps cannot be used%s: %s.", of, gs_status_text(doctor->status));
    gs_text_style(line, GS_STYLE_PLAIN);
    if (console->columns > 0)
        gs_text_write(line, console);
    else
        gs_text_put(line, " ");
    gs_text_put(line, "trace and stat --exact %s.",
                doctor->usable[GS_USE_EXACT] ? "can be used, too" : "cannot be used");
    if (doctor->usable[GS_USE_DUMP] && !doctor->usable[GS_USE_NATIVE])
        gs_text_put(line, " -n cannot: without /proc/TID/syscall nobody knows where a C stack is.");
    gs_text_write(line, console);
}

enum gs_status gs_doctor_text(const struct gs_doctor *doctor, const struct gs_console *console, bool quiet)
{
    struct gs_text line;
    gs_text_init(&line, console->utf8);
    int names = name_columns(doctor);
    for (size_t i = 0; i < doctor->count; i++) {
        const struct gs_check *check = &doctor->checks[i];
        enum mark mark = mark_of(check);
        if (quiet && mark != MARK_MISSING)
            continue;
        put_mark(&line, mark);
        int begin = line.columns + names + GAP;
        gs_text_put(&line, "%s", check->name);
        gs_text_pad(&line, begin);
        gs_wrap_write(&line, console, line.columns, check->text);
        write_mend(&line, console, check, begin);
    }
    if (!quiet)
        write_verdict(&line, console, doctor);
    enum gs_status status = line.failed ? GS_NO_MEMORY : GS_OK;
    gs_text_fini(&line);
    return status;
}
