/* Recordings that are cut, damaged or made to do harm: what was written before can be played, and nothing else. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording/packer.h"
#include "recording/recording.h"
#include "recording/unpacker.h"
#include "support/run_made.h"
#include "support/unit.h"

/* Small, of several blocks. */
static const struct run_shape small = {.seed = 7,
                                       .samples = 12,
                                       .processes = 2,
                                       .most_threads = 3,
                                       .functions = 6,
                                       .depth = 4,
                                       .churn = 3,
                                       .forget_every = 5,
                                       .slot_ns = 700000000};

struct bytes {
    uint8_t *at;
    size_t len;
};

static struct bytes bytes_of(int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    struct bytes bytes = {malloc((size_t)len), (size_t)len};
    assert_non_null(bytes.at);
    assert_int_equal(pread(fd, bytes.at, bytes.len, 0), len);
    return bytes;
}

static int file_of(const uint8_t *bytes, size_t len)
{
    int fd = run_file();
    assert_int_equal(write(fd, bytes, len), len);
    return fd;
}

/* Plays fd, which is closed; returns what opening or playing did. */
static enum gs_status play(int fd, struct run_log *log, struct gs_recording_state *state, struct gs_err *err)
{
    struct gs_recording *recording;
    run_log_open(log);
    *state = (struct gs_recording_state){0};
    enum gs_status status = gs_recording_open_fd(&recording, fd, "it", err);
    if (!status) {
        status = gs_recording_play(recording, &log->sink, 0, UINT64_MAX, err);
        *state = *gs_recording_state(recording);
        gs_recording_close(recording);
    } else {
        assert_null(recording);
    }
    run_log_flush(log);
    return status;
}

struct whole {
    struct bytes bytes;
    struct run_log log;
};

static int setup(void **state)
{
    static struct whole whole;
    struct gs_recording_state played;
    struct gs_err err;
    int fd = run_record(&small);
    whole.bytes = bytes_of(fd);
    assert_int_equal(play(fd, &whole.log, &played, &err), GS_OK);
    assert_true(played.complete);
    *state = &whole;
    return 0;
}

static int teardown(void **state)
{
    struct whole *whole = *state;
    run_log_close(&whole->log);
    free(whole->bytes.at);
    return 0;
}

static bool is_prefix(const struct run_log *part, const struct run_log *whole)
{
    return part->len <= whole->len && memcmp(part->text, whole->text, part->len) == 0;
}

static void test_cut_anywhere(void **state)
{
    const struct whole *whole = *state;
    size_t before = 0;
    int steps = 0;
    for (size_t len = 0; len < whole->bytes.len; len++) {
        struct run_log log;
        struct gs_recording_state played;
        struct gs_err err;
        enum gs_status status = play(file_of(whole->bytes.at, len), &log, &played, &err);
        assert_false(played.complete);
        assert_false(played.damaged);
        assert_int_equal(status, log.len ? GS_OK : GS_FAILED);
        assert_int_equal(log.ended, status == GS_OK);
        assert_false(log.end.complete);
        assert_int_equal(log.end.samples, log.samples);
        assert_true(is_prefix(&log, &whole->log));
        assert_true(log.len >= before);
        steps += log.len > before;
        before = log.len;
        run_log_close(&log);
    }
    assert_in_range(steps, 3, 12); /* as many as there are blocks */
    assert_true(before < whole->log.len);
}

static void test_flipped_anywhere(void **state)
{
    const struct whole *whole = *state;
    struct bytes bytes = whole->bytes;
    for (size_t at = 0; at < bytes.len; at++) {
        struct run_log log;
        struct gs_recording_state played;
        struct gs_err err;
        uint8_t right = bytes.at[at];
        bytes.at[at] ^= (uint8_t)(1 << at % 8);
        enum gs_status status = play(file_of(bytes.at, bytes.len), &log, &played, &err);
        bytes.at[at] = right;
        assert_false(played.complete);
        assert_true(is_prefix(&log, &whole->log));
        assert_true(log.len < whole->log.len || !log.end.complete);
        assert_int_equal(status, log.len ? GS_OK : GS_FAILED);
        /* A block that claims to be longer than the file is seems to be cut: no damage is seen. */
        if (played.damaged)
            assert_in_range(at, played.damaged_at, played.damaged_at + GS_BLOCK_HEAD + GS_BLOCK_USUAL);
        run_log_close(&log);
    }
}

/* Where the blocks begin. */
static size_t count_blocks(const struct bytes *bytes, size_t starts[], size_t most)
{
    size_t count = 0;
    for (size_t at = GS_FILE_HEAD; at < bytes->len;) {
        struct gs_block_head head;
        assert_true(gs_block_head_get(bytes->at + at, &head));
        assert_true(count < most);
        starts[count++] = at;
        at += GS_BLOCK_HEAD + head.len;
    }
    return count;
}

static void test_says_where(void **state)
{
    const struct whole *whole = *state;
    struct bytes bytes = whole->bytes;
    struct run_log log;
    struct gs_recording_state played;
    struct gs_err err;
    size_t starts[64], count = count_blocks(&bytes, starts, 64);
    assert_in_range(count, 3, 64);
    for (size_t i = 0; i < count; i++) {
        bytes.at[starts[i] + GS_BLOCK_HEAD + 3] ^= 0x10;
        enum gs_status status = play(file_of(bytes.at, bytes.len), &log, &played, &err);
        bytes.at[starts[i] + GS_BLOCK_HEAD + 3] ^= 0x10;
        assert_true(played.damaged);
        assert_int_equal(played.damaged_at, starts[i]);
        assert_int_equal(played.error, 0);
        assert_int_equal(status, i ? GS_OK : GS_FAILED);
        if (i == 0)
            assert_string_equal(err.what, "cannot play it: it is damaged from its beginning on");
        run_log_close(&log);
    }
}

/* A block of a type that is not known yet is passed over. */
static void test_unknown_block(void **state)
{
    const struct whole *whole = *state;
    size_t starts[64], count = count_blocks(&whole->bytes, starts, 64), at = starts[count / 2];
    uint8_t block[GS_BLOCK_HEAD + 5] = {0};
    struct gs_block_head head = {.type = 'x', .raw_len = 99, .len = 5};
    memcpy(block + GS_BLOCK_HEAD, "hello", 5);
    gs_block_head_put(block, &head);
    head.crc = gs_block_crc(block, block + GS_BLOCK_HEAD, 5);
    gs_block_head_put(block, &head);
    int fd = file_of(whole->bytes.at, at);
    assert_int_equal(write(fd, block, sizeof block), sizeof block);
    assert_int_equal(write(fd, whole->bytes.at + at, whole->bytes.len - at), whole->bytes.len - at);
    struct run_log log;
    struct gs_recording_state played;
    struct gs_err err;
    assert_int_equal(play(fd, &log, &played, &err), GS_OK);
    assert_true(played.complete);
    assert_string_equal(log.text, whole->log.text);
    run_log_close(&log);
}

static void refuse(const void *bytes, size_t len, const char *what)
{
    struct run_log log;
    struct gs_recording_state played;
    struct gs_err err;
    assert_int_equal(play(file_of(bytes, len), &log, &played, &err), GS_FAILED);
    assert_string_equal(err.what, what);
    run_log_close(&log);
}

static void test_refused(void **state)
{
    (void)state;
    struct gs_recording *recording;
    struct gs_err err;
    refuse("", 0, "cannot play it: it is empty");
    refuse("gilspy", 6, "cannot play it: it is not a recording");
    refuse("#!/bin/sh\n", 10, "cannot play it: it is not a recording");
    refuse("gilspy\0\7", 8, "cannot play it: it has format 7, and this gilspy knows format 6 and older ones");
    assert_int_equal(gs_recording_open(&recording, "/nowhere/it", &err), GS_FAILED);
    assert_string_equal(err.what, "cannot open /nowhere/it: No such file or directory");
    assert_int_equal(gs_recording_open(&recording, "/", &err), GS_FAILED);
    assert_string_equal(err.what, "cannot read /: Is a directory");
    gs_recording_close(NULL);
}

/* All records of a recording as one run of bytes. */
static struct bytes records_of(const struct bytes *file)
{
    struct gs_unpacker unpacker;
    struct gs_wire wire;
    uint8_t head[GS_FILE_HEAD];
    struct bytes all = {0};
    assert_int_equal(gs_unpacker_init(&unpacker, file_of(file->at, file->len)), GS_OK);
    assert_int_equal(gs_unpacker_head(&unpacker, head), sizeof head);
    while (gs_unpacker_next(&unpacker, &wire) == GS_UNPACKED_BLOCK) {
        size_t len = (size_t)(wire.end - wire.at);
        all.at = realloc(all.at, all.len + len);
        assert_non_null(all.at);
        memcpy(all.at + all.len, wire.at, len);
        all.len += len;
    }
    gs_unpacker_fini(&unpacker);
    return all;
}

/* A recording with these records, all of it as it should be but for them. */
static int pack(const uint8_t *records, size_t len)
{
    struct gs_packer packer;
    int fd = run_file();
    assert_int_equal(gs_packer_init(&packer, fd), GS_OK);
    assert_int_equal(gs_packer_room(&packer, len), GS_OK);
    memcpy(packer.raw, records, len);
    assert_int_equal(gs_packer_commit(&packer, packer.raw + len), GS_OK);
    assert_int_equal(gs_packer_write(&packer), GS_OK);
    gs_packer_fini(&packer);
    return fd;
}

/* With whatever byte in whatever place: it may say other things, but all that it says must make sense. The log looks at
 * everything, and sanitizers at the log. */
static void test_records_that_lie(void **state)
{
    static const uint8_t values[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x41, 0x4c, 6};
    const struct whole *whole = *state;
    struct bytes records = records_of(&whole->bytes);
    int refused = 0, played_on = 0;
    for (size_t at = 0; at < records.len; at++) {
        uint8_t right = records.at[at];
        for (size_t v = 0; v < 3; v++) {
            struct run_log log;
            struct gs_recording_state played;
            struct gs_err err;
            records.at[at] = values[(at * 3 + at / 3 + v) % sizeof values];
            enum gs_status status = play(pack(records.at, records.len), &log, &played, &err);
            assert_true(status == GS_OK || status == GS_FAILED);
            assert_int_equal(log.ended, status == GS_OK);
            refused += played.damaged;
            played_on += played.complete;
            run_log_close(&log);
        }
        records.at[at] = right;
    }
    assert_in_range(refused, records.len / 2, records.len * 3);
    assert_in_range(played_on, records.len / 2, records.len * 3);
    free(records.at);
}

static const uint8_t begin[] = {GS_RECORD_RUN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x59, 0x40, 0, 0, 0, 0};
#define PROCESS GS_RECORD_PROCESS, 1, 1, 9, 0, 0, 0, 0, 0
#define THREAD  GS_RECORD_THREAD, 0, 0, 1, 1, 0, 1, 0, 0
#define PLACE   GS_RECORD_PLACE, 1, 1, 'f', 0, 0, 1, 0, 0, 0, 0, 0
#define STACK   GS_RECORD_STACK, 1, 1
#define SAMPLE  (GS_RECORD_SAMPLE | GS_SAMPLE_CHANGES | GS_SAMPLE_LIST)
#define CHANGED (GS_RECORD_SAMPLE | GS_SAMPLE_CHANGES)

/* Plays these records behind a begin. */
static bool play_records(const uint8_t *records, size_t len, struct run_log *log)
{
    uint8_t all[256];
    struct gs_recording_state played;
    struct gs_err err;
    memcpy(all, begin, sizeof begin);
    memcpy(all + sizeof begin, records, len);
    assert_int_equal(play(pack(all, sizeof begin + len), log, &played, &err), GS_OK);
    return !played.damaged;
}

static bool is_good(const uint8_t *records, size_t len)
{
    struct run_log log;
    bool good = play_records(records, len, &log);
    run_log_close(&log);
    return good;
}

#define good(...) assert_true(is_good((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}))
#define bad(...)  assert_false(is_good((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}))

static void test_each_number_is_checked(void **state)
{
    (void)state;
    good(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 5, 0, 1, 0, 0);
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 5, 0, 2, 0, 0);      /* no such stack */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 5, 1, 1, 0, 0);      /* no such thread */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 5, 0, 1, 5, 0);      /* no such word */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 5, 0, 1, 5 << 3, 0); /* no such run */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 13, 0, 1, 0, 0);     /* keeps one of none */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 4, 0);               /* none can go */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 1, 0, 0);            /* none can change */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 6, 0);               /* no such change */
    bad(PROCESS, THREAD, PLACE, STACK, CHANGED, 0, 5, 0, 1, 0, 0);     /* comes, but not announced */
    bad(PROCESS, THREAD, PLACE, STACK, SAMPLE, 0, 5, 0, 1, 0);         /* ends too soon */
    good(PROCESS, THREAD, SAMPLE, 0, 5, 0, 0, 0, 0, CHANGED, 0, 2, 4, 0, SAMPLE, 0, 4, 0);
    bad(PROCESS, THREAD, SAMPLE, 0, 5, 0, 0, 0, 0, CHANGED, 0, 4, 0);               /* goes, but not announced */
    bad(PROCESS, PROCESS, THREAD, SAMPLE | GS_SAMPLE_PROCESS, 1, 0, 5, 0, 0, 0, 0); /* another process's thread */
    bad(PROCESS, SAMPLE | GS_SAMPLE_PROCESS, 1, 0, 0);                              /* no such process */
    bad(GS_RECORD_SAMPLE, 0);                                                       /* nor such a one */
    bad(THREAD);
    bad(PROCESS, GS_RECORD_THREAD, 1, 0, 1, 1, 0, 1, 0, 0); /* thread 1 before thread 0 */
    good(PROCESS, THREAD, THREAD);
    bad(PROCESS, PROCESS, THREAD, GS_RECORD_THREAD, 0, 1, 1, 1, 0, 1, 0, 0); /* moves to another process */
    bad(PLACE, GS_RECORD_PLACE, 2, 0, 3, 0, 0, 0);                           /* the same place again */
    good(PLACE, GS_RECORD_PLACE, 3, 0, 2, 0, 0, 0);
    bad(PLACE, GS_RECORD_PLACE, 4, 0, 2, 0, 0, 0); /* no such string */
    bad(GS_RECORD_PLACE, 0, 0, 1, 0, 0, 0, 0, 0);  /* no function */
    bad(GS_RECORD_PLACE, 1, 0, 0, 0, 0, 0, 0, 0);  /* no file */
    bad(GS_RECORD_PLACE, 1, 1, 'f', 0, 0, 1, 0, 0, 0, 0, GS_WIRE_KIND_MOST + 1);
    bad(GS_RECORD_PLACE, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0);     /* a NUL inside */
    bad(GS_RECORD_PLACE, 1, 1, 'f', 'f', 0, 1, 0, 0, 0, 0, 0); /* none behind */
    bad(GS_RECORD_PLACE, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    bad(GS_RECORD_PLACE, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2); /* of 65 bits */
    good(PLACE, STACK, STACK, STACK, GS_RECORD_FORGET, PLACE, STACK);
    bad(PLACE, STACK, STACK, STACK, GS_RECORD_STACK, 5, 1); /* called from before the first */
    bad(PLACE, GS_RECORD_STACK, 0, 1);                      /* by itself */
    bad(PLACE, GS_RECORD_STACK, 1, 2);                      /* no such place */
    bad(PLACE, GS_RECORD_STACK, 1, 0);                      /* nor such a one */
    bad(PLACE, STACK, GS_RECORD_STACK, 2, 1);               /* the same stack again */
    bad(PLACE, GS_RECORD_FORGET, STACK);                    /* forgotten */
    bad(PROCESS, THREAD, PLACE, STACK, GS_RECORD_FORGET, SAMPLE, 0, 5, 0, 1, 0, 0);
    bad(GS_RECORD_RUN);
    bad(0);
    bad(0x50);
}

/* Numbers of stacks that were forgotten do not come back, though no record says what is there instead. */
static void test_forgotten_is_forgotten(void **state)
{
    static const uint8_t records[] = {
        PROCESS,          THREAD,           PLACE, STACK, SAMPLE, 0, 5, 0, 1, 0, 0, GS_RECORD_SAMPLE, 0,
        GS_RECORD_FORGET, GS_RECORD_SAMPLE, 0};
    struct run_log log;
    (void)state;
    assert_true(play_records(records, sizeof records, &log));
    assert_string_equal(strstr(log.text, "sample of 0"), "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:f,(null),,(null),0,0\n"
                                                         "sample of 0: 0 0 0\n  0 0 0 0 0 0 1:f,(null),,(null),0,0\n"
                                                         "forget\n"
                                                         "sample of 0: 0 0 0\n  0 0 0 0 0 0\n");
    run_log_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_flipped_anywhere),
        cmocka_unit_test(test_says_where),
        cmocka_unit_test(test_unknown_block),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_records_that_lie),
        cmocka_unit_test(test_each_number_is_checked),
        cmocka_unit_test(test_forgotten_is_forgotten),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
