/* A run in several recordings: each of them is whole, and all together are the run. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/format.h"
#include "recording/join.h"
#include "recording/join_sink.h"
#include "recording/recorder.h"
#include "recording/splitter.h"
#include "support/golden.h"
#include "support/run_made.h"
#include "support/stream.h"
#include "support/unit.h"

enum { MOST = 64 };

/* The recordings that a splitter made. */
struct pieces {
    int fd[MOST];
    size_t count;
    struct gs_sink *recorder;
};

static enum gs_status open_piece(void *context, struct gs_sink **recorder)
{
    struct pieces *pieces = context;
    assert_true(pieces->count < MOST);
    pieces->fd[pieces->count] = run_file();
    enum gs_status status = gs_recorder_open(&pieces->recorder, pieces->fd[pieces->count++]);
    *recorder = pieces->recorder;
    return status;
}

static enum gs_status close_piece(void *context)
{
    struct pieces *pieces = context;
    gs_recorder_close(pieces->recorder);
    pieces->recorder = NULL;
    return GS_OK;
}

/* A run that retried once in each tenth of a second. */
static void sum(void *context, struct gs_run_end *end)
{
    uint64_t *sums = context;
    *end = (struct gs_run_end){.quality = {.retried = ++*sums}, .complete = true};
}

static void divide(const struct run_shape *shape, const struct gs_splitter_limit *limit, struct pieces *pieces)
{
    uint64_t sums = 0;
    struct gs_splitter *splitter;
    *pieces = (struct pieces){.count = 0};
    struct gs_splitter_calls calls = {pieces, open_piece, close_piece, sum, &sums};
    assert_int_equal(gs_splitter_new(&splitter, limit, &calls), GS_OK);
    assert_true(run_make(gs_splitter_sink(splitter), shape));
    assert_null(pieces->recorder);
    gs_splitter_free(splitter);
}

static void close_pieces(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        close(pieces->fd[i]);
}

/* The recordings in another order than that of time. */
static struct gs_join *join_of(const int *fd, size_t count)
{
    struct gs_err err;
    struct gs_join *join = gs_join_new();
    assert_non_null(join);
    for (size_t i = 0; i < count; i++) {
        struct gs_recording *recording;
        char name[32];
        size_t at = (i * 7 + 3) % count;
        snprintf(name, sizeof name, "number %zu", at);
        assert_int_equal(gs_recording_open_fd(&recording, dup(fd[count % 7 ? at : i]), name, &err), GS_OK);
        assert_int_equal(gs_join_add(join, recording, name, &err), GS_OK);
    }
    return join;
}

static char *draw(const int *fd, size_t count, const char *format, const struct gs_selection *selection,
                  uint64_t from_ns, uint64_t to_ns)
{
    struct gs_err err = {0};
    struct gs_sink *sink;
    struct gs_join *join = join_of(fd, count);
    FILE *out = golden_open();
    assert_int_equal(gs_format_find(format)->open(&sink, out, selection), GS_OK);
    assert_int_equal(gs_join_play(join, sink, from_ns, to_ns, &err), GS_OK);
    gs_format_find(format)->close(sink);
    gs_join_free(join);
    return golden_text(out);
}

/* What is drawn of the recordings is what is drawn of the undivided one, to the last byte. */
static void must_be_the_same(const struct run_shape *shape, const struct pieces *pieces, uint64_t from_ns,
                             uint64_t to_ns)
{
    int whole = run_record(shape);
    for (int mode = 0; mode < GS_MODE_COUNT; mode++) {
        struct gs_selection selection = {.mode = (enum gs_mode)mode, .threads = mode % 2};
        char *expected = draw(&whole, 1, "folded", &selection, from_ns, to_ns);
        char *joined = draw(pieces->fd, pieces->count, "folded", &selection, from_ns, to_ns);
        assert_true(strlen(expected) > 0);
        assert_string_equal(joined, expected);
        free(expected);
        free(joined);
    }
    close(whole);
}

static struct run_shape shape_of(uint32_t seed)
{
    return (struct run_shape){.seed = seed,
                              .samples = 300,
                              .processes = 1,
                              .most_threads = 6,
                              .functions = 30,
                              .depth = 12,
                              .churn = seed % 3 ? 10 : 0,
                              .forget_every = seed % 2 ? 70 : 0,
                              .slot_ns = 10000000};
}

UNIT_TEST(test_time)
{
    for (uint32_t seed = 0; seed < 12; seed++) {
        struct run_shape shape = shape_of(seed);
        struct pieces pieces;
        divide(&shape, &(struct gs_splitter_limit){.time_ns = 400000000}, &pieces);
        assert_int_equal(pieces.count, 8); /* 3.015 s and more */
        must_be_the_same(&shape, &pieces, 0, UINT64_MAX);
        if (!shape.churn) /* what is called otherwise later on is not known in a part */
            must_be_the_same(&shape, &pieces, 700000000, 1900000000);
        close_pieces(&pieces);
    }
}

/* A recording is full when its first block is written, after a second. */
UNIT_TEST(test_bytes)
{
    struct run_shape shape = shape_of(1);
    struct pieces pieces;
    divide(&shape, &(struct gs_splitter_limit){.bytes = 1000}, &pieces);
    assert_int_equal(pieces.count, 3);
    must_be_the_same(&shape, &pieces, 0, UINT64_MAX);
    close_pieces(&pieces);
}

/* Each has a beginning, an end and the quality of its own part. */
UNIT_TEST(test_each_is_whole)
{
    struct run_shape shape = shape_of(5);
    struct pieces pieces;
    uint64_t samples = 0, end_ns = 1000;
    divide(&shape, &(struct gs_splitter_limit){.time_ns = 1000000000}, &pieces);
    assert_int_equal(pieces.count, 4);
    for (size_t i = 0; i < pieces.count; i++) {
        struct run_log log;
        struct gs_err err;
        char begin[64];
        run_log_open(&log);
        struct gs_join *one = join_of(&pieces.fd[i], 1);
        assert_int_equal(gs_join_play(one, &log.sink, 0, UINT64_MAX, &err), GS_OK);
        run_log_flush(&log);
        snprintf(begin, sizeof begin, "begin %llu %lld ", (unsigned long long)end_ns, (long long)end_ns - 1005);
        assert_memory_equal(log.text, begin, strlen(begin));
        assert_true(log.ended && log.end.complete && gs_join_state(one, 0)->complete);
        assert_int_equal(log.end.samples, log.samples);
        assert_int_equal(log.end.quality.samples, log.samples);
        assert_int_equal(log.end.quality.retried, 1 - (i == 3 ? 2 : 0)); /* the run's end says 2, as 3 were told */
        end_ns = log.end.end_ns;
        samples += log.samples;
        gs_join_free(one);
        run_log_close(&log);
    }
    assert_int_equal(samples, shape.samples);
    close_pieces(&pieces);
}

/* Recordings of other runs: one process goes on, one of another pid does not; what lies between is told. */
UNIT_TEST(test_gap)
{
    struct run_shape shape = shape_of(2);
    struct pieces pieces;
    struct gs_err err = {0};
    struct run_log log;
    divide(&shape, &(struct gs_splitter_limit){.time_ns = 500000000}, &pieces);
    int ends[] = {pieces.fd[0], pieces.fd[5]};
    struct gs_join *join = join_of(ends, 2);
    run_log_open(&log);
    assert_int_equal(gs_join_play(join, &log.sink, 0, UINT64_MAX, &err), GS_OK);
    run_log_flush(&log);
    assert_non_null(strstr(log.text, "process 0: 40 "));
    assert_null(strstr(log.text, "process 1: "));
    assert_int_equal(gs_join_gap_ns(join, 0), 0);
    assert_in_range(gs_join_gap_ns(join, 1), 1950000000, 2050000000);
    gs_join_free(join);
    run_log_close(&log);
    close_pieces(&pieces);
}

/* The same time of the same process twice is no run. */
UNIT_TEST(test_twice)
{
    struct run_shape shape = shape_of(2);
    int fd = run_record(&shape), twice[] = {fd, fd};
    struct gs_join *join = join_of(twice, 2);
    struct gs_err err = {0};
    struct run_log log;
    run_log_open(&log);
    assert_int_equal(gs_join_play(join, &log.sink, 0, UINT64_MAX, &err), GS_FAILED);
    assert_non_null(strstr(err.what, "the same"));
    gs_join_free(join);
    run_log_close(&log);
    close(fd);
}

/* Whatever numbers the files have: no crash, and an end. */
UNIT_TEST(test_wild)
{
    for (uint32_t seed = 0; seed < 20; seed++) {
        struct run_shape shape = shape_of(seed);
        struct gs_err err = {0};
        struct run_log log;
        shape.wild = true;
        shape.processes = 3;
        shape.churn = 3;
        int first = run_record(&shape);
        shape.seed += 100;
        int fd[] = {first, run_record(&shape)};
        struct gs_join *join = join_of(fd, 2);
        run_log_open(&log);
        enum gs_status status = gs_join_play(join, &log.sink, 0, UINT64_MAX, &err);
        assert_true(status == GS_OK || (status == GS_FAILED && err.what[0]));
        gs_join_free(join);
        run_log_close(&log);
        close(fd[0]);
        close(fd[1]);
    }
}

/* What comes out when a process with one thread is met, and then one of the same pid and command with a thread of the
 * same ids; starts: when they did. */
static char *joined(const uint64_t starts[2], bool same_recording)
{
    static char *command[] = {"python3", "app.py", NULL};
    struct run_log log;
    struct stream stream;
    run_log_open(&log);
    struct gs_join_sink *join = gs_join_sink_new(&log.sink);
    assert_non_null(join);
    gs_join_sink_next(join, 0, 0);
    stream_begin(&stream, gs_join_sink(join));
    for (int i = 0; i < 2; i++) {
        stream.start_ticks = starts[i];
        stream_process(&stream, 42, command);
        uint32_t thread = stream_thread(&stream, 43, "worker");
        stream_clear(&stream);
        stream_add(&stream, thread, stream_call(&stream, 0, "run", "app.py", 1), GS_HOLDS, GS_RUN_RUNNING);
        assert_int_equal(stream_tick(&stream, 10000000, 0), GS_OK);
        if (same_recording)
            continue;
        stream.process_count = stream.thread_count = 0;
        gs_join_sink_next(join, stream.time_ns, 0);
    }
    gs_stacks_free(stream.stacks);
    gs_join_sink_free(join);
    run_log_flush(&log);
    char *text = strdup(log.text);
    assert_non_null(text);
    run_log_close(&log);
    return text;
}

/* A pid that was given again is another process; one that went out of sight is the same, if it is known to be. */
UNIT_TEST(test_when_they_started)
{
    static const struct {
        uint64_t starts[2];
        bool same_recording, one;
    } rows[] = {{{500, 500}, false, true}, {{500, 501}, false, false}, {{0, 501}, false, true}, {{0, 0}, false, true},
                {{500, 500}, true, true},  {{500, 501}, true, false},  {{0, 501}, true, false}, {{0, 0}, true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = joined(rows[i].starts, rows[i].same_recording);
        assert_non_null(strstr(text, "process 0: 42 "));
        assert_int_equal(strstr(text, "process 1: 42 ") == NULL, rows[i].one);
        assert_int_equal(strstr(text, "thread 1: ") == NULL, rows[i].one);
        assert_int_equal(strstr(text, "sample of 1: ") == NULL, rows[i].one);
        free(text);
    }
}

static enum gs_status open_log(void *context, struct gs_sink **recorder)
{
    struct run_log *log = context;
    run_log_open(log);
    *recorder = &log->sink;
    return GS_OK;
}

static enum gs_status close_log(void *context)
{
    run_log_close(context);
    return GS_OK;
}

/* A thread of C that has a thread state now and then only: it was in no sample of a whole recording, and comes back. */
UNIT_TEST(test_comes_back)
{
    struct run_log log;
    uint64_t sums = 0;
    struct gs_splitter *splitter;
    struct gs_splitter_limit limit = {.time_ns = 1000};
    struct gs_splitter_calls calls = {&log, open_log, close_log, sum, &sums};
    struct gs_stacks *stacks = gs_stacks_new();
    struct gs_thread_sample both[] = {{.thread = 0}, {.thread = 1}};
    static const size_t counts[] = {2, 1, 1, 2};
    assert_int_equal(gs_splitter_new(&splitter, &limit, &calls), GS_OK);
    struct gs_sink *sink = gs_splitter_sink(splitter);
    assert_int_equal(sink->begin(sink, &(struct gs_run_info){.begin_ns = 1000, .rate_hz = 100}), GS_OK);
    assert_int_equal(sink->process(sink, 0, &(struct gs_sampled_process){.pid = 1}), GS_OK);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(sink->thread(sink, i, &(struct gs_sampled_thread){.tid = 7 + (pid_t)i, .name = "x"}), GS_OK);
    for (size_t i = 0; i < 4; i++) {
        struct gs_sample sample = {.time_ns = 1500 + i * 1000,
                                   .weight_ns = 500,
                                   .threads = both + 2 - counts[i],
                                   .thread_count = counts[i],
                                   .stacks = stacks};
        if (i == 3)
            assert_int_equal(sink->thread(sink, 0, &(struct gs_sampled_thread){.tid = 7, .name = "x"}), GS_OK);
        assert_int_equal(sink->sample(sink, &sample), GS_OK);
    }
    assert_int_equal(sink->end(sink, &(struct gs_run_end){.end_ns = 5000}), GS_OK);
    gs_splitter_free(splitter);
    gs_stacks_free(stacks);
}

/* Nothing opens a recording but a sample. */
UNIT_TEST(test_nothing)
{
    struct run_shape shape = shape_of(1);
    struct pieces pieces;
    shape.samples = 0;
    divide(&shape, &(struct gs_splitter_limit){.time_ns = 1000000000}, &pieces);
    assert_int_equal(pieces.count, 0);
}
