/* The file: threads first, since their samples say which stacks there are, then the tables that they share. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/room.h"
#include "export/about.h"
#include "export/gecko/gecko.h"
#include "export/json.h"
#include "export/label.h"
#include "export/texts.h"

enum { VERSION = 60, NS_PER_US = 1000, NS_PER_MS = 1000000 };

enum category { OTHER, HOLDS, NATIVE, COLLECTS, WAITS, WITHOUT, IDLE, RUNS, UNKNOWN, LOCKS, CATEGORIES };
static const struct {
    const char *name, *color;
} categories[CATEGORIES] = {
    [OTHER] = {"Other", "grey"},
    [HOLDS] = {"holds the GIL", "green"},
    [NATIVE] = {"holds the GIL in native code", "yellow"},
    [COLLECTS] = {"collects garbage", "orange"},
    [WAITS] = {"waits for the GIL", "red"},
    [WITHOUT] = {"runs without the GIL", "blue"},
    [IDLE] = {"Idle", "transparent"}, /* so named, the viewer can leave it out */
    [RUNS] = {"runs, there is no GIL", "lightgreen"},
    [UNKNOWN] = {"unknown", "brown"},
    [LOCKS] = {"waits for a lock", "magenta"},
};

/* One of a thread's samples: time in which it did the same. */
struct entry {
    uint32_t code; /* as a span's node */
    uint64_t end_ns, ns;
};

/* A frame in a category: OTHER for those that are none's innermost. */
struct frame {
    uint32_t node, function; /* node: one of those that it stands in */
    enum category category;
};
struct stack {
    uint32_t prefix, frame; /* prefix: number + 1, 0: none */
};
struct function {
    uint32_t name, file; /* texts; GS_IDS_NONE: it has no file */
};

struct writer {
    struct gs_gecko *gecko;
    FILE *out;
    uint64_t slot_ns;
    struct gs_texts *texts;
    uint32_t text_count;
    struct gs_ids frame_by_key, stack_by_code, function_by_key, source_by_text;
    struct frame *frames;
    struct stack *stacks;
    struct function *functions;
    uint32_t *sources; /* texts */
    uint32_t frame_count, stack_count, function_count, source_count;
    size_t frame_room, stack_room, function_room, source_room;
    uint32_t *stack_of; /* node -> its stack + 1, 0: it has none */
    struct entry *entries;
    size_t entry_count, entry_room;
    struct gs_ids entry_by_code; /* of the span of time that is summed up */
    struct gs_label name, file;
    enum gs_status status; /* of the first thing that failed */
};

/* ---- the tables ---- */

static uint32_t text(struct writer *writer, struct gs_label *label)
{
    bool added = false;
    const char *bytes = label->len > 0 && label->bytes ? label->bytes : "";
    int64_t number = label->failed ? -1 : gs_texts_number(writer->texts, bytes, &added);
    gs_label_cut(label, 0);
    if (number < 0)
        writer->status = GS_NO_MEMORY;
    writer->text_count += number >= 0 && added;
    return number < 0 ? 0 : (uint32_t)number;
}

/* The index that has been given to a key, or the next one, which is to be filled. */
static uint32_t number_of(struct writer *writer, struct gs_ids *ids, uint64_t key, uint32_t next)
{
    uint32_t number = gs_ids_find(ids, key);
    if (number != GS_IDS_NONE)
        return number;
    if (!gs_ids_set(ids, key, next))
        writer->status = GS_NO_MEMORY;
    return next;
}

static bool has_room(struct writer *writer, void **list, size_t *room, uint32_t count, size_t size)
{
    if (!gs_room(list, room, (size_t)count + 1, size))
        writer->status = GS_NO_MEMORY;
    return !writer->status;
}

static void add_source(struct writer *writer, uint32_t file)
{
    if (number_of(writer, &writer->source_by_text, file, writer->source_count) == writer->source_count &&
        has_room(writer, (void **)&writer->sources, &writer->source_room, writer->source_count, sizeof(uint32_t)))
        writer->sources[writer->source_count++] = file;
}

static uint32_t function_of(struct writer *writer, uint32_t node)
{
    gs_label_parts(&writer->name, &writer->file, writer->gecko->tree, node);
    uint32_t file = writer->file.len > 0 ? text(writer, &writer->file) : GS_IDS_NONE;
    uint32_t name = text(writer, &writer->name);
    uint32_t number = number_of(writer, &writer->function_by_key, (uint64_t)name << 32 | file, writer->function_count);
    if (number != writer->function_count ||
        !has_room(writer, (void **)&writer->functions, &writer->function_room, number, sizeof *writer->functions))
        return number;
    writer->functions[writer->function_count++] = (struct function){name, file};
    if (file != GS_IDS_NONE)
        add_source(writer, file);
    return number;
}

static uint32_t frame_of(struct writer *writer, uint32_t node, enum category category)
{
    uint64_t key = (uint64_t)gs_calltree_node(writer->gecko->tree, node)->frame << 8 | category;
    uint32_t number = number_of(writer, &writer->frame_by_key, key, writer->frame_count);
    if (number == writer->frame_count &&
        has_room(writer, (void **)&writer->frames, &writer->frame_room, number, sizeof *writer->frames))
        writer->frames[writer->frame_count++] = (struct frame){node, function_of(writer, node), category};
    return number;
}

static uint32_t add_stack(struct writer *writer, uint32_t node, enum category category)
{
    uint32_t frame = frame_of(writer, node, category);
    uint32_t parent = gs_calltree_node(writer->gecko->tree, node)->parent;
    if (has_room(writer, (void **)&writer->stacks, &writer->stack_room, writer->stack_count, sizeof *writer->stacks))
        writer->stacks[writer->stack_count++] = (struct stack){writer->stack_of[parent], frame};
    return writer->stack_count;
}

/* Each node but the processes', which threads know. */
static void add_nodes(struct writer *writer)
{
    const struct gs_calltree *tree = writer->gecko->tree;
    uint32_t count = gs_calltree_count(tree);
    writer->stack_of = calloc(count, sizeof *writer->stack_of);
    if (!writer->stack_of)
        writer->status = GS_NO_MEMORY;
    for (uint32_t i = 1; i < count && !writer->status; i++) {
        if (gs_node_kind(gs_calltree_node(tree, i)) != GS_NODE_PROCESS)
            writer->stack_of[i] = add_stack(writer, i, OTHER);
    }
}

static bool collects(const struct gs_calltree *tree, uint32_t node)
{
    while (gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_FRAME &&
           gs_calltree_place(tree, node)->kind == GS_FRAME_NATIVE)
        node = gs_calltree_node(tree, node)->parent;
    return gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_FRAME &&
           gs_calltree_place(tree, node)->kind == GS_FRAME_GC;
}

static enum category category_of(const struct gs_calltree *tree, uint32_t code)
{
    uint32_t node = code >> GS_GECKO_SHIFT, state = code & ((1U << GS_GECKO_SHIFT) - 1);
    bool runs = state % GS_CODE_RUNS == GS_CODE_RUNNING,
         frame = gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_FRAME;
    if (gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_LATE)
        return UNKNOWN;
    if (collects(tree, node))
        return COLLECTS;
    if (state % GS_CODE_RUNS == GS_CODE_AT_LOCK)
        return LOCKS;
    switch ((enum gs_gil_word)(state / GS_CODE_RUNS)) {
    case GS_HOLDS:
        return frame && gs_calltree_place(tree, node)->kind == GS_FRAME_NATIVE ? NATIVE : HOLDS;
    case GS_WAITS:
        return WAITS;
    case GS_WITHOUT:
        return runs ? WITHOUT : IDLE;
    case GS_NONE:
        return runs ? RUNS : IDLE;
    default:
        return UNKNOWN;
    }
}

static uint32_t stack_of(struct writer *writer, uint32_t code)
{
    uint32_t number = gs_ids_find(&writer->stack_by_code, code);
    if (number != GS_IDS_NONE)
        return number;
    number = add_stack(writer, code >> GS_GECKO_SHIFT, category_of(writer->gecko->tree, code)) - 1;
    if (!writer->status && !gs_ids_set(&writer->stack_by_code, code, number))
        writer->status = GS_NO_MEMORY;
    return number;
}

/* ---- samples of a thread ---- */

static bool add_entry(struct writer *writer, uint32_t code, uint64_t end_ns, uint64_t ns)
{
    if (!gs_room((void **)&writer->entries, &writer->entry_room, writer->entry_count + 1, sizeof *writer->entries)) {
        writer->status = GS_NO_MEMORY;
        return false;
    }
    writer->entries[writer->entry_count++] = (struct entry){code, end_ns, ns};
    return true;
}

/* A long span has a sample near its beginning too, because the viewer draws from the middle between two samples to that
 * between the next. */
static bool add_span(struct writer *writer, const struct gs_span *span)
{
    uint64_t ns = span->end_ns - span->begin_ns, slot_ns = writer->slot_ns;
    if (ns <= 2 * slot_ns)
        return add_entry(writer, span->node, span->end_ns, ns);
    return add_entry(writer, span->node, span->begin_ns + slot_ns, slot_ns) &&
           add_entry(writer, span->node, span->end_ns, ns - slot_ns);
}

/* Samples of one stack within `width_ns` are one. */
static bool sum_span(struct writer *writer, const struct gs_span *span, uint64_t width_ns, uint64_t *bin)
{
    if (span->begin_ns / width_ns != *bin)
        gs_ids_clear(&writer->entry_by_code);
    *bin = span->begin_ns / width_ns;
    uint32_t at = gs_ids_find(&writer->entry_by_code, span->node);
    if (at != GS_IDS_NONE) {
        writer->entries[at].ns += span->end_ns - span->begin_ns;
        return true;
    }
    if (!gs_ids_set(&writer->entry_by_code, span->node, (uint32_t)writer->entry_count)) {
        writer->status = GS_NO_MEMORY;
        return false;
    }
    return add_entry(writer, span->node, span->end_ns, span->end_ns - span->begin_ns);
}

/* False: there are more than `most` of them at this width, or it failed. */
static bool read_spans(struct writer *writer, uint32_t thread, uint64_t width_ns, size_t most)
{
    struct gs_span span;
    uint64_t bin = 0;
    writer->entry_count = 0;
    gs_ids_clear(&writer->entry_by_code);
    while (gs_spill_next(writer->gecko->spill, thread, &span)) {
        if (writer->entry_count >= most && width_ns < INT64_MAX / 4)
            return false;
        if (!(width_ns ? sum_span(writer, &span, width_ns, &bin) : add_span(writer, &span)))
            return false;
    }
    if (gs_spill_failed(writer->gecko->spill))
        writer->status = GS_OUTPUT;
    return true;
}

/* Returns the span of time within which they are summed up; 0: they are not. */
static uint64_t read_thread(struct writer *writer, uint32_t thread, size_t most)
{
    uint64_t width_ns = 0;
    while (!read_spans(writer, thread, width_ns, most) && !writer->status) {
        width_ns = width_ns ? width_ns * 2 : writer->slot_ns * 8;
        gs_spill_again(writer->gecko->spill);
    }
    return width_ns;
}

static uint64_t us_of(uint64_t ns)
{
    return (ns + NS_PER_US / 2) / NS_PER_US;
}

/* Microseconds as milliseconds. */
static void write_ms(uint64_t us, FILE *out)
{
    gs_about_write_us(us, out);
}

/* The time that a sample stands for, cut so that sums of neighbours are not rounded twice. */
static uint64_t weight_us(const struct entry *entry)
{
    uint64_t begin_ns = entry->end_ns > entry->ns ? entry->end_ns - entry->ns : 0;
    return entry->end_ns >= entry->ns ? us_of(entry->end_ns) - us_of(begin_ns) : us_of(entry->ns);
}

static void write_stack_of(struct writer *writer, size_t i)
{
    gs_about_write_number(stack_of(writer, writer->entries[i].code), writer->out);
}

static void write_delta(struct writer *writer, size_t i)
{
    write_ms(us_of(writer->entries[i].end_ns) - (i > 0 ? us_of(writer->entries[i - 1].end_ns) : 0), writer->out);
}

static void write_weight(struct writer *writer, size_t i)
{
    write_ms(weight_us(&writer->entries[i]), writer->out);
}

static bool is_running(uint32_t code)
{
    return (code & ((1U << GS_GECKO_SHIFT) - 1)) % GS_CODE_RUNS == GS_CODE_RUNNING;
}

/* What is runnable is taken for running: samples do not know more. */
static void write_cpu(struct writer *writer, size_t i)
{
    const struct entry *entry = &writer->entries[i];
    gs_about_write_number(is_running(entry->code) ? weight_us(entry) : 0, writer->out);
}

typedef void (*put_fn)(struct writer *writer, size_t i);

static void column(struct writer *writer, const char *name, size_t count, put_fn put)
{
    fprintf(writer->out, ",\n\"%s\":[", name);
    for (size_t i = 0; i < count && !writer->status; i++) {
        if (i > 0)
            putc_unlocked(',', writer->out);
        put(writer, i);
    }
    putc_unlocked(']', writer->out);
}

static void constant(struct writer *writer, const char *name, size_t count, const char *value)
{
    fprintf(writer->out, ",\n\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        fputs_unlocked(i > 0 ? "," : "", writer->out);
        fputs_unlocked(value, writer->out);
    }
    putc_unlocked(']', writer->out);
}

static void write_samples(struct writer *writer)
{
    size_t count = writer->entry_count;
    fprintf(writer->out, "\"samples\":{\"length\":%zu,\"weightType\":\"tracing-ms\"", count);
    column(writer, "stack", count, write_stack_of);
    column(writer, "timeDeltas", count, write_delta);
    column(writer, "weight", count, write_weight);
    column(writer, "threadCPUDelta", count, write_cpu);
    fputs("}", writer->out);
}

/* ---- markers ---- */

static void write_text(struct writer *writer, struct gs_label *label)
{
    enum gs_status status = label->failed ? GS_NO_MEMORY : GS_OK;
    if (!status)
        status = gs_json_write_text(label->bytes ? label->bytes : "", writer->out);
    gs_label_cut(label, 0);
    if (status)
        writer->status = status;
}

/* "worker-1 (4250)" */
static void write_thread_name(struct writer *writer, const struct gs_gecko_thread *thread)
{
    gs_label_add(&writer->name, *thread->name ? thread->name : "<no name>", 0);
    gs_label_put(&writer->name, " (%d)", (int)thread->tid);
    write_text(writer, &writer->name);
}

static void write_mark_data(struct writer *writer, const struct gs_gecko_mark *mark)
{
    fprintf(writer->out, mark->wait ? "{\"type\":\"GIL wait\",\"by\":" : "{\"type\":\"GIL hold\",\"waiters\":%.2f",
            mark->waiters);
    if (mark->wait && mark->by)
        write_thread_name(writer, &writer->gecko->threads[mark->by - 1]);
    else if (mark->wait)
        fputs("\"unknown\"", writer->out);
    fputs(",\"in\":", writer->out);
    if (mark->node)
        gs_label_node(&writer->name, writer->gecko->tree, mark->node, NULL, 0);
    write_text(writer, &writer->name);
    if (mark->node && writer->stack_of[mark->node])
        fprintf(writer->out, ",\"cause\":{\"stack\":%" PRIu32 "}", writer->stack_of[mark->node] - 1);
    fputs("}", writer->out);
}

static uint32_t name_of(struct writer *writer, const char *name)
{
    gs_label_put(&writer->name, "%s", name);
    return text(writer, &writer->name);
}

static void write_marks(struct writer *writer, const struct gs_gecko_mark *marks, size_t count)
{
    FILE *out = writer->out;
    uint32_t hold = name_of(writer, "GIL hold"), wait = name_of(writer, "GIL wait");
    static const char *const names[] = {"name", "category", "phase", "startTime", "endTime", "data"};
    fprintf(out, ",\n\"markers\":{\"length\":%zu", count);
    for (size_t field = 0; field < sizeof names / sizeof *names; field++) {
        fprintf(out, ",\"%s\":[", names[field]);
        for (size_t i = 0; i < count && !writer->status; i++) {
            fputs(i > 0 ? "," : "", out);
            if (field == 0)
                gs_about_write_number(marks[i].wait ? wait : hold, out);
            else if (field == 1)
                gs_about_write_number(marks[i].wait ? WAITS : HOLDS, out);
            else if (field == 2)
                putc('1', out); /* an interval */
            else if (field == 3 || field == 4)
                write_ms(us_of(field == 3 ? marks[i].begin_ns : marks[i].end_ns), out);
            else
                write_mark_data(writer, &marks[i]);
        }
        fputs("]", out);
    }
    fputs("}", out);
}

/* ---- threads ---- */

static void write_thread(struct writer *writer, uint32_t number, const struct gs_gecko_mark *marks, size_t mark_count)
{
    const struct gs_gecko_thread *thread = &writer->gecko->threads[number];
    const struct gs_calltree_process *process = gs_calltree_process(writer->gecko->tree, thread->process);
    FILE *out = writer->out;
    fputs("{\"name\":", out);
    gs_label_add(&writer->name, *thread->name ? thread->name : "<no name>", 0);
    write_text(writer, &writer->name);
    fprintf(out,
            ",\"isMainThread\":%s,\"tid\":%d,\"pid\":\"%d\",\"processType\":\"default\",\"processStartupTime\":0,"
            "\"processShutdownTime\":null,\"pausedRanges\":[],\"processName\":",
            thread->main ? "true" : "false", (int)thread->tid, (int)process->pid);
    gs_label_add(&writer->name, process->command, 0);
    write_text(writer, &writer->name);
    fputs(",\"registerTime\":", out);
    write_ms(us_of(thread->first_ns), out);
    fputs(",\"unregisterTime\":", out);
    write_ms(us_of(thread->last_ns), out);
    fputs(",\n", out);
    write_samples(writer);
    write_marks(writer, marks, mark_count);
    fputs("}", out);
}

/* Of the longest span of time within which samples are summed up. */
static uint64_t write_threads(struct writer *writer)
{
    const struct gs_gecko *gecko = writer->gecko;
    uint64_t widest_ns = 0;
    uint32_t shown = 0;
    size_t mark = 0;
    const char *comma = "";
    for (uint32_t i = 0; i < gecko->thread_count; i++)
        shown += gecko->threads[i].last_ns > 0;
    fputs(",\n\"threads\":[", writer->out);
    for (uint32_t i = 0; i < gecko->thread_count && !writer->status; i++) {
        size_t marks = mark;
        while (mark < gecko->mark_count && gecko->marks[mark].thread == i)
            mark++;
        if (gecko->threads[i].last_ns == 0)
            continue;
        uint64_t width_ns = read_thread(writer, i, GS_GECKO_SAMPLES / shown + 1);
        widest_ns = width_ns > widest_ns ? width_ns : widest_ns;
        fputs(comma, writer->out);
        write_thread(writer, i, &gecko->marks[marks], mark - marks);
        comma = ",\n";
    }
    fputs("]", writer->out);
    return widest_ns;
}

/* ---- shared tables ---- */

static void write_prefix(struct writer *writer, size_t i)
{
    if (writer->stacks[i].prefix)
        gs_about_write_number(writer->stacks[i].prefix - 1, writer->out);
    else
        fputs_unlocked("null", writer->out);
}

static void write_frame(struct writer *writer, size_t i)
{
    gs_about_write_number(writer->stacks[i].frame, writer->out);
}

/* Frames that are no sample's innermost have no category, so that they take none from it. */
static void write_category(struct writer *writer, size_t i)
{
    if (writer->frames[i].category == OTHER)
        fputs_unlocked("null", writer->out);
    else
        gs_about_write_number(writer->frames[i].category, writer->out);
}

static void write_subcategory(struct writer *writer, size_t i)
{
    fputs_unlocked(writer->frames[i].category == OTHER ? "null" : "0", writer->out);
}

static void write_function(struct writer *writer, size_t i)
{
    gs_about_write_number(writer->frames[i].function, writer->out);
}

static void write_line(struct writer *writer, size_t i)
{
    const struct gs_calltree *tree = writer->gecko->tree;
    uint32_t node = writer->frames[i].node;
    const struct gs_place *place =
        gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_FRAME ? gs_calltree_place(tree, node) : NULL;
    if (place && place->line > 0)
        gs_about_write_number((uint64_t)place->line, writer->out);
    else
        fputs_unlocked("null", writer->out);
}

static void write_function_name(struct writer *writer, size_t i)
{
    gs_about_write_number(writer->functions[i].name, writer->out);
}

static void write_function_source(struct writer *writer, size_t i)
{
    uint32_t file = writer->functions[i].file;
    if (file == GS_IDS_NONE)
        fputs_unlocked("null", writer->out);
    else
        gs_about_write_number(gs_ids_find(&writer->source_by_text, file), writer->out);
}

static void write_source(struct writer *writer, size_t i)
{
    gs_about_write_number(writer->sources[i], writer->out);
}

static void write_string(struct writer *writer, size_t i)
{
    const char *string = gs_texts_at(writer->texts, (uint32_t)i);
    enum gs_status status = GS_OK;
    if (*string)
        status = gs_json_write_text(string, writer->out);
    else
        fputs_unlocked("\"\"", writer->out);
    if (status)
        writer->status = status;
}

static void write_frame_table(struct writer *writer)
{
    size_t count = writer->frame_count;
    fprintf(writer->out, ",\n\"frameTable\":{\"length\":%zu", count);
    constant(writer, "address", count, "-1");
    constant(writer, "inlineDepth", count, "0");
    column(writer, "category", count, write_category);
    column(writer, "subcategory", count, write_subcategory);
    column(writer, "func", count, write_function);
    constant(writer, "nativeSymbol", count, "null");
    constant(writer, "innerWindowID", count, "0");
    column(writer, "line", count, write_line);
    constant(writer, "column", count, "null");
    fputs("}", writer->out);
}

static void write_function_table(struct writer *writer)
{
    size_t count = writer->function_count;
    fprintf(writer->out, ",\n\"funcTable\":{\"length\":%zu", count);
    column(writer, "name", count, write_function_name);
    constant(writer, "isJS", count, "false");
    constant(writer, "relevantForJS", count, "false");
    constant(writer, "resource", count, "-1");
    column(writer, "source", count, write_function_source);
    constant(writer, "lineNumber", count, "null");
    constant(writer, "columnNumber", count, "null");
    fputs("}", writer->out);
}

static void write_shared(struct writer *writer)
{
    FILE *out = writer->out;
    fprintf(out, ",\n\"shared\":{\"stackTable\":{\"length\":%" PRIu32, writer->stack_count);
    column(writer, "prefix", writer->stack_count, write_prefix);
    column(writer, "frame", writer->stack_count, write_frame);
    fputs("}", out);
    write_frame_table(writer);
    write_function_table(writer);
    fputs(",\n\"resourceTable\":{\"length\":0,\"lib\":[],\"name\":[],\"host\":[],\"type\":[]}"
          ",\n\"nativeSymbols\":{\"length\":0,\"libIndex\":[],\"address\":[],\"name\":[],\"functionSize\":[]}",
          out);
    fprintf(out, ",\n\"sources\":{\"length\":%" PRIu32, writer->source_count);
    constant(writer, "id", writer->source_count, "null");
    column(writer, "filename", writer->source_count, write_source);
    fputs("}", out);
    column(writer, "stringArray", writer->text_count, write_string);
    fputs("}", out);
}

/* ---- the head ---- */

static void write_categories(FILE *out)
{
    fputs("\"categories\":[", out);
    for (int i = 0; i < CATEGORIES; i++)
        fprintf(out, "%s{\"name\":\"%s\",\"color\":\"%s\",\"subcategories\":[\"Other\"]}", i > 0 ? "," : "",
                categories[i].name, categories[i].color);
    fputs("]", out);
}

static void write_schema(FILE *out)
{
    static const char display[] = "\"display\":[\"marker-chart\",\"marker-table\",\"timeline-overview\"]";
    fprintf(out,
            ",\n\"markerSchema\":[{\"name\":\"GIL wait\",\"tooltipLabel\":\"waits for the GIL\","
            "\"tableLabel\":\"{marker.data.by}: {marker.data.in}\",\"chartLabel\":\"{marker.data.by}\",%s,\"fields\":["
            "{\"key\":\"by\",\"label\":\"made to wait by\",\"format\":\"string\"},"
            "{\"key\":\"in\",\"label\":\"which was in\",\"format\":\"string\"}]},\n"
            "{\"name\":\"GIL hold\",\"tooltipLabel\":\"holds the GIL\",\"tableLabel\":\"{marker.data.in}\","
            "\"chartLabel\":\"{marker.data.in}\",%s,\"fields\":["
            "{\"key\":\"in\",\"label\":\"in\",\"format\":\"string\"},"
            "{\"key\":\"waiters\",\"label\":\"threads waiting\",\"format\":\"decimal\"}]}]",
            display, display);
}

static void write_meta(struct writer *writer)
{
    const struct gs_gecko *gecko = writer->gecko;
    const struct gs_run_info *run = &gecko->run;
    FILE *out = writer->out;
    fprintf(out, "{\"meta\":{\"version\":31,\"preprocessedProfileVersion\":%d,\"interval\":", VERSION);
    write_ms(us_of(writer->slot_ns), out);
    fprintf(out, ",\"startTime\":%" PRId64 ".%03d,\"processType\":0,\"stackwalk\":0,\"debug\":false,\"product\":",
            run->realtime_ns / NS_PER_MS, (int)(run->realtime_ns / NS_PER_US % 1000));
    if (gs_calltree_process_count(gecko->tree) > 0)
        gs_label_add(&writer->name, gs_calltree_process(gecko->tree, 0)->command, 80);
    else
        gs_label_put(&writer->name, "Python");
    write_text(writer, &writer->name);
    fputs(",\"importedFrom\":", out);
    gs_label_put(&writer->name, "gilspy ");
    gs_label_add(&writer->name, run->gilspy ? run->gilspy : "", 0);
    write_text(writer, &writer->name);
    fputs(",\"symbolicated\":true,\"symbolicationNotSupported\":true,\"usesOnlyOneStackType\":true,"
          "\"sourceCodeIsNotOnSearchfox\":true,\"sampleUnits\":{\"time\":\"ms\",\"eventDelay\":\"ms\","
          "\"threadCPUDelta\":\"\\u00b5s\"},\n",
          out);
    write_categories(out);
    write_schema(out);
    fputs("},\n\"libs\":[],\"pages\":[]", out);
}

/* What only we read. */
static void write_about(struct writer *writer, const struct gs_run_end *end, uint64_t width_ns)
{
    json_t *about = gs_about_begin(&writer->gecko->run, writer->gecko->selection);
    json_t *rest = gs_about_end(writer->gecko->run.begin_ns, end);
    json_t *ours = json_pack("{s:I, s:I}", "marks_from_us", (json_int_t)(writer->gecko->long_ns / NS_PER_US),
                             "summed_up_within_us", (json_int_t)(width_ns / NS_PER_US));
    bool done = about && rest && ours && json_object_update(about, rest) == 0 && json_object_update(about, ours) == 0;
    json_decref(rest);
    json_decref(ours);
    fputs(",\n\"gilspy\":", writer->out);
    enum gs_status status = done ? gs_json_write(about, writer->out) : GS_NO_MEMORY;
    if (!done)
        json_decref(about);
    if (status)
        writer->status = status;
    fputs("}\n", writer->out);
}

static void fini(struct writer *writer)
{
    gs_texts_free(writer->texts);
    gs_ids_fini(&writer->frame_by_key);
    gs_ids_fini(&writer->stack_by_code);
    gs_ids_fini(&writer->function_by_key);
    gs_ids_fini(&writer->source_by_text);
    gs_ids_fini(&writer->entry_by_code);
    free(writer->frames);
    free(writer->stacks);
    free(writer->functions);
    free(writer->sources);
    free(writer->stack_of);
    free(writer->entries);
    gs_label_fini(&writer->name);
    gs_label_fini(&writer->file);
}

enum gs_status gs_gecko_write(struct gs_gecko *gecko, const struct gs_run_end *end)
{
    double hz = gecko->run.rate_hz;
    struct writer writer = {.gecko = gecko, .out = gecko->out, .texts = gs_texts_new()};
    writer.slot_ns = hz > 1e-3 && hz <= 1e6 ? (uint64_t)(1e9 / hz) : NS_PER_MS;
    if (!writer.texts)
        writer.status = GS_NO_MEMORY;
    else
        add_nodes(&writer);
    if (!writer.status) {
        write_meta(&writer);
        uint64_t width_ns = write_threads(&writer);
        write_shared(&writer);
        write_about(&writer, end, width_ns);
    }
    fini(&writer);
    return writer.status;
}
