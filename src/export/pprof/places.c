/* Functions, and places in them, each once; and the texts that they are made of. */
#include <stdlib.h>

#include "export/pprof/write.h"

void gs_pprof_piece(struct gs_pprof_writer *writer, const Gs__Profile *piece)
{
    if (!writer->status)
        writer->status = gs_pprof_put(writer->out, piece);
}

int64_t gs_pprof_number(struct gs_pprof_writer *writer, const char *text)
{
    int64_t number = 0;
    if (!writer->status)
        writer->status = gs_pprof_put_text(writer->out, text, &number);
    return number;
}

int64_t gs_pprof_label_number(struct gs_pprof_writer *writer, struct gs_label *label)
{
    if (label->failed)
        writer->status = GS_NO_MEMORY;
    int64_t number = gs_pprof_number(writer, label->len > 0 && label->bytes ? label->bytes : "");
    gs_label_cut(label, 0);
    return number;
}

static uint64_t number_of(struct gs_pprof_writer *writer, struct gs_pprof_texts *texts, bool *added)
{
    const struct gs_label *key = &writer->key;
    int64_t number = key->failed || !key->bytes ? -1 : gs_pprof_text(texts, key->bytes, added);
    if (number < 0) {
        writer->status = GS_NO_MEMORY;
        *added = false;
    }
    return (uint64_t)number + 1;
}

/* What a node is called, into writer->name and file; its line, or 0. */
static int64_t describe(struct gs_pprof_writer *writer, uint32_t node)
{
    const struct gs_calltree *tree = writer->pprof->tree;
    const struct gs_node *at = gs_calltree_node(tree, node);
    gs_label_cut(&writer->name, 0);
    gs_label_cut(&writer->file, 0);
    if (gs_node_kind(at) == GS_NODE_PROCESS) {
        const struct gs_pprof_process *process =
            &writer->pprof->processes[writer->pprof->parts[gs_node_number(at)].process];
        gs_label_put(&writer->name, "%d: ", (int)process->pid);
        gs_label_add(&writer->name, process->command, 0);
        return 0;
    }
    if (gs_node_kind(at) != GS_NODE_FRAME || gs_calltree_place(tree, node)->kind == GS_FRAME_GAP) {
        gs_label_node(&writer->name, tree, node, NULL, 0);
        return 0;
    }
    const struct gs_place *place = gs_calltree_place(tree, node);
    gs_label_add(&writer->name, *place->function ? place->function : "<unknown code>", 0);
    gs_label_add(&writer->file, place->module ? place->module : place->file, 0);
    return place->line > 0 && !place->module ? place->line : 0;
}

/* The number of the function that was described, which is written when it is a new one. */
static uint64_t function(struct gs_pprof_writer *writer)
{
    bool added;
    gs_label_cut(&writer->key, 0);
    gs_label_add(&writer->key, writer->name.bytes ? writer->name.bytes : "", 0);
    gs_label_put(&writer->key, "\n");
    gs_label_add(&writer->key, writer->file.bytes ? writer->file.bytes : "", 0);
    Gs__Function function = GS__FUNCTION__INIT, *functions = &function;
    function.id = number_of(writer, writer->functions, &added);
    if (!added)
        return function.id;
    Gs__Profile piece = GS__PROFILE__INIT;
    function.name = function.system_name = gs_pprof_label_number(writer, &writer->name);
    function.filename = gs_pprof_label_number(writer, &writer->file);
    piece.n_function = 1;
    piece.function = &functions;
    gs_pprof_piece(writer, &piece);
    return function.id;
}

static uint64_t location(struct gs_pprof_writer *writer, uint32_t node)
{
    bool added;
    Gs__Line line = GS__LINE__INIT, *lines = &line;
    Gs__Location location = GS__LOCATION__INIT, *locations = &location;
    Gs__Profile piece = GS__PROFILE__INIT;
    line.line = describe(writer, node);
    line.function_id = function(writer);
    gs_label_put(&writer->key, "\n%d", (int)line.line);
    location.id = number_of(writer, writer->locations, &added);
    location.mapping_id = GS_PPROF_MAPPING;
    location.n_line = 1;
    location.line = &lines;
    piece.n_location = 1;
    piece.location = &locations;
    if (added)
        gs_pprof_piece(writer, &piece);
    return location.id;
}

static bool is_shown(const struct gs_pprof *pprof, uint32_t node)
{
    switch (gs_node_kind(gs_calltree_node(pprof->tree, node))) {
    case GS_NODE_PROCESS:
        return pprof->process_count > 1;
    case GS_NODE_THREAD:
        return pprof->selection->threads;
    default:
        return true;
    }
}

void gs_pprof_write_locations(struct gs_pprof_writer *writer)
{
    uint32_t count = gs_calltree_count(writer->pprof->tree);
    writer->location = calloc(count, sizeof *writer->location);
    if (!writer->location)
        writer->status = GS_NO_MEMORY;
    for (uint32_t i = 1; i < count && !writer->status; i++) {
        if (is_shown(writer->pprof, i))
            writer->location[i] = location(writer, i);
    }
}
