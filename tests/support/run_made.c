/* Made-up runs, and what of a run arrives in a sink, as text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "recording/recorder.h"
#include "support/run_made.h"
#include "support/unit.h"

/* ---- log ---- */

static enum gs_status log_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct run_log *log = (struct run_log *)sink;
    fprintf(log->stream, "begin %" PRIu64 " %" PRId64 " %a %s %s\n", run->begin_ns, run->realtime_ns, run->rate_hz,
            run->gilspy, run->host);
    return GS_OK;
}

static const char *or_null(const char *text)
{
    return text ? text : "(null)";
}

static enum gs_status log_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct run_log *log = (struct run_log *)sink;
    fprintf(log->stream, "process %u: %d %d %" PRIu64 " %s %s %s", number, process->pid, process->ns_pid,
            process->start_ticks, or_null(process->python), or_null(process->build), or_null(process->exe));
    for (char *const *argument = process->command; *argument; argument++)
        fprintf(log->stream, " '%s'", *argument);
    fputs(process->exceptions ? " tells of exceptions\n" : "\n", log->stream);
    return GS_OK;
}

static enum gs_status log_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct run_log *log = (struct run_log *)sink;
    fprintf(log->stream, "thread %u: %u %d %d %" PRIx64 " '%s' %d\n", number, thread->process, thread->tid,
            thread->ns_tid, thread->ident, thread->name, thread->main);
    return GS_OK;
}

static void log_stack(FILE *stream, const struct gs_stacks *stacks, uint32_t number)
{
    while (number) {
        struct gs_stack stack = gs_stacks_at(stacks, number);
        const struct gs_place *place = gs_stacks_place_at(stacks, stack.place);
        fprintf(stream, " %u:%s,%s,%s,%s,%d,%d", stack.depth, place->function, or_null(place->qualname), place->file,
                or_null(place->module), place->line, place->kind);
        number = stack.caller;
    }
    fputc('\n', stream);
}

static enum gs_status log_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct run_log *log = (struct run_log *)sink;
    fprintf(log->stream, "sample of %u: %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sample->process, sample->time_ns,
            sample->weight_ns, sample->gap_ns);
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        fprintf(log->stream, "  %u %d %d %d %d %d", thread->thread, thread->gil, thread->evidence, thread->run,
                thread->torn, thread->lock);
        if (thread->at_lock)
            fprintf(log->stream, " behind %u", thread->owner_at);
        if (thread->handles)
            fputs(" handles", log->stream);
        log_stack(log->stream, sample->stacks, thread->stack);
    }
    for (size_t i = 0; i < sample->gil_count; i++) {
        const struct gs_sampled_gil *gil = &sample->gils[i];
        fprintf(log->stream, "  GIL of %" PRId64 ": %s, holder %d, last %d, %u wait, ", gil->interpreter,
                gs_gil_state_name(gil->state), (int)gil->holder_at, (int)gil->last, gil->waiters);
        fprintf(log->stream, gil->counted ? "%" PRIu64 " switches\n" : "not counted (%" PRIu64 ")\n", gil->switches);
    }
    if (sample->tasks_ns > 0)
        fprintf(log->stream, "  %zu tasks for %" PRIu64 "\n", sample->task_count, sample->tasks_ns);
    for (size_t i = 0; i < sample->task_count; i++) {
        fprintf(log->stream, "  task of %u", sample->tasks[i].thread_at);
        log_stack(log->stream, sample->stacks, sample->tasks[i].stack);
    }
    return ++log->samples >= log->answer_sample ? log->answer : GS_OK;
}

static enum gs_status log_forget(struct gs_sink *sink)
{
    fputs("forget\n", ((struct run_log *)sink)->stream);
    return GS_OK;
}

static enum gs_status log_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct run_log *log = (struct run_log *)sink;
    assert_false(log->ended);
    log->end = *end;
    log->ended = true;
    return GS_OK;
}

void run_log_open(struct run_log *log)
{
    *log = (struct run_log){.sink = {.begin = log_begin,
                                     .process = log_process,
                                     .thread = log_thread,
                                     .sample = log_sample,
                                     .forget = log_forget,
                                     .end = log_end}};
    log->stream = open_memstream(&log->text, &log->len);
    assert_non_null(log->stream);
}

void run_log_flush(struct run_log *log)
{
    assert_int_equal(fflush(log->stream), 0);
}

void run_log_close(struct run_log *log)
{
    fclose(log->stream);
    free(log->text);
}

/* ---- runs ---- */

enum { PROCESSES = 4, THREADS = 256 };

struct maker {
    const struct run_shape *shape;
    struct gs_sink *sink;
    uint64_t random, gil_random; /* gil_random: for the GILs, so that all else is the same with them and without */
    struct gs_stacks *stacks;
    struct gs_thread_sample now[PROCESSES][THREADS];
    size_t count[PROCESSES];
    uint64_t last_ns[PROCESSES];
    struct gs_sampled_gil gils[PROCESSES][GS_GILS_MOST];
    size_t gil_count[PROCESSES];
    uint32_t thread_count;
    uint64_t thread_samples, begin_ns;
    bool failed;
};

static uint64_t draw(struct maker *maker)
{
    maker->random ^= maker->random << 13;
    maker->random ^= maker->random >> 7;
    maker->random ^= maker->random << 17;
    return maker->random * UINT64_C(0x2545f4914f6cdd1d) >> 11;
}

static uint32_t below(struct maker *maker, int limit)
{
    return (uint32_t)(draw(maker) % (uint64_t)limit);
}

/* Of any size, small ones as often as huge ones. */
static uint64_t draw_wild(struct maker *maker)
{
    uint64_t value = draw(maker) << 11 | below(maker, 2048);
    return value >> below(maker, 64);
}

static void tell(struct maker *maker, enum gs_status status)
{
    maker->failed |= status != GS_OK;
}

static uint32_t make_place(struct maker *maker)
{
    char function[32], qualname[48], file[64];
    int number = (int)below(maker, maker->shape->functions);
    snprintf(function, sizeof function, "function_%d", number);
    snprintf(qualname, sizeof qualname, "Class_%d.function_%d", number % 7, number);
    snprintf(file, sizeof file, "/srv/app/package_%d/module_%d.py", number % 5, number % 11);
    struct gs_place place = {function,
                             number % 3 ? qualname : NULL,
                             number % 13 ? file : "",
                             number % 17 ? NULL : "libc.so.6",
                             number * 10 + (int)below(maker, 3),
                             GS_FRAME_PYTHON};
    if (number % 19 == 0)
        place = (struct gs_place){.function = "it changed", .file = "", .kind = GS_FRAME_GAP};
    if (maker->shape->wild)
        place.line = (int32_t)(uint32_t)draw_wild(maker);
    return gs_stacks_place(maker->stacks, &place);
}

static uint32_t make_stack(struct maker *maker)
{
    uint32_t stack = 0;
    for (int depth = (int)below(maker, maker->shape->depth + 1); depth > 0; depth--)
        stack = gs_stacks_push(maker->stacks, stack, make_place(maker));
    return stack;
}

/* Mostly another innermost frame. */
static uint32_t change_stack(struct maker *maker, uint32_t stack)
{
    if (stack == 0 || below(maker, 4) == 0)
        return make_stack(maker);
    return gs_stacks_push(maker->stacks, gs_stacks_at(maker->stacks, stack).caller, make_place(maker));
}

static void change_state(struct maker *maker, struct gs_thread_sample *thread)
{
    thread->gil = (uint8_t)below(maker, GS_UNKNOWN + 1);
    thread->evidence = (uint8_t)below(maker, GS_INFERRED + 1);
    thread->run = (uint8_t)below(maker, GS_RUN_GONE + 1);
    thread->torn = below(maker, 8) == 0;
    thread->handles = (thread->gil + thread->run) % 3 == 0;
    thread->lock = (uint8_t)(maker->shape->wild ? draw_wild(maker) : below(maker, 2));
    thread->at_lock = thread->run == GS_RUN_BLOCKED;
    thread->owner_at = thread->at_lock ? thread->lock : 0;
}

static void tell_thread(struct maker *maker, uint32_t process, uint32_t number, bool again)
{
    char name[32];
    snprintf(name, sizeof name, "Thread-%u%s", number, again ? " (renamed)" : "");
    struct gs_sampled_thread thread = {process, 1000 + (pid_t)number, 10 + (pid_t)number, 0x7f0000000000 + number, name,
                                       !number};
    if (maker->shape->wild) {
        thread.ident = draw_wild(maker);
        thread.tid = (pid_t)(uint32_t)draw_wild(maker);
    }
    tell(maker, maker->sink->thread(maker->sink, number, &thread));
}

static void add_thread(struct maker *maker, uint32_t process)
{
    size_t *count = &maker->count[process];
    if (*count == (size_t)maker->shape->most_threads)
        return;
    size_t at = below(maker, (int)*count + 1);
    struct gs_thread_sample *list = maker->now[process];
    memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
    memset(&list[at], 0xff, sizeof *list); /* what lies between the members must not matter */
    list[at].thread = maker->thread_count;
    list[at].stack = make_stack(maker);
    change_state(maker, &list[at]);
    (*count)++;
    tell_thread(maker, process, maker->thread_count++, false);
}

static void remove_thread(struct maker *maker, uint32_t process)
{
    size_t *count = &maker->count[process];
    if (*count == 0)
        return;
    size_t at = below(maker, (int)*count);
    struct gs_thread_sample *list = maker->now[process];
    memmove(list + at, list + at + 1, (*count - at - 1) * sizeof *list);
    (*count)--;
}

static void churn(struct maker *maker, uint32_t process)
{
    for (uint32_t i = below(maker, 5); i > 0; i--)
        (below(maker, 2) ? add_thread : remove_thread)(maker, process);
    if (maker->count[process] > 1 && below(maker, 4) == 0) { /* another order */
        struct gs_thread_sample *list = maker->now[process], first = list[0];
        list[0] = list[maker->count[process] - 1];
        list[maker->count[process] - 1] = first;
    }
    if (maker->count[process] > 0 && below(maker, 3) == 0)
        tell_thread(maker, process, maker->now[process][0].thread, true);
}

static void change_gil(struct maker *maker, uint32_t process, struct gs_sampled_gil *gil)
{
    if (below(maker, 2) == 0)
        gil->switches += maker->shape->wild ? draw_wild(maker) : below(maker, 3);
    if (below(maker, 10) == 0)
        gil->state = (uint8_t)below(maker, GS_GIL_UNKNOWN + 1);
    if (below(maker, 30) == 0)
        gil->counted = !gil->counted;
    if (below(maker, 30) == 0)
        gil->interpreter = maker->shape->wild ? (int64_t)draw_wild(maker) : (int64_t)below(maker, 9);
    if (below(maker, 3) == 0)
        gil->last = maker->count[process] > 0 ? maker->now[process][0].thread : GS_NO_THREAD;
    else if (gil->holder_at != GS_NO_THREAD && below(maker, 3) > 0)
        gil->last = maker->now[process][gil->holder_at].thread;
}

/* One or two of them as a rule, as many as there can be sometimes. */
static void make_gils(struct maker *maker, uint32_t process)
{
    struct gs_sampled_gil *gils = maker->gils[process];
    uint64_t random = maker->random;
    size_t *count = &maker->gil_count[process], before = *count;
    maker->random = maker->gil_random;
    if (before == 0 || below(maker, 20) == 0)
        *count = below(maker, 40) == 0 ? GS_GILS_MOST : below(maker, 4);
    for (size_t i = before; i < *count; i++)
        gils[i] = (struct gs_sampled_gil){.last = GS_NO_THREAD};
    gs_sampled_gils_count(gils, *count, maker->now[process], maker->count[process]);
    for (size_t i = 0; i < *count; i++) {
        if (i < 3 || below(maker, 30) == 0)
            change_gil(maker, process, &gils[i]);
    }
    maker->gil_random = maker->random;
    maker->random = random;
}

/* In some samples each thread runs a loop, whose tasks have the stacks of the threads. */
static void make_tasks(const struct maker *maker, struct gs_task_sample *tasks, struct gs_sample *sample)
{
    if (sample->weight_ns % 3 != 0 || maker->shape->wild)
        return;
    sample->tasks = tasks;
    sample->tasks_ns = sample->weight_ns;
    sample->task_count = sample->thread_count;
    for (size_t i = 0; i < sample->task_count; i++)
        tasks[i] = (struct gs_task_sample){(uint32_t)i, sample->threads[sample->task_count - 1 - i].stack};
}

static void tell_sample(struct maker *maker, uint32_t process)
{
    struct gs_task_sample tasks[THREADS];
    uint64_t since_ns = maker->shape->slot_ns + below(maker, 100000);
    make_gils(maker, process);
    struct gs_sample sample = {.process = process,
                               .time_ns = maker->last_ns[process] + since_ns,
                               .weight_ns = since_ns,
                               .threads = maker->now[process],
                               .thread_count = maker->count[process],
                               .gils = maker->gils[process],
                               .gil_count = maker->gil_count[process],
                               .stacks = maker->stacks};
    if (below(maker, 20) == 0) {
        sample.weight_ns = maker->shape->slot_ns;
        sample.gap_ns = since_ns - sample.weight_ns;
    }
    if (below(maker, 30) == 0)
        sample.gap_ns = 7;
    if (maker->shape->wild) {
        sample.time_ns = draw_wild(maker);
        sample.weight_ns = draw_wild(maker);
        sample.gap_ns = draw_wild(maker);
    }
    make_tasks(maker, tasks, &sample);
    maker->last_ns[process] = sample.time_ns;
    maker->thread_samples += sample.thread_count;
    tell(maker, maker->sink->sample(maker->sink, &sample));
}

static void make_sample(struct maker *maker)
{
    const struct run_shape *shape = maker->shape;
    uint32_t process = below(maker, shape->processes);
    if (shape->churn && below(maker, shape->churn) == 0)
        churn(maker, process);
    for (size_t i = 0; i < maker->count[process]; i++) {
        struct gs_thread_sample *thread = &maker->now[process][i];
        if (below(maker, 3) == 0)
            thread->stack = change_stack(maker, thread->stack);
        if (below(maker, 3) == 0)
            change_state(maker, thread);
    }
    tell_sample(maker, process);
}

static void forget(struct maker *maker)
{
    tell(maker, maker->sink->forget(maker->sink));
    gs_stacks_clear(maker->stacks);
    for (int process = 0; process < maker->shape->processes; process++)
        for (size_t i = 0; i < maker->count[process]; i++)
            maker->now[process][i].stack = make_stack(maker);
}

static void tell_begin(struct maker *maker)
{
    static char *const commands[][4] = {{"python3", "app.py", "--port=80", NULL}, {NULL}, {"", "\xff\xfe\n", NULL}};
    struct gs_run_info run = {1000, -5, 100, "0.1.0", "host"};
    if (maker->shape->wild)
        run = (struct gs_run_info){draw_wild(maker) / 2, (int64_t)draw_wild(maker), 1.0 / 0.0, "", "a\tb"};
    maker->begin_ns = run.begin_ns;
    tell(maker, maker->sink->begin(maker->sink, &run));
    for (int i = 0; i < maker->shape->processes; i++) {
        struct gs_sampled_process process = {40 + i,
                                             1 + i,
                                             commands[i % 3],
                                             "3.11.2",
                                             "release",
                                             i % 2 ? NULL : "/usr/bin/python3.11",
                                             i % 2 ? 0 : 7000000000 + (uint64_t)i,
                                             NULL,
                                             NULL,

                                             i % 2 == 0};
        maker->last_ns[i] = run.begin_ns;
        tell(maker, maker->sink->process(maker->sink, (uint32_t)i, &process));
        for (int k = (int)below(maker, maker->shape->most_threads + 1); k >= 0; k--)
            add_thread(maker, (uint32_t)i);
    }
}

bool run_make(struct gs_sink *sink, const struct run_shape *shape)
{
    struct maker *maker = calloc(1, sizeof *maker);
    assert_non_null(maker);
    assert_true(shape->processes <= PROCESSES && shape->most_threads <= THREADS);
    *maker = (struct maker){.shape = shape,
                            .sink = sink,
                            .random = UINT64_C(88172645463325252) + shape->seed,
                            .gil_random = UINT64_C(362436069521288629) + shape->seed,
                            .stacks = gs_stacks_new()};
    for (int i = 0; i < 20; i++)
        draw(maker);
    tell_begin(maker);
    for (int i = 0; i < shape->samples && !maker->failed; i++) {
        if (shape->forget_every && i % shape->forget_every == shape->forget_every - 1)
            forget(maker);
        make_sample(maker);
    }
    struct gs_run_end end = {.end_ns = maker->begin_ns + UINT64_C(5000000000),
                             .samples = (uint64_t)shape->samples,
                             .thread_samples = maker->thread_samples,
                             .quality = {.samples = 1, .retried = 2, .stopped_us = 3, .cpu_us = UINT64_MAX},
                             .complete = true};
    if (!maker->failed)
        tell(maker, sink->end(sink, &end));
    bool made = !maker->failed;
    gs_stacks_free(maker->stacks);
    free(maker);
    return made;
}

int run_file(void)
{
    int fd = memfd_create("recording", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

int run_record(const struct run_shape *shape)
{
    int fd = run_file();
    struct gs_sink *recorder;
    assert_int_equal(gs_recorder_open(&recorder, fd), GS_OK);
    assert_true(run_make(recorder, shape));
    assert_int_equal(gs_recorder_error(recorder), 0);
    gs_recorder_close(recorder);
    return fd;
}
