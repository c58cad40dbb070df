/* What grew and what shrank between two runs: shares that are known, in each rendering. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export/difference.h"
#include "support/differed.h"
#include "support/golden.h"
#include "support/plays.h"
#include "support/run_made.h"
#include "support/stream.h"
#include "support/unit.h"

enum { MS = 1000000 };

/* A program of one release: `first` samples in f, which calls itself, then `second` ones in another function. */
struct release {
    const char *folder, *other;
    int pid, first, second;
    uint64_t late_ns;
};

static void run_release(struct gs_sink *sink, const struct release *release)
{
    static char *command[] = {"python3", "app.py", NULL};
    struct stream s;
    char file[64];
    snprintf(file, sizeof file, "/srv/%s/app.py", release->folder);
    stream_begin(&s, sink);
    stream_process(&s, release->pid, command);
    uint32_t thread = stream_thread(&s, release->pid + 1, "worker-1");
    uint32_t top = stream_call(&s, 0, "main", file, release->pid),
             f = stream_call(&s, top, "f", file, release->pid + 1);
    uint32_t again = stream_call(&s, f, "f", file, release->pid + 2),
             other = stream_call(&s, top, release->other, file, 9);
    for (int i = 0; i < release->first + release->second; i++) {
        stream_clear(&s);
        stream_add(&s, thread, i < release->first ? (i % 2 ? f : again) : other, GS_HOLDS, GS_RUN_RUNNING);
        assert_int_equal(stream_tick(&s, 10 * MS, i == 5 ? release->late_ns : 0), GS_OK);
    }
    assert_int_equal(stream_end(&s), GS_OK);
}

static const struct gs_changed *find(const struct gs_difference *difference, const struct gs_changes *changes,
                                     const char *name)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct gs_label label = {0};
        gs_label_node(&label, difference->tree, changes->list[i].node, NULL, 0);
        bool found = strcmp(label.bytes, name) == 0;
        gs_label_fini(&label);
        if (found)
            return &changes->list[i];
    }
    fail_msg("no function is called %s", name);
    return NULL;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

/* A second at 60 and 40 %, two seconds at 30 and 70 %, from another directory, with other lines, pids, threads. */
UNIT_TEST(test_shares)
{
    static const char *const names[] = {"a", "b"};
    const struct release before = {"release-1", "g", 100, 60, 40, 0},
                         after = {"release-2", "h", 200, 60, 140, 700 * MS};
    for (int threads = 0; threads < 2; threads++) {
        struct gs_selection selection = {.mode = GS_MODE_GIL, .threads = threads};
        struct gs_difference difference;
        struct gs_changes changes;
        struct gs_diff *diff;
        assert_int_equal(gs_diff_new(&diff, &selection, names), GS_OK);
        run_release(gs_diff_sink(diff, GS_BEFORE), &before);
        run_release(gs_diff_sink(diff, GS_AFTER), &after);
        assert_int_equal(gs_diff_finish(diff, &difference), GS_OK);
        assert_int_equal(gs_changes_init(&changes, &difference), GS_OK);
        assert_int_equal(changes.count, 4);
        const struct gs_changed *f = find(&difference, &changes, "f (app.py)"),
                                *g = find(&difference, &changes, "g (app.py)");
        const struct gs_changed *h = find(&difference, &changes, "h (app.py)"),
                                *top = find(&difference, &changes, "main (app.py)");
        assert_true(near(f->self.before, 0.6) && near(f->self.after, 0.3));
        assert_true(near(f->all.before, 0.6) && near(f->all.after, 0.3));
        assert_true(near(g->self.before, 0.4) && near(g->self.after, 0));
        assert_true(near(h->self.before, 0) && near(h->self.after, 0.7));
        assert_true(near(top->self.before, 0) && near(top->all.before, 1) && near(top->all.after, 1));
        assert_int_equal(changes.grew, 1);
        assert_int_equal(changes.shrank, 2);
        assert_ptr_equal(&changes.list[0], h);
        assert_ptr_equal(&changes.list[3], g);
        assert_false(gs_change_counts(&top->all));
        gs_changes_fini(&changes);
        gs_diff_free(diff);
    }
}

/* What so few samples say nothing about is not said. */
UNIT_TEST(test_chance)
{
    struct gs_difference few = {.samples = {100, 100}}, many = {.samples = {10000, 10000}};
    struct gs_change change = gs_diff_change(&few, GS_DIFF_WHOLE / 10, GS_DIFF_WHOLE / 100 * 16);
    assert_false(gs_change_counts(&change));
    assert_true(fabs(change.chance - 1.96 * sqrt(0.0009 + 0.001344)) < 1e-9);
    change = gs_diff_change(&many, GS_DIFF_WHOLE / 10, GS_DIFF_WHOLE / 100 * 16);
    assert_true(gs_change_counts(&change));
}

static FILE *render(const char *before, const char *after, enum gs_mode mode,
                    enum gs_status (*draw)(const struct gs_difference *, FILE *))
{
    struct gs_selection selection = {.mode = mode};
    struct differed differed;
    FILE *out = golden_open();
    differed_open(&differed, before, after, &selection);
    assert_int_equal(draw(&differed.difference, out), GS_OK);
    differed_close(&differed);
    return out;
}

static enum gs_status text(const struct gs_difference *difference, FILE *out)
{
    return gs_diff_text(difference, true, out);
}

static enum gs_status ascii(const struct gs_difference *difference, FILE *out)
{
    return gs_diff_text(difference, false, out);
}

/* Style and scripts are left out: web/ has them. */
static FILE *without_web(FILE *drawn)
{
    static const char *const tags[] = {"<style>", "</style>", "<script>", "</script>"};
    char *text = golden_text(drawn), *at = text;
    FILE *kept = golden_open();
    for (size_t i = 0; i < 4;) {
        char *begin = strstr(at, tags[i]), *end = begin ? strstr(begin, tags[i + 1]) : NULL;
        if (!end) {
            i += 2;
            continue;
        }
        fwrite(at, 1, (size_t)(begin - at), kept);
        at = end;
    }
    fputs(at, kept);
    free(text);
    return kept;
}

UNIT_TEST(test_goldens)
{
    golden_check(render("app", "later", GS_MODE_ACTIVE, text), "difference.txt");
    golden_check(without_web(render("app", "later", GS_MODE_GIL, gs_diff_svg)), "difference-gil.svg");
    golden_check(without_web(render("app", "later", GS_MODE_ACTIVE, gs_diff_html)), "difference.html");
    golden_check(render("app", "later", GS_MODE_BLAME, gs_diff_folded), "difference-blame.folded");
    golden_check(render("empty", "empty", GS_MODE_WALL, text), "difference-empty.txt");
}

/* Every pair in every mode and rendering; nothing of the names gets through. */
UNIT_TEST(test_all)
{
    static enum gs_status (*const draws[])(const struct gs_difference *, FILE *) = {text, ascii, gs_diff_svg,
                                                                                    gs_diff_html, gs_diff_folded};
    static const char *const names[] = {"app", "later", "hostile", "processes", "free", "empty"};
    for (size_t i = 0; i < 36; i++) {
        for (size_t k = 0; k < sizeof draws / sizeof *draws; k++) {
            char *drawn = golden_text(render(names[i / 6], names[i % 6], (enum gs_mode)(i % GS_MODE_COUNT), draws[k]));
            assert_null(strstr(drawn, "\033"));
            if (k == 1)
                for (const char *c = drawn; *c; c++)
                    assert_true((*c >= ' ' && *c < 0x7f) || *c == '\n');
            if (k == 2 || k == 3)
                assert_null(strstr(drawn, "<script>alert"));
            free(drawn);
        }
    }
}

/* Numbers of any size are drawn somehow. */
UNIT_TEST(test_wild)
{
    static const char *const names[] = {"a", "b"};
    for (uint32_t seed = 0; seed < 12; seed++) {
        struct gs_selection selection = {.mode = (enum gs_mode)(seed % GS_MODE_COUNT), .threads = seed % 2};
        struct gs_difference difference;
        struct gs_diff *diff;
        FILE *out = golden_open();
        assert_int_equal(gs_diff_new(&diff, &selection, names), GS_OK);
        for (int side = 0; side < GS_SIDES; side++) {
            struct run_shape shape = {.seed = seed * 2 + (uint32_t)side,
                                      .samples = 100,
                                      .processes = 2,
                                      .most_threads = 6,
                                      .functions = 40,
                                      .depth = 12,
                                      .churn = 3,
                                      .slot_ns = 10 * MS,
                                      .wild = true};
            assert_true(run_make(gs_diff_sink(diff, side), &shape));
        }
        assert_int_equal(gs_diff_finish(diff, &difference), GS_OK);
        assert_int_equal(gs_diff_text(&difference, true, out), GS_OK);
        assert_int_equal(gs_diff_html(&difference, out), GS_OK);
        gs_diff_free(diff);
        free(golden_text(out));
    }
}
