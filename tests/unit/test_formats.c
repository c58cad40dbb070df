/* What each format makes of made-up programs, byte by byte; and names made to fool, which must not. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "export/format.h"
#include "support/golden.h"
#include "support/plays.h"
#include "support/unit.h"

static FILE *draw(const char *play, const char *name, const struct gs_selection *selection)
{
    const struct gs_format *format = gs_format_find(name);
    FILE *out = golden_open();
    struct gs_sink *sink;
    assert_non_null(format);
    assert_int_equal(format->open(&sink, out, selection), GS_OK);
    assert_int_equal(play_find(play)->run(sink), GS_OK);
    format->close(sink);
    return out;
}

static void check(const char *play, const char *format, struct gs_selection selection, const char *golden)
{
    golden_check(draw(play, format, &selection), golden);
}

static void folded(void **state)
{
    static const char *const patterns[] = {"worker-*"};
    (void)state;
    check("app", "folded", (struct gs_selection){.mode = GS_MODE_WALL}, "app-wall.folded");
    check("app", "raw", (struct gs_selection){.mode = GS_MODE_GIL, .threads = true, .function = true},
          "app-gil-threads-function.folded");
    check("app", "folded", (struct gs_selection){.mode = GS_MODE_BLAME, .patterns = patterns, .pattern_count = 1},
          "app-blame-workers.folded");
    check("processes", "folded", (struct gs_selection){.mode = GS_MODE_WALL, .threads = true},
          "processes-threads.folded");
    check("locks", "folded", (struct gs_selection){.mode = GS_MODE_LOCKS}, "locks-locks.folded");
    check("locks", "folded", (struct gs_selection){.mode = GS_MODE_BLAME}, "locks-blame.folded");
    check("empty", "folded", (struct gs_selection){.mode = GS_MODE_WALL}, "empty.folded");
}

static void speedscope(void **state)
{
    (void)state;
    check("app", "speedscope", (struct gs_selection){.mode = GS_MODE_ACTIVE}, "app-active.speedscope.json");
    check("processes", "speedscope", (struct gs_selection){.mode = GS_MODE_BLAME, .threads = true},
          "processes-blame.speedscope.json");
    check("empty", "speedscope", (struct gs_selection){.mode = GS_MODE_WALL}, "empty.speedscope.json");
}

static void gecko(void **state)
{
    (void)state;
    check("app", "gecko", (struct gs_selection){.mode = GS_MODE_ACTIVE}, "app-active.gecko.json");
    check("processes", "firefox", (struct gs_selection){.mode = GS_MODE_BLAME, .threads = true},
          "processes-blame.gecko.json");
    check("locks", "gecko", (struct gs_selection){.mode = GS_MODE_LOCKS}, "locks-locks.gecko.json");
    check("empty", "gecko", (struct gs_selection){.mode = GS_MODE_WALL}, "empty.gecko.json");
}

static void callgrind(void **state)
{
    (void)state;
    check("app", "callgrind", (struct gs_selection){.mode = GS_MODE_WALL}, "app-wall.callgrind");
    check("processes", "callgrind", (struct gs_selection){.mode = GS_MODE_BLAME, .threads = true},
          "processes-blame.callgrind");
    check("empty", "callgrind", (struct gs_selection){.mode = GS_MODE_WALL}, "empty.callgrind");
}

/* Style and script are left out: web/ has them. */
static void check_svg(const char *play, struct gs_selection selection, const char *golden)
{
    char *text = golden_text(draw(play, "svg", &selection)), *at = text;
    FILE *kept = golden_open();
    for (char *begin, *end; (begin = strstr(at, "<![CDATA[")); at = end) {
        end = strstr(begin, "]]>");
        assert_non_null(end);
        fwrite(at, 1, (size_t)(begin - at), kept);
        end += strlen("]]>");
    }
    fputs(at, kept);
    free(text);
    golden_check(kept, golden);
}

static void svg(void **state)
{
    (void)state;
    check_svg("app", (struct gs_selection){.mode = GS_MODE_WALL}, "app-wall.svg");
    check_svg("app", (struct gs_selection){.mode = GS_MODE_BLAME, .threads = true}, "app-blame-threads.svg");
    check_svg("processes", (struct gs_selection){.mode = GS_MODE_ACTIVE}, "processes-active.svg");
    check_svg("free", (struct gs_selection){.mode = GS_MODE_WALL}, "free.svg");
    check_svg("locks", (struct gs_selection){.mode = GS_MODE_WALL}, "locks-wall.svg");
    check_svg("empty", (struct gs_selection){.mode = GS_MODE_GIL}, "empty.svg");
}

/* Each line ends in a number, and has as many frames as the stack; no character controls anything. */
static void hostile_names_in_folded(void **state)
{
    struct gs_selection selection = {.mode = GS_MODE_WALL, .threads = true};
    char *text = golden_text(draw("hostile", "folded", &selection)), *rest = text;
    int lines = 0;
    (void)state;
    for (const char *line; (line = strsep(&rest, "\n")) && *line; lines++) {
        int frames = 1;
        const char *number = strrchr(line, ' ');
        for (const unsigned char *c = (const unsigned char *)line; *c; c++) {
            assert_true(*c >= ' ' && *c != 0x7f);
            frames += *c == ';';
        }
        assert_int_equal(frames, 3);
        assert_string_equal(number, " 10000");
    }
    assert_int_equal(lines, 14);
    free(text);
    check("hostile", "folded", selection, "hostile.folded");
}

static void hostile_names_in_speedscope(void **state)
{
    struct gs_selection selection = {.mode = GS_MODE_WALL, .threads = true};
    char *text = golden_text(draw("hostile", "speedscope", &selection));
    json_t *file = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    (void)state;
    assert_non_null(file);
    assert_int_equal(json_array_size(json_object_get(file, "profiles")), 14);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        assert_true((*c >= ' ' || *c == '\n') && *c < 0x7f);
    json_decref(file);
    free(text);
}

static void hostile_names_in_svg(void **state)
{
    (void)state;
    check_svg("hostile", (struct gs_selection){.mode = GS_MODE_WALL, .threads = true}, "hostile.svg");
}

static void formats_are_found(void **state)
{
    (void)state;
    assert_string_equal(gs_format_find("raw")->name, "folded");
    assert_string_equal(gs_format_find("flamegraph")->name, "svg");
    assert_null(gs_format_find("sv"));
    assert_string_equal(gs_format_of_file("/tmp/a.b/out.svg")->name, "svg");
    assert_string_equal(gs_format_of_file("out.txt")->name, "folded");
    assert_string_equal(gs_format_of_file("x.speedscope.json")->name, "speedscope");
    assert_null(gs_format_of_file("x.json"));
    assert_null(gs_format_of_file(".svg"));
    assert_null(gs_format_of_file(""));
}

/* A stream that takes nothing: no crash, and the stream knows. */
static void full_disk(void **state)
{
    struct gs_selection selection = {.mode = GS_MODE_WALL};
    (void)state;
    for (size_t i = 0; gs_formats[i]; i++) {
        FILE *out = fopen("/dev/full", "w");
        struct gs_sink *sink;
        assert_non_null(out);
        assert_int_equal(gs_formats[i]->open(&sink, out, &selection), GS_OK);
        (void)!play_find("app")->run(sink);
        gs_formats[i]->close(sink);
        assert_true(fflush(out) != 0 || ferror(out));
        fclose(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded),
        cmocka_unit_test(speedscope),
        cmocka_unit_test(gecko),
        cmocka_unit_test(callgrind),
        cmocka_unit_test(svg),
        cmocka_unit_test(hostile_names_in_folded),
        cmocka_unit_test(hostile_names_in_speedscope),
        cmocka_unit_test(hostile_names_in_svg),
        cmocka_unit_test(formats_are_found),
        cmocka_unit_test(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
