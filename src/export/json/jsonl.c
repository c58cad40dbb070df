/* The format jsonl: what each sample is made of, one JSON object to a line, each of which can be read by itself. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "export/about.h"
#include "export/formats.h"
#include "export/json.h"
#include "export/label.h"
#include "gilspy/target.h"

struct thread {
    uint32_t process;
    pid_t tid;
    bool chosen; /* by the patterns */
    char *name;
};

struct jsonl {
    struct gs_sink sink;
    FILE *out;
    const struct gs_selection *selection;
    uint64_t begin_ns;
    pid_t *pids; /* of processes */
    uint32_t process_count;
    struct thread *threads;
    uint32_t thread_count;
    size_t thread_room;
};

/* Ends a line; object: what is in it, freed. */
static enum gs_status write_object(struct jsonl *self, const char *type, json_t *object)
{
    json_t *line = object ? json_pack("{s:s}", "type", type) : NULL;
    if (line && json_object_update(line, object) != 0) {
        json_decref(line);
        line = NULL;
    }
    json_decref(object);
    enum gs_status status = gs_json_write(line, self->out);
    fputc('\n', self->out);
    return status;
}

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct jsonl *self = (struct jsonl *)sink;
    self->begin_ns = run->begin_ns;
    return write_object(self, "run", gs_about_begin(run, self->selection));
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct jsonl *self = (struct jsonl *)sink;
    size_t count = 0;
    if (number > self->process_count)
        return GS_FAILED;
    if (number == self->process_count) {
        pid_t *pids = realloc(self->pids, ((size_t)number + 1) * sizeof *pids);
        if (!pids)
            return GS_NO_MEMORY;
        self->pids = pids;
        self->process_count++;
    }
    self->pids[number] = process->pid;
    while (process->command && process->command[count])
        count++;
    return write_object(self, "process",
                        json_pack("{s:i, s:i, s:o, s:o, s:o, s:o}", "pid", (int)process->pid, "ns_pid",
                                  (int)process->ns_pid, "command", gs_json_texts(process->command, count), "exe",
                                  gs_json_text_or_null(process->exe), "python", gs_json_text_or_null(process->python),
                                  "build", gs_json_text_or_null(process->build)));
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct jsonl *self = (struct jsonl *)sink;
    const struct gs_selection *selection = self->selection;
    if (number > self->thread_count)
        return GS_FAILED;
    if (!gs_room((void **)&self->threads, &self->thread_room, number + 1, sizeof *self->threads))
        return GS_NO_MEMORY;
    struct thread *known = &self->threads[number];
    if (number == self->thread_count) {
        *known = (struct thread){0};
        self->thread_count++;
    }
    free(known->name);
    known->process = thread->process;
    known->tid = thread->tid;
    known->chosen = gs_patterns_fit(selection->patterns, selection->pattern_count, thread->tid, thread->name);
    known->name = strdup(thread->name);
    return known->name ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status write_frame(struct jsonl *self, const struct gs_place *place)
{
    FILE *out = self->out;
    const char *file = place->module ? place->module : place->file;
    if (place->kind == GS_FRAME_GAP || place->kind == GS_FRAME_TASK) {
        fputs_unlocked(place->kind == GS_FRAME_TASK ? "{\"task\":" : "{\"gap\":", out);
        enum gs_status status = gs_json_write_text(place->function, out);
        putc_unlocked('}', out);
        return status;
    }
    fputs_unlocked("{\"fn\":", out);
    enum gs_status status = gs_json_write_text(*place->function ? place->function : "<unknown code>", out);
    if (status == GS_OK && place->qualname && strcmp(place->qualname, place->function) != 0) {
        fputs_unlocked(",\"qualname\":", out);
        status = gs_json_write_text(place->qualname, out);
    }
    fputs_unlocked(place->module ? ",\"module\":" : ",\"file\":", out);
    if (status == GS_OK)
        status = gs_json_write_text(file, out);
    if (!self->selection->function) {
        fputs_unlocked(",\"line\":", out);
        if (place->line > 0)
            gs_about_write_number((uint64_t)place->line, out);
        else
            fputs_unlocked("null", out);
    }
    putc_unlocked('}', out);
    return status;
}

/* Innermost frame first. */
static enum gs_status write_stack(struct jsonl *self, const struct gs_stacks *stacks, uint32_t stack)
{
    enum gs_status status = GS_OK;
    fputs_unlocked(",\"stack\":[", self->out);
    for (bool first = true; stack && status == GS_OK; first = false) {
        struct gs_stack at = gs_stacks_at(stacks, stack);
        if (!first)
            putc_unlocked(',', self->out);
        status = write_frame(self, gs_stacks_place_at(stacks, at.place));
        stack = at.caller;
    }
    putc_unlocked(']', self->out);
    return status;
}

static enum gs_status write_person(struct jsonl *self, const struct thread *thread)
{
    fputs_unlocked("{\"tid\":", self->out);
    gs_about_write_number((uint32_t)thread->tid, self->out);
    fputs_unlocked(",\"name\":", self->out);
    return gs_json_write_text(thread->name, self->out);
}

static enum gs_status write_thread(struct jsonl *self, const struct gs_sample *sample,
                                   const struct gs_thread_sample *one)
{
    static const char *const runnable[] = {[GS_RUN_UNKNOWN] = "null", [GS_RUN_RUNNING] = "true"};
    FILE *out = self->out;
    enum gs_status status = write_person(self, &self->threads[one->thread]);
    fputs_unlocked(",\"gil\":\"", out);
    fputs_unlocked(gs_gil_word_name(one->gil), out);
    fputs_unlocked(one->evidence == GS_EXACT ? "\",\"evidence\":\"exact\"" : "\",\"evidence\":\"inferred\"", out);
    fputs_unlocked(",\"lock\":", out);
    gs_about_write_number(one->lock, out);
    fputs_unlocked(",\"runnable\":", out);
    fputs_unlocked(one->run <= GS_RUN_RUNNING ? runnable[one->run] : "false", out);
    if (gs_thread_at_lock(one))
        fputs_unlocked(",\"waits_for_lock\":true", out);
    return status == GS_OK ? write_stack(self, sample->stacks, one->stack) : status;
}

/* Who makes a thread wait: only where that is asked for, in mode blame. */
static enum gs_status write_holder(struct jsonl *self, const struct gs_sample *sample,
                                   const struct gs_thread_sample *holder)
{
    fputs_unlocked(",\"holder\":", self->out);
    if (!holder) {
        fputs_unlocked("null", self->out);
        return GS_OK;
    }
    enum gs_status status = write_person(self, &self->threads[holder->thread]);
    if (status == GS_OK)
        status = write_stack(self, sample->stacks, holder->stack);
    putc_unlocked('}', self->out);
    return status;
}

/* Numbers that come from a file may be anything. */
static bool makes_sense(const struct jsonl *self, const struct gs_sample *sample)
{
    uint32_t stacks = gs_stacks_count(sample->stacks);
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *one = &sample->threads[i];
        if (one->stack > stacks || one->thread >= self->thread_count || one->gil > GS_UNKNOWN)
            return false;
    }
    return sample->process < self->process_count;
}

static enum gs_status write_threads(struct jsonl *self, const struct gs_sample *sample)
{
    enum gs_mode mode = self->selection->mode;
    enum gs_status status = GS_OK;
    bool first = true;
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        const struct gs_thread_sample *one = &sample->threads[i];
        if (!self->threads[one->thread].chosen || !gs_mode_counts(mode, one))
            continue;
        if (!first)
            putc_unlocked(',', self->out);
        first = false;
        status = write_thread(self, sample, one);
        if (status == GS_OK && mode == GS_MODE_BLAME)
            status = write_holder(self, sample, gs_sample_blocker(sample, one));
        putc_unlocked('}', self->out);
    }
    return status;
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct jsonl *self = (struct jsonl *)sink;
    FILE *out = self->out;
    if (!makes_sense(self, sample))
        return GS_FAILED;
    fputs_unlocked("{\"type\":\"sample\",\"time_us\":", out);
    gs_about_write_us(sample->time_ns, out);
    fputs_unlocked(",\"pid\":", out);
    gs_about_write_number((uint32_t)self->pids[sample->process], out);
    fputs_unlocked(",\"weight_us\":", out);
    gs_about_write_us(sample->weight_ns, out);
    fputs_unlocked(",\"gap_us\":", out);
    gs_about_write_us(sample->gap_ns, out);
    fputs_unlocked(",\"threads\":[", out);
    enum gs_status status = write_threads(self, sample);
    fputs_unlocked("]}\n", out);
    return status;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    struct jsonl *self = (struct jsonl *)sink;
    return write_object(self, "end", gs_about_end(self->begin_ns, run));
}

static void close_jsonl(struct gs_sink *sink)
{
    struct jsonl *self = (struct jsonl *)sink;
    for (uint32_t i = 0; i < self->thread_count; i++)
        free(self->threads[i].name);
    free(self->threads);
    free(self->pids);
    free(self);
}

static enum gs_status open_jsonl(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    struct jsonl *self = calloc(1, sizeof *self);
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, NULL, end};
    self->out = out;
    self->selection = selection;
    *sink = &self->sink;
    return GS_OK;
}

const struct gs_format gs_format_jsonl = {
    .name = "jsonl",
    .extensions = ".jsonl",
    .summary = "one sample per line as JSON, for programs",
    .open = open_jsonl,
    .close = close_jsonl,
};
