/* The format folded: a line for each stack, outermost frame first, with its time in microseconds. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/room.h"
#include "export/formats.h"
#include "export/label.h"
#include "export/tree_sink.h"

/* A node on the way to the one that is written. */
struct step {
    uint32_t node, next; /* its next child */
    size_t len;          /* of the line up to here */
};

struct folded {
    const struct gs_drawing *drawing;
    struct gs_label line;
    struct step *way;
    size_t depth, room;
};

/* Frames are told apart by semicolons. */
static void replace_semicolons(struct gs_label *line, size_t from)
{
    for (size_t i = from; i < line->len; i++) {
        if (line->bytes[i] == ';')
            line->bytes[i] = ':';
    }
}

static void write_line(const struct folded *folded, uint32_t node)
{
    uint64_t us = (gs_calltree_self_ns(folded->drawing->tree, node) + 500) / 1000;
    if (us > 0 && folded->line.len > 0)
        fprintf(folded->drawing->out, "%s %" PRIu64 "\n", folded->line.bytes, us);
}

/* Goes down into a node; `top` has no name. */
static bool enter(struct folded *folded, uint32_t node, bool top)
{
    if (!gs_room((void **)&folded->way, &folded->room, folded->depth + 1, sizeof *folded->way))
        return false;
    size_t from = folded->line.len;
    if (!top) {
        gs_label_node(&folded->line, folded->drawing->tree, node, NULL, 0);
        replace_semicolons(&folded->line, from);
        write_line(folded, node);
        gs_label_put(&folded->line, ";");
    }
    folded->way[folded->depth++] = (struct step){.node = node, .len = from};
    return true;
}

static enum gs_status draw(const struct gs_drawing *drawing)
{
    struct folded folded = {.drawing = drawing};
    bool done = enter(&folded, gs_calltree_top(drawing->tree), true);
    while (done && folded.depth > 0) {
        struct step *step = &folded.way[folded.depth - 1];
        uint32_t count;
        const uint32_t *children = gs_calltree_children(drawing->tree, step->node, &count);
        if (step->next < count) {
            done = enter(&folded, children[step->next++], false);
            continue;
        }
        gs_label_cut(&folded.line, step->len);
        folded.depth--;
    }
    done = done && !folded.line.failed;
    gs_label_fini(&folded.line);
    free(folded.way);
    return done ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status open_folded(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    return gs_tree_sink_open(sink, out, selection, &(struct gs_calltree_options){.most = GS_CALLTREE_MOST}, draw);
}

const struct gs_format gs_format_folded = {
    "folded", "raw", ".folded .txt", "a line of text for each stack", open_folded, gs_tree_sink_close};
