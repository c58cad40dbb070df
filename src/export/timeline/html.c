/* The timeline of exact tracing as a page to look at in a browser: all of it is kept, within bounds, until its end. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "export/timeline/html.h"

enum { NOT_CHOSEN = GS_IDS_NONE - 1 /* in place of an index: the thread has no rows, and is missed by nobody */ };

static struct gs_timeline_html *of(struct gs_timeline *timeline)
{
    return (struct gs_timeline_html *)timeline;
}

static struct gs_timeline_html *of_sink(struct gs_sink *sink)
{
    return (struct gs_timeline_html *)((char *)sink - offsetof(struct gs_timeline_html, sink));
}

/* GS_IDS_NONE: there are too many. */
static enum gs_status find_thread(struct gs_timeline_html *self, pid_t tid, uint32_t *index)
{
    *index = gs_ids_find(&self->by_tid, (uint32_t)tid);
    if (*index != GS_IDS_NONE || self->thread_count >= GS_TIMELINE_THREADS)
        return GS_OK;
    struct gs_timeline_thread next = {.tid = tid};
    for (int row = 0; row < GS_ROWS; row++) {
        if (gs_marks_row(&self->marks, row == GS_ROW_FUNCTIONS, &next.rows[row]))
            return GS_NO_MEMORY;
    }
    *index = (uint32_t)self->thread_count;
    if (!gs_room((void **)&self->threads, &self->thread_room, self->thread_count + 1, sizeof *self->threads) ||
        !gs_ids_set(&self->by_tid, (uint32_t)tid, *index))
        return GS_NO_MEMORY;
    self->threads[self->thread_count++] = next;
    return GS_OK;
}

static enum gs_status name_thread(struct gs_timeline_html *self, pid_t tid, const char *name, bool main,
                                  uint32_t *index)
{
    enum gs_status status = find_thread(self, tid, index);
    if (status || *index == GS_IDS_NONE)
        return status;
    char *copy = strdup(name ? name : "");
    if (!copy)
        return GS_NO_MEMORY;
    free(self->threads[*index].name);
    self->threads[*index].name = copy;
    self->threads[*index].main |= main;
    return GS_OK;
}

static uint64_t since_begin(const struct gs_timeline_html *self, uint64_t ns)
{
    return ns > self->run.begin_ns ? ns - self->run.begin_ns : 0;
}

static enum gs_status add(struct gs_timeline_html *self, pid_t tid, enum gs_timeline_row row,
                          const struct gs_mark *mark)
{
    uint32_t index;
    enum gs_status status = find_thread(self, tid, &index);
    if (status == GS_OK && index == GS_IDS_NONE)
        self->left_out++;
    else if (status == GS_OK)
        status = gs_marks_add(&self->marks, self->threads[index].rows[row], mark);
    return status;
}

/* ---- samples ---- */

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_timeline_html *self = of_sink(sink);
    self->run = *run;
    self->run.gilspy = self->gilspy = strdup(run->gilspy ? run->gilspy : "");
    self->run.host = self->host = strdup(run->host ? run->host : "");
    return self->gilspy && self->host ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    return gs_calltree_add_process(of_sink(sink)->tree, number, process);
}

static enum gs_status add_sampled(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_timeline_html *self = of_sink(sink);
    uint32_t index;
    if (number > self->number_count)
        return GS_FAILED;
    enum gs_status status = GS_OK;
    if (gs_patterns_fit(self->selection->patterns, self->selection->pattern_count, thread->tid, thread->name))
        status = name_thread(self, thread->tid, thread->name, thread->main, &index);
    else
        index = NOT_CHOSEN;
    if (status == GS_OK &&
        !gs_room((void **)&self->number_to, &self->number_room, (size_t)number + 1, sizeof *self->number_to))
        return GS_NO_MEMORY;
    if (status)
        return status;
    self->number_to[number] = index;
    if (number == self->number_count)
        self->number_count++;
    return gs_calltree_add_thread(self->tree, number, thread);
}

/* What a thread did up to the sample: its functions, and its state where nothing else tells that. */
static enum gs_status add_one(struct gs_timeline_html *self, const struct gs_sample *sample, size_t i, uint32_t node)
{
    const struct gs_thread_sample *one = &sample->threads[i];
    if (one->thread >= self->number_count)
        return GS_FAILED;
    uint32_t index = self->number_to[one->thread];
    uint64_t begin_ns = sample->time_ns > sample->weight_ns ? sample->time_ns - sample->weight_ns : 0;
    struct gs_mark mark = {.begin_ns = since_begin(self, begin_ns),
                           .end_ns = since_begin(self, sample->time_ns),
                           .flags = GS_MARK_SAMPLED};
    if (index == GS_IDS_NONE || index == NOT_CHOSEN) {
        self->left_out += index == GS_IDS_NONE;
        return GS_OK;
    }
    enum gs_status status = GS_OK;
    const struct gs_timeline_thread *thread = &self->threads[index];
    if (self->sampled) {
        struct gs_mark state = mark;
        state.word = one->gil;
        state.lock = one->lock < GS_ADDRESSES_MOST ? one->lock : 0;
        status = gs_marks_add(&self->marks, thread->rows[GS_ROW_STATES], &state);
    }
    mark.value = node;
    return status == GS_OK && node ? gs_marks_add(&self->marks, thread->rows[GS_ROW_FUNCTIONS], &mark) : status;
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_timeline_html *self = of_sink(sink);
    const uint32_t *nodes, *late;
    enum gs_status status = gs_calltree_find(self->tree, sample, &nodes, &late);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++)
        status = add_one(self, sample, i, nodes[i]);
    return status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(of_sink(sink)->tree);
    return GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run_end)
{
    struct gs_timeline_html *self = of_sink(sink);
    enum gs_status status = gs_calltree_finish(self->tree);
    return status == GS_OK ? gs_timeline_page(self, run_end) : status;
}

/* ---- the timeline ---- */

static enum gs_status add_thread(struct gs_timeline *timeline, pid_t tid, const char *name, bool main)
{
    struct gs_timeline_html *self = of(timeline);
    uint32_t index;
    enum gs_status status = name_thread(self, tid, name, main, &index);
    if (status == GS_OK && index != GS_IDS_NONE && !self->threads[index].rank)
        self->threads[index].rank = ++self->ranks;
    return status;
}

static enum gs_status add_gil_span(struct gs_timeline *timeline, const struct gs_gil_span *gil_span)
{
    struct gs_timeline_html *self = of(timeline);
    struct gs_mark mark = {.begin_ns = since_begin(self, gil_span->begin_ns),
                           .end_ns = since_begin(self, gil_span->end_ns),
                           .since_ns = gil_span->since_ns,
                           .value = gil_span->word == GS_WAITS ? gil_span->asks : gil_span->waiters,
                           .word = gil_span->word,
                           .lock = gil_span->lock,
                           .flags =
                               (uint8_t)((gil_span->begun ? GS_MARK_BEGUN : 0) | (gil_span->ended ? GS_MARK_ENDED : 0) |
                                         (gil_span->forced ? GS_MARK_FORCED : 0))};
    if (gil_span->word == GS_HOLDS && gil_span->since_ns == gil_span->begin_ns) {
        mark.from = gil_span->from;
        mark.from_ns = since_begin(self, gil_span->from_ns);
    }
    return add(self, gil_span->tid, GS_ROW_STATES, &mark);
}

static enum gs_status add_run(struct gs_timeline *timeline, const struct gs_run_span *span)
{
    struct gs_timeline_html *self = of(timeline);
    struct gs_mark mark = {.begin_ns = since_begin(self, span->begin_ns),
                           .end_ns = since_begin(self, span->end_ns),
                           .since_ns = span->begin_ns,
                           .value = span->cpu,
                           .word = (uint8_t)span->state};
    return add(self, span->tid, GS_ROW_RUNS, &mark);
}

static enum gs_status add_waiters(struct gs_timeline *timeline, unsigned lock, uint32_t count, uint64_t begin_ns,
                                  uint64_t end_ns)
{
    struct gs_timeline_html *self = of(timeline);
    struct gs_mark mark = {.begin_ns = since_begin(self, begin_ns),
                           .end_ns = since_begin(self, end_ns),
                           .since_ns = count,
                           .value = count};
    if (lock >= GS_ADDRESSES_MOST)
        return GS_OK;
    if (!self->locks[lock] && gs_marks_row(&self->marks, false, &self->waiters[lock]))
        return GS_NO_MEMORY;
    self->locks[lock] = true;
    return gs_marks_add(&self->marks, self->waiters[lock], &mark);
}

/* The page has no tracks for them. */
static enum gs_status add_counts(struct gs_timeline *timeline, uint64_t ns, uint32_t counted,
                                 const struct gs_gilstat_counts *all)
{
    (void)timeline;
    (void)ns;
    (void)counted;
    (void)all;
    return GS_OK;
}

static enum gs_status add_pause(struct gs_timeline *timeline, const struct gs_exact_pause *pause)
{
    struct gs_timeline_html *self = of(timeline);
    uint64_t begin_ns = since_begin(self, pause->begin_ns);
    struct gs_mark mark = {.begin_ns = begin_ns,
                           .end_ns = since_begin(self, pause->end_ns),
                           .from_ns = begin_ns,
                           .from = pause->tid,
                           .word = pause->gc};
    uint32_t index;
    enum gs_status status = find_thread(self, pause->tid, &index); /* has rows */
    if (!status && !self->paused[pause->kind])
        status = gs_marks_row(&self->marks, false, &self->pauses[pause->kind]);
    if (status)
        return status;
    self->paused[pause->kind] = true;
    return gs_marks_add(&self->marks, self->pauses[pause->kind], &mark);
}

static void go_sampled(struct gs_timeline *timeline)
{
    of(timeline)->sampled = true;
}

static enum gs_status tell_about(struct gs_timeline *timeline, const struct gs_timeline_end *end)
{
    of(timeline)->end = *end;
    return GS_OK;
}

static void close_html(struct gs_timeline *timeline)
{
    struct gs_timeline_html *self = of(timeline);
    if (!self)
        return;
    for (size_t i = 0; i < self->thread_count; i++)
        free(self->threads[i].name);
    free(self->threads);
    free(self->number_to);
    gs_ids_fini(&self->by_tid);
    gs_marks_fini(&self->marks);
    gs_calltree_free(self->tree);
    free(self->gilspy);
    free(self->host);
    free(self);
}

static enum gs_status open_html(struct gs_timeline **timeline, FILE *out, pid_t pid,
                                const struct gs_selection *selection)
{
    static const struct gs_calltree_options options = {.most = GS_TIMELINE_NODES, .fixed = true};
    struct gs_timeline_html *self = calloc(1, sizeof *self);
    *timeline = NULL;
    if (!self)
        return GS_NO_MEMORY;
    self->timeline = (struct gs_timeline){&self->sink, add_thread, add_gil_span, add_run,    add_waiters,
                                          add_counts,  add_pause,  go_sampled,   tell_about, close_html};
    self->sink = (struct gs_sink){begin, add_process, add_sampled, add_sample, forget, end};
    self->out = out;
    self->pid = pid;
    self->selection = selection;
    self->marks.most = GS_MARKS_MOST;
    self->tree = gs_calltree_new(selection, &options);
    if (!self->tree) {
        close_html(&self->timeline);
        return GS_NO_MEMORY;
    }
    *timeline = &self->timeline;
    return GS_OK;
}

const struct gs_timeline_format gs_timeline_html = {"html", NULL, ".html", "Open it in a browser", open_html};
