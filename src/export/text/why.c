/* What a colleague would say: what, who, since when, what to try, and how sure that is. The dump follows. */
#include "base/wrap.h"
#include "export/why.h"

enum { INDENT = 2 };

static void write_sentence(struct gs_text *line, const struct gs_console *console, const char *lead, const char *words)
{
    gs_text_style(line, GS_STYLE_BOLD);
    gs_text_put(line, "%s: ", lead);
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_wrap_write(line, console, 0, words);
}

static void write_verdict(struct gs_text *line, const struct gs_console *console, const struct gs_verdict *verdict)
{
    bool calm = gs_why_kind_healthy(verdict->kind);
    gs_text_style(line, calm ? GS_STYLE_WITHOUT : GS_STYLE_WAITS);
    gs_text_put(line, "%s: ", gs_why_kind_name(verdict->kind));
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_wrap_write(line, console, 0, verdict->text);
    gs_text_write(line, console);
    for (size_t i = 0; i < verdict->evidence_count; i++) {
        gs_text_pad(line, INDENT);
        gs_wrap_write(line, console, INDENT, verdict->evidence[i]);
    }
    if (verdict->evidence_count > 0)
        gs_text_write(line, console);
    if (verdict->advice)
        write_sentence(line, console, "What helps", verdict->advice);
    if (verdict->basis)
        write_sentence(line, console, verdict->certain ? "Certain" : "Likely", verdict->basis);
    gs_text_write(line, console);
}

enum gs_status gs_why_text(const struct gs_why *why, const struct gs_dump *dump, const struct gs_console *console,
                           bool verbose)
{
    struct gs_text line;
    gs_text_init(&line, console->utf8);
    for (size_t i = 0; i < why->count; i++)
        write_verdict(&line, console, &why->list[i]);
    bool failed = line.failed;
    gs_text_fini(&line);
    return failed ? GS_NO_MEMORY : gs_dump_text(dump, console, verbose);
}
