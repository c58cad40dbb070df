/* The format folded: a line for each stack, outermost frame first, with its time in microseconds. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/room.h"
#include "export/difference.h"
#include "export/formats.h"
#include "export/label.h"
#include "export/tree_sink.h"

/* A node on the way to the one that is written. */
struct step {
    uint32_t node, next; /* its next child */
    size_t len;          /* of the line up to here */
};

struct folded {
    FILE *out;
    const struct gs_calltree *tree;
    bool difference; /* two columns: before, after */
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
    uint64_t us = (gs_calltree_self_ns(folded->tree, node) + 500) / 1000;
    if (us > 0 && folded->line.len > 0)
        fprintf(folded->out, "%s %" PRIu64 "\n", folded->line.bytes, us);
}

/* Microseconds of each second that was recorded. */
static void write_both(const struct folded *folded, uint32_t node)
{
    enum { PER_US = GS_DIFF_WHOLE / 1000000 };
    struct gs_node self = *gs_calltree_node(folded->tree, node);
    uint32_t count;
    const uint32_t *children = gs_calltree_children(folded->tree, node, &count);
    for (uint32_t i = 0; i < count; i++) {
        for (int side = 0; side < GS_SIDES; side++)
            self.word_ns[side] -= gs_calltree_node(folded->tree, children[i])->word_ns[side];
    }
    uint64_t before = (self.word_ns[GS_BEFORE] + PER_US / 2) / PER_US;
    uint64_t after = (self.word_ns[GS_AFTER] + PER_US / 2) / PER_US;
    if (before + after > 0 && folded->line.len > 0)
        fprintf(folded->out, "%s %" PRIu64 " %" PRIu64 "\n", folded->line.bytes, before, after);
}

/* Goes down into a node; `top` has no name. */
static bool enter(struct folded *folded, uint32_t node, bool top)
{
    if (!gs_room((void **)&folded->way, &folded->room, folded->depth + 1, sizeof *folded->way))
        return false;
    size_t from = folded->line.len;
    if (!top) {
        gs_label_node(&folded->line, folded->tree, node, NULL, 0);
        replace_semicolons(&folded->line, from);
        (folded->difference ? write_both : write_line)(folded, node);
        gs_label_put(&folded->line, ";");
    }
    folded->way[folded->depth++] = (struct step){.node = node, .len = from};
    return true;
}

static enum gs_status write_tree(const struct gs_calltree *tree, bool difference, FILE *out)
{
    struct folded folded = {.out = out, .tree = tree, .difference = difference};
    bool done = enter(&folded, gs_calltree_top(tree), true);
    while (done && folded.depth > 0) {
        struct step *step = &folded.way[folded.depth - 1];
        uint32_t count;
        const uint32_t *children = gs_calltree_children(tree, step->node, &count);
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

static enum gs_status draw(const struct gs_tree_drawing *drawing)
{
    return write_tree(drawing->tree, false, drawing->out);
}

enum gs_status gs_diff_folded(const struct gs_difference *difference, FILE *out)
{
    return write_tree(difference->tree, true, out);
}

static enum gs_status open_folded(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    return gs_tree_sink_open(sink, out, selection, &(struct gs_calltree_options){.most = GS_CALLTREE_MOST}, draw);
}

const struct gs_format gs_format_folded = {
    .name = "folded",
    .other_name = "raw",
    .extensions = ".folded .txt",
    .summary = "a line of text for each stack",
    .open = open_folded,
    .close = gs_tree_sink_close,
    .diff = gs_diff_folded,
};
