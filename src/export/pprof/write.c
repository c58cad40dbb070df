/* From the call tree to the compressed profile. It is written piece by piece, because the whole of it as a message
 * would take many times the memory of the tree. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/room.h"
#include "export/json.h"
#include "export/label.h"
#include "export/pprof/pprof.h"
#include "export/texts.h"

enum { GS_PPROF_MAPPING = 1 /* the program, in which everything is */ };

struct gs_pprof_writer {
    struct gs_pprof *pprof;
    struct gs_pprof_out *out;
    struct gs_texts *functions, *locations; /* their numbers, less 1, by what they are */
    uint64_t *location;                     /* of each node, 0: it is not shown */
    uint64_t *path;
    size_t path_room;
    struct gs_label name, file, key;
    enum gs_status status; /* of the first thing that failed */
};

enum { GZIP_WINDOW = 15 + 16 /* the largest, with gzip's head */, OUT_BYTES = 1 << 16 };

struct gs_pprof_out {
    FILE *out;
    struct gs_texts *texts;
    z_stream stream;
    bool opened;
    uint8_t *packed;
    size_t room;
    uint8_t bytes[OUT_BYTES];
};

static void free_out(struct gs_pprof_out *out)
{
    if (!out)
        return;
    if (out->opened)
        deflateEnd(&out->stream);
    gs_texts_free(out->texts);
    free(out->packed);
    free(out);
}

static struct gs_pprof_out *new_out(FILE *file)
{
    struct gs_pprof_out *out = calloc(1, sizeof *out);
    if (!out)
        return NULL;
    out->out = file;
    out->texts = gs_texts_new();
    out->opened = out->texts && deflateInit2(&out->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                                             Z_DEFAULT_STRATEGY) == Z_OK;
    if (out->opened)
        return out;
    free_out(out);
    return NULL;
}

static enum gs_status compress_bytes(struct gs_pprof_out *out, size_t len, int flush)
{
    int result;
    if (len > UINT32_MAX / 2)
        return GS_FAILED;
    out->stream.next_in = out->packed;
    out->stream.avail_in = (unsigned)len;
    do {
        out->stream.next_out = out->bytes;
        out->stream.avail_out = OUT_BYTES;
        result = deflate(&out->stream, flush);
        if (result == Z_STREAM_ERROR)
            return GS_FAILED;
        fwrite(out->bytes, 1, OUT_BYTES - out->stream.avail_out, out->out);
    } while (out->stream.avail_out == 0);
    return GS_OK;
}

static enum gs_status put_piece(struct gs_pprof_out *out, const Gs__Profile *piece)
{
    size_t len = gs__profile__get_packed_size(piece);
    if (len > out->room) {
        uint8_t *packed = realloc(out->packed, len * 2);
        if (!packed)
            return GS_NO_MEMORY;
        out->packed = packed;
        out->room = len * 2;
    }
    return compress_bytes(out, gs__profile__pack(piece, out->packed), Z_NO_FLUSH);
}

static enum gs_status put_text(struct gs_pprof_out *out, const char *text, int64_t *number)
{
    char *entry = (char *)text;
    bool added;
    Gs__Profile piece = GS__PROFILE__INIT;
    piece.n_string_table = 1;
    piece.string_table = &entry;
    *number = gs_texts_number(out->texts, text, &added);
    if (*number < 0)
        return GS_NO_MEMORY;
    return added ? put_piece(out, &piece) : GS_OK;
}

/* The number of a text, which is written when it is a new one. */
static enum gs_status end_out(struct gs_pprof_out *out)
{
    return compress_bytes(out, 0, Z_FINISH);
}

/* Nothing is done any more when something failed before. */
static void write_piece(struct gs_pprof_writer *writer, const Gs__Profile *piece)
{
    if (!writer->status)
        writer->status = put_piece(writer->out, piece);
}

/* The number of a text. */
static int64_t number_of_text(struct gs_pprof_writer *writer, const char *text)
{
    int64_t number = 0;
    if (!writer->status)
        writer->status = put_text(writer->out, text, &number);
    return number;
}

/* That of a label, which is empty then. */
static int64_t number_of_label(struct gs_pprof_writer *writer, struct gs_label *label)
{
    if (label->failed)
        writer->status = GS_NO_MEMORY;
    int64_t number = number_of_text(writer, label->len > 0 && label->bytes ? label->bytes : "");
    gs_label_cut(label, 0);
    return number;
}

static uint64_t number_of(struct gs_pprof_writer *writer, struct gs_texts *texts, bool *added)
{
    const struct gs_label *key = &writer->key;
    int64_t number = key->failed || !key->bytes ? -1 : gs_texts_number(texts, key->bytes, added);
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
    return gs_label_parts(&writer->name, &writer->file, tree, node);
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
    function.name = function.system_name = number_of_label(writer, &writer->name);
    function.filename = number_of_label(writer, &writer->file);
    piece.n_function = 1;
    piece.function = &functions;
    write_piece(writer, &piece);
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
        write_piece(writer, &piece);
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

/* Writes what the nodes of the tree are called, and fills writer->location. */
static void write_locations(struct gs_pprof_writer *writer)
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

enum { LABELS = 4 };

/* What each sample has a value of. */
enum value { SAMPLES, WALL, CPU, GIL, WAIT, LOCKS, VALUES };
static const struct {
    const char *name, *unit;
} values[VALUES] = {
    [SAMPLES] = {"samples", "count"}, [WALL] = {"wall", "nanoseconds"}, [CPU] = {"cpu", "nanoseconds"},
    [GIL] = {"gil", "nanoseconds"},   [WAIT] = {"wait", "nanoseconds"}, [LOCKS] = {"locks", "nanoseconds"}};

/* What a reader is shown first: all that was selected. */
static const enum value shown[GS_MODE_COUNT] = {
    [GS_MODE_ACTIVE] = WALL, [GS_MODE_WALL] = WALL,   [GS_MODE_CPU] = CPU,
    [GS_MODE_GIL] = GIL,     [GS_MODE_WAIT] = WAIT,   [GS_MODE_BLAME] = LOCKS,
    [GS_MODE_AWAIT] = WALL,  [GS_MODE_LOCKS] = LOCKS, [GS_MODE_EXCEPTION] = WALL,
};

static int first_value(const struct gs_pprof *pprof)
{
    return pprof->options.times_only ? WALL : SAMPLES;
}

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
    label->key = number_of_text(writer, key);
    label->str = word;
    label->num = number;
}

static void add_thread(struct gs_pprof_writer *writer, Gs__Sample *sample, const struct stack *stack, const char *key)
{
    gs_label_cut(&writer->name, 0);
    gs_label_add(&writer->name, *stack->thread->name ? stack->thread->name : "<no name>", 0);
    add_label(writer, sample, key, number_of_label(writer, &writer->name), 0);
}

static void add_labels(struct gs_pprof_writer *writer, Gs__Sample *sample, const struct stack *stack, const char *gil)
{
    const char *key = writer->pprof->options.thread;
    if (stack->thread)
        add_thread(writer, sample, stack, key ? key : "thread");
    if (key)
        return;
    if (stack->thread)
        add_label(writer, sample, "tid", 0, stack->thread->tid);
    add_label(writer, sample, "gil", number_of_text(writer, gil), 0);
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
    if (ns == 0 && (value[SAMPLES] == 0 || writer->pprof->options.times_only))
        return;
    if (!climb(writer, node, &stack)) {
        writer->status = GS_NO_MEMORY;
        return;
    }
    enum gs_gil_word word = stack.part->class / GS_CODE_RUNS;
    unsigned run = stack.part->class % GS_CODE_RUNS;
    value[CPU] = run == GS_CODE_RUNNING ? ns : 0;
    value[GIL] = word == GS_HOLDS ? ns : 0;
    value[WAIT] = word == GS_WAITS ? ns : 0;
    value[LOCKS] = word == GS_WAITS || run == GS_CODE_AT_LOCK ? ns : 0;
    /* When the sampler was late, nobody knows: that time counts for what the thread did after it, as in each format. */
    if (gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_LATE)
        word = GS_UNKNOWN;
    sample.n_location_id = stack.depth;
    sample.location_id = writer->path;
    sample.n_value = (size_t)(VALUES - first_value(writer->pprof));
    sample.value = &value[first_value(writer->pprof)];
    sample.label = labels;
    add_labels(writer, &sample, &stack, gs_gil_word_name(word));
    piece.n_sample = 1;
    piece.sample = &samples;
    write_piece(writer, &piece);
}

static void write_types(struct gs_pprof_writer *writer)
{
    Gs__ValueType type[VALUES], period = GS__VALUE_TYPE__INIT, *types[VALUES];
    Gs__Profile piece = GS__PROFILE__INIT;
    double hz = writer->pprof->run.rate_hz;
    number_of_text(writer, ""); /* number 0 */
    for (int i = first_value(writer->pprof); i < VALUES; i++) {
        gs__value_type__init(&type[i]);
        type[i].type = number_of_text(writer, values[i].name);
        type[i].unit = number_of_text(writer, values[i].unit);
        types[i] = &type[i];
    }
    period.type = type[WALL].type;
    period.unit = type[WALL].unit;
    piece.n_sample_type = (size_t)(VALUES - first_value(writer->pprof));
    piece.sample_type = &types[first_value(writer->pprof)];
    piece.period_type = &period;
    piece.period = isfinite(hz) && hz > 1e-6 ? (int64_t)(1e9 / hz + 0.5) : 0;
    piece.default_sample_type = type[shown[writer->pprof->selection->mode]].type;
    write_piece(writer, &piece);
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
    return number_of_label(writer, &writer->name);
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
    mapping.filename = number_of_label(writer, &writer->name);
    mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
    piece.n_mapping = 1;
    piece.mapping = &mappings;
    gs_label_put(&writer->name, "gilspy ");
    gs_label_add(&writer->name, pprof->run.gilspy, 0);
    gs_label_put(&writer->name, "%s", end->complete ? "" : ": a part of the run");
    comments[0] = number_of_label(writer, &writer->name);
    gs_label_put(&writer->name, "mode %s: %s", mode->name, mode->help);
    comments[1] = number_of_label(writer, &writer->name);
    piece.n_comment = 2;
    if (!pprof->options.times_only)
        comments[piece.n_comment++] = quality_text(writer, end);
    piece.comment = comments;
    piece.time_nanos = pprof->run.realtime_ns;
    piece.duration_nanos = end->end_ns > pprof->run.begin_ns ? (int64_t)(end->end_ns - pprof->run.begin_ns) : 0;
    write_piece(writer, &piece);
}

enum gs_status gs_pprof_write(struct gs_pprof *pprof, const struct gs_run_end *end)
{
    struct gs_pprof_writer writer = {
        .pprof = pprof, .out = new_out(pprof->out), .functions = gs_texts_new(), .locations = gs_texts_new()};
    if (!writer.out || !writer.functions || !writer.locations)
        writer.status = GS_NO_MEMORY;
    if (!writer.status) {
        write_types(&writer);
        write_run(&writer, end);
        write_locations(&writer);
    }
    for (uint32_t i = 1; i < gs_calltree_count(pprof->tree) && !writer.status; i++)
        write_sample(&writer, i);
    if (!writer.status)
        writer.status = end_out(writer.out);
    free_out(writer.out);
    gs_texts_free(writer.functions);
    gs_texts_free(writer.locations);
    free(writer.location);
    free(writer.path);
    gs_label_fini(&writer.name);
    gs_label_fini(&writer.file);
    gs_label_fini(&writer.key);
    return writer.status;
}
