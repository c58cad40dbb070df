/* What is made of the kernel's records: gaps, gauges, the scheduler; and what is counted out of them. The records are
 * made up, as the kernel lays them out. */
#include <string.h>

#include "gil/counters.h"
#include "profile/schedule.h"
#include "trace/gauges.h"
#include "trace/perf.h"
#include "support/unit.h"

enum { US = 1000, MS = 1000 * US, A = 11, B = 12, ELSEWHERE = 99 };

/* ---- records ---- */

struct bytes {
    uint64_t words[64];
    size_t len;
};

static void put(struct bytes *bytes, const void *value, size_t len)
{
    memcpy((uint8_t *)bytes->words + bytes->len, value, len);
    bytes->len += len;
}

static void put_u32(struct bytes *bytes, uint32_t value)
{
    put(bytes, &value, sizeof value);
}

static void put_u64(struct bytes *bytes, uint64_t value)
{
    put(bytes, &value, sizeof value);
}

static void begin(struct bytes *bytes, uint32_t type)
{
    struct perf_event_header header = {.type = type};
    *bytes = (struct bytes){.len = 0};
    put(bytes, &header, sizeof header);
}

static const struct perf_event_header *end(struct bytes *bytes)
{
    struct perf_event_header *header = (struct perf_event_header *)(void *)bytes->words;
    header->size = (uint16_t)bytes->len;
    return header;
}

/* What each record but a sample ends with. */
static void put_id(struct bytes *bytes, bool ids)
{
    put_u32(bytes, 10);
    put_u32(bytes, A);
    put_u64(bytes, 5 * MS);
    put_u32(bytes, 3);
    put_u32(bytes, 0);
    if (ids)
        put_u64(bytes, 77);
}

UNIT_TEST(a_throttled_event_is_a_gap)
{
    static const uint32_t types[] = {PERF_RECORD_THROTTLE, PERF_RECORD_UNTHROTTLE};
    for (int ids = 0; ids < 2; ids++) {
        for (size_t i = 0; i < 2; i++) {
            struct bytes bytes;
            struct gs_perf_record record;
            begin(&bytes, types[i]);
            put_u64(&bytes, 5 * MS); /* time, id, stream id */
            put_u64(&bytes, 77);
            put_u64(&bytes, 78);
            put_id(&bytes, ids);
            assert_true(gs_perf_decode(end(&bytes), ids, &record));
            assert_int_equal(record.type, types[i]);
            assert_int_equal(record.time_ns, 5 * MS);
            assert_int_equal(record.tid, A);
            assert_int_equal(record.cpu, 3);
        }
    }
}

UNIT_TEST(a_loss_is_told)
{
    struct bytes bytes;
    struct gs_perf_record record;
    begin(&bytes, PERF_RECORD_LOST);
    put_u64(&bytes, 77);
    put_u64(&bytes, 1234);
    put_id(&bytes, true);
    assert_true(gs_perf_decode(end(&bytes), true, &record));
    assert_int_equal(record.lost, 1234);
    assert_int_equal(record.time_ns, 5 * MS);
    bytes.len = 24; /* cut */
    assert_false(gs_perf_decode(end(&bytes), true, &record));
}

static void put_sample(struct bytes *bytes, bool ids)
{
    begin(bytes, PERF_RECORD_SAMPLE);
    if (ids)
        put_u64(bytes, 77);
    put_u64(bytes, 0x1000);
    put_u32(bytes, 10);
    put_u32(bytes, A);
    put_u64(bytes, 6 * MS);
    put_u64(bytes, 0x2000);
    put_u32(bytes, 1);
    put_u32(bytes, 0);
}

UNIT_TEST(a_sample_says_of_which_descriptor_it_is)
{
    struct bytes bytes;
    struct gs_perf_record record;
    for (int ids = 0; ids < 2; ids++) {
        put_sample(&bytes, ids);
        assert_true(gs_perf_decode(end(&bytes), ids, &record));
        assert_int_equal(record.id, ids ? 77 : 0);
        assert_int_equal(record.ip, 0x1000);
        assert_int_equal(record.addr, 0x2000);
        assert_int_equal(record.tid, A);
        assert_int_equal(record.time_ns, 6 * MS);
        assert_int_equal(record.cpu, 1);
        assert_int_equal(record.rest_bytes, 0);
        assert_null(gs_perf_registers(&record));
    }
}

UNIT_TEST(a_tracepoint_has_its_fields)
{
    struct bytes bytes;
    struct gs_perf_record record;
    uint64_t value;
    put_sample(&bytes, true);
    put_u32(&bytes, 12); /* bytes */
    put_u32(&bytes, 0x01020304);
    put_u64(&bytes, UINT64_C(0x1122334455667788));
    assert_true(gs_perf_decode(end(&bytes), true, &record));
    assert_true(gs_perf_raw(&record, 4, 8, &value));
    assert_true(value == UINT64_C(0x1122334455667788));
    assert_true(gs_perf_raw(&record, 2, 1, &value));
    assert_int_equal(value, 2);
    assert_false(gs_perf_raw(&record, 5, 8, &value));
    assert_false(gs_perf_raw(&record, SIZE_MAX, 1, &value));
    assert_false(gs_perf_raw(&record, 0, 9, &value));
    put_sample(&bytes, true);
    put_u32(&bytes, UINT32_MAX); /* more than there are */
    put_u32(&bytes, 0);
    assert_true(gs_perf_decode(end(&bytes), true, &record));
    assert_false(gs_perf_raw(&record, 0, 4, &value));
}

UNIT_TEST(fields_are_found_by_their_names)
{
    static const char format[] = "name: sched_switch\nID: 372\nformat:\n"
                                 "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
                                 "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
                                 "\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;\n"
                                 "\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n"
                                 "\tfield:int far;\toffset:99999;\tsize:4;\tsigned:1;\n";
    struct gs_gauge_field field;
    assert_true(gs_gauge_field(format, "pid", &field));
    assert_int_equal(field.offset, 24);
    assert_int_equal(field.bytes, 4);
    assert_true(gs_gauge_field(format, "prev_state", &field));
    assert_int_equal(field.offset, 32);
    assert_int_equal(field.bytes, 8);
    assert_false(gs_gauge_field(format, "state", &field));
    assert_false(gs_gauge_field(format, "prev_comm[16]", &field));
    assert_false(gs_gauge_field(format, "far", &field));
    assert_false(gs_gauge_field("field:pid_t pid", "pid", &field));
}

/* ---- the scheduler ---- */

struct spans {
    struct gs_run_span list[16];
    size_t count;
};

static void keep_span(void *context, const struct gs_run_span *span)
{
    struct spans *spans = context;
    assert_true(spans->count < 16);
    spans->list[spans->count++] = *span;
}

static void happen(struct gs_schedule *schedule, enum gs_act act, pid_t tid, uint64_t at_ms, pid_t other, char what)
{
    struct gs_event event = {.time_ns = at_ms * MS, .tid = tid, .other = other, .act = act, .what = (uint8_t)what};
    assert_int_equal(gs_schedule_event(schedule, &event), GS_OK);
}

UNIT_TEST(who_is_woken_is_ready_until_it_runs)
{
    struct spans spans = {.count = 0};
    struct gs_schedule *schedule = gs_schedule_new(keep_span, &spans);
    happen(schedule, GS_ACT_WAKE, B, 1, A, 0); /* nobody that is known */
    happen(schedule, GS_ACT_ON, A, 1, 0, 0);
    happen(schedule, GS_ACT_ON, B, 1, 0, 0);
    happen(schedule, GS_ACT_STATE, B, 2, 0, 'D');
    happen(schedule, GS_ACT_OFF, B, 2, 0, 0);
    happen(schedule, GS_ACT_OFF, B, 2, 0, 0); /* told twice */
    happen(schedule, GS_ACT_WAKE, B, 5, A, 0);
    happen(schedule, GS_ACT_WAKE, B, 5, A, 0);
    happen(schedule, GS_ACT_ON, B, 7, 0, 0);
    happen(schedule, GS_ACT_WAKE, B, 8, A, 0); /* it has not left the processor yet */
    happen(schedule, GS_ACT_PREEMPT, B, 9, 0, 0);
    happen(schedule, GS_ACT_ON, B, 10, 0, 0);
    happen(schedule, GS_ACT_STATE, B, 11, 0, 'S');
    happen(schedule, GS_ACT_OFF, B, 11, 0, 0);
    happen(schedule, GS_ACT_WAKE, B, 13, ELSEWHERE, 0);
    happen(schedule, GS_ACT_ENDED, B, 14, 0, 0);
    gs_schedule_free(schedule);
    static const struct gs_run_span wanted[] = {
        {B, GS_ON_CPU, 0, 0, 0, false, 1 * MS, 2 * MS},      {B, GS_BLOCKED, 0, 'D', 0, false, 2 * MS, 5 * MS},
        {B, GS_WOKEN, 0, 'R', A, true, 5 * MS, 7 * MS},      {B, GS_ON_CPU, 0, 0, 0, false, 7 * MS, 9 * MS},
        {B, GS_PREEMPTED, 0, 0, 0, false, 9 * MS, 10 * MS},  {B, GS_ON_CPU, 0, 0, 0, false, 10 * MS, 11 * MS},
        {B, GS_OFF_CPU, 0, 'S', 0, false, 11 * MS, 13 * MS}, {B, GS_WOKEN, 0, 'R', ELSEWHERE, false, 13 * MS, 14 * MS},
    };
    assert_int_equal(spans.count, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < spans.count; i++) {
        const struct gs_run_span *one = &spans.list[i], *other = &wanted[i];
        assert_int_equal(one->tid, other->tid);
        assert_int_equal(one->state, other->state);
        assert_int_equal(one->letter, other->letter);
        assert_int_equal(one->waker, other->waker);
        assert_int_equal(one->ours, other->ours);
        assert_int_equal(one->begin_ns, other->begin_ns);
        assert_int_equal(one->end_ns, other->end_ns);
    }
}

/* ---- counts ---- */

struct play {
    struct gs_gil_spans *gil_spans;
    struct gs_gilcounts *counts;
};

static void drop_turn(void *context, const struct gs_gil_span *gil_span)
{
    (void)context;
    (void)gil_span;
}

static struct play begin_play(void)
{
    struct gs_gil_spans_calls calls = {.gil_span = drop_turn};
    struct play play = {.gil_spans = gs_gil_spans_new(&calls)};
    play.counts = gs_gilcounts_new(play.gil_spans);
    gs_gil_spans_start(play.gil_spans, 10 * MS);
    gs_gilcounts_begin(play.counts, 10 * MS);
    return play;
}

static void end_play(struct play *play)
{
    gs_gilcounts_free(play->counts);
    gs_gil_spans_free(play->gil_spans);
}

static void act(const struct play *play, enum gs_act what, pid_t tid, uint64_t at_ms, uint16_t cpu, uint8_t gauge)
{
    struct gs_event event = {.time_ns = at_ms * MS, .tid = tid, .act = what, .cpu = cpu, .what = gauge};
    gs_gilcounts_event(play->counts, &event);
    assert_int_equal(gs_gil_spans_event(play->gil_spans, &event), GS_OK);
}

static bool tell_ran(void *context, pid_t tid, uint64_t *ran_ns)
{
    (void)tid;
    *ran_ns = *(const uint64_t *)context;
    return true;
}

static uint64_t of(const struct play *play, pid_t tid, enum gs_gil_word word, enum gs_counter counter)
{
    return gs_gilcounts_of(play->counts, tid).by_word[word][counter];
}

UNIT_TEST(each_is_charged_to_the_state_it_came_in)
{
    struct play play = begin_play();
    uint64_t ran_ns = 0;
    act(&play, GS_ACT_COUNT, A, 9, 0, GS_GAUGE_MINOR_FAULTS); /* before it began */
    act(&play, GS_ACT_COUNT, A, 11, 0, GS_GAUGE_MINOR_FAULTS);
    act(&play, GS_ACT_WAIT, A, 12, 0, 0);
    act(&play, GS_ACT_OFF, A, 13, 0, 0);
    act(&play, GS_ACT_ON, A, 20, 1, 0);
    act(&play, GS_ACT_TAKE, A, 21, 1, 0);
    act(&play, GS_ACT_COUNT, A, 22, 1, GS_GAUGE_MINOR_FAULTS);
    act(&play, GS_ACT_COUNT, A, 22, 1, GS_GAUGE_MAJOR_FAULTS);
    act(&play, GS_ACT_PREEMPT, A, 23, 1, 0);
    act(&play, GS_ACT_PREEMPT, A, 23, 1, 0); /* told twice */
    act(&play, GS_ACT_ON, A, 25, 1, 0);
    act(&play, GS_ACT_DROP, A, 26, 1, 0);
    gs_gilcounts_cut(play.counts, 30 * MS, tell_ran, &ran_ns);
    assert_int_equal(of(&play, A, GS_WITHOUT, GS_PAGE_FAULTS), 1);
    assert_int_equal(of(&play, A, GS_WITHOUT, GS_TASK_CLOCK), 2 * MS + 4 * MS);
    assert_int_equal(of(&play, A, GS_WAITS, GS_TASK_CLOCK), 1 * MS + 1 * MS);
    assert_int_equal(of(&play, A, GS_WAITS, GS_CONTEXT_SWITCHES), 1);
    assert_int_equal(of(&play, A, GS_WAITS, GS_MIGRATIONS), 1);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_TASK_CLOCK), 2 * MS + 1 * MS);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_PAGE_FAULTS), 2);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_MAJOR_FAULTS), 1);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_CONTEXT_SWITCHES), 1);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_PREEMPTIONS), 1);
    assert_int_equal(gs_gilcounts_all(play.counts).by_word[GS_HOLDS][GS_PAGE_FAULTS], 2);
    gs_gilcounts_clear(play.counts);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_PAGE_FAULTS), 0);
    gs_gilcounts_cut(play.counts, 31 * MS, tell_ran, &ran_ns); /* it goes on where it was */
    assert_int_equal(of(&play, A, GS_WITHOUT, GS_TASK_CLOCK), 1 * MS);
    end_play(&play);
}

/* One that never leaves the processor has no event that says so. */
UNIT_TEST(who_does_nothing_runs_as_long_as_the_kernel_says)
{
    struct play play = begin_play();
    uint64_t ran_ns = 107 * MS;
    assert_int_equal(gs_gil_spans_tell(play.gil_spans, A, 0, GS_HOLDS), GS_OK);
    gs_gilcounts_tell(play.counts, A, 100 * MS);
    gs_gilcounts_cut(play.counts, 20 * MS, tell_ran, &ran_ns);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_TASK_CLOCK), 7 * MS);
    ran_ns = 200 * MS; /* no more than there was time */
    gs_gilcounts_cut(play.counts, 25 * MS, tell_ran, &ran_ns);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_TASK_CLOCK), 12 * MS);
    end_play(&play);
}

UNIT_TEST(a_sample_of_cycles_stands_for_many)
{
    struct play play = begin_play();
    act(&play, GS_ACT_TAKE, A, 11, 0, 0);
    act(&play, GS_ACT_COUNT, A, 12, 0, GS_GAUGE_CYCLES);
    act(&play, GS_ACT_COUNT, A, 13, 0, GS_GAUGE_CYCLES);
    act(&play, GS_ACT_COUNT, A, 13, 0, GS_GAUGE_CACHE_MISSES);
    assert_int_equal(of(&play, A, GS_HOLDS, GS_CYCLES), 2 * gs_gauge_amount(GS_GAUGE_CYCLES));
    assert_int_equal(of(&play, A, GS_HOLDS, GS_CACHE_MISSES), gs_gauge_amount(GS_GAUGE_CACHE_MISSES));
    assert_int_equal(of(&play, A, GS_HOLDS, GS_INSTRUCTIONS), 0);
    struct gs_gauges gauges = {.there = {[GS_GAUGE_CYCLES] = true}};
    assert_true(gs_gilcounts_known(&gauges) >> GS_CYCLES & 1);
    assert_false(gs_gilcounts_known(&gauges) >> GS_PAGE_FAULTS & 1);
    end_play(&play);
}
