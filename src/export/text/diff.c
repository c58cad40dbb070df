/* The difference as text: what grew and what shrank, by function. */
#include <string.h>

#include "base/escape.h"
#include "export/difference.h"

enum { ROWS = 20, NAME_MOST = 100 };

/* The text while it is written. */
struct writing {
    const struct gs_difference *difference;
    struct gs_changes changes;
    struct gs_label line;
    FILE *out;
    bool utf8;
};

/* A character where letters are ASCII. */
static void write_plain(const char *at, size_t len, FILE *out)
{
    static const struct {
        const char *letter, *plain;
    } known[] = {{"·", "-"}, {"±", "+-"}, {"…", "..."}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].letter) == len && memcmp(at, known[i].letter, len) == 0) {
            fputs(known[i].plain, out);
            return;
        }
    }
    putc('?', out);
}

static void end_line(struct writing *w)
{
    const char *at = w->line.bytes ? w->line.bytes : "";
    while (*at) {
        uint32_t c;
        size_t taken = gs_utf8_next(at, strlen(at), &c);
        if (w->utf8 || c < 0x80)
            fwrite(at, 1, taken, w->out);
        else
            write_plain(at, taken, w->out);
        at += taken;
    }
    putc('\n', w->out);
    gs_label_cut(&w->line, 0);
}

static void write_row(struct writing *w, const struct gs_changed *changed)
{
    gs_label_put(&w->line, "%+9.1f %7.1f %8.1f %8.1f %12.1f %8.1f  ", gs_change_by(&changed->self) * 100,
                 changed->self.chance * 100, changed->self.before * 100, changed->self.after * 100,
                 changed->all.before * 100, changed->all.after * 100);
    gs_label_node(&w->line, w->difference->tree, changed->node, NULL, NAME_MOST);
    end_line(w);
}

static void write_head(struct writing *w, const char *what)
{
    gs_label_put(&w->line, "\n%9s %8s %8s %8s %12s %8s  %s", what, "±", "BEFORE", "AFTER", "ALL BEFORE", "AFTER",
                 "FUNCTION");
    end_line(w);
}

static void write_rest(struct writing *w, size_t count, const char *what)
{
    if (count == 0)
        return;
    gs_label_count(&w->line, count, "function more", "functions more");
    gs_label_put(&w->line, " %s", what);
    end_line(w);
}

static void write_tables(struct writing *w)
{
    const struct gs_changes *changes = &w->changes;
    size_t grew = changes->grew < ROWS ? changes->grew : ROWS, shrank = changes->shrank < ROWS ? changes->shrank : ROWS;
    if (grew > 0)
        write_head(w, "GREW");
    for (size_t i = 0; i < grew; i++)
        write_row(w, &changes->list[i]);
    write_rest(w, changes->grew - grew, "grew");
    if (shrank > 0)
        write_head(w, "SHRANK");
    for (size_t i = 0; i < shrank; i++)
        write_row(w, &changes->list[changes->count - 1 - i]);
    write_rest(w, changes->shrank - shrank, "shrank");
    gs_diff_rest(&w->line, changes);
    if (w->line.len > 0) {
        fputs("\n", w->out);
        end_line(w);
    }
    if (grew + shrank > 0) {
        gs_label_put(&w->line, "Percent of the time: of the function itself, and (ALL) with what it calls. ± is what "
                               "chance may do, 95 %% of the time less.");
        end_line(w);
    }
}

static void write_all(struct writing *w)
{
    for (int side = 0; side < GS_SIDES; side++) {
        gs_diff_side(&w->line, w->difference, side);
        end_line(w);
    }
    gs_diff_counted(&w->line, w->difference);
    end_line(w);
    fputs("\n", w->out);
    gs_diff_verdict(&w->line, w->difference);
    end_line(w);
    write_tables(w);
}

enum gs_status gs_diff_text(const struct gs_difference *difference, bool utf8, FILE *out)
{
    struct writing w = {.difference = difference, .out = out, .utf8 = utf8};
    enum gs_status status = gs_changes_init(&w.changes, difference);
    if (status == GS_OK)
        write_all(&w);
    if (w.line.failed)
        status = GS_NO_MEMORY;
    gs_changes_fini(&w.changes);
    gs_label_fini(&w.line);
    return status;
}
