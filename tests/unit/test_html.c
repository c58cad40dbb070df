/* The report: its page byte by byte, its verdicts, and that nothing in it can end a script or a tag. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "export/format.h"
#include "export/html/holds.h"
#include "export/html/locks.h"
#include "export/html/keys.h"
#include "export/label.h"
#include "support/golden.h"
#include "support/plays.h"
#include "support/run_made.h"
#include "support/stream.h"
#include "support/unit.h"

enum { MS = 1000000 };

static char *report(enum gs_status (*run)(struct gs_sink *sink), struct gs_selection selection)
{
    selection.no_source = true; /* whatever this machine has at those paths */
    const struct gs_format *format = gs_format_find("html");
    FILE *out = golden_open();
    struct gs_sink *sink;
    assert_int_equal(format->open(&sink, out, &selection), GS_OK);
    assert_int_equal(run(sink), GS_OK);
    format->close(sink);
    return golden_text(out);
}

/* What stands between the first `begin` and the `end` after it. */
static char *between(const char *text, const char *begin, const char *end)
{
    const char *from = strstr(text, begin);
    assert_non_null(from);
    from += strlen(begin);
    const char *to = strstr(from, end);
    assert_non_null(to);
    return strndup(from, (size_t)(to - from));
}

/* Style and scripts are left out: web/ has them. */
static void check(const char *play, struct gs_selection selection, const char *golden)
{
    char *text = report(play_find(play)->run, selection), *at = text;
    FILE *kept = golden_open();
    static const char *const tags[] = {"<style>\n", "</style>", "<script>\n", "</script>", "<script>\n", "</script>"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i += 2) {
        char *begin = strstr(at, tags[i]);
        assert_non_null(begin);
        char *end = strstr(begin, tags[i + 1]);
        assert_non_null(end);
        fwrite(at, 1, (size_t)(begin - at), kept);
        at = end + strlen(tags[i + 1]);
    }
    fputs(at, kept);
    free(text);
    golden_check(kept, golden);
}

static void pages(void **state)
{
    static const char *const patterns[] = {"worker-*"};
    (void)state;
    check("app", (struct gs_selection){.mode = GS_MODE_ACTIVE}, "app-active.html");
    check("app", (struct gs_selection){.mode = GS_MODE_BLAME, .patterns = patterns, .pattern_count = 1},
          "app-blame-workers.html");
    check("processes", (struct gs_selection){.mode = GS_MODE_WALL, .threads = true}, "processes-threads.html");
    check("free", (struct gs_selection){.mode = GS_MODE_WALL}, "free.html");
    check("locks", (struct gs_selection){.mode = GS_MODE_LOCKS}, "locks.html");
    check("empty", (struct gs_selection){.mode = GS_MODE_WALL}, "empty.html");
}

static void hostile_names(void **state)
{
    char *text = report(play_find("hostile")->run, (struct gs_selection){.mode = GS_MODE_WALL, .threads = true});
    char *names = between(text, "id=\"names\">", "</script>");
    json_t *json = json_loads(names, JSON_REJECT_DUPLICATES, NULL);
    int scripts = 0;
    (void)state;
    assert_non_null(json);
    assert_int_equal(json_array_size(json_object_get(json, "threads")), 14);
    assert_string_equal(json_string_value(json_array_get(json_array_get(json_object_get(json, "threads"), 0), 2)),
                        "</script><script>alert(1)</script>");
    assert_null(strchr(names, '<'));
    for (const char *at = text; (at = strstr(at, "<script")); at++)
        scripts++;
    assert_int_equal(scripts, 4);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        assert_true((*c >= ' ' || *c == '\n') && *c != 0x7f);
    json_decref(json);
    free(names);
    free(text);
}

/* `holders` threads take turns of `turn` samples, the rest of `threads` wait unless `calm`. */
static struct shape {
    int threads, holders, turn, held_of_10;
    bool calm;
    bool beyond; /* the first thread's GIL is beyond those that are told apart */
} shape;

static enum gs_status run_shape(struct gs_sink *sink)
{
    static char *command[] = {"python3", "app.py", NULL};
    static const char *const names[] = {"worker-0", "worker-1", "worker-2", "worker-3", "worker-4",
                                        "worker-5", "worker-6", "worker-7", "worker-8", "worker-9"};
    struct stream s;
    enum gs_status status = GS_OK;
    stream_begin(&s, sink);
    stream_process(&s, 4242, command);
    for (int i = 0; i < shape.threads; i++)
        stream_thread(&s, 5000 + i, names[i]); /* they hold until the end */
    uint32_t work = stream_call(&s, 0, "work", "app.py", 7);
    for (int i = 0; i < 600 && status == GS_OK; i++) {
        int holder = i % 10 < shape.held_of_10 ? i / shape.turn % shape.holders : -1;
        stream_clear(&s);
        for (int k = 0; k < shape.threads; k++) {
            enum gs_gil_word other = shape.calm || holder < 0 ? GS_WITHOUT : GS_WAITS;
            struct gs_thread_sample *one = stream_add(&s, (uint32_t)k, work, k == holder ? GS_HOLDS : other,
                                                      k == holder ? GS_RUN_RUNNING : GS_RUN_SYSCALL);
            one->lock = k == 0 && shape.beyond ? GS_GIL_LEFT_OUT : 0;
        }
        status = stream_tick(&s, 10 * MS, 0);
    }
    return status == GS_OK ? stream_end(&s) : status;
}

static void check_verdict(struct shape as, const char *expected)
{
    shape = as;
    char *text = report(run_shape, (struct gs_selection){.mode = GS_MODE_ACTIVE});
    char *verdict = between(text, "class=\"verdict\">", "</p>");
    assert_string_equal(verdict, expected);
    free(verdict);
    free(text);
}

static void verdicts(void **state)
{
    (void)state;
    check_verdict(
        (struct shape){3, 3, 1, 10, true, false},
        "The GIL was held 100 % of the time; worker-0 held it 33 %, most of that in work (app.py:7). Hardly any "
        "thread waited for it. It is not what slows this program down.");
    check_verdict((struct shape){6, 6, 1, 10, false, false},
                  "The GIL was held 100 % of the time; no thread held it more than 17 %. Threads waited for it 100 % "
                  "of the time, 5.0 on average. They take turns on one core: more threads do not make this faster, "
                  "more processes do.");
    check_verdict((struct shape){3, 2, 100, 10, false, false},
                  "The GIL was held 100 % of the time; worker-0 held it 50 %, most of that in work (app.py:7). Threads "
                  "waited for it 100 % of the time, 2.0 on average. worker-0 was seen to keep it for 1.0 s at a "
                  "stretch, while the others stood "
                  "still.");
    check_verdict((struct shape){2, 1, 1, 3, false, false},
                  "The GIL was held 30 % of the time; worker-0 held it 30 %, most of that in work (app.py:7). Threads "
                  "waited for it 30 % of the time, 0.3 on average.");
    check_verdict((struct shape){2, 1, 1, 0, true, false},
                  "Nobody held the GIL, and nobody waited for it: the threads were idle, "
                  "or ran without it.");
    check_verdict(
        (struct shape){2, 2, 1, 10, true, true},
        "The GIL was held 50 % of the time; worker-1 held it 50 %, most of that in work (app.py:7). Hardly any "
        "thread waited for it. It is not what slows this program down. Of interpreters beyond the first 255 "
        "GILs of a process only the stacks are known.");
}

/* However long the run: no time is lost, and a part of it has what it had. */
static void contention_by_part(void **state)
{
    struct gs_locks locks;
    (void)state;
    gs_locks_init(&locks);
    for (uint64_t i = 0; i < 100000; i++) /* the first quarter of a second: at first of every other one, then of each */
        assert_true(i < 50000 && i % 2 ? true : gs_locks_add(&locks, 1, 2, i * 1000 * MS, i * 1000 * MS + 250 * MS));
    assert_true(gs_locks_add(&locks, 1, 3, 7, 8));
    const struct gs_html_lock *lock = gs_locks_find(&locks, 1, 2);
    assert_null(gs_locks_find(&locks, 2, 2));
    assert_int_equal(lock->contended_ns, UINT64_C(75000) * 250 * MS);
    assert_int_equal(gs_locks_ns(&locks, lock, 0, UINT64_C(1) << 60), lock->contended_ns);
    uint64_t part_ns = gs_locks_ns(&locks, lock, UINT64_C(10000) * 1000 * MS, UINT64_C(20000) * 1000 * MS);
    assert_in_range(part_ns, UINT64_C(1245000) * MS, UINT64_C(1255000) * MS);
    assert_false(locks.left_out);
    for (uint32_t i = 0; i < 2 * GS_GILS_MOST; i++)
        assert_true(gs_locks_add(&locks, i, 0, 0, 10));
    assert_int_equal(locks.count, GS_GILS_MOST);
    assert_true(locks.left_out);
    gs_locks_fini(&locks);
}

static void holds_are_kept_for_each_part(void **state)
{
    struct gs_holds *holds = calloc(1, sizeof *holds);
    const struct gs_hold *sorted[GS_HOLD_PARTS * GS_HOLD_EACH];
    (void)state;
    /* A second each, of ever longer holds: far more than are kept. */
    for (uint64_t i = 0; i < 100000; i++) {
        struct gs_hold hold = {.thread = (uint32_t)(i % 7), .begin_ns = i * 1000 * MS};
        gs_hold_go_on(&hold, hold.begin_ns, 1, 2);
        gs_hold_go_on(&hold, hold.begin_ns + i, i % 2 ? 5 : 1, 4);
        gs_hold_go_on(&hold, hold.begin_ns + i + 1, 5, 3);
        gs_holds_add(holds, &hold);
    }
    size_t count = gs_holds_sort(holds, sorted);
    assert_in_range(count, GS_HOLD_PARTS / 2 * GS_HOLD_EACH, GS_HOLD_PARTS * GS_HOLD_EACH);
    assert_int_equal(sorted[0]->end_ns - sorted[0]->begin_ns, 100000);
    assert_int_equal(sorted[0]->waiters, 9);
    assert_int_equal(sorted[0]->leaf, 5);
    for (size_t i = 1; i < count; i++)
        assert_true(sorted[i - 1]->end_ns - sorted[i - 1]->begin_ns >= sorted[i]->end_ns - sorted[i]->begin_ns);
    free(holds);
}

static void too_many_keys_lose_what_made_them_so(void **state)
{
    struct gs_keys keys;
    (void)state;
    assert_true(gs_keys_init(&keys));
    for (uint32_t i = 0; i < GS_KEYS_MOST; i++)
        assert_int_equal(gs_keys_find(&keys, &(struct gs_key){.leaf = i + 1, .holder = 3, .at = i, .code = 4}, 1),
                         i + 1);
    assert_int_equal(gs_keys_find(&keys, &(struct gs_key){.leaf = 8, .holder = 3, .at = 7, .code = 4}, 1), 8);
    uint32_t found = gs_keys_find(&keys, &(struct gs_key){.leaf = 8, .holder = 9, .at = 9, .code = 4}, 1);
    assert_int_equal(found, GS_KEYS_MOST + 1);
    assert_int_equal(keys.list[found - 1].holder, 0);
    assert_int_equal(keys.list[found - 1].leaf, 8);
    for (uint32_t i = 0; i < 200000; i++)
        found = gs_keys_find(&keys, &(struct gs_key){.leaf = 10 + i, .code = 2}, 1);
    assert_int_equal(keys.list[found - 1].leaf, 1);
    assert_in_range(keys.count, GS_KEYS_MOST, GS_KEYS_MOST + (1 << 16) + 1);
    gs_keys_fini(&keys);
}

/* Numbers of any size, threads that come and go, stacks that are forgotten: the page is written, or refused. */
static void wild_runs(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct run_shape shape_of = {.seed = seed,
                                     .samples = 300,
                                     .processes = 1 + (int)(seed % 3),
                                     .most_threads = 9,
                                     .functions = 30,
                                     .depth = 12,
                                     .churn = 5,
                                     .forget_every = seed % 2 ? 40 : 0,
                                     .slot_ns = 10 * MS,
                                     .wild = seed > 6};
        struct gs_selection selection = {.mode = (enum gs_mode)(seed % GS_MODE_COUNT), .threads = seed % 2};
        const struct gs_format *format = gs_format_find("html");
        FILE *out = golden_open();
        struct gs_sink *sink;
        assert_int_equal(format->open(&sink, out, &selection), GS_OK);
        bool done = run_make(sink, &shape_of);
        format->close(sink);
        char *text = golden_text(out);
        assert_true(done || shape_of.wild);
        assert_true(!done || strstr(text, "</html>"));
        free(text);
    }
}

/* The ends of names tell the threads of a pool apart. */
static void long_names_lose_their_middle(void **state)
{
    struct gs_label label = {0};
    (void)state;
    gs_label_name(&label, "ThreadPoolExecutor-0_3", 22);
    assert_string_equal(label.bytes, "ThreadPoolExecutor-0_3");
    gs_label_cut(&label, 0);
    gs_label_name(&label, "ThreadPoolExecutor-0_3", 12);
    assert_string_equal(label.bytes, "Threa…or-0_3");
    gs_label_cut(&label, 0);
    gs_label_name(&label, "\xff\u65e5\u672c\u8a9e\033x", 4);
    assert_string_equal(label.bytes, "\ufffd…\\x1bx");
    gs_label_fini(&label);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(contention_by_part),
        cmocka_unit_test(holds_are_kept_for_each_part),
        cmocka_unit_test(wild_runs),
        cmocka_unit_test(long_names_lose_their_middle),
        cmocka_unit_test(too_many_keys_lose_what_made_them_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
