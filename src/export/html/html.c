/* The format html: one page that answers whatever mode and time are asked about. What each thread does goes into spans
 * of time, as into a file of speedscope; at the end these are summed up for each thousandth of the run. */
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "export/difference.h"
#include "export/formats.h"
#include "export/html/html.h"

enum { THREADS_MOST = 1 << 24, AWAITS_MOST = 4096 /* further ones count for those who await them */ };

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_html *self = (struct gs_html *)sink;
    self->run = *run;
    return GS_OK;
}

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_html *self = (struct gs_html *)sink;
    if (number != self->process_count)
        return GS_FAILED;
    if (!gs_room((void **)&self->processes, &self->process_room, self->process_count + 1, sizeof *self->processes))
        return GS_NO_MEMORY;
    self->processes[self->process_count++] = (struct gs_html_process){0};
    return gs_calltree_add_process(self->tree, number, process);
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_html *self = (struct gs_html *)sink;
    if (number > self->thread_count || number >= THREADS_MOST ||
        thread->process >= gs_calltree_process_count(self->tree))
        return GS_FAILED;
    if (!gs_room((void **)&self->threads, &self->thread_room, number + 1, sizeof *self->threads))
        return GS_NO_MEMORY;
    if (number == self->thread_count)
        self->threads[self->thread_count++] = (struct gs_html_thread){0};
    struct gs_html_thread *known = &self->threads[number];
    known->name = thread->name;
    known->process = thread->process;
    known->tid = thread->tid;
    known->main = thread->main;
    known->chosen =
        gs_patterns_fit(self->selection->patterns, self->selection->pattern_count, thread->tid, thread->name);
    return GS_OK;
}

/* Where what has no more room is charged; nothing asks for it before. */
static uint32_t root_of(const struct gs_html *self, uint32_t node)
{
    while (self->keys.count >= GS_KEYS_MOST && gs_calltree_node(self->tree, node)->parent)
        node = gs_calltree_node(self->tree, node)->parent;
    return node;
}

static enum gs_status add_span(struct gs_html *self, uint32_t number, const struct gs_key *key, uint64_t begin_ns,
                               uint64_t end_ns)
{
    struct gs_html_thread *thread = &self->threads[number];
    begin_ns = begin_ns > self->run.begin_ns ? begin_ns - self->run.begin_ns : 0;
    end_ns = end_ns > self->run.begin_ns ? end_ns - self->run.begin_ns : 0;
    begin_ns = gs_most(begin_ns, gs_spill_end(self->spill, number));
    if (key->leaf == 0 || end_ns <= begin_ns || end_ns > GS_HTML_LONGEST_NS)
        return GS_OK;
    uint32_t found = gs_keys_find(&self->keys, key, root_of(self, key->leaf));
    if (!found)
        return GS_NO_MEMORY;
    self->keys.list[found - 1].ns += end_ns - begin_ns;
    thread->hue_ns[gs_key_hue(key->code)] += end_ns - begin_ns;
    if (key->code < GS_KEY_LATE && key->code % GS_CODE_RUNS == GS_CODE_RUNNING)
        thread->runs_ns += end_ns - begin_ns;
    return gs_spill_add(self->spill, &(struct gs_span){number, found, begin_ns, end_ns});
}

/* ---- holds ---- */

static void end_hold(struct gs_html *self, const struct gs_hold_span *span)
{
    struct gs_html_thread *thread =
        span->holder > 0 && span->holder <= self->thread_count ? &self->threads[span->holder - 1] : NULL;
    if (!thread || thread->hold.samples == 0)
        return;
    struct gs_hold *hold = &thread->hold;
    hold->begin_ns = gs_html_since_begin(self, span->from_ns);
    hold->end_ns = gs_html_since_begin(self, span->to_ns);
    uint64_t ns = hold->end_ns - hold->begin_ns;
    if (ns > thread->longest_ns)
        thread->longest_ns = ns;
    if (ns > thread->hogged_ns && 2 * hold->waiters >= hold->samples)
        thread->hogged_ns = ns;
    if (thread->chosen && ns <= GS_HTML_LONGEST_NS)
        gs_holds_add(&self->holds, hold);
    hold->samples = 0;
}

/* Holds go on, or end. */
static enum gs_status follow_gils(struct gs_html *self, const struct gs_sample *sample)
{
    struct gs_html_process *process = &self->processes[sample->process];
    struct gs_hold_rule rule = gs_hold_rule(self->run.rate_hz);
    struct gs_hold_span ended;
    if (!gs_room((void **)&process->gils, &process->gil_room, sample->gil_count, sizeof *process->gils))
        return GS_NO_MEMORY;
    for (; process->gil_count < sample->gil_count; process->gil_count++)
        process->gils[process->gil_count] = (struct gs_hold_follow){.any = false};
    for (size_t i = 0; i < sample->gil_count; i++) {
        struct gs_hold_look look = gs_hold_look_of(sample, i);
        if (gs_hold_step(&process->gils[i], &look, &rule, &ended))
            end_hold(self, &ended);
    }
    return GS_OK;
}

/* What was seen of holds that go on counts. */
static void end_holds(struct gs_html *self)
{
    struct gs_hold_span span;
    for (size_t i = 0; i < self->process_count; i++) {
        for (size_t k = 0; k < self->processes[i].gil_count; k++) {
            if (gs_hold_now(&self->processes[i].gils[k], &span))
                end_hold(self, &span);
        }
    }
}

static void look_at_hold(struct gs_html *self, const struct gs_sample *sample, const struct gs_thread_sample *now,
                         uint32_t leaf)
{
    struct gs_html_thread *thread = &self->threads[now->thread];
    if (now->gil != GS_HOLDS)
        return;
    thread->lock = now->lock;
    if (now != gs_sample_holder(sample, now->lock))
        return;
    if (thread->hold.samples == 0)
        thread->hold = (struct gs_hold){.thread = now->thread};
    gs_hold_go_on(&thread->hold, gs_html_since_begin(self, sample->time_ns), leaf, sample->gils[now->lock].waiters);
}

static enum gs_status add_one(struct gs_html *self, const struct gs_sample *sample, size_t i, const uint32_t *nodes,
                              const uint32_t *late)
{
    const struct gs_thread_sample *now = &sample->threads[i];
    struct gs_html_thread *thread = &self->threads[now->thread];
    struct gs_key key = {.leaf = nodes[i], .code = gs_key_code(now)};
    uint64_t begin_ns = sample->time_ns - sample->weight_ns;
    const struct gs_thread_sample *holder = gs_sample_blocker(sample, now);
    look_at_hold(self, sample, now, nodes[i]);
    if (!thread->chosen)
        return GS_OK;
    thread->samples++;
    if (now->gil == GS_WAITS)
        thread->lock = now->lock;
    if (gs_key_waits(key.code) && holder) {
        key.holder = holder->thread + 1;
        key.at = nodes[holder - sample->threads];
    }
    struct gs_key gap = {.leaf = late[i], .code = key.code + GS_KEY_LATE};
    enum gs_status status = add_span(self, now->thread, &gap, begin_ns - sample->gap_ns, begin_ns);
    return status == GS_OK ? add_span(self, now->thread, &key, begin_ns, sample->time_ns) : status;
}

/* The time of the sample is time with somebody who waits for those of its GILs that somebody waits for. */
static enum gs_status add_contention(struct gs_html *self, const struct gs_sample *sample,
                                     const bool waited[GS_GILS_MOST])
{
    uint64_t run_ns = self->run.begin_ns, begin_ns = sample->time_ns - sample->weight_ns, end_ns = sample->time_ns;
    begin_ns = sample->weight_ns <= sample->time_ns && begin_ns > run_ns ? begin_ns - run_ns : 0;
    end_ns = end_ns > run_ns ? end_ns - run_ns : 0;
    for (size_t lock = 0; lock < GS_GILS_MOST && end_ns <= GS_HTML_LONGEST_NS; lock++) {
        if (waited[lock] && !gs_locks_add(&self->locks, sample->process, (uint8_t)lock, begin_ns, end_ns))
            return GS_NO_MEMORY;
    }
    return GS_OK;
}

/* ---- suspended tasks ---- */

/* NULL: out of memory. */
static struct gs_html_await *find_await(struct gs_html *self, uint32_t thread, uint32_t leaf)
{
    const struct gs_thread_sample asleep = {.gil = GS_WITHOUT, .run = GS_RUN_BLOCKED};
    struct gs_key key = {.leaf = leaf, .code = gs_key_code(&asleep)};
    uint32_t number = gs_keys_find(&self->keys, &key, root_of(self, leaf)), at = self->await_count;
    uint64_t name = (uint64_t)thread << 32 | number;
    if (!number)
        return NULL;
    uint32_t known = gs_ids_find(&self->by_await, name), above = gs_calltree_node(self->tree, leaf)->parent;
    if (known != GS_IDS_NONE)
        return &self->awaits[known];
    if (at >= AWAITS_MOST && above)
        return find_await(self, thread, above);
    if (!gs_room((void **)&self->awaits, &self->await_room, (size_t)at + 1, sizeof *self->awaits) ||
        !gs_ids_set(&self->by_await, name, at))
        return NULL;
    self->awaits[self->await_count++] = (struct gs_html_await){.thread = thread, .key = number};
    return &self->awaits[at];
}

/* Of a look at the tasks: each counts since the look before. */
static enum gs_status add_awaits(struct gs_html *self, const struct gs_sample *sample)
{
    enum gs_status status = GS_OK;
    const uint64_t end_ns = gs_html_since_begin(self, sample->time_ns);
    const uint64_t begin_ns = gs_html_since_begin(self, sample->time_ns - sample->tasks_ns);
    if (sample->tasks_ns == 0 || end_ns > GS_HTML_LONGEST_NS)
        return GS_OK;
    for (uint32_t i = 0; i < self->await_count; i++)
        self->awaits[i].count = 0;
    for (size_t i = 0; i < sample->task_count && status == GS_OK; i++) {
        uint32_t leaf, thread = sample->threads[sample->tasks[i].thread_at].thread;
        if (!self->threads[thread].chosen)
            continue;
        status = gs_calltree_find_task(self->tree, sample, i, &leaf);
        struct gs_html_await *await = status == GS_OK ? find_await(self, thread, leaf) : NULL;
        if (!await)
            return status == GS_OK ? GS_NO_MEMORY : status;
        await->count++;
    }
    for (uint32_t i = 0; i < self->await_count && status == GS_OK; i++) {
        const struct gs_html_await *await = &self->awaits[i];
        struct gs_span span = {i, await->count, gs_most(begin_ns, gs_spill_end(self->await_spill, i)), end_ns};
        if (await->count == 0 || span.begin_ns >= span.end_ns)
            continue;
        self->keys.list[await->key - 1].task_ns += (end_ns - span.begin_ns) * await->count;
        self->await_ns += (end_ns - span.begin_ns) * await->count;
        status = gs_spill_add(self->await_spill, &span);
    }
    return status;
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_html *self = (struct gs_html *)sink;
    bool waited[GS_GILS_MOST] = {false}; /* by a thread that is chosen */
    const uint32_t *nodes, *late;
    enum gs_status status = gs_calltree_find(self->tree, sample, &nodes, &late);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        if (thread->thread >= self->thread_count)
            return GS_FAILED;
        if (thread->lock < GS_GILS_MOST)
            waited[thread->lock] |= thread->gil == GS_WAITS && self->threads[thread->thread].chosen;
    }
    if (status == GS_OK)
        status = follow_gils(self, sample);
    if (status == GS_OK)
        status = add_contention(self, sample, waited);
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++)
        status = add_one(self, sample, i, nodes, late);
    if (status == GS_OK)
        status = add_awaits(self, sample);
    if (status == GS_OK)
        status = gs_task_lanes_add(&self->lanes, sample, sample->time_ns - sample->weight_ns);
    if (sample->time_ns > self->run.begin_ns && sample->time_ns - self->run.begin_ns > self->last_ns)
        self->last_ns = sample->time_ns - self->run.begin_ns;
    return status;
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct gs_html *)sink)->tree);
    return GS_OK;
}

/* The tree is of all modes; times in it are of the one that was asked for. */
static void charge(struct gs_html *self)
{
    for (uint32_t i = 0; i < self->keys.count; i++) {
        const struct gs_key *key = &self->keys.list[i];
        const struct gs_thread_sample thread = gs_key_thread(key->code);
        if (self->selection->mode == GS_MODE_AWAIT)
            gs_calltree_charge(self->tree, key->leaf, &thread, key->task_ns);
        else if (key->code < GS_KEY_LATE && gs_mode_counts(self->selection->mode, &thread))
            gs_calltree_charge(self->tree, key->leaf, &thread, key->ns);
    }
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run_end)
{
    struct gs_html *self = (struct gs_html *)sink;
    struct gs_html_data data = {0};
    end_holds(self);
    charge(self);
    enum gs_status status = gs_spill_sort(self->spill);
    for (uint32_t i = 0; i < self->process_count && status == GS_OK; i++)
        status = gs_task_lanes_stop(&self->lanes, i, self->run.begin_ns + self->last_ns);
    if (status == GS_OK)
        status = gs_spill_sort(self->lane_spill);
    if (status == GS_OK)
        status = gs_spill_sort(self->await_spill);
    if (status == GS_OK)
        status = gs_calltree_finish(self->tree);
    if (status == GS_OK)
        status = gs_html_pack(self, run_end, &data);
    if (status == GS_OK)
        status = gs_html_write(self, &data, run_end);
    gs_html_data_fini(&data);
    return status;
}

static void close_html(struct gs_sink *sink)
{
    struct gs_html *self = (struct gs_html *)sink;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->thread_count; i++)
        free(self->threads[i].cells);
    for (size_t i = 0; i < self->process_count; i++)
        free(self->processes[i].gils);
    free(self->processes);
    free(self->threads);
    gs_keys_fini(&self->keys);
    gs_locks_fini(&self->locks);
    gs_calltree_free(self->tree);
    gs_spill_free(self->spill);
    gs_spill_free(self->lane_spill);
    gs_spill_free(self->await_spill);
    gs_ids_fini(&self->by_await);
    free(self->awaits);
    gs_task_lanes_fini(&self->lanes);
    free(self);
}

static enum gs_status open_html(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    struct gs_html *self = calloc(1, sizeof *self);
    if (!self)
        return GS_NO_MEMORY;
    self->sink = (struct gs_sink){begin, add_process, add_thread, add_sample, forget, end};
    self->out = out;
    self->selection = selection;
    self->all = (struct gs_selection){.mode = GS_MODE_WALL, .function = selection->function};
    self->tree = gs_calltree_new(
        &self->all, &(struct gs_calltree_options){.most = GS_CALLTREE_MOST, .qualnames = true, .fixed = true});
    self->spill = gs_spill_new(GS_SPILL_SPANS);
    self->lane_spill = gs_spill_new(GS_SPILL_SPANS / 16);
    self->await_spill = gs_spill_new(GS_SPILL_SPANS / 16);
    self->lanes.user = gs_html_lanes(self);
    gs_locks_init(&self->locks);
    *sink = &self->sink;
    if (gs_keys_init(&self->keys) && self->tree && self->spill && self->lane_spill && self->await_spill)
        return GS_OK;
    close_html(&self->sink);
    *sink = NULL;
    return GS_NO_MEMORY;
}

const struct gs_format gs_format_html = {
    .name = "html",
    .extensions = ".html",
    .summary = "a report to look at in a browser: time line, flame graph, threads, who delays whom",
    .how = "Open it in a browser",
    .open = open_html,
    .close = close_html,
    .diff = gs_diff_html,
};
