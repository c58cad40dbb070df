/* Samples become counters. The GIL's are those of gil/gil_track.h, as everywhere; a thread's time is what its samples
 * weigh. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/room.h"
#include "base/sorted.h"
#include "profile/modes.h"
#include "push/metered.h"

#define MINUTE_NS (60 * GS_NS_PER_S) /* what lasted longest is told of for one to two of these */
#define SHOWN_NS  (60 * GS_NS_PER_S) /* a process that is gone */
#define WELL_NS   (30 * GS_NS_PER_S)

static void free_process(struct gs_metered_process *process)
{
    gs_loops_fini(&process->loops);
    gs_pauses_fini(&process->pauses);
    free(process->groups);
    free(process);
}

static void remove_at(struct gs_metrics *metrics, size_t at)
{
    free_process(metrics->processes[at]);
    metrics->count--;
    memmove(metrics->processes + at, metrics->processes + at + 1, (metrics->count - at) * sizeof *metrics->processes);
}

uint64_t gs_metered_busy_ns(const struct gs_metered_process *process)
{
    uint64_t busy_ns = process->busy_ns;
    for (size_t i = 0; i < process->loops.count; i++)
        busy_ns += process->loops.list[i].busy_ns;
    return busy_ns;
}

uint64_t gs_metered_callback_ns(const struct gs_metered_process *process, bool before)
{
    uint64_t longest_ns = before ? process->callback_ns : 0;
    for (size_t i = 0; i < process->loops.count; i++)
        longest_ns = gs_most(longest_ns, process->loops.list[i].longest_ns);
    return longest_ns;
}

static struct gs_metered_pauses with_these(const struct gs_metered_pauses *before, const struct gs_pause_sum *sum,
                                           uint64_t count)
{
    return (struct gs_metered_pauses){.count = before->count + count,
                                      .ns = before->ns + sum->all_ns + (sum->on ? sum->ns : 0),
                                      .longest_ns = gs_most(before->longest_ns, sum->longest_ns)};
}

struct gs_metered_pauses gs_metered_gc(const struct gs_metered_process *process)
{
    const struct gs_pauses *now = &process->pauses;
    uint64_t ended = 0;
    for (size_t i = 0; i < GS_GENERATIONS; i++)
        ended += now->collections[i];
    return with_these(&process->gc, &now->gc, now->counted ? ended : now->gc.count);
}

struct gs_metered_pauses gs_metered_worlds(const struct gs_metered_process *process)
{
    return with_these(&process->worlds, &process->pauses.worlds, process->pauses.worlds.count);
}

/* NULL: there is none, or it is left out. */
static struct gs_metered_process *find(const struct gs_metrics *metrics, uint32_t number)
{
    size_t at = GS_FIRST_NOT(i, metrics->count, metrics->processes[i]->number < number);
    return at < metrics->count && metrics->processes[at]->number == number ? metrics->processes[at] : NULL;
}

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_metrics *metrics = (struct gs_metrics *)sink;
    gs_metrics_rate(metrics, run->rate_hz);
    return GS_OK;
}

/* One that was lost from sight, or runs another program of the same name, goes on; a number that another has now, and
 * who was shown long enough, do not. */
static struct gs_metered_process *take_back(struct gs_metrics *metrics, const struct gs_metered_process *like,
                                            uint64_t now_ns)
{
    struct gs_metered_process *back = NULL;
    for (size_t i = metrics->count; i-- > 0;) {
        struct gs_metered_process *one = metrics->processes[i];
        bool same = one->pid == like->pid;
        if (same && one->start_ticks == like->start_ticks && strcmp(one->service, like->service) == 0) {
            back = one;
            memmove(metrics->processes + i, metrics->processes + i + 1,
                    (--metrics->count - i) * sizeof *metrics->processes);
        } else if (same || (one->gone_ns && now_ns - one->gone_ns > SHOWN_NS)) {
            remove_at(metrics, i);
        }
    }
    return back;
}

static enum gs_status add_process(struct gs_metrics *metrics, struct gs_metered_process *like)
{
    struct gs_metered_process *process = take_back(metrics, like, gs_clock_ns());
    if (process) {
        process->number = like->number;
        process->gone_ns = 0;
        process->track = (struct gs_gil_track){.asked = false};
        process->sampled_ns = 0;
    } else if (metrics->count >= GS_METRICS_PROCESSES) {
        metrics->left_out++;
        return GS_OK;
    } else if ((process = malloc(sizeof *process))) {
        *process = *like;
    }
    if (!process ||
        !gs_room((void **)&metrics->processes, &metrics->room, metrics->count + 1, sizeof *metrics->processes)) {
        free(process);
        return GS_NO_MEMORY;
    }
    metrics->processes[metrics->count++] = process;
    return GS_OK;
}

static enum gs_status process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *about)
{
    struct gs_metrics *metrics = (struct gs_metrics *)sink;
    struct gs_metered_process like = {.number = number, .pid = about->pid, .start_ticks = about->start_ticks};
    gs_push_service(like.service, about);
    pthread_mutex_lock(&metrics->lock);
    enum gs_status status = add_process(metrics, &like);
    pthread_mutex_unlock(&metrics->lock);
    return status;
}

/* The index of a group of threads; of one that is new, when there are too many, that of all others. */
static enum gs_status find_group(struct gs_metered_process *process, const char *thread, uint32_t *group)
{
    char name[GS_PUSH_TEXT];
    gs_push_group(name, thread);
    for (*group = 0; *group < process->group_count; ++*group) {
        if (strcmp(process->groups[*group].name, name) == 0)
            return GS_OK;
    }
    if (process->group_count == GS_PUSH_GROUPS) {
        *group = GS_PUSH_GROUPS - 1;
        return GS_OK;
    }
    if (!gs_room((void **)&process->groups, &process->group_room, process->group_count + 1, sizeof *process->groups))
        return GS_NO_MEMORY;
    struct gs_metered_group *added = &process->groups[process->group_count++];
    *added = (struct gs_metered_group){.wait_ns = 0};
    strcpy(added->name, process->group_count == GS_PUSH_GROUPS ? "(other)" : name);
    return GS_OK;
}

static size_t thread_at(const struct gs_metrics *metrics, uint32_t number)
{
    return GS_FIRST_NOT(i, metrics->thread_count, metrics->threads[i].number < number);
}

static enum gs_status note_thread(struct gs_metrics *metrics, uint32_t number, const struct gs_sampled_thread *about)
{
    struct gs_metered_thread thread = {.number = number, .process = about->process};
    struct gs_metered_process *process = find(metrics, about->process);
    if (!process)
        return GS_OK;
    pthread_mutex_lock(&metrics->lock);
    enum gs_status status = find_group(process, about->name, &thread.group);
    pthread_mutex_unlock(&metrics->lock);
    size_t at = thread_at(metrics, number);
    if (!status && at < metrics->thread_count && metrics->threads[at].number == number) {
        metrics->threads[at] = thread;
        return GS_OK;
    }
    if (status || !gs_room((void **)&metrics->threads, &metrics->thread_room, metrics->thread_count + 1,
                           sizeof *metrics->threads))
        return GS_NO_MEMORY;
    memmove(metrics->threads + at + 1, metrics->threads + at, (metrics->thread_count++ - at) * sizeof thread);
    metrics->threads[at] = thread;
    return GS_OK;
}

static enum gs_status thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *about)
{
    return note_thread((struct gs_metrics *)sink, number, about);
}

static void note_hold(struct gs_metered_process *process, const struct gs_hold_span *hold)
{
    process->longest_ns[0] = gs_most(process->longest_ns[0], hold->to_ns - hold->from_ns);
}

/* The main interpreter's. False: it is not known what was done since the sample before. */
static bool take_gil(const struct gs_metrics *metrics, struct gs_metered_process *process,
                     const struct gs_sample *sample)
{
    size_t at = 0;
    struct gs_gil_step step;
    struct gs_hold_span now;
    while (at < sample->gil_count && sample->gils[at].interpreter != 0)
        at++;
    process->has_gil = at < sample->gil_count && sample->gils[at].state != GS_GIL_DISABLED;
    if (!process->has_gil)
        return true;
    const struct gs_thread_sample *holder = gs_sample_holder(sample, at);
    uint64_t known = holder ? (uint64_t)holder->thread + 1 : 0;
    struct gs_gil_look look = gs_gil_look(&sample->gils[at], known, sample->time_ns);
    bool moved, lost = gs_gil_track_lost(&process->track, &look.hold, &metrics->rule, &moved);
    gs_gil_track_step(&process->track, &look, &metrics->rule, lost, &process->sum, &step);
    if (step.ended && look.hold.counted)
        note_hold(process, &step.hold);
    if (look.hold.counted && gs_hold_now(&process->track.follow, &now))
        note_hold(process, &now);
    process->waiters = look.waiters;
    return !lost;
}

/* NULL: it is not known. */
static struct gs_metered_group *group_of(const struct gs_metrics *metrics, const struct gs_metered_process *process,
                                         const struct gs_thread_sample *thread)
{
    size_t at = thread ? thread_at(metrics, thread->thread) : metrics->thread_count;
    bool known = at < metrics->thread_count && metrics->threads[at].number == thread->thread;
    return known ? &process->groups[metrics->threads[at].group] : NULL;
}

/* Most threads sleep. */
static bool counts(const struct gs_thread_sample *thread, bool more)
{
    return thread->gil == GS_WAITS ||
           (more && (thread->gil == GS_HOLDS || thread->at_lock || gs_mode_counts(GS_MODE_CPU, thread)));
}

static void take_threads(const struct gs_metrics *metrics, const struct gs_metered_process *process,
                         const struct gs_sample *sample)
{
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        struct gs_metered_group *group, *holder;
        if (!counts(thread, metrics->more) || !(group = group_of(metrics, process, thread)))
            continue;
        group->wait_ns += thread->gil == GS_WAITS ? sample->weight_ns : 0;
        group->held_ns += thread->gil == GS_HOLDS ? sample->weight_ns : 0;
        group->lock_wait_ns += thread->at_lock ? sample->weight_ns : 0;
        group->runnable_ns += gs_mode_counts(GS_MODE_CPU, thread) ? sample->weight_ns : 0;
        if (metrics->more && thread->gil == GS_WAITS &&
            (holder = group_of(metrics, process, gs_sample_holder(sample, thread->lock))))
            holder->delay_ns += sample->weight_ns;
    }
}

static enum gs_status take_loops(struct gs_metered_process *process, const struct gs_sample *sample, uint64_t gap_ns)
{
    enum gs_status status = GS_OK;
    process->has_loops |= sample->loop_count > 0;
    process->tasks = 0;
    for (size_t i = 0; i < sample->loop_count && !status; i++) {
        process->tasks += sample->loops[i].tasks;
        status = gs_loops_add(&process->loops, sample, i, 0, gap_ns);
    }
    return status;
}

/* What is counted by the minute begins anew. */
static void next_minute(struct gs_metered_process *process, uint64_t now_ns)
{
    bool recent = now_ns - process->minute_ns <= 2 * MINUTE_NS;
    process->minute_ns = now_ns;
    process->longest_ns[1] = recent ? process->longest_ns[0] : 0;
    process->longest_ns[0] = 0;
    process->busy_ns = gs_metered_busy_ns(process);
    process->callback_ns = recent ? gs_metered_callback_ns(process, false) : 0;
    gs_loops_next(&process->loops);
    process->gc = gs_metered_gc(process);
    process->worlds = gs_metered_worlds(process);
    process->gc.longest_ns = recent ? process->pauses.gc.longest_ns : 0;
    process->worlds.longest_ns = recent ? process->pauses.worlds.longest_ns : 0;
    gs_pauses_next(&process->pauses);
}

static enum gs_status take(const struct gs_metrics *metrics, struct gs_metered_process *process,
                           const struct gs_sample *sample)
{
    uint64_t gap_ns = process->sampled_ns && sample->gap_ns == 0 ? sample->time_ns - process->sampled_ns : 0;
    process->sampled_ns = sample->time_ns;
    if (!process->minute_ns || sample->time_ns - process->minute_ns > MINUTE_NS)
        next_minute(process, sample->time_ns);
    process->threads = sample->thread_count;
    process->locks_known |= sample->locks_known;
    if (take_gil(metrics, process, sample))
        take_threads(metrics, process, sample);
    enum gs_status status = metrics->more ? gs_pauses_add(&process->pauses, sample, NULL, gap_ns) : GS_OK;
    return status ? status : take_loops(process, sample, gap_ns);
}

static enum gs_status sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_metrics *metrics = (struct gs_metrics *)sink;
    pthread_mutex_lock(&metrics->lock);
    struct gs_metered_process *process = find(metrics, sample->process);
    enum gs_status status = process ? take(metrics, process, sample) : GS_OK;
    pthread_mutex_unlock(&metrics->lock);
    return status;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    (void)sink;
    (void)run;
    return GS_OK;
}

enum gs_status gs_metrics_new(struct gs_metrics **out, bool more)
{
    struct gs_metrics *metrics = calloc(1, sizeof *metrics);
    *out = metrics;
    if (!metrics)
        return GS_NO_MEMORY;
    metrics->more = more;
    metrics->sink = (struct gs_sink){begin, process, thread, sample, NULL, end};
    pthread_mutex_init(&metrics->lock, NULL);
    return GS_OK;
}

void gs_metrics_free(struct gs_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++)
        free_process(metrics->processes[i]);
    free(metrics->processes);
    free(metrics->threads);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

struct gs_sink *gs_metrics_sink(struct gs_metrics *metrics)
{
    return &metrics->sink;
}

static void forget_threads(struct gs_metrics *metrics, uint32_t process)
{
    size_t kept = 0;
    for (size_t i = 0; i < metrics->thread_count; i++) {
        if (metrics->threads[i].process != process)
            metrics->threads[kept++] = metrics->threads[i];
    }
    metrics->thread_count = kept;
}

void gs_metrics_gone(struct gs_metrics *metrics, pid_t pid)
{
    bool found = false;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->count; i++) {
        struct gs_metered_process *one = metrics->processes[i];
        if (one->pid != pid || one->gone_ns)
            continue;
        found = true;
        one->gone_ns = gs_clock_ns();
        one->threads = one->waiters = one->tasks = 0;
        forget_threads(metrics, one->number);
    }
    if (!found && metrics->left_out > 0)
        metrics->left_out--;
    pthread_mutex_unlock(&metrics->lock);
}

void gs_metrics_rate(struct gs_metrics *metrics, double rate_hz)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->rule = gs_hold_rule(rate_hz);
    pthread_mutex_unlock(&metrics->lock);
}

void gs_metrics_own(struct gs_metrics *metrics, const struct gs_metrics_own *own)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->own = *own;
    for (size_t i = metrics->count; i-- > 0;) {
        uint64_t gone_ns = metrics->processes[i]->gone_ns;
        if (gone_ns && own->at_ns > gone_ns && own->at_ns - gone_ns > SHOWN_NS)
            remove_at(metrics, i);
    }
    pthread_mutex_unlock(&metrics->lock);
}

bool gs_metrics_well(struct gs_metrics *metrics)
{
    pthread_mutex_lock(&metrics->lock);
    uint64_t at_ns = metrics->own.at_ns;
    pthread_mutex_unlock(&metrics->lock);
    return at_ns > 0 && gs_clock_ns() - at_ns < WELL_NS;
}

enum gs_status gs_metrics_page(struct gs_metrics *metrics, bool open_metrics, char **text, size_t *len)
{
    FILE *out = open_memstream(text, len);
    if (!out)
        return GS_NO_MEMORY;
    pthread_mutex_lock(&metrics->lock);
    gs_metrics_write(metrics, open_metrics, out);
    pthread_mutex_unlock(&metrics->lock);
    bool failed = ferror(out);
    return fclose(out) == 0 && !failed ? GS_OK : GS_NO_MEMORY;
}
