/* The tables of stat and trace, and the JSON, byte by byte. */
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "export/stat.h"
#include "export/text/trace.h"
#include "support/golden.h"
#include "support/unit.h"

#define KNOWN(number)                                                                                                  \
    {                                                                                                                  \
        .value = number, .known = true                                                                                 \
    }

static struct gs_gilstat_gil gils[] = {{.state = GS_GIL_HELD,
                                        .held = KNOWN(0.972),
                                        .contended = KNOWN(0.931),
                                        .mean_waiters = KNOWN(1.1234),
                                        .switches = KNOWN(1830),
                                        .longest_hold_us = KNOWN(526000),
                                        .longest_hold_tid = 4250,
                                        .held_avg = {KNOWN(0.97), {0}, {0}},
                                        .wait_avg = {KNOWN(1.1), {0}, {0}}},
                                       {.interpreter = 1,
                                        .state = GS_GIL_FREE,
                                        .held = KNOWN(0),
                                        .contended = KNOWN(0),
                                        .mean_waiters = KNOWN(0),
                                        .switches = KNOWN(0)}};

static struct gs_gilstat_thread threads[] = {
    {.tid = 4242,
     .ident = 139637976,
     .name = "MainThread",
     .main = true,
     .has = 0.101,
     .waits = 0.02,
     .without = 0.879,
     .half_width = 0.001,
     .on_cpu = KNOWN(0.12),
     .acquisitions = KNOWN(460),
     .wait_count = KNOWN(430),
     .wait_us = KNOWN(200000),
     .longest_wait_us = KNOWN(21000),
     .longest_hold_us = KNOWN(5100),
     .hold_us = {KNOWN(5000), KNOWN(5200), KNOWN(9100)}},
    {.tid = 4249,
     .name = "worker-1",
     .has = 0.351,
     .waits = 0.619,
     .without = 0.02,
     .unknown = 0.01,
     .half_width = 0.004,
     .on_cpu = KNOWN(0.359),
     .acquisitions = KNOWN(900),
     .wait_count = KNOWN(890),
     .wait_us = KNOWN(6190000),
     .longest_wait_us = KNOWN(526000),
     .longest_hold_us = KNOWN(5200),
     .hold_us = {KNOWN(5000), KNOWN(5000), KNOWN(5200)}},
    {.tid = 4250,
     .name = "worker-2",
     .has = 0.52,
     .waits = 0.43,
     .without = 0.05,
     .half_width = 0.004,
     .on_cpu = KNOWN(0.53),
     .acquisitions = KNOWN(470),
     .wait_count = KNOWN(460),
     .wait_us = KNOWN(4300000),
     .longest_wait_us = KNOWN(21000),
     .longest_hold_us = KNOWN(526000),
     .hold_us = {KNOWN(5000), KNOWN(5200), KNOWN(9100)}},
    {.tid = 4260, .name = "\033[31mevil\xff\"", .without = 1, .half_width = 0.0002},
    {.tid = 4261, .name = "idle-1", .without = 1, .half_width = 0.0002, .on_cpu = KNOWN(0)},
    {.tid = 4262, .name = "idle-2", .without = 1, .half_width = 0.0002, .on_cpu = KNOWN(0)},
    {.tid = 4263,
     .name = "a-thread-whose-name-is-longer-than-its-column",
     .without = 1,
     .half_width = 0.0002,
     .on_cpu = KNOWN(0)},
};

static struct gs_gilstat_hog hogs[] = {
    {.tid = 4250,
     .thread = "worker-2",
     .place = {.function = "match", .file = "/usr/lib/python3.11/re/__init__.py", .line = 166},
     .native = "sre_ucs1_match",
     .module = "_sre.so",
     .held_us = 4830000,
     .longest_us = 526000,
     .holds = 12,
     .waiters = 2},
    {.tid = 4249,
     .thread = "worker-1",
     .place = {.function = "\033]0;evil\a", .file = "/srv/app/\xff.py"},
     .held_us = 30000,
     .longest_us = 30000,
     .holds = 1},
    {.tid = 4242,
     .thread = "MainThread",
     .place = {.function = "", .file = ""},
     .held_us = 20000,
     .longest_us = 20000,
     .holds = 1,
     .waiters = 1},
};

static struct gs_gilstat_blame blame[] = {{.waiter = 4249, .holder = 4250, .us = 5200000},
                                          {.waiter = 4250, .holder = 4249, .us = 3200000},
                                          {.waiter = 4242, .holder = 999, .us = 2000},
                                          {.waiter = 4242, .holder = 4250, .us = 12}};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct gs_gilstat_cause collectors[] = {
    {.tid = 4250, .place = {"match", "/usr/lib/python3.11/re/__init__.py", 166}, .us = 480000}, {.us = 20000}};
static struct gs_gilstat_cause stoppers[] = {{.tid = 42, .why = "gc", .place = {"<module>", "app.py", 7}, .us = 33000},
                                             {.tid = 42, .why = "type_set_bases", .us = 5000}};
static struct gs_gilstat_late late[] = {{.tid = 42, .us = 7000}};

static struct gs_gilstat made(void)
{
    return (struct gs_gilstat){.pid = 4242,
                               .python = "3.11.7",
                               .method = GS_METHOD_SAMPLED,
                               .seconds = 10.0004,
                               .rate_hz = 1000,
                               .long_us = 20000,
                               .gils = gils,
                               .gil_count = 1,
                               .threads = threads,
                               .thread_count = sizeof threads / sizeof *threads,
                               .hogs = hogs,
                               .hog_count = sizeof hogs / sizeof *hogs,
                               .blame = blame,
                               .blame_count = sizeof blame / sizeof *blame,
                               .gc = {.known = true,
                                      .share = 0.05,
                                      .count = {.value = 31, .known = true},
                                      .us = 500000,
                                      .longest_us = 52000,
                                      .longest = {.tid = 4250,
                                                  .generation = {.value = 2, .known = true},
                                                  .place = {"match", "/usr/lib/python3.11/re/__init__.py", 166}},
                                      .causes = collectors,
                                      .cause_count = COUNT(collectors)},
                               .collections = {28, 1, 2},
                               .by_generation = true,
                               .quality = {.samples = 9998, .late = 1200, .took_us = 21000, .cpu_us = 210000},
                               .overhead = KNOWN(0.0005)};
}

/* As an old or stripped Python, in which little is known. */
static struct gs_gilstat bare(void)
{
    static struct gs_gilstat_gil gil = {
        .state = GS_GIL_FREE, .held = KNOWN(0.5), .contended = KNOWN(0), .mean_waiters = KNOWN(0)};
    static struct gs_gilstat_thread thread = {
        .tid = 42, .name = "MainThread", .main = true, .has = 0.5, .without = 0.4, .unknown = 0.1, .half_width = 0.01};
    return (struct gs_gilstat){.pid = 42,
                               .python = "2.7.18",
                               .seconds = 1,
                               .rate_hz = 1000,
                               .long_us = 20000,
                               .gils = &gil,
                               .gil_count = 1,
                               .threads = &thread,
                               .thread_count = 1,
                               .threads_left_out = 2,
                               .why = "perf_event_open is closed here",
                               .quality = {.samples = 1000}};
}

static struct gs_gilstat free_threaded(void)
{
    static struct gs_gilstat_gil gil = {
        .state = GS_GIL_DISABLED, .held = KNOWN(0), .contended = KNOWN(0), .mean_waiters = KNOWN(0)};
    struct gs_gilstat stat = bare();
    stat.python = "3.13.5";
    stat.worlds = (struct gs_gilstat_pauses){.known = true,
                                             .count = {.value = 12, .known = true},
                                             .us = 38000,
                                             .longest_us = 9100,
                                             .causes = stoppers,
                                             .cause_count = COUNT(stoppers)};
    stat.late = late;
    stat.late_count = COUNT(late);
    stat.gils = &gil;
    stat.threads_left_out = 0;
    stat.why = NULL;
    return stat;
}

/* What its --locks tells. */
static struct gs_gilstat with_locks(void)
{
    static struct gs_gilstat_lock locks[] = {{.kind = GS_LOCK_OBJECT,
                                              .type = "dict",
                                              .name = "app.cache",
                                              .address = 0x7f0000001040,
                                              .mean_waiters = 1.4,
                                              .half_width = 0.01,
                                              .most_waiters = 6,
                                              .wait_us = 14000560,
                                              .longest_wait_us = 81000,
                                              .holder = 4250,
                                              .held_in = {.function = "put", .file = "/srv/app/cache.py", .line = 12},
                                              .waiters = {4249, 4242, 4261, 4262, 4263, 999},
                                              .waiter_count = 6},
                                             {.kind = GS_LOCK_RLOCK,
                                              .name = "\033]0;evil\a",
                                              .address = 0x7f0000002000,
                                              .mean_waiters = 0.05,
                                              .most_waiters = 1,
                                              .wait_us = 500000,
                                              .longest_wait_us = 500000,
                                              .waiters = {4242},
                                              .waiter_count = 1},
                                             {.kind = GS_LOCK_PTHREAD,
                                              .address = 0x7f0000003000,
                                              .mean_waiters = 0.001,
                                              .most_waiters = 1,
                                              .wait_us = 900,
                                              .longest_wait_us = 900,
                                              .holder = 999,
                                              .waiters = {4249},
                                              .waiter_count = 1}};
    struct gs_gilstat stat = made();
    stat.locks_known = true;
    stat.locks = locks;
    stat.lock_count = sizeof locks / sizeof *locks;
    stat.hog_count = stat.blame_count = 0;
    return stat;
}

static void check_text(const struct gs_gilstat *stat, struct gs_console console, bool verbose, const char *name)
{
    console.out = golden_open();
    assert_int_equal(gs_stat_text(stat, &console, verbose), GS_OK);
    golden_check(console.out, name);
}

UNIT_TEST(text)
{
    struct gs_gilstat stat = made();
    check_text(&stat, (struct gs_console){.utf8 = true}, false, "stat.txt");
    check_text(&stat, (struct gs_console){.utf8 = true}, true, "stat-verbose.txt");
    check_text(&stat, (struct gs_console){.columns = 80, .depth = GS_COLORS_8}, false, "stat-80-ascii-color.txt");
    stat.gil_count = 2;
    stat.method = GS_METHOD_WINDOWS;
    stat.exact_seconds = 1.5;
    check_text(&stat, (struct gs_console){.utf8 = true}, false, "stat-interpreters.txt");
    stat = with_locks();
    check_text(&stat, (struct gs_console){.utf8 = true}, false, "stat-locks.txt");
    stat = bare();
    stat.locks_known = true;
    check_text(&stat, (struct gs_console){.utf8 = true}, false, "stat-bare.txt");
    stat = free_threaded();
    check_text(&stat, (struct gs_console){.utf8 = true}, false, "stat-free-threaded.txt");
}

/* Threads of one pool differ in the ends of their names only. */
UNIT_TEST(threads_of_a_pool)
{
    struct gs_gilstat_thread pool[] = {
        {.tid = 51,
         .name = "ThreadPoolExecutor-0_3",
         .has = 0.5,
         .waits = 0.5,
         .half_width = 0.0002,
         .acquisitions = KNOWN(0)},
        {.tid = 52, .name = "ThreadPoolExecutor-0_4", .has = 0.5, .waits = 0.5, .half_width = 0.0002}};
    struct gs_gilstat_hog hog = {.tid = 51,
                                 .thread = "ThreadPoolExecutor-0_3",
                                 .place = {.function = "", .file = ""},
                                 .held_us = 20000,
                                 .longest_us = 20000,
                                 .holds = 1};
    struct gs_gilstat_blame pair = {.waiter = 52, .holder = 51, .us = 286000};
    struct gs_gilstat stat = made();
    struct gs_console console = {.utf8 = true, .columns = 80, .out = golden_open()};
    stat.threads = pool;
    stat.thread_count = 2;
    stat.hogs = &hog;
    stat.blame = &pair;
    stat.hog_count = stat.blame_count = 1;
    assert_int_equal(gs_stat_text(&stat, &console, false), GS_OK);
    char *shown = golden_text(console.out);
    assert_non_null(strstr(shown, "  ThreadPoo…ecutor-0_4 (52) waited 286 ms for ThreadPoo…ecutor-0_3 (51)\n"));
    assert_non_null(strstr(shown, "ThreadPoo…ecutor-0_3 (51) (its stack was not read):"));
    const char *row = strstr(shown, "ThreadPoolExecutor-0_3 ");
    assert_non_null(row);
    assert_non_null(strstr(row, " - ")); /* it was not asked for the GIL: nobody knows how often it took it */
    assert_null(memmem(row, (size_t)(strchr(row, '\n') - row), " 0 ", 3));
    free(shown);
}

/* The first thread did nothing while it waited; the machine has no cycles to count. */
UNIT_TEST(counters)
{
    struct gs_gilstat stat = made();
    struct gs_gilstat_thread *counted = calloc(stat.thread_count, sizeof *counted);
    FILE *out = golden_open();
    assert_non_null(counted);
    memcpy(counted, stat.threads, stat.thread_count * sizeof *counted);
    stat.threads = counted;
    stat.gil_count = 1;
    stat.method = GS_METHOD_EXACT;
    stat.counting = true;
    check_text(&stat, (struct gs_console){.utf8 = true}, false, "stat-uncounted.txt");
    stat.counted = (1u << GS_CYCLES) - 1;
    counted[0].counts.by_word[GS_HOLDS][GS_TASK_CLOCK] = 1250000;
    counted[0].counts.by_word[GS_HOLDS][GS_PAGE_FAULTS] = 1234;
    counted[0].counts.by_word[GS_HOLDS][GS_MAJOR_FAULTS] = 4;
    counted[0].counts.by_word[GS_WITHOUT][GS_CONTEXT_SWITCHES] = 17;
    counted[1].counts.by_word[GS_WAITS][GS_PREEMPTIONS] = 2;
    counted[1].counts.by_word[GS_UNKNOWN][GS_MIGRATIONS] = 1;
    counted[1].counts.by_word[GS_HOLDS][GS_CYCLES] = 99; /* not known */
    stat.counts.by_word[GS_HOLDS][GS_PAGE_FAULTS] = 1235;
    check_text(&stat, (struct gs_console){.utf8 = true}, false, "stat-counters.txt");
    assert_int_equal(gs_stat_json(&stat, out), GS_OK);
    golden_check(out, "stat-counters.json");
    free(counted);
}

static void check_trace(const struct gs_gilstat *stat, struct gs_console console, const char *name)
{
    console.out = golden_open();
    assert_int_equal(gs_trace_text(stat, &console, false), GS_OK);
    golden_check(console.out, name);
}

/* What is unknown has a column only where something is. */
UNIT_TEST(trace)
{
    struct gs_gilstat stat = made();
    stat.method = GS_METHOD_EXACT;
    stat.exact_seconds = stat.seconds;
    stat.events = (struct gs_count)KNOWN(12345);
    stat.events_lost = stat.violations = (struct gs_count)KNOWN(0);
    check_trace(&stat, (struct gs_console){.utf8 = true}, "trace-unknown.txt");
    stat.threads = threads + 2;
    stat.thread_count -= 2;
    check_trace(&stat, (struct gs_console){.utf8 = true}, "trace.txt");
}

UNIT_TEST(json)
{
    struct gs_gilstat stat = made();
    const char *const names[] = {"stat.json", "stat-interpreters.json", "stat-bare.json", "stat-free-threaded.json",
                                 "stat-locks.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        FILE *out = golden_open();
        stat = i == 2 ? bare() : i == 3 ? free_threaded() : i == 4 ? with_locks() : made();
        stat.gil_count = i == 1 ? 2 : 1;
        assert_int_equal(gs_stat_json(&stat, out), GS_OK);
        golden_check(out, names[i]);
    }
}

UNIT_TEST(json_can_be_read)
{
    struct gs_gilstat stat = made();
    FILE *out = golden_open();
    stat.gil_count = 2;
    assert_int_equal(gs_stat_json(&stat, out), GS_OK);
    char *bytes = golden_text(out);
    json_error_t error;
    json_t *document = json_loads(bytes, 0, &error);
    assert_non_null(document);
    json_t *list = json_object_get(document, "threads");
    assert_int_equal(json_array_size(list), 7);
    for (size_t i = 0; i < json_array_size(list); i++) {
        static const char *const shares[] = {"has", "waits", "without", "unknown"};
        double sum = 0;
        for (size_t k = 0; k < sizeof shares / sizeof *shares; k++)
            sum += json_number_value(json_object_get(json_array_get(list, i), shares[k]));
        assert_true(sum > 1 - 1e-6 && sum < 1 + 1e-6);
    }
    assert_int_equal(json_array_size(json_object_get(document, "interpreters")), 2);
    json_decref(document);
    free(bytes);
}

UNIT_TEST(choice)
{
    static const char *const patterns[] = {"worker-*", "4242"};
    struct gs_gilstat stat = made();
    struct gs_gilstat_thread some[sizeof threads / sizeof *threads];
    struct gs_gilstat_hog kept[sizeof hogs / sizeof *hogs];
    struct gs_gilstat_blame pairs[sizeof blame / sizeof *blame];
    memcpy(some, threads, sizeof threads);
    memcpy(kept, hogs, sizeof hogs);
    memcpy(pairs, blame, sizeof blame);
    stat.threads = some;
    stat.hogs = kept;
    stat.blame = pairs;
    gs_gilstat_choose(&stat, NULL, 0);
    assert_int_equal(stat.thread_count, 7);
    assert_int_equal(stat.threads_known, 0);
    gs_gilstat_choose(&stat, patterns, 2);
    assert_int_equal(stat.thread_count, 3);
    assert_int_equal(stat.threads_known, 7);
    assert_int_equal(stat.hog_count, 3);
    assert_int_equal(stat.blame_count, 4);
    gs_gilstat_choose(&stat, patterns, 1);
    assert_int_equal(stat.thread_count, 2);
    assert_int_equal(stat.hog_count, 2);
    assert_int_equal(stat.blame_count, 3);
    /* Locks that one of them had or waited for. */
    struct gs_gilstat_lock own[3];
    stat = with_locks();
    memcpy(some, threads, sizeof threads);
    memcpy(own, stat.locks, sizeof own);
    stat.threads = some;
    stat.locks = own;
    gs_gilstat_choose(&stat, patterns, 1);
    assert_true(stat.lock_count == 2 && stat.locks[0].kind == GS_LOCK_OBJECT && stat.locks[1].kind == GS_LOCK_PTHREAD);
}
