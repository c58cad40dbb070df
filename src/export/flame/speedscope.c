/* The format speedscope: each thread's stacks in the order of time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "export/about.h"
#include "export/format.h"
#include "export/formats.h"
#include "export/json.h"
#include "export/label.h"
#include "export/spill.h"
#include "profile/calltree.h"

struct gs_scope_thread {
    uint32_t process;
    pid_t tid;
    const char *name;
    uint64_t busy_ns; /* time that counts */
};

struct gs_speedscope {
    struct gs_sink sink;
    FILE *out;
    const struct gs_selection *selection;
    struct gs_calltree *tree; /* fixed: spans know its nodes */
    struct gs_spill *spill;
    struct gs_scope_thread *threads;
    uint32_t thread_count;
    size_t thread_room;
    uint64_t begin_ns;
    const char *gilspy;
};

/* A thread's spans on their way into the file. */
struct writer {
    struct gs_speedscope *scope;
    uint64_t end_ns; /* of the run */
    uint32_t *path;  /* frames of a stack */
    size_t path_room;
    uint32_t frame_count; /* of the tree's places; after them come the other frames */
};

/* What a node of this kind is called, which has no number. */
static const struct {
    enum gs_node_kind kind;
    const char *name;
} others[] = {{GS_NODE_LATE, "[gap: sampler late]"},
              {GS_NODE_NO_PYTHON, "[no Python frames]"},
              {GS_NODE_HOLDER_UNKNOWN, "[holder unknown]"},
              {GS_NODE_DELAYS, "[delays]"},
              {GS_NODE_OTHER, "(other)"}};

enum { OTHERS = sizeof others / sizeof *others };

static enum gs_status put_label(struct gs_label *label, FILE *out)
{
    enum gs_status status = label->failed ? GS_NO_MEMORY : gs_json_write_text(label->bytes ? label->bytes : "?", out);
    gs_label_fini(label);
    return status;
}

static enum gs_status write_place(const struct gs_place *place, FILE *out)
{
    const char *file = place->module ? place->module : place->file;
    struct gs_label label = {0};
    enum gs_status status = GS_OK;
    fputs("{\"name\": ", out);
    if (place->kind == GS_FRAME_GAP) {
        gs_label_place(&label, place, NULL, 0);
    } else {
        gs_label_function(&label, place, 0);
    }
    status = put_label(&label, out);
    if (file && *file && status == GS_OK) {
        fputs(", \"file\": ", out);
        status = gs_json_write_text(file, out);
    }
    if (place->line > 0)
        fprintf(out, ", \"line\": %d", (int)place->line);
    fputs("}", out);
    return status;
}

static enum gs_status write_frames(struct writer *writer)
{
    struct gs_speedscope *scope = writer->scope;
    FILE *out = scope->out;
    enum gs_status status = GS_OK;
    fputs("\"shared\": {\"frames\": [\n", out);
    writer->frame_count = gs_calltree_place_count(scope->tree);
    for (uint32_t i = 1; i <= writer->frame_count && status == GS_OK; i++) {
        status = write_place(gs_calltree_place_at(scope->tree, i), out);
        fputs(",\n", out);
    }
    for (size_t i = 0; i < OTHERS; i++)
        fprintf(out, "%s{\"name\": \"%s\"}", i > 0 ? ",\n" : "", others[i].name);
    for (uint32_t i = 0; i < scope->thread_count && scope->selection->threads && status == GS_OK; i++) {
        struct gs_label label = {0};
        gs_label_add(&label, scope->threads[i].name, 0);
        gs_label_put(&label, " (%d)", (int)scope->threads[i].tid);
        fputs(",\n{\"name\": ", out);
        status = put_label(&label, out);
        fputs("}", out);
    }
    fputs("]}", out);
    return status;
}

/* The number that write_frames gave to what the node stands for. */
static uint32_t frame_of(const struct writer *writer, const struct gs_node *node)
{
    enum gs_node_kind kind = gs_node_kind(node);
    uint32_t number = gs_node_number(node), at = 0;
    if (kind == GS_NODE_FRAME)
        return number - 1;
    if (kind == GS_NODE_THREAD)
        return writer->frame_count + OTHERS + number;
    while (at < OTHERS && others[at].kind != kind)
        at++;
    return writer->frame_count + at;
}

static bool write_stack(struct writer *writer, uint32_t node)
{
    FILE *out = writer->scope->out;
    size_t depth = 0;
    for (; node; node = gs_calltree_node(writer->scope->tree, node)->parent) {
        const struct gs_node *at = gs_calltree_node(writer->scope->tree, node);
        if (gs_node_kind(at) == GS_NODE_PROCESS) /* the profile's name says it */
            continue;
        if (!gs_room((void **)&writer->path, &writer->path_room, depth + 1, sizeof *writer->path))
            return false;
        writer->path[depth++] = frame_of(writer, at);
    }
    putc_unlocked('[', out);
    while (depth > 0) {
        gs_about_write_number(writer->path[--depth], out);
        if (depth > 0)
            putc_unlocked(',', out);
    }
    putc_unlocked(']', out);
    return true;
}

/* The thread's stacks, or their weights, with what lies between them. */
static bool write_spans(struct writer *writer, uint32_t thread, bool weights)
{
    FILE *out = writer->scope->out;
    struct gs_span span;
    uint64_t at_ns = 0;
    const char *comma = "";
    while (gs_spill_next(writer->scope->spill, thread, &span)) {
        if (span.begin_ns > at_ns) {
            fputs(comma, out);
            weights ? gs_about_write_number(span.begin_ns - at_ns, out) : (void)fputs("[]", out);
            comma = ",\n";
        }
        fputs(comma, out);
        if (weights)
            gs_about_write_number(span.end_ns - span.begin_ns, out);
        else if (!write_stack(writer, span.node))
            return false;
        at_ns = span.end_ns;
        comma = ",\n";
    }
    if (writer->end_ns > at_ns) {
        fputs(comma, out);
        weights ? gs_about_write_number(writer->end_ns - at_ns, out) : (void)fputs("[]", out);
    }
    return !gs_spill_failed(writer->scope->spill);
}

static enum gs_status write_profile(struct writer *writer, uint32_t number)
{
    struct gs_speedscope *scope = writer->scope;
    const struct gs_scope_thread *thread = &scope->threads[number];
    struct gs_label name = {0};
    if (gs_calltree_process_count(scope->tree) > 1 && thread->process < gs_calltree_process_count(scope->tree)) {
        gs_label_put(&name, "%d: ", (int)gs_calltree_process(scope->tree, thread->process)->pid);
        gs_label_add(&name, gs_calltree_process(scope->tree, thread->process)->command, 0);
        gs_label_put(&name, ", ");
    }
    gs_label_add(&name, thread->name, 0);
    gs_label_put(&name, " (%d)", (int)thread->tid);
    fputs("{\"type\": \"sampled\", \"name\": ", scope->out);
    enum gs_status status = put_label(&name, scope->out);
    fprintf(scope->out, ", \"unit\": \"nanoseconds\", \"startValue\": 0, \"endValue\": %" PRIu64 ",\n\"samples\": [",
            writer->end_ns);
    if (status == GS_OK && !write_spans(writer, number, false))
        status = gs_spill_failed(scope->spill) ? GS_OUTPUT : GS_NO_MEMORY;
    gs_spill_again(scope->spill);
    fputs("],\n\"weights\": [", scope->out);
    if (status == GS_OK && !write_spans(writer, number, true))
        status = GS_OUTPUT;
    fputs("]}", scope->out);
    return status;
}

static enum gs_status write_profiles(struct writer *writer)
{
    struct gs_speedscope *scope = writer->scope;
    enum gs_status status = GS_OK;
    uint32_t written = 0, busiest = 0;
    uint64_t most_ns = 0;
    fputs(",\n\"profiles\": [", scope->out);
    for (uint32_t i = 0; i < scope->thread_count && status == GS_OK; i++) {
        if (!scope->threads[i].busy_ns)
            continue;
        if (scope->threads[i].busy_ns > most_ns) {
            most_ns = scope->threads[i].busy_ns;
            busiest = written;
        }
        fputs(written++ ? ",\n" : "\n", scope->out);
        status = write_profile(writer, i);
    }
    if (!written)
        fprintf(scope->out,
                "\n{\"type\": \"sampled\", \"name\": \"no thread counts in mode %s\", \"unit\": \"nanoseconds\", "
                "\"startValue\": 0, \"endValue\": 0, \"samples\": [], \"weights\": []}",
                gs_modes[scope->selection->mode].name);
    fprintf(scope->out, "],\n\"activeProfileIndex\": %" PRIu32, busiest);
    return status;
}

static enum gs_status write_name(const struct gs_speedscope *scope)
{
    struct gs_label name = {0};
    if (gs_calltree_process_count(scope->tree) > 0) {
        const struct gs_calltree_process *process = gs_calltree_process(scope->tree, 0);
        gs_label_add(&name, process->command, 0);
        gs_label_put(&name, " (pid %d), ", (int)process->pid);
    }
    gs_label_put(&name, "mode %s", gs_modes[scope->selection->mode].name);
    return put_label(&name, scope->out);
}

/* The spill is sorted, the tree finished. */
static enum gs_status write_all(struct gs_speedscope *scope, const struct gs_run_end *end)
{
    struct writer writer = {.scope = scope};
    FILE *out = scope->out;
    writer.end_ns = end->end_ns > scope->begin_ns ? end->end_ns - scope->begin_ns : 0;
    fputs("{\"$schema\": \"https://www.speedscope.app/file-format-schema.json\",\n\"name\": ", out);
    enum gs_status status = write_name(scope);
    fputs(",\n\"exporter\": ", out);
    struct gs_label exporter = {0};
    gs_label_put(&exporter, "gilspy ");
    gs_label_add(&exporter, scope->gilspy, 0);
    if (status == GS_OK)
        status = put_label(&exporter, out);
    fprintf(out, ",\n\"gilspy\": {\"mode\": \"%s\", \"complete\": %s, \"samples_in_other\": %" PRIu64 ", \"quality\": ",
            gs_modes[scope->selection->mode].name, end->complete ? "true" : "false", gs_calltree_folded(scope->tree));
    if (status == GS_OK)
        status = gs_json_write(gs_json_quality(&end->quality), out);
    fputs("},\n", out);
    if (status == GS_OK)
        status = write_frames(&writer);
    if (status == GS_OK)
        status = write_profiles(&writer);
    fputs("}\n", out);
    free(writer.path);
    return status;
}

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    self->begin_ns = run->begin_ns;
    self->gilspy = run->gilspy;
    return GS_OK;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    return gs_calltree_add_process(((struct gs_speedscope *)sink)->tree, number, process);
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    if (number > self->thread_count)
        return GS_FAILED;
    if (!gs_room((void **)&self->threads, &self->thread_room, number + 1, sizeof *self->threads))
        return GS_NO_MEMORY;
    if (number == self->thread_count)
        self->threads[self->thread_count++] = (struct gs_scope_thread){0};
    struct gs_scope_thread *known = &self->threads[number];
    known->process = thread->process;
    known->tid = thread->tid;
    known->name = thread->name;
    return gs_calltree_add_thread(self->tree, number, thread);
}

static enum gs_status add_span(struct gs_speedscope *self, uint32_t number, uint32_t node, uint64_t begin_ns,
                               uint64_t end_ns)
{
    begin_ns = begin_ns > self->begin_ns ? begin_ns - self->begin_ns : 0;
    end_ns = end_ns > self->begin_ns ? end_ns - self->begin_ns : 0;
    begin_ns = gs_most(begin_ns, gs_spill_end(self->spill, number));
    if (node == 0 || end_ns <= begin_ns)
        return GS_OK;
    self->threads[number].busy_ns += end_ns - begin_ns;
    return gs_spill_add(self->spill, &(struct gs_span){number, node, begin_ns, end_ns});
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    const uint32_t *nodes, *late;
    enum gs_status status = gs_calltree_find(self->tree, sample, &nodes, &late);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        uint32_t number = sample->threads[i].thread;
        uint64_t begin_ns = sample->time_ns - sample->weight_ns;
        if (number >= self->thread_count)
            return GS_FAILED;
        status = add_span(self, number, late[i], begin_ns - sample->gap_ns, begin_ns);
        if (status == GS_OK)
            status = add_span(self, number, nodes[i], begin_ns, sample->time_ns);
    }
    return status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct gs_speedscope *)sink)->tree);
    return GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    enum gs_status status = gs_spill_sort(self->spill);
    if (status == GS_OK)
        status = gs_calltree_finish(self->tree);
    return status == GS_OK ? write_all(self, run) : status;
}

static void close_speedscope(struct gs_sink *sink)
{
    struct gs_speedscope *self = (struct gs_speedscope *)sink;
    if (!self)
        return;
    free(self->threads);
    gs_calltree_free(self->tree);
    gs_spill_free(self->spill);
    free(self);
}

static enum gs_status open_speedscope(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    static const struct gs_calltree_options options = {.most = GS_CALLTREE_MOST, .fixed = true};
    struct gs_speedscope *self = calloc(1, sizeof *self);
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, forget, end};
    self->out = out;
    self->selection = selection;
    self->tree = gs_calltree_new(selection, &options);
    self->spill = gs_spill_new(GS_SPILL_SPANS);
    *sink = &self->sink;
    if (self->tree && self->spill)
        return GS_OK;
    close_speedscope(&self->sink);
    *sink = NULL;
    return GS_NO_MEMORY;
}

const struct gs_format gs_format_speedscope = {
    .name = "speedscope",
    .extensions = ".speedscope.json",
    .summary = "for speedscope: each thread's stacks over time",
    .how = "Open it in speedscope",
    .open = open_speedscope,
    .close = close_speedscope,
};
