/* Events of exact tracing made into spans, on made-up events: order, beginnings, ends. */
#include <stdio.h>
#include <string.h>

#include "trace/gil_spans.h"
#include "support/unit.h"

enum { BEGIN = 1000, A = 11, B = 12, C = 13 };

/* What came, a line for each: "11 holds 1000-1100", with marks for what was not seen. */
struct log {
    char text[4096];
    size_t len;
    struct gs_gil_spans *gil_spans;
};

static void put(struct log *log, const char *fmt, ...) GS_PRINTF(2, 3);
static void put(struct log *log, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(log->text + log->len, sizeof log->text - log->len, fmt, args);
    va_end(args);
    assert_in_range(len, 0, sizeof log->text - log->len - 1);
    log->len += (size_t)len;
}

static void gil_span(void *context, const struct gs_gil_span *gil_span)
{
    put(context, "%d %s%s %d-%d%s", gil_span->tid, gil_span->begun ? "" : "<", gs_gil_word_name(gil_span->word),
        (int)gil_span->begin_ns, (int)gil_span->end_ns, gil_span->ended ? "" : ">");
    if (gil_span->since_ns != gil_span->begin_ns)
        put(context, " since %d", (int)gil_span->since_ns);
    if (gil_span->asks)
        put(context, " asked %u", gil_span->asks);
    if (gil_span->waiters)
        put(context, " waiters %u", gil_span->waiters);
    if (gil_span->forced)
        put(context, " forced");
    if (gil_span->from)
        put(context, " from %d at %d", gil_span->from, (int)gil_span->from_ns);
    put(context, "\n");
}

static void moment(void *context, unsigned lock, pid_t holder, uint32_t waiters, uint64_t begin_ns, uint64_t end_ns)
{
    if (lock == 0)
        put(context, "  %d-%d: %d, %u\n", (int)begin_ns, (int)end_ns, holder, waiters);
}

static void blame(void *context, pid_t waiter, pid_t holder, uint64_t ns)
{
    put(context, "  %d for %d: %d\n", waiter, holder, (int)ns);
}

static void start(struct log *log, bool all)
{
    struct gs_gil_spans_calls calls = {log, gil_span, all ? moment : NULL, all ? blame : NULL};
    *log = (struct log){.gil_spans = gs_gil_spans_new(&calls)};
    assert_non_null(log->gil_spans);
    gs_gil_spans_start(log->gil_spans, BEGIN);
}

static void tell(struct log *log, pid_t tid, enum gs_gil_word word)
{
    assert_int_equal(gs_gil_spans_tell(log->gil_spans, tid, 0, word), GS_OK);
}

static void add(struct log *log, uint64_t ns, pid_t tid, enum gs_act act)
{
    struct gs_event event = {.time_ns = ns, .tid = tid, .act = (uint8_t)act};
    assert_int_equal(gs_gil_spans_event(log->gil_spans, &event), GS_OK);
}

static void check(struct log *log, uint64_t end_ns, uint64_t violations, const char *expected)
{
    gs_gil_spans_stop(log->gil_spans, end_ns);
    assert_string_equal(log->text, expected);
    assert_int_equal(gs_gil_spans_violations(log->gil_spans), violations);
    gs_gil_spans_free(log->gil_spans);
}

UNIT_TEST(a_contended_hand_over)
{
    struct log log;
    start(&log, true);
    tell(&log, A, GS_HOLDS);
    tell(&log, B, GS_WITHOUT);
    add(&log, 1100, B, GS_ACT_WAIT);
    add(&log, 1200, B, GS_ACT_WAIT); /* the interval is over */
    add(&log, 1300, A, GS_ACT_DROP);
    add(&log, 1310, B, GS_ACT_TAKE);
    add(&log, 1320, A, GS_ACT_WAIT);
    check(&log, 1400, 0,
          "  1000-1100: 11, 0\n"
          "12 <without 1000-1100\n"
          "  1100-1300: 11, 1\n"
          "  12 for 11: 200\n"
          "11 <holds 1000-1300 waiters 1 forced\n"
          "  1300-1310: 0, 1\n"
          "12 waits 1100-1310 asked 1\n"
          "  1310-1320: 12, 0\n"
          "11 without 1300-1320\n"
          "  1320-1400: 12, 1\n"
          "  11 for 12: 80\n"
          "11 waits 1320-1400>\n"
          "12 holds 1310-1400> waiters 1 from 11 at 1300\n");
}

UNIT_TEST(early_events_say_what_was_at_the_beginning)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_HOLDS); /* as it was looked at, and is not true any more */
    tell(&log, B, GS_WAITS);
    tell(&log, C, GS_WAITS);
    add(&log, 950, A, GS_ACT_DROP);
    add(&log, 960, B, GS_ACT_TAKE);
    add(&log, 1100, B, GS_ACT_DROP);
    check(&log, 1200, 0,
          "12 <holds 1000-1100 waiters 1\n"
          "11 <without 1000-1200>\n"
          "12 without 1100-1200>\n"
          "13 <waits 1000-1200>\n");
}

UNIT_TEST(a_drop_says_who_had_it)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_UNKNOWN);
    add(&log, 1100, A, GS_ACT_DROP);
    add(&log, 1150, A, GS_ACT_TAKE);
    check(&log, 1200, 0,
          "11 <holds 1000-1100\n"
          "11 without 1100-1150\n"
          "11 holds 1150-1200> from 11 at 1100\n");
}

UNIT_TEST(what_cannot_be_is_counted)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_HOLDS);
    tell(&log, B, GS_WITHOUT);
    add(&log, 1100, B, GS_ACT_TAKE); /* A has it */
    add(&log, 1200, A, GS_ACT_DROP); /* A has it no more */
    add(&log, 1300, B, GS_ACT_DROP);
    add(&log, 1250, B, GS_ACT_TAKE); /* older than the one before */
    check(&log, 1400, 3,
          "11 <holds 1000-1100>\n"
          "12 <without 1000-1100\n"
          "11 <without 1100-1200\n"
          "12 holds 1100-1300\n"
          "11 without 1200-1400>\n"
          "12 holds 1300-1400> from 12 at 1300\n");
}

UNIT_TEST(threads_are_born_and_end)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_WITHOUT);
    add(&log, 1050, B, GS_ACT_BORN); /* it may never run Python */
    add(&log, 1100, C, GS_ACT_BORN);
    add(&log, 1110, C, GS_ACT_TAKE);
    add(&log, 1150, C, GS_ACT_DROP);
    add(&log, 1160, C, GS_ACT_ENDED);
    add(&log, 1170, C, GS_ACT_TAKE); /* its number is another's now */
    check(&log, 1200, 0,
          "13 holds 1110-1150\n"
          "13 without 1150-1160\n"
          "11 <without 1000-1200>\n"
          "13 holds 1170-1200> from 13 at 1150\n");
}

UNIT_TEST(the_holder_may_look_at_the_interval)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_HOLDS);
    add(&log, 1100, A, GS_ACT_WAIT);
    check(&log, 1200, 0, "11 <holds 1000-1200>\n");
}

UNIT_TEST(parts_are_handed_on_and_go_on)
{
    struct log log;
    uint64_t since_ns = 0;
    start(&log, true);
    tell(&log, A, GS_WITHOUT);
    tell(&log, B, GS_WITHOUT);
    add(&log, 1100, A, GS_ACT_TAKE);
    add(&log, 1150, B, GS_ACT_WAIT);
    assert_int_equal(gs_gil_spans_holder(log.gil_spans, 0, &since_ns), A);
    assert_int_equal(since_ns, 1100);
    gs_gil_spans_cut(log.gil_spans, 1200);
    add(&log, 1300, A, GS_ACT_DROP);
    check(&log, 1300, 0,
          "  1000-1100: 0, 0\n"
          "11 <without 1000-1100\n"
          "  1100-1150: 11, 0\n"
          "12 <without 1000-1150\n"
          "  1150-1200: 11, 1\n"
          "  12 for 11: 50\n"
          "11 holds 1100-1200> waiters 1\n"
          "12 waits 1150-1200>\n"
          "  1200-1300: 11, 1\n"
          "  12 for 11: 100\n"
          "11 holds 1200-1300 since 1100 waiters 1\n"
          "12 waits 1200-1300> since 1150\n");
}

UNIT_TEST(windows_know_nothing_of_each_other)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_HOLDS);
    gs_gil_spans_stop(log.gil_spans, 1100);
    add(&log, 1150, A, GS_ACT_DROP); /* nobody looks */
    gs_gil_spans_start(log.gil_spans, 2000);
    tell(&log, B, GS_HOLDS);
    check(&log, 2100, 0, "11 <holds 1000-1100>\n12 <holds 2000-2100>\n");
}

/* What an instruction did is not known: it is told from the order. */
UNIT_TEST(changes_take_turns)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_WITHOUT);
    add(&log, 1100, A, GS_ACT_CHANGE);
    add(&log, 1150, A, GS_ACT_CHANGE);
    check(&log, 1200, 0, "11 <without 1000-1100\n11 holds 1100-1150\n11 without 1150-1200>\n");
}

/* A change before the beginning may have been either: whoever changes the lock next, and is another, takes it. */
UNIT_TEST(a_change_while_it_was_looked_at)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_HOLDS); /* seen before it let go */
    tell(&log, B, GS_WITHOUT);
    add(&log, 990, A, GS_ACT_CHANGE);
    add(&log, 1100, B, GS_ACT_CHANGE);
    add(&log, 1150, B, GS_ACT_CHANGE);
    add(&log, 1200, A, GS_ACT_CHANGE);
    check(&log, 1300, 0,
          "12 <without 1000-1100\n12 holds 1100-1150\n11 <unknown 1000-1200\n"
          "11 holds 1200-1300> from 12 at 1150\n12 without 1150-1300>\n");
    start(&log, false);
    tell(&log, A, GS_WITHOUT); /* seen before it took it */
    tell(&log, B, GS_WITHOUT);
    add(&log, 990, A, GS_ACT_CHANGE);
    add(&log, 1050, A, GS_ACT_CHANGE);
    add(&log, 1100, B, GS_ACT_CHANGE);
    check(&log, 1300, 0, "11 <unknown 1000-1050\n12 <without 1000-1100\n11 unknown 1050-1300>\n12 holds 1100-1300>\n");
}

/* The wrong order, an event that is missing: after that all is right again. */
UNIT_TEST(changes_that_cannot_be)
{
    struct log log;
    start(&log, false);
    tell(&log, A, GS_HOLDS);
    tell(&log, B, GS_WITHOUT);
    add(&log, 1100, B, GS_ACT_CHANGE); /* takes what A let go at 1101 */
    add(&log, 1101, A, GS_ACT_CHANGE);
    add(&log, 1200, B, GS_ACT_CHANGE);
    add(&log, 1250, A, GS_ACT_CHANGE); /* lets go, unseen */
    add(&log, 1300, B, GS_ACT_CHANGE);
    add(&log, 1350, B, GS_ACT_CHANGE);
    add(&log, 1400, A, GS_ACT_CHANGE);
    check(&log, 1500, 2,
          "11 <holds 1000-1100>\n"
          "12 <without 1000-1100\n"
          "12 holds 1100-1200\n"
          "11 <without 1100-1250\n"
          "11 holds 1250-1300> from 12 at 1200\n"
          "12 without 1200-1300\n"
          "12 holds 1300-1350\n"
          "11 <without 1300-1400\n"
          "11 holds 1400-1500> from 12 at 1350\n"
          "12 without 1350-1500>\n");
}

UNIT_TEST(ended_threads_are_forgotten)
{
    struct log log;
    start(&log, false);
    log.len = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t ns = BEGIN + 10 * (uint64_t)i;
        add(&log, ns + 1, 1000 + i, GS_ACT_TAKE);
        add(&log, ns + 5, 1000 + i, GS_ACT_DROP);
        add(&log, ns + 6, 1000 + i, GS_ACT_ENDED);
        log.len = 0;
    }
    memset(log.text, 0, sizeof log.text);
    check(&log, BEGIN + 1000000, 0, "");
}
