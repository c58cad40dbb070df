/* The renderings of snapshots: dump's text and JSON, byte by byte. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <jansson.h>

#include "support/golden.h"
#include "support/scene.h"
#include "support/unit.h"

/* A holder, two waiters, a pool of idle threads, one that runs without the GIL. */
static void make_app(struct scene *scene)
{
    scene_init(scene);
    scene->gils[0].state = GS_GIL_HELD;
    scene->gils[0].holder = 4250;
    scene->gils[0].drop_requested = true;
    uint64_t match = scene_code(scene, "match", "match", "/usr/lib/python3.11/re/__init__.py", 166);
    uint64_t tokenize = scene_code(scene, "tokenize", "Parser.tokenize", "/srv/app/parser.py", 88);
    uint64_t work = scene_code(scene, "run", "Worker.run", "/srv/app/lib/worker.py", 31);
    uint64_t start = scene_code(scene, "_bootstrap", "Thread._bootstrap", "/usr/lib/python3.11/threading.py", 1002);
    uint64_t wait = scene_code(scene, "wait", "Condition.wait", "/usr/lib/python3.11/threading.py", 327);
    uint64_t module = scene_code(scene, "<module>", "<module>", "/srv/app/app.py", 5);
    scene_thread(scene, 4242, "MainThread", GS_WAITS, GS_RUN_SYSCALL, SYS_futex)->evidence = GS_INFERRED;
    scene_frame(scene, module, 0);
    scene_thread(scene, 4250, "worker-2", GS_HOLDS, GS_RUN_RUNNING, 0);
    scene_frame(scene, match, 0);
    scene_frame(scene, tokenize, 0);
    scene_frame(scene, work, 0);
    scene_frame(scene, start, 0);
    scene_thread(scene, 4251, "worker-3", GS_WAITS, GS_RUN_SYSCALL, SYS_futex)->evidence = GS_INFERRED;
    scene_frame(scene, tokenize, 2);
    scene_frame(scene, start, 0);
    for (int i = 0; i < 6; i++) {
        static const char *const names[] = {"pool-0", "pool-1", "pool-2", "pool-3", "pool-4", "pool-5"};
        scene_thread(scene, i < 4 ? 4260 + i : 4300 + 2 * i, names[i], GS_WITHOUT, GS_RUN_SYSCALL, SYS_futex);
        scene_frame(scene, wait, 0);
        scene_frame(scene, start, 0);
    }
    scene_thread(scene, 4400, "hasher", GS_WITHOUT, GS_RUN_RUNNING, 0);
    scene_frame(scene, work, 4);
    scene_thread(scene, 4401, NULL, GS_UNKNOWN, GS_RUN_UNKNOWN, 0)->torn = true;
    scene_frame(scene, work, 4);
    scene_gap(scene, GS_GAP_CHANGED);
}

/* Names made to fool readers, terminals and parsers. */
static void make_hostile(struct scene *scene)
{
    static char long_name[10001];
    static char *command[] = {"py\nthon", "\033]0;title\a", "\xff\xfe", "two\u2028lines", NULL};
    scene_init(scene);
    memset(long_name, 'n', sizeof long_name - 1);
    scene->target.command = command;
    uint64_t code = scene_code(scene, "\033[31mred\033[0m", "q\"uote\\", "/tmp/\u202Egpj.py", 1);
    uint64_t broken = scene_code(scene, "\xed\xa0\x80\xc0\xaf\xf5", NULL, "<string>", 0);
    uint64_t wide = scene_code(scene, "日本語関数", "日本語関数", "/tmp/\x7f\xc2\x9b.py", 1);
    scene_thread(scene, 4242, "evil\r\n\x01\x02\x08name\u2066", GS_WITHOUT, GS_RUN_SYSCALL, SYS_read);
    scene_frame(scene, code, 0);
    scene_frame(scene, broken, 0);
    scene_frame(scene, wide, 2);
    scene_frame(scene, 31, 0);
    scene_thread(scene, 4243, long_name, GS_NONE, GS_RUN_SYSCALL, 100000);
    scene_thread(scene, 4244, "", GS_NONE, GS_RUN_BLOCKED, 0);
}

/* Two interpreters with GILs of their own, one thread in both, one that shuts down; stacks that repeat. */
static void make_interpreters(struct scene *scene)
{
    scene_init(scene);
    uint64_t recurse = scene_code(scene, "walk", "walk", "tree.py", 10);
    scene->snapshot.interpreter_count = scene->snapshot.gil_count = 2;
    scene->interpreters[0].collecting_garbage = true;
    scene->interpreters[1] = (struct gs_interpreter){.addr = 2, .id = 3, .gil = 1, .finalizing = true};
    scene->gils[1] = (struct gs_gil){.state = GS_GIL_HELD, .holder = 4242};
    scene_thread(scene, 4242, "MainThread", GS_WITHOUT, GS_RUN_RUNNING, 0);
    scene_frame(scene, recurse, 2);
    scene_thread(scene, 4242, "MainThread", GS_HOLDS, GS_RUN_RUNNING, 0)->interpreter = 1;
    scene_frame(scene, recurse, 1);
    for (int i = 0; i < 500; i++)
        scene_frame(scene, recurse, 0);
    scene_frame(scene, recurse, 3);
    scene->threads[1].main = false;
}

static void check_text(struct scene *scene, const char *name, bool verbose, int columns, bool utf8,
                       enum gs_color_depth depth)
{
    struct gs_console console = {.out = golden_open(), .utf8 = utf8, .depth = depth, .columns = columns};
    assert_int_equal(gs_dump_text(&scene->dump, &console, verbose), GS_OK);
    golden_check(console.out, name);
}

static void check_json(struct scene *scene, const char *name)
{
    FILE *out = golden_open();
    assert_int_equal(gs_dump_json(&scene->dump, out), GS_OK);
    fputc('\n', out);
    fflush(out);
    rewind(out);
    json_t *parsed = json_loadf(out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(parsed);
    assert_int_equal(json_integer_value(json_object_get(parsed, "schema")), 1);
    json_decref(parsed);
    fseek(out, 0, SEEK_END);
    golden_check(out, name);
}

UNIT_TEST(text_answers_first)
{
    struct scene *scene = *state;
    make_app(scene);
    check_text(scene, "dump-app.txt", false, 0, true, GS_COLORS_NONE);
    check_text(scene, "dump-app-verbose.txt", true, 0, true, GS_COLORS_NONE);
    check_text(scene, "dump-app-ascii-color.txt", false, 0, false, GS_COLORS_256);
    check_text(scene, "dump-app-40.txt", false, 40, true, GS_COLORS_NONE);
}

UNIT_TEST(text_with_options)
{
    static const char *const patterns[] = {"worker-*", "4242"};
    static const pid_t children[] = {77, 78};
    struct scene *scene = *state;
    make_app(scene);
    scene->dump.patterns = patterns;
    scene->dump.pattern_count = 2;
    scene->dump.no_lines = true;
    scene->dump.children = children;
    scene->dump.child_count = 2;
    check_text(scene, "dump-app-chosen.txt", false, 0, true, GS_COLORS_NONE);
    scene_locals(scene);
    check_text(scene, "dump-app-locals.txt", false, 0, true, GS_COLORS_NONE);
    check_json(scene, "dump-app-chosen.json");
}

UNIT_TEST(json_follows_the_contract)
{
    struct scene *scene = *state;
    make_app(scene);
    check_json(scene, "dump-app.json");
}

UNIT_TEST(hostile_names_are_harmless)
{
    struct scene *scene = *state;
    make_hostile(scene);
    check_text(scene, "dump-hostile.txt", false, 0, true, GS_COLORS_NONE);
    check_text(scene, "dump-hostile-ascii-80.txt", false, 80, false, GS_COLORS_NONE);
    check_json(scene, "dump-hostile.json");
}

UNIT_TEST(nothing_unsafe_in_hostile_output)
{
    struct scene *scene = *state;
    make_hostile(scene);
    for (int json = 0; json < 2; json++) {
        struct gs_console console = {.out = golden_open()};
        assert_int_equal(json ? gs_dump_json(&scene->dump, console.out) : gs_dump_text(&scene->dump, &console, true),
                         GS_OK);
        char *text = golden_text(console.out);
        for (const char *p = text; *p; p++)
            assert_true((*p >= 0x20 && *p < 0x7f) || *p == '\n');
        free(text);
    }
}

UNIT_TEST(interpreters_and_recursion)
{
    struct scene *scene = *state;
    make_interpreters(scene);
    check_text(scene, "dump-interpreters.txt", false, 0, true, GS_COLORS_NONE);
    scene->threads[1].frame_count = 2;
    check_json(scene, "dump-interpreters.json");
}

UNIT_TEST(free_threaded)
{
    struct scene *scene = *state;
    scene_init(scene);
    scene->gils[0] = (struct gs_gil){.state = GS_GIL_DISABLED};
    scene->python.layout.free_threaded = true;
    scene_thread(scene, 4242, "MainThread", GS_NONE, GS_RUN_RUNNING, 0);
    check_text(scene, "dump-free-threaded.txt", false, 0, true, GS_COLORS_NONE);
}

static int set_up(void **state)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    *state = malloc(sizeof(struct scene));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

UNIT_GROUP(set_up, tear_down);
