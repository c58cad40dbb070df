/* Recordings: what is played is what was recorded, event for event; parts of it; one that still grows. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "recording/recorder.h"
#include "recording/recording.h"
#include "support/golden.h"
#include "support/run_made.h"
#include "support/unit.h"

static const struct run_shape plain = {.seed = 1,
                                       .samples = 300,
                                       .processes = 1,
                                       .most_threads = 5,
                                       .functions = 30,
                                       .depth = 12,
                                       .churn = 20,
                                       .slot_ns = 10000000};

/* Plays a part of what fd (not closed) is open at. */
static void play_part(int fd, struct run_log *log, uint64_t from_ns, uint64_t to_ns)
{
    struct gs_recording *recording;
    struct gs_err err;
    assert_int_equal(gs_recording_open_fd(&recording, dup(fd), "it", &err), GS_OK);
    assert_int_equal(gs_recording_play(recording, &log->sink, from_ns, to_ns, &err), GS_OK);
    assert_true(log->ended);
    assert_int_equal(log->end.complete, gs_recording_state(recording)->complete);
    assert_false(gs_recording_state(recording)->damaged);
    gs_recording_close(recording);
    run_log_flush(log);
}

static void play(int fd, struct run_log *log)
{
    play_part(fd, log, 0, UINT64_MAX);
}

static void must_come_back(const struct run_shape *shape)
{
    struct run_log made, played;
    run_log_open(&made);
    run_log_open(&played);
    assert_true(run_make(&made.sink, shape));
    run_log_flush(&made);
    int fd = run_record(shape);
    play(fd, &played);
    assert_int_equal(played.samples, shape->samples);
    assert_string_equal(played.text, made.text);
    /* One member after the other: that is all there is to it. */
    assert_memory_equal(&played.end.quality, &made.end.quality, sizeof made.end.quality);
    assert_true(played.end.complete);
    assert_int_equal(played.end.end_ns, made.end.end_ns);
    assert_int_equal(played.end.samples, made.end.samples);
    assert_int_equal(played.end.thread_samples, made.end.thread_samples);
    close(fd);
    run_log_close(&made);
    run_log_close(&played);
}

UNIT_TEST(test_plain)
{
    must_come_back(&plain);
}

UNIT_TEST(test_random_runs)
{
    for (uint32_t seed = 0; seed < 60; seed++) {
        struct run_shape shape = {.seed = seed,
                                  .samples = 60 + (int)seed % 50,
                                  .processes = 1 + (int)seed % 3,
                                  .most_threads = 1 + (int)seed % 40,
                                  .functions = 5 + (int)seed % 200,
                                  .depth = (int)seed % 30,
                                  .churn = (int)seed % 7,
                                  .forget_every = seed % 3 ? 0 : 1 + (int)seed % 10,
                                  .slot_ns = seed % 5 ? 10000000 : 700000000,
                                  .wild = seed % 4 == 3};
        must_come_back(&shape);
    }
}

/* As earlier gilspys wrote them. */
static void must_read_old(const char *file, const char *text)
{
    struct run_log played;
    char path[512];
    FILE *out = golden_open();
    snprintf(path, sizeof path, GOLDEN_DIR "/%s", file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    run_log_open(&played);
    play(fd, &played);
    assert_int_equal(played.samples, 12);
    fputs(played.text, out);
    golden_check(out, text);
    run_log_close(&played);
    close(fd);
}

/* It does not know when processes started. */
UNIT_TEST(test_first_version)
{
    must_read_old("recording-1.gilspy", "recording-1.txt");
}

/* It does not know the GILs. */
UNIT_TEST(test_second_version)
{
    must_read_old("recording-2.gilspy", "recording-2.txt");
}

UNIT_TEST(test_many_threads_and_places)
{
    struct run_shape shape = plain;
    shape.most_threads = 150;
    shape.functions = 20000;
    shape.depth = 40;
    shape.churn = 2;
    shape.samples = 15;
    must_come_back(&shape);
}

enum { HUGE_THREADS = 40000, HUGE_DEPTH = 100000 };

static enum gs_status check_huge_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    ((struct run_log *)sink)->samples++;
    assert_int_equal(sample->thread_count, HUGE_THREADS);
    for (uint32_t i = 0; i < HUGE_THREADS; i++) {
        struct gs_stack stack = gs_stacks_at(sample->stacks, sample->threads[i].stack);
        assert_int_equal(sample->threads[i].thread, i);
        assert_int_equal(stack.depth, HUGE_DEPTH - i);
        assert_int_equal(gs_stacks_place_at(sample->stacks, stack.place)->line, HUGE_DEPTH - 1 - i);
    }
    return GS_OK;
}

/* A sample and a stack that are bigger than a block is as a rule, and strings that do not pack. */
UNIT_TEST(test_huge_sample)
{
    int fd = run_file();
    struct gs_sink *recorder;
    struct gs_stacks *stacks = gs_stacks_new();
    struct gs_thread_sample *threads = calloc(HUGE_THREADS, sizeof *threads);
    assert_non_null(threads);
    assert_int_equal(gs_recorder_open(&recorder, fd), GS_OK);
    char name[2000] = "", *command[200] = {0};
    for (size_t i = 0; i + 1 < sizeof name; i++)
        name[i] = (char)(1 + i * i * 7919 % 255);
    for (size_t i = 0; i + 1 < sizeof command / sizeof *command; i++)
        command[i] = name + i;
    recorder->begin(recorder, &(struct gs_run_info){.rate_hz = 100, .gilspy = "", .host = ""});
    recorder->process(recorder, 0, &(struct gs_sampled_process){.command = command});
    uint32_t stack = 0;
    for (int i = 0; i < HUGE_DEPTH; i++) {
        struct gs_place place = {.function = name + i % 1000, .file = name + i % 777, .line = i};
        stack = gs_stacks_push(stacks, stack, gs_stacks_place(stacks, &place));
    }
    for (uint32_t i = 0; i < HUGE_THREADS; i++) {
        threads[i].thread = i;
        threads[i].stack = stack - i;
        assert_int_equal(recorder->thread(recorder, i, &(struct gs_sampled_thread){.name = "t"}), GS_OK);
    }
    struct gs_sample sample = {.threads = threads, .thread_count = HUGE_THREADS, .stacks = stacks};
    assert_int_equal(recorder->sample(recorder, &sample), GS_OK);
    assert_int_equal(recorder->end(recorder, &(struct gs_run_end){.complete = true}), GS_OK);
    gs_recorder_close(recorder);

    struct run_log played;
    run_log_open(&played);
    played.sink.sample = check_huge_sample;
    play(fd, &played);
    assert_true(played.end.complete);
    assert_int_equal(played.samples, 1);
    const char *at = strstr(played.text, "process 0:");
    assert_non_null(at);
    assert_non_null(strstr(at, name));
    run_log_close(&played);
    close(fd);
    free(threads);
    gs_stacks_free(stacks);
}

UNIT_TEST(test_renamed)
{
    struct run_log played;
    int fd = run_record(&plain);
    run_log_open(&played);
    play(fd, &played);
    assert_non_null(strstr(played.text, " (renamed)"));
    run_log_close(&played);
    close(fd);
}

/* What nobody used is not in the file, and numbers that were forgotten mean other stacks. */
UNIT_TEST(test_forget)
{
    struct run_log played;
    struct gs_sink *recorder;
    struct gs_stacks *stacks = gs_stacks_new();
    int fd = run_file();
    assert_int_equal(gs_recorder_open(&recorder, fd), GS_OK);
    recorder->begin(recorder, &(struct gs_run_info){.rate_hz = 1, .gilspy = "", .host = ""});
    recorder->process(recorder, 0, &(struct gs_sampled_process){.pid = 1});
    recorder->thread(recorder, 0, &(struct gs_sampled_thread){.name = "t"});
    for (int round = 0; round < 3; round++) {
        static const char *const names[] = {"first", "second", "third"};
        struct gs_thread_sample thread = {.stack = 2};
        struct gs_sample sample = {.threads = &thread, .thread_count = 1, .stacks = stacks};
        gs_stacks_push(stacks, 0, gs_stacks_place(stacks, &(struct gs_place){.function = "unused", .file = ""}));
        gs_stacks_push(stacks, 0, gs_stacks_place(stacks, &(struct gs_place){.function = names[round], .file = ""}));
        assert_int_equal(recorder->sample(recorder, &sample), GS_OK);
        assert_int_equal(recorder->sample(recorder, &sample), GS_OK);
        if (round < 2)
            assert_int_equal(recorder->forget(recorder), GS_OK);
        gs_stacks_clear(stacks);
    }
    assert_int_equal(recorder->end(recorder, &(struct gs_run_end){.complete = true}), GS_OK);
    gs_recorder_close(recorder);
    run_log_open(&played);
    play(fd, &played);
    assert_string_equal(played.text, "begin 0 0 0x1p+0  \n"
                                     "process 0: 1 0 0 (null) (null) (null)\n"
                                     "thread 0: 0 0 0 0 't' 0\n"
                                     "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:first,(null),,(null),0,0\n"
                                     "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:first,(null),,(null),0,0\n"
                                     "forget\n"
                                     "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:second,(null),,(null),0,0\n"
                                     "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:second,(null),,(null),0,0\n"
                                     "forget\n"
                                     "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:third,(null),,(null),0,0\n"
                                     "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:third,(null),,(null),0,0\n");
    run_log_close(&played);
    gs_stacks_free(stacks);
    close(fd);
}

/* A gap counts in each part for as much as lies in it. */
UNIT_TEST(test_part_of_a_gap)
{
    static const struct {
        uint64_t from_ns, to_ns;
        const char *text;
        uint64_t samples;
    } parts[] = {
        {0, UINT64_MAX, "sample of 0: 1010 10 0\nsample of 0: 2000 10 980\n", 2},
        {0, 100, "sample of 0: 1010 10 0\nsample of 0: 1100 0 90\n", 1},
        {100, 500, "sample of 0: 1500 0 400\n", 0},
        {100, 995, "sample of 0: 1995 0 890\n", 0},
        {500, 2000, "sample of 0: 2000 10 490\n", 1},
        {995, 2000, "sample of 0: 2000 10 0\n", 1},
        {1001, 2000, "", 0},
    };
    int fd = run_file();
    struct gs_stacks *stacks = gs_stacks_new();
    struct gs_sink *recorder;
    assert_int_equal(gs_recorder_open(&recorder, fd), GS_OK);
    recorder->begin(recorder, &(struct gs_run_info){.begin_ns = 1000, .rate_hz = 1, .gilspy = "", .host = ""});
    recorder->process(recorder, 0, &(struct gs_sampled_process){.pid = 1});
    struct gs_sample early = {.time_ns = 1010, .weight_ns = 10, .stacks = stacks};
    struct gs_sample late = {.time_ns = 2000, .weight_ns = 10, .gap_ns = 980, .stacks = stacks};
    assert_int_equal(recorder->sample(recorder, &early), GS_OK);
    assert_int_equal(recorder->sample(recorder, &late), GS_OK);
    assert_int_equal(recorder->end(recorder, &(struct gs_run_end){.end_ns = 2000, .complete = true}), GS_OK);
    gs_recorder_close(recorder);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct run_log played;
        run_log_open(&played);
        play_part(fd, &played, parts[i].from_ns, parts[i].to_ns);
        const char *samples = strstr(played.text, "sample of");
        assert_string_equal(samples ? samples : "", parts[i].text);
        assert_int_equal(played.end.samples, i > 0 ? parts[i].samples : 0);
        run_log_close(&played);
    }
    gs_stacks_free(stacks);
    close(fd);
}

/* The first event of a kind in a log. */
static uint64_t number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    assert_non_null(at);
    return strtoull(at + strlen(word), NULL, 10);
}

UNIT_TEST(test_part)
{
    int fd = run_record(&plain);
    struct run_log whole, part;
    run_log_open(&whole);
    run_log_open(&part);
    play(fd, &whole);
    play_part(fd, &part, 1000000000, 2000000000);
    /* Begin is at 1000 ns of the clock, slots of 10 ms and up to 0.1 ms more. */
    assert_int_equal(number_after(part.text, "begin "), 1000001000);
    assert_non_null(strstr(part.text, "begin 1000001000 999999995 "));
    uint64_t first = number_after(part.text, "sample of 0: ");
    assert_in_range(first, 1000001000, 1010200000);
    assert_in_range(part.samples, 98, 100);
    assert_int_equal(part.end.samples, part.samples);
    assert_true(part.end.thread_samples < whole.end.thread_samples);
    assert_int_equal(part.end.end_ns, 2000001000);
    assert_true(part.end.complete);
    /* Its samples are the whole run's, stacks included. */
    const char *samples = strstr(part.text, "sample of 0: "), *more = strstr(samples + 1, "sample of 0: ");
    char *one = strndup(samples, (size_t)(more - samples));
    assert_non_null(strstr(whole.text, one));
    free(one);
    run_log_close(&part);

    run_log_open(&part);
    play_part(fd, &part, UINT64_MAX - 1, UINT64_MAX);
    assert_int_equal(part.samples, 0);
    assert_int_equal(part.end.end_ns, UINT64_MAX);
    run_log_close(&part);
    run_log_close(&whole);
    close(fd);
}

/* What is written is there a second later, and can be played while it grows. */
UNIT_TEST(test_grows)
{
    int fd = run_file();
    struct gs_sink *recorder;
    struct gs_recording *recording;
    struct gs_err err;
    struct gs_thread_sample thread = {0};
    struct gs_stacks *stacks = gs_stacks_new();
    assert_int_equal(gs_recorder_open(&recorder, fd), GS_OK);
    assert_int_equal(gs_recorder_bytes(recorder), 8);
    assert_int_equal(gs_recording_open_fd(&recording, dup(fd), "growing", &err), GS_OK);
    recorder->begin(recorder, &(struct gs_run_info){.rate_hz = 10, .gilspy = "", .host = ""});
    recorder->process(recorder, 0, &(struct gs_sampled_process){.pid = 1});
    recorder->thread(recorder, 0, &(struct gs_sampled_thread){.name = "t"});
    struct run_log played;
    run_log_open(&played);
    assert_int_equal(gs_recording_play(recording, &played.sink, 0, UINT64_MAX, &err), GS_FAILED);
    assert_string_equal(err.what, "cannot play growing: nothing of it is whole yet");
    assert_false(played.ended);
    run_log_close(&played);
    for (uint64_t i = 1; i <= 35; i++) {
        struct gs_sample sample = {
            .time_ns = i * 100000000, .weight_ns = 100000000, .threads = &thread, .thread_count = 1, .stacks = stacks};
        thread.torn = i == 7;
        uint64_t before = gs_recorder_bytes(recorder);
        assert_int_equal(recorder->sample(recorder, &sample), GS_OK);
        assert_int_equal(gs_recorder_bytes(recorder) > before, i % 11 == 0);
        if (i % 11)
            continue;
        run_log_open(&played);
        assert_int_equal(gs_recording_play(recording, &played.sink, 0, UINT64_MAX, &err), GS_OK);
        assert_int_equal(played.samples, i);
        assert_false(played.end.complete);
        assert_false(gs_recording_state(recording)->complete);
        assert_false(gs_recording_state(recording)->damaged);
        assert_int_equal(played.end.end_ns, i * 100000000);
        assert_int_equal(played.end.samples, i);
        assert_int_equal(played.end.thread_samples, i);
        assert_int_equal(played.end.quality.samples, i);
        assert_int_equal(played.end.quality.torn, 1);
        run_log_close(&played);
    }
    gs_recorder_close(recorder); /* writes the rest, though there was no end */
    run_log_open(&played);
    assert_int_equal(gs_recording_play(recording, &played.sink, 0, UINT64_MAX, &err), GS_OK);
    assert_int_equal(played.samples, 35);
    assert_false(played.end.complete);
    run_log_close(&played);
    gs_recording_close(recording);
    gs_stacks_free(stacks);
    close(fd);
}

UNIT_TEST(test_pipe)
{
    int ends[2], fd = run_record(&plain);
    char bytes[65536];
    ssize_t len = pread(fd, bytes, sizeof bytes, 0);
    assert_in_range(len, 100, sizeof bytes - 1);
    assert_int_equal(pipe(ends), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, sizeof bytes) >= len);
    assert_int_equal(write(ends[1], bytes, (size_t)len), len);
    close(ends[1]);
    struct gs_recording *recording;
    struct gs_err err;
    struct run_log played;
    run_log_open(&played);
    assert_int_equal(gs_recording_open_fd(&recording, ends[0], "pipe", &err), GS_OK);
    assert_int_equal(gs_recording_play(recording, &played.sink, 0, UINT64_MAX, &err), GS_OK);
    assert_true(played.end.complete);
    assert_int_equal(played.samples, plain.samples);
    assert_int_equal(gs_recording_play(recording, &played.sink, 0, UINT64_MAX, &err), GS_FAILED);
    assert_string_equal(err.what, "cannot play pipe twice: it is not a file");
    gs_recording_close(recording);
    run_log_close(&played);
    close(fd);
}

/* What a run takes of which each sample loses its first `turnover` threads and gets others at the end. */
static uint64_t bytes_of_run(uint32_t turnover)
{
    enum { THREADS = 50, SAMPLES = 1000 };
    struct gs_thread_sample threads[THREADS] = {0};
    struct gs_stacks *stacks = gs_stacks_new();
    struct gs_sink *recorder;
    int fd = run_file();
    assert_int_equal(gs_recorder_open(&recorder, fd), GS_OK);
    recorder->begin(recorder, &(struct gs_run_info){.rate_hz = 100, .gilspy = "", .host = ""});
    recorder->process(recorder, 0, &(struct gs_sampled_process){.pid = 1});
    for (uint32_t i = 0; i < SAMPLES; i++) {
        for (uint32_t k = 0; k < THREADS; k++)
            threads[k].thread = k + i * turnover;
        struct gs_sample sample = {.time_ns = (i + 1) * UINT64_C(10000000),
                                   .weight_ns = 10000000,
                                   .threads = threads,
                                   .thread_count = THREADS,
                                   .stacks = stacks};
        assert_int_equal(recorder->sample(recorder, &sample), GS_OK);
    }
    assert_int_equal(recorder->end(recorder, &(struct gs_run_end){.complete = true}), GS_OK);
    uint64_t bytes = gs_recorder_bytes(recorder);
    gs_recorder_close(recorder);
    gs_stacks_free(stacks);
    close(fd);
    return bytes;
}

/* Threads that do nothing take nothing, and those that come and go do not make the others be written again. */
UNIT_TEST(test_small)
{
    assert_in_range(bytes_of_run(0), 100, 1000);
    assert_in_range(bytes_of_run(1), 1000, 3000);
}

/* A sink's answer ends it, and comes back. */
UNIT_TEST(test_sink_stops)
{
    int fd = run_record(&plain);
    struct gs_recording *recording;
    struct gs_err err;
    struct run_log played;
    assert_int_equal(gs_recording_open_fd(&recording, fd, "it", &err), GS_OK);
    run_log_open(&played);
    played.answer = GS_OUTPUT;
    played.answer_sample = 17;
    assert_int_equal(gs_recording_play(recording, &played.sink, 0, UINT64_MAX, &err), GS_OUTPUT);
    assert_int_equal(played.samples, 17);
    assert_false(played.ended);
    run_log_close(&played);
    /* All but end may be missing; and it plays from the start again. */
    run_log_open(&played);
    played.sink = (struct gs_sink){.end = played.sink.end};
    assert_int_equal(gs_recording_play(recording, &played.sink, 0, UINT64_MAX, &err), GS_OK);
    assert_int_equal(played.end.samples, plain.samples);
    run_log_close(&played);
    gs_recording_close(recording);
}

UNIT_TEST(test_disk_full)
{
    struct gs_sink *recorder;
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_int_equal(gs_recorder_open(&recorder, full), GS_OUTPUT);
    assert_int_equal(errno, ENOSPC);
    assert_null(recorder);
    close(full);

    struct rlimit before, limit;
    struct run_log played;
    int fd = run_record(&plain);
    off_t whole = lseek(fd, 0, SEEK_END);
    close(fd);
    fd = run_file();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)whole / 2;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(gs_recorder_open(&recorder, fd), GS_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    bool made = run_make(recorder, &plain);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(made);
    assert_int_equal(gs_recorder_error(recorder), EFBIG);
    assert_int_equal(recorder->forget(recorder), GS_OK);
    assert_int_equal(recorder->end(recorder, &(struct gs_run_end){0}), GS_OUTPUT);
    gs_recorder_close(recorder);
    run_log_open(&played);
    play(fd, &played);
    assert_in_range(played.samples, 50, plain.samples - 50);
    assert_false(played.end.complete);
    run_log_close(&played);
    close(fd);
}
