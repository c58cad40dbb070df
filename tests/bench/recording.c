/* What recording costs: recording                          made-up samples
 *                       recording PID RATE_HZ SECONDS      a real process
 * One line of JSON each: per sample what the writer takes, per thread of a sample what is in the file and how many the
 * reader plays. The writer's time is what playing into a recorder takes longer than playing into nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "gilspy/sampler.h"
#include "recording/recorder.h"
#include "recording/recording.h"

enum { ROUNDS = 7, SYNTHETIC_SAMPLES = 200000, STACKS = 500 };

struct nothing {
    struct gs_sink sink;
    uint64_t samples, thread_samples;
};

static enum gs_status count_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct nothing *nothing = (struct nothing *)sink;
    nothing->samples++;
    nothing->thread_samples += sample->thread_count;
    return GS_OK;
}

static enum gs_status end_nothing(struct gs_sink *sink, const struct gs_run_end *end)
{
    (void)sink;
    (void)end;
    return GS_OK;
}

static void must(enum gs_status status, const char *what)
{
    if (!status)
        return;
    fprintf(stderr, "recording: %s: %s\n", what, gs_status_text(status));
    exit(1);
}

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The CPU time of one playing. */
static double play(struct gs_recording *recording, struct gs_sink *sink)
{
    struct gs_err err;
    double began = cpu_ns();
    must(gs_recording_play(recording, sink, 0, UINT64_MAX, &err), "play");
    return cpu_ns() - began;
}

static double play_into_recorder(struct gs_recording *recording)
{
    struct gs_sink *recorder;
    int fd = memfd_create("again", 0);
    must(gs_recorder_open(&recorder, fd), "open");
    double ns = play(recording, recorder);
    gs_recorder_close(recorder);
    close(fd);
    return ns;
}

/* fd: closed. */
static void measure(const char *what, int fd)
{
    struct gs_recording *recording;
    struct gs_err err;
    struct nothing nothing;
    double least = 1e18, least_again = 1e18;
    off_t bytes = lseek(fd, 0, SEEK_END);
    must(gs_recording_open_fd(&recording, fd, what, &err), "open");
    for (int i = 0; i < ROUNDS; i++) {
        nothing = (struct nothing){.sink = {.sample = count_sample, .end = end_nothing}};
        double ns = play(recording, &nothing.sink), again = play_into_recorder(recording);
        least = ns < least ? ns : least;
        least_again = again < least_again ? again : least_again;
    }
    gs_recording_close(recording);
    printf("{\"what\": \"%s\", \"samples\": %lu, \"threads\": %.1f, \"bytes\": %ld, \"bytes_per_thread_sample\": %.3f, "
           "\"write_us\": %.3f, \"read_million_thread_samples_per_second\": %.1f}\n",
           what, (unsigned long)nothing.samples, (double)nothing.thread_samples / (double)nothing.samples, (long)bytes,
           (double)bytes / (double)nothing.thread_samples, (least_again - least) / (double)nothing.samples / 1e3,
           (double)nothing.thread_samples / least * 1e3);
}

/* Samples of `count` threads of which `moving` get another of STACKS stacks each time. */
static int make(uint32_t count, uint32_t moving)
{
    static char *const command[] = {"made-up", NULL};
    int fd = memfd_create("made", 0);
    struct gs_sink *recorder;
    struct gs_stacks *stacks = gs_stacks_new();
    struct gs_thread_sample *threads = calloc(count, sizeof *threads);
    uint32_t random = 1;
    must(gs_recorder_open(&recorder, fd), "open");
    must(recorder->begin(recorder, &(struct gs_run_info){.rate_hz = 1000, .gilspy = "", .host = ""}), "begin");
    must(recorder->process(recorder, 0, &(struct gs_sampled_process){.command = command}), "process");
    for (int32_t i = 0; i < STACKS; i++)
        gs_stacks_push(stacks, (uint32_t)i / 2,
                       gs_stacks_place(stacks, &(struct gs_place){.function = "f", .file = "f.py", .line = i}));
    for (uint32_t i = 0; i < count; i++) {
        threads[i].thread = i;
        must(recorder->thread(recorder, i, &(struct gs_sampled_thread){.name = "t"}), "thread");
    }
    for (uint64_t i = 1; i <= SYNTHETIC_SAMPLES; i++) {
        for (uint32_t k = 0; k < moving; k++) {
            random = random * 1664525 + 1013904223;
            threads[k].stack = 1 + (random >> 8) % STACKS;
        }
        must(recorder->sample(recorder, &(struct gs_sample){.time_ns = i * 1000000 + (random >> 16),
                                                            .threads = threads,
                                                            .thread_count = count,
                                                            .stacks = stacks}),
             "sample");
    }
    must(recorder->end(recorder, &(struct gs_run_end){.complete = true}), "end");
    gs_recorder_close(recorder);
    gs_stacks_free(stacks);
    free(threads);
    return fd;
}

static int take(pid_t pid, double rate_hz, double seconds)
{
    struct gs_err err = {0};
    struct gs_target *target;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_sampler *sampler;
    struct gs_sink *recorder;
    struct gs_reader_options options = {.stopping = GS_STOP_TORN};
    uint64_t id;
    int fd = memfd_create("taken", 0);
    if (gs_target_open(&target, pid, NULL, &err) || gs_python_open(&python, target, NULL, &err)) {
        fprintf(stderr, "recording: %s\n", err.what);
        exit(1);
    }
    struct gs_names *names = gs_names_new(python);
    must(gs_reader_new(&reader, python, &options), "reader");
    must(gs_recorder_open(&recorder, fd), "open");
    must(gs_sampler_new(&sampler, rate_hz, recorder), "sampler");
    must(gs_sampler_add(sampler, 0, python, reader, names), "add");
    uint64_t until_ns = gs_clock_ns() + (uint64_t)(seconds * 1e9), next_ns;
    while ((next_ns = gs_sampler_next_ns(sampler)) < until_ns) {
        struct timespec next = {(time_t)(next_ns / GS_NS_PER_S), (long)(next_ns % GS_NS_PER_S)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        must(gs_sampler_take(sampler, &id), "take");
    }
    must(gs_sampler_end(sampler), "end");
    gs_sampler_free(sampler);
    gs_recorder_close(recorder);
    gs_reader_free(reader);
    gs_names_free(names);
    gs_python_close(python);
    gs_target_close(target);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        measure(argv[1], take(atoi(argv[1]), atof(argv[2]), atof(argv[3])));
        return 0;
    }
    if (argc != 1) {
        fprintf(stderr, "usage: recording [PID RATE_HZ SECONDS]\n");
        return 2;
    }
    measure("3 threads, 1 moves", make(3, 1));
    measure("200 threads, 2 move", make(200, 2));
    measure("200 threads, none moves", make(200, 0));
    measure("20 threads, all move", make(20, 20));
    return 0;
}
