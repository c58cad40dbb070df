/* The table of ps and its JSON, byte by byte. */
#include <jansson.h>

#include "export/ps.h"
#include "support/golden.h"
#include "support/unit.h"

static char *app[] = {"python3", "app.py"};
static char *evil[] = {"\033[2Jpy", "\xff\u202E"};
static struct gs_ps_row rows[] = {
    {.pid = 42,
     .ns_pid = 42,
     .user = "www",
     .python = "3.11.7",
     .build = "release",
     .threads = 14,
     .gil = GS_GIL_HELD,
     .holder = 44,
     .command = app,
     .command_count = 2,
     .watchable = true},
    {.pid = 123456,
     .ns_pid = 7,
     .user = "a-user-with-a-very-long-name",
     .python = "3.15.2",
     .build = "free-threaded",
     .threads = 1,
     .gil = GS_GIL_DISABLED,
     .command = evil,
     .command_count = 2,
     .watchable = true},
    {.pid = 9,
     .ns_pid = 9,
     .user = "\u65e5\u672c",
     .gil = GS_GIL_UNKNOWN,
     .command = app,
     .command_count = 1,
     .why_not = "process 9 belongs to another user"},
};
static const struct gs_ps ps = {.rows = rows, .count = 3};

UNIT_TEST(text)
{
    struct gs_console console = {.out = golden_open(), .utf8 = true};
    assert_int_equal(gs_ps_text(&ps, &console, false), GS_OK);
    golden_check(console.out, "ps.txt");
    console = (struct gs_console){.out = golden_open(), .columns = 72, .depth = GS_COLORS_8};
    assert_int_equal(gs_ps_text(&ps, &console, false), GS_OK);
    golden_check(console.out, "ps-72-ascii-color.txt");
}

/* Where a line is too long, the way to the interpreter goes; with -v nothing does. */
UNIT_TEST(long_commands)
{
    static char *words[] = {(char *)"/opt/python/versions/3.11.7/bin/python3", (char *)"/srv/app/main.py", NULL};
    static struct gs_ps_row one[] = {{.pid = 42,
                                      .user = "www",
                                      .python = "3.11.7",
                                      .threads = 14,
                                      .gil = GS_GIL_FREE,
                                      .command = words,
                                      .command_count = 2,
                                      .watchable = true}};
    const struct gs_ps list = {.rows = one, .count = 1};
    struct gs_console console = {.out = golden_open(), .utf8 = true};
    for (console.columns = 100; console.columns >= 40; console.columns -= 20)
        assert_int_equal(gs_ps_text(&list, &console, false), GS_OK);
    assert_int_equal(gs_ps_text(&list, &console, true), GS_OK);
    golden_check(console.out, "ps-long.txt");
}

UNIT_TEST(json)
{
    FILE *out = golden_open();
    assert_int_equal(gs_ps_json(&ps, out), GS_OK);
    fflush(out);
    rewind(out);
    json_t *parsed = json_loadf(out, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(parsed, "processes")), 3);
    json_decref(parsed);
    fseek(out, 0, SEEK_END);
    golden_check(out, "ps.json");
}
