/* From the call tree to the profile. It is written piece by piece, because the whole of it as a message would take many
 * times the memory of the tree. */
#include <math.h>
#include <stdlib.h>

#include "base/room.h"
#include "export/json.h"
#include "export/pprof/write.h"

enum { LABELS = 4 };

/* What each sample has a value of. */
enum value { SAMPLES, WALL, CPU, GIL, WAIT, VALUES };
static const struct {
    const char *name, *unit;
} values[VALUES] = {[SAMPLES] = {"samples", "count"},
                    [WALL] = {"wall", "nanoseconds"},
                    [CPU] = {"cpu", "nanoseconds"},
                    [GIL] = {"gil", "nanoseconds"},
                    [WAIT] = {"wait", "nanoseconds"}};

/* What a reader is shown first: all that was selected. */
static const enum value shown[GS_MODE_COUNT] = {
    [GS_MODE_ACTIVE] = WALL, [GS_MODE_WALL] = WALL, [GS_MODE_CPU] = CPU,
    [GS_MODE_GIL] = GIL,     [GS_MODE_WAIT] = WAIT, [GS_MODE_BLAME] = WAIT,
};

/* A stack on its way into the file. */
struct stack {
    size_t depth; /* of writer->path */
    const struct gs_calltree_thread *thread;
    const struct gs_pprof_part *part;
};

static bool add_location(struct gs_pprof_writer *writer, struct stack *stack, uint64_t location)
{
    if (!gs_room((void **)&writer->path, &writer->path_room, stack->depth + 1, sizeof *writer->path))
        return false;
    writer->path[stack->depth++] = location;
    return true;
}

static bool climb(struct gs_pprof_writer *writer, uint32_t node, struct stack *stack)
{
    const struct gs_calltree *tree = writer->pprof->tree;
    bool late = gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_LATE, delayed = false;
    *stack = (struct stack){0};
    for (; node; node = gs_calltree_node(tree, node)->parent) {
        const struct gs_node *at = gs_calltree_node(tree, node);
        enum gs_node_kind kind = gs_node_kind(at);
        if (kind == GS_NODE_PROCESS)
            stack->part = &writer->pprof->parts[gs_node_number(at)];
        else if (kind == GS_NODE_THREAD && !stack->thread && !delayed)
            stack->thread = gs_calltree_thread(tree, node);
        delayed = delayed || kind == GS_NODE_DELAYS;
        if (writer->location[node] && !add_location(writer, stack, writer->location[node]))
            return false;
    }
    /* The time is that of the thread that was delayed; its name may be lost in an "(other)", and then the one that was
     * found is to blame. */
    if (writer->pprof->selection->mode == GS_MODE_BLAME && !delayed && !late)
        stack->thread = NULL;
    return stack->part != NULL;
}

/* word or number. */
static void add_label(struct gs_pprof_writer *writer, Gs__Sample *sample, const char *key, int64_t word, int64_t number)
{
    Gs__Label *label = sample->label[sample->n_label++];
    gs__label__init(label);
    label->key = gs_pprof_number(writer, key);
    label->str = word;
    label->num = number;
}

static void add_labels(struct gs_pprof_writer *writer, Gs__Sample *sample, const struct stack *stack, const char *gil)
{
    if (stack->thread) {
        gs_label_cut(&writer->name, 0);
        gs_label_add(&writer->name, *stack->thread->name ? stack->thread->name : "<no name>", 0);
        add_label(writer, sample, "thread", gs_pprof_label_number(writer, &writer->name), 0);
        add_label(writer, sample, "tid", 0, stack->thread->tid);
    }
    add_label(writer, sample, "gil", gs_pprof_number(writer, gil), 0);
    add_label(writer, sample, "pid", 0, writer->pprof->processes[stack->part->process].pid);
}

/* Samples of the node itself, without those below it. */
static uint64_t own_samples(const struct gs_calltree *tree, uint32_t node)
{
    uint32_t count;
    const uint32_t *children = gs_calltree_children(tree, node, &count);
    uint64_t samples = gs_calltree_node(tree, node)->samples;
    while (count > 0)
        samples -= gs_calltree_node(tree, children[--count])->samples;
    return samples;
}

static void write_sample(struct gs_pprof_writer *writer, uint32_t node)
{
    const struct gs_calltree *tree = writer->pprof->tree;
    int64_t ns = (int64_t)gs_calltree_self_ns(tree, node), value[VALUES] = {(int64_t)own_samples(tree, node), ns};
    struct stack stack;
    Gs__Label list[LABELS], *labels[LABELS] = {&list[0], &list[1], &list[2], &list[3]};
    Gs__Sample sample = GS__SAMPLE__INIT, *samples = &sample;
    Gs__Profile piece = GS__PROFILE__INIT;
    if (ns == 0 && value[SAMPLES] == 0)
        return;
    if (!climb(writer, node, &stack)) {
        writer->status = GS_NO_MEMORY;
        return;
    }
    enum gs_gil_word word = stack.part->class / 2;
    value[CPU] = stack.part->class % 2 ? ns : 0;
    value[GIL] = word == GS_HOLDS ? ns : 0;
    value[WAIT] = word == GS_WAITS ? ns : 0;
    /* When the sampler was late, nobody knows: that time counts for what the thread did after it, as in each format. */
    if (gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_LATE)
        word = GS_UNKNOWN;
    sample.n_location_id = stack.depth;
    sample.location_id = writer->path;
    sample.n_value = VALUES;
    sample.value = value;
    sample.label = labels;
    add_labels(writer, &sample, &stack, gs_gil_word_name(word));
    piece.n_sample = 1;
    piece.sample = &samples;
    gs_pprof_piece(writer, &piece);
}

static void write_types(struct gs_pprof_writer *writer)
{
    Gs__ValueType type[VALUES], period = GS__VALUE_TYPE__INIT, *types[VALUES];
    Gs__Profile piece = GS__PROFILE__INIT;
    double hz = writer->pprof->run.rate_hz;
    gs_pprof_number(writer, ""); /* number 0 */
    for (int i = 0; i < VALUES; i++) {
        gs__value_type__init(&type[i]);
        type[i].type = gs_pprof_number(writer, values[i].name);
        type[i].unit = gs_pprof_number(writer, values[i].unit);
        types[i] = &type[i];
    }
    period.type = type[WALL].type;
    period.unit = type[WALL].unit;
    piece.n_sample_type = VALUES;
    piece.sample_type = types;
    piece.period_type = &period;
    piece.period = isfinite(hz) && hz > 1e-6 ? (int64_t)(1e9 / hz + 0.5) : 0;
    piece.default_sample_type = type[shown[writer->pprof->selection->mode]].type;
    gs_pprof_piece(writer, &piece);
}

static int64_t quality_text(struct gs_pprof_writer *writer, const struct gs_run_end *end)
{
    json_t *quality = gs_json_quality(&end->quality);
    char *dumped = quality ? json_dumps(quality, JSON_ENSURE_ASCII) : NULL;
    if (!dumped)
        writer->status = GS_NO_MEMORY;
    gs_label_cut(&writer->name, 0);
    gs_label_put(&writer->name, "quality ");
    gs_label_add(&writer->name, dumped ? dumped : "", 0);
    free(dumped);
    json_decref(quality);
    return gs_pprof_label_number(writer, &writer->name);
}

static void write_run(struct gs_pprof_writer *writer, const struct gs_run_end *end)
{
    const struct gs_pprof *pprof = writer->pprof;
    const struct gs_mode_row *mode = &gs_modes[pprof->selection->mode];
    int64_t comments[3];
    Gs__Profile piece = GS__PROFILE__INIT;
    Gs__Mapping mapping = GS__MAPPING__INIT, *mappings = &mapping;
    gs_label_cut(&writer->name, 0);
    gs_label_add(&writer->name, pprof->exe ? pprof->exe : "python", 0);
    mapping.id = GS_PPROF_MAPPING;
    mapping.filename = gs_pprof_label_number(writer, &writer->name);
    mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
    piece.n_mapping = 1;
    piece.mapping = &mappings;
    gs_label_put(&writer->name, "gilspy ");
    gs_label_add(&writer->name, pprof->gilspy ? pprof->gilspy : "", 0);
    gs_label_put(&writer->name, "%s", end->complete ? "" : ": a part of the run");
    comments[0] = gs_pprof_label_number(writer, &writer->name);
    gs_label_put(&writer->name, "mode %s: %s", mode->name, mode->help);
    comments[1] = gs_pprof_label_number(writer, &writer->name);
    comments[2] = quality_text(writer, end);
    piece.n_comment = sizeof comments / sizeof *comments;
    piece.comment = comments;
    piece.time_nanos = pprof->run.realtime_ns;
    piece.duration_nanos = end->end_ns > pprof->run.begin_ns ? (int64_t)(end->end_ns - pprof->run.begin_ns) : 0;
    gs_pprof_piece(writer, &piece);
}

enum gs_status gs_pprof_write(struct gs_pprof *pprof, const struct gs_run_end *end)
{
    struct gs_pprof_writer writer = {.pprof = pprof,
                                     .out = gs_pprof_out_new(pprof->out),
                                     .functions = gs_pprof_texts_new(),
                                     .locations = gs_pprof_texts_new()};
    if (!writer.out || !writer.functions || !writer.locations)
        writer.status = GS_NO_MEMORY;
    if (!writer.status) {
        write_types(&writer);
        write_run(&writer, end);
        gs_pprof_write_locations(&writer);
    }
    for (uint32_t i = 1; i < gs_calltree_count(pprof->tree) && !writer.status; i++)
        write_sample(&writer, i);
    if (!writer.status)
        writer.status = gs_pprof_out_end(writer.out);
    gs_pprof_out_free(writer.out);
    gs_pprof_texts_free(writer.functions);
    gs_pprof_texts_free(writer.locations);
    free(writer.location);
    free(writer.path);
    gs_label_fini(&writer.name);
    gs_label_fini(&writer.file);
    gs_label_fini(&writer.key);
    return writer.status;
}
