/* What the timeline's script works on: names as JSON, and the marks packed into numbers of seven bits a byte. */
#include <inttypes.h>
#include <stdlib.h>

#include "export/timeline/html.h"

enum { NAME_MOST = 100, FILE_MOST = 200 };

/* The nodes and places that are there, and their numbers in the page. */
struct used {
    uint32_t *node_to, *place_to; /* 0: not used */
    uint32_t nodes, places;
    struct gs_files files;
};

static void fini_used(struct used *used)
{
    free(used->node_to);
    free(used->place_to);
}

static void use_marks(const struct gs_timeline_html *self, struct used *used)
{
    for (size_t i = 0; i < self->thread_count; i++) {
        const struct gs_mark_row *row = &self->marks.rows[self->threads[i].rows[GS_ROW_FUNCTIONS]];
        for (size_t m = 0; m < row->count; m++)
            used->node_to[row->list[m].value] = 1;
    }
}

static enum gs_status find_used(const struct gs_timeline_html *self, struct used *used)
{
    uint32_t count = gs_calltree_count(self->tree);
    used->node_to = calloc((size_t)count + 1, sizeof *used->node_to);
    used->place_to = calloc((size_t)gs_calltree_place_count(self->tree) + 2, sizeof *used->place_to);
    if (!used->node_to || !used->place_to)
        return GS_NO_MEMORY;
    use_marks(self, used);
    for (uint32_t i = count; i-- > 1;) { /* callers come before what they call */
        if (used->node_to[i])
            used->node_to[gs_calltree_node(self->tree, i)->parent] = 1;
    }
    used->node_to[0] = 0;
    for (uint32_t i = 1; i < count; i++) {
        const struct gs_node *node = gs_calltree_node(self->tree, i);
        if (!used->node_to[i])
            continue;
        used->node_to[i] = ++used->nodes;
        if (gs_node_kind(node) != GS_NODE_FRAME || used->place_to[gs_node_number(node)])
            continue;
        const struct gs_place *place = gs_calltree_place(self->tree, i);
        used->place_to[gs_node_number(node)] = ++used->places;
        if (place->kind != GS_FRAME_GAP && *place->file)
            gs_files_learn(&used->files, place->file);
    }
    return GS_OK;
}

/* ---- names ---- */

static enum gs_status write_place(struct gs_timeline_html *self, const struct gs_place *place, const struct used *used,
                                  struct gs_label *text)
{
    gs_label_place(text, place, &used->files, NAME_MOST);
    enum gs_status status = gs_html_put_name(text, self->out);
    fputs(", ", self->out);
    if (place->kind != GS_FRAME_GAP && *place->file) {
        gs_label_add(text, place->qualname ? place->qualname : place->function, NAME_MOST);
        gs_label_put(text, " in ");
        gs_label_add(text, place->file, FILE_MOST);
    }
    return status == GS_OK ? gs_html_put_name(text, self->out) : status;
}

/* In the order of their numbers, which is that in which nodes have them. */
static enum gs_status write_places(struct gs_timeline_html *self, const struct used *used, struct gs_label *text)
{
    enum gs_status status = GS_OK;
    uint32_t written = 0;
    fputs(",\n\"places\": [", self->out);
    for (uint32_t i = 1; i < gs_calltree_count(self->tree) && status == GS_OK; i++) {
        const struct gs_node *node = gs_calltree_node(self->tree, i);
        if (!used->node_to[i] || gs_node_kind(node) != GS_NODE_FRAME ||
            used->place_to[gs_node_number(node)] != written + 1)
            continue;
        fputs(written++ > 0 ? ",\n[" : "\n[", self->out);
        status = write_place(self, gs_calltree_place(self->tree, i), used, text);
        fputs("]", self->out);
    }
    fputs("]", self->out);
    return status;
}

static enum gs_status write_threads(struct gs_timeline_html *self, struct gs_label *text)
{
    enum gs_status status = GS_OK;
    fputs(",\n\"threads\": [", self->out);
    for (size_t i = 0; i < self->thread_count && status == GS_OK; i++) {
        const struct gs_timeline_thread *thread = &self->threads[i];
        fprintf(self->out, "%s\n[%d, %d, %" PRIu32 ", ", i > 0 ? "," : "", (int)thread->tid, thread->main,
                thread->rank);
        gs_label_add(text, thread->name ? thread->name : "", NAME_MOST);
        status = gs_html_put_name(text, self->out);
        fputs("]", self->out);
    }
    fputs("]", self->out);
    return status;
}

/* ---- numbers ---- */

static void pack_nodes(const struct gs_timeline_html *self, const struct used *used, struct gs_pack *pack)
{
    gs_pack_number(pack, (uint64_t)used->nodes + 1);
    for (uint32_t i = 1; i < gs_calltree_count(self->tree); i++) {
        const struct gs_node *node = gs_calltree_node(self->tree, i);
        enum gs_node_kind kind = gs_node_kind(node);
        if (!used->node_to[i])
            continue;
        gs_pack_number(pack, used->node_to[node->parent]);
        gs_pack_number(pack, kind);
        gs_pack_number(pack, kind == GS_NODE_FRAME ? used->place_to[gs_node_number(node)] - 1 : 0);
    }
}

static void pack_mark(const struct gs_timeline_html *self, const struct gs_mark *mark, uint32_t value,
                      struct gs_pack *pack)
{
    bool merged = mark->count > 1;
    uint32_t from = mark->from ? gs_ids_find(&self->by_tid, (uint32_t)mark->from) : GS_IDS_NONE;
    from = from == GS_IDS_NONE || merged ? 0 : from + 1;
    gs_pack_number(pack, mark->end_ns - mark->begin_ns);
    gs_pack_number(pack, (uint64_t)mark->word | (uint64_t)merged << 3 | (uint64_t)mark->flags << 4);
    gs_pack_number(pack, value);
    gs_pack_number(pack, mark->lock);
    if (merged) {
        gs_pack_number(pack, mark->count);
        for (int i = 0; i < GS_MARK_WORDS; i++)
            gs_pack_number(pack, mark->word_ns[i]);
        return;
    }
    gs_pack_number(pack, from);
    if (from)
        gs_pack_number(pack, mark->begin_ns > mark->from_ns ? mark->begin_ns - mark->from_ns : 0);
}

static void pack_row(const struct gs_timeline_html *self, uint32_t number, const uint32_t *value_to,
                     struct gs_pack *pack)
{
    const struct gs_mark_row *row = &self->marks.rows[number];
    uint64_t end_ns = 0;
    gs_pack_number(pack, row->count);
    for (size_t i = 0; i < row->count; i++) {
        const struct gs_mark *mark = &row->list[i];
        gs_pack_number(pack, mark->begin_ns - end_ns);
        pack_mark(self, mark, value_to ? value_to[mark->value] : mark->value, pack);
        end_ns = mark->end_ns;
    }
}

static void pack_all(const struct gs_timeline_html *self, const struct used *used, struct gs_pack *pack)
{
    pack_nodes(self, used, pack);
    for (size_t i = 0; i < self->thread_count; i++) {
        const uint32_t *rows = self->threads[i].rows;
        pack_row(self, rows[GS_ROW_STATES], NULL, pack);
        pack_row(self, rows[GS_ROW_RUNS], NULL, pack);
        pack_row(self, rows[GS_ROW_FUNCTIONS], used->node_to, pack);
    }
    for (unsigned lock = 0; lock < GS_ADDRESSES_MOST; lock++) {
        gs_pack_number(pack, self->locks[lock]);
        if (self->locks[lock])
            pack_row(self, self->waiters[lock], NULL, pack);
    }
    for (int kind = 0; kind < GS_PAUSES; kind++) {
        gs_pack_number(pack, self->paused[kind]);
        if (self->paused[kind])
            pack_row(self, self->pauses[kind], NULL, pack);
    }
}

static enum gs_status write_names(struct gs_timeline_html *self, const struct used *used,
                                  const struct gs_run_end *run_end)
{
    struct gs_label text = {0};
    uint64_t ns = run_end->end_ns > self->run.begin_ns ? run_end->end_ns - self->run.begin_ns : 0;
    fprintf(self->out, "{\"schema\": 1, \"pid\": %d, \"ns\": %" PRIu64 ", \"fine_ns\": %" PRIu64 ", \"locks\": %d",
            (int)self->pid, ns, self->marks.fine_ns, GS_ADDRESSES_MOST);
    enum gs_status status = write_threads(self, &text);
    if (status == GS_OK)
        status = write_places(self, used, &text);
    fputs("}\n", self->out);
    gs_label_fini(&text);
    return status;
}

enum gs_status gs_timeline_data(struct gs_timeline_html *self, const struct gs_run_end *run_end)
{
    struct used used = {0};
    struct gs_pack pack = {0};
    enum gs_status status = find_used(self, &used);
    if (status == GS_OK) {
        fputs("<script type=\"application/json\" id=\"names\">", self->out);
        status = write_names(self, &used, run_end);
    }
    if (status == GS_OK) {
        pack_all(self, &used, &pack);
        fputs("</script>\n<script type=\"text/plain\" id=\"data\">", self->out);
        gs_pack_base64(&pack, self->out);
        fputs("</script>\n", self->out);
        status = pack.failed ? GS_NO_MEMORY : GS_OK;
    }
    free(pack.bytes);
    fini_used(&used);
    return status;
}
