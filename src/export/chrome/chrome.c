/* The format chrome: a timeline of every thread in the Trace Event Format. Slices are written when they begin and when
 * they end, so that all that is kept of a thread is what it does now. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "export/about.h"
#include "export/chrome/lanes.h"
#include "export/formats.h"
#include "export/json.h"

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_chrome *self = (struct gs_chrome *)sink;
    self->begin_ns = run->begin_ns;
    self->about = gs_about_begin(run, self->selection);
    fputs("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [", self->out);
    return self->about ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_chrome *self = (struct gs_chrome *)sink;
    enum gs_status status = gs_calltree_add_process(self->tree, number, process);
    if (status == GS_OK &&
        !gs_room((void **)&self->processes, &self->process_room, number + 1, sizeof *self->processes))
        return GS_NO_MEMORY;
    if (status)
        return status;
    if (number == self->process_count) {
        memset(&self->processes[number], 0, sizeof *self->processes);
        self->process_count++;
    }
    self->processes[number].pid = process->pid;
    return gs_chrome_process(self, process->pid, gs_calltree_process(self->tree, number)->command,
                             process->python ? process->python : "");
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_chrome *self = (struct gs_chrome *)sink;
    const struct gs_selection *selection = self->selection;
    if (number > self->thread_count || thread->process >= self->process_count)
        return GS_FAILED;
    if (!gs_room((void **)&self->threads, &self->thread_room, number + 1, sizeof *self->threads))
        return GS_NO_MEMORY;
    struct gs_chrome_thread *known = &self->threads[number];
    if (number == self->thread_count) {
        *known = (struct gs_chrome_thread){.process = thread->process, .tid = thread->tid};
        self->thread_count++;
    }
    known->chosen = gs_patterns_fit(selection->patterns, selection->pattern_count, thread->tid, thread->name);
    enum gs_status status = gs_calltree_add_thread(self->tree, number, thread);
    return status == GS_OK && known->chosen ? gs_chrome_thread(self, number, thread->name) : status;
}

/* Ends what goes on in a thread, where it was seen last. */
static enum gs_status stop(struct gs_chrome *self, struct gs_chrome_thread *thread)
{
    uint32_t node = thread->open[GS_CHROME_FUNCTIONS];
    if (thread->open[GS_CHROME_STATES] && thread->open[GS_CHROME_STATES] != GS_CHROME_UNDRAWN)
        gs_chrome_state_end(self, thread, thread->end_ns);
    memset(thread->open, 0, sizeof thread->open);
    return gs_chrome_functions(self, thread, thread->end_ns, node, 0);
}

/* Ends what goes on in threads of the process that are not in its present sample, which begins at that time, or were
 * not sampled up to there. */
static enum gs_status stop_threads(struct gs_chrome *self, struct gs_chrome_process *process, uint64_t begin_ns)
{
    enum gs_status status = GS_OK;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < process->open_count; i++) {
        struct gs_chrome_thread *thread = &self->threads[process->open[i]];
        if (thread->seen == process->samples && thread->end_ns >= begin_ns)
            process->open[kept++] = process->open[i];
        else if (status == GS_OK)
            status = stop(self, thread);
    }
    process->open_count = kept;
    return status;
}

static bool note_open(struct gs_chrome_process *process, uint32_t number)
{
    if (!gs_room((void **)&process->open, &process->open_room, process->open_count + 1, sizeof *process->open))
        return false;
    process->open[process->open_count++] = number;
    return true;
}

/* Threads of the sample are in it; those that were not before are open from now on. */
static enum gs_status note_seen(struct gs_chrome *self, const struct gs_sample *sample, uint64_t begin_ns)
{
    struct gs_chrome_process *process = &self->processes[sample->process];
    process->samples++;
    for (size_t i = 0; i < sample->thread_count; i++) {
        uint32_t number = sample->threads[i].thread;
        if (number >= self->thread_count || self->threads[number].process != sample->process)
            return GS_FAILED;
        self->threads[number].seen = process->samples;
    }
    enum gs_status status = stop_threads(self, process, begin_ns);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        uint32_t number = sample->threads[i].thread;
        const struct gs_chrome_thread *thread = &self->threads[number];
        if (thread->chosen && !thread->open[GS_CHROME_STATES] && !note_open(process, number))
            status = GS_NO_MEMORY;
    }
    return status;
}

static const struct gs_place *innermost_python(const struct gs_sample *sample, uint32_t stack)
{
    for (; stack; stack = gs_stacks_at(sample->stacks, stack).caller) {
        const struct gs_place *place = gs_stacks_place_at(sample->stacks, gs_stacks_at(sample->stacks, stack).place);
        if (place->kind == GS_FRAME_PYTHON && !place->module)
            return place;
    }
    return NULL;
}

/* What a thread does in a span of time. */
struct span {
    uint64_t begin_ns, end_ns;
    enum gs_gil_word word;
    bool at_lock;
    bool another;   /* a hold, and not the one that was seen before: others had the GIL in between */
    uint32_t node;  /* 0: it does not count */
    uint32_t stack; /* of the sample's */
};

static enum gs_status go_on(struct gs_chrome *self, const struct gs_sample *sample, struct gs_chrome_thread *thread,
                            const struct span *span)
{
    uint64_t begin_ns = span->begin_ns > thread->end_ns ? span->begin_ns : thread->end_ns;
    uint32_t *state = &thread->open[GS_CHROME_STATES], *node = &thread->open[GS_CHROME_FUNCTIONS];
    enum gs_status status = GS_OK;
    if (span->end_ns <= begin_ns)
        return GS_OK;
    uint32_t next = self->seen ? GS_CHROME_UNDRAWN : span->word * 2U + span->at_lock + 1;
    if ((*state != next || span->another) && !self->seen) {
        if (*state && *state != GS_CHROME_UNDRAWN)
            gs_chrome_state_end(self, thread, begin_ns);
        status =
            gs_chrome_state(self, thread, begin_ns, span->word, span->at_lock, innermost_python(sample, span->stack));
    }
    if (status == GS_OK)
        status = gs_chrome_functions(self, thread, begin_ns, *node, span->node);
    *state = next;
    *node = span->node;
    thread->end_ns = span->end_ns;
    return status;
}

static void count_waiters(struct gs_chrome *self, const struct gs_sample *sample, uint64_t ns)
{
    struct gs_chrome_process *process = &self->processes[sample->process];
    for (unsigned lock = 0; lock < GS_GILS_MOST && !self->seen; lock++) {
        uint32_t waiters = lock < sample->gil_count ? sample->gils[lock].waiters : 0;
        bool first = lock == 0 && process->samples == 1;
        if (first || waiters != process->waiters[lock])
            gs_chrome_waiters(self, process->pid, ns, lock, waiters);
        process->waiters[lock] = waiters;
    }
}

static uint64_t before(uint64_t ns, uint64_t span_ns)
{
    return ns > span_ns ? ns - span_ns : 0;
}

/* Whether it has the GIL anew, though it had it in the sample before. */
static bool is_another(struct gs_chrome_thread *thread, const struct gs_sample *sample,
                       const struct gs_thread_sample *now)
{
    if (now->gil != GS_HOLDS || now->lock >= sample->gil_count || !sample->gils[now->lock].counted)
        return false;
    uint64_t before = thread->switches;
    thread->switches = sample->gils[now->lock].switches;
    return thread->switches != before;
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_chrome *self = (struct gs_chrome *)sink;
    const uint32_t *nodes, *late;
    uint64_t begin_ns = before(sample->time_ns, sample->weight_ns), gap_ns = before(begin_ns, sample->gap_ns);
    enum gs_status status = gs_calltree_find(self->tree, sample, &nodes, &late);
    if (status == GS_OK)
        status = note_seen(self, sample, gap_ns);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK && sample->gap_ns > 0; i++) {
        struct gs_chrome_thread *thread = &self->threads[sample->threads[i].thread];
        struct span span = {.begin_ns = gap_ns, .end_ns = begin_ns, .word = GS_UNKNOWN, .node = late[i]};
        if (thread->chosen)
            status = go_on(self, sample, thread, &span);
    }
    if (status)
        return status;
    count_waiters(self, sample, begin_ns);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        const struct gs_thread_sample *one = &sample->threads[i];
        struct gs_chrome_thread *thread = &self->threads[one->thread];
        struct span span = {
            begin_ns, sample->time_ns, one->gil, gs_thread_at_lock(one), is_another(thread, sample, one),
            nodes[i], one->stack};
        if (thread->chosen)
            status = go_on(self, sample, thread, &span);
        if (self->seen)
            self->seen(self->seen_context, thread->tid, sample->time_ns, innermost_python(sample, one->stack));
    }
    self->processes[sample->process].end_ns = sample->time_ns;
    return status == GS_OK ? gs_task_lanes_add(&self->lanes, sample, begin_ns) : status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct gs_chrome *)sink)->tree);
    return GS_OK;
}

static enum gs_status write_about(struct gs_chrome *self, const struct gs_run_end *run)
{
    json_t *end = gs_about_end(self->begin_ns, run), *about = self->about;
    double run_us = 1e6 * json_real_value(json_object_get(end, "seconds"));
    json_t *overhead = json_real(run_us > 0 ? (double)run->quality.stopped_us / run_us : 0);
    self->about = NULL;
    bool failed = !end || !overhead || json_object_update(about, end) != 0;
    if (self->more)
        failed = json_object_update(about, self->more) != 0 || failed;
    json_decref(end);
    if (json_object_set_new(json_object_get(about, "quality"), "overhead", overhead) != 0 || failed) {
        json_decref(about);
        return GS_NO_MEMORY;
    }
    fputs("\n], \"metadata\": ", self->out);
    enum gs_status status = gs_json_write(about, self->out);
    fputs("}\n", self->out);
    return status;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    struct gs_chrome *self = (struct gs_chrome *)sink;
    enum gs_status status = GS_OK;
    for (uint32_t i = 0; i < self->process_count && status == GS_OK; i++) {
        struct gs_chrome_process *process = &self->processes[i];
        status = stop_threads(self, process, UINT64_MAX);
        if (status == GS_OK)
            status = gs_task_lanes_stop(&self->lanes, i, process->end_ns);
        for (unsigned lock = 0; lock < GS_GILS_MOST; lock++) {
            if (process->waiters[lock])
                gs_chrome_waiters(self, process->pid, process->end_ns, lock, 0);
        }
    }
    return status == GS_OK ? write_about(self, run) : status;
}

void gs_chrome_close(struct gs_chrome *self)
{
    if (!self)
        return;
    for (uint32_t i = 0; i < self->process_count; i++)
        free(self->processes[i].open);
    free(self->processes);
    free(self->threads);
    gs_calltree_free(self->tree);
    json_decref(self->about);
    json_decref(self->more);
    free(self->path);
    gs_label_fini(&self->text);
    gs_task_lanes_fini(&self->lanes);
    free(self);
}

enum gs_status gs_chrome_open(struct gs_chrome **chrome, FILE *out, const struct gs_selection *selection)
{
    static const struct gs_calltree_options options = {.most = GS_CALLTREE_MOST, .fixed = true};
    struct gs_chrome *self = calloc(1, sizeof *self);
    *chrome = NULL;
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, forget, end};
    self->out = out;
    self->selection = selection;
    self->lanes.user = gs_chrome_lanes(self);
    self->tree = gs_calltree_new(selection, &options);
    if (!self->tree) {
        gs_chrome_close(self);
        return GS_NO_MEMORY;
    }
    *chrome = self;
    return GS_OK;
}

static void close_chrome(struct gs_sink *sink)
{
    gs_chrome_close((struct gs_chrome *)sink);
}

static enum gs_status open_chrome(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    struct gs_chrome *chrome;
    enum gs_status status = gs_chrome_open(&chrome, out, selection);
    *sink = chrome ? &chrome->sink : NULL;
    return status;
}

const struct gs_format gs_format_chrome = {
    .name = "chrome",
    .other_name = "chrometrace",
    .extensions = ".trace.json",
    .summary = "a timeline of every thread, for Perfetto; merges with VizTracer's",
    .open = open_chrome,
    .close = close_chrome,
};
