/* The list of processes to choose from: where the cursor goes, what the keys do. */
#include <string.h>

#include "view/choice.h"
#include "support/unit.h"

static char python[] = "3.11.7", user[] = "www", root[] = "root";
static char *web[] = {"python3", "web.py", NULL}, *queue[] = {"python3", "queue.py", NULL},
            *hidden[] = {"python3", "hidden.py", NULL};
static struct gs_ps_row rows[] = {
    {.pid = 41, .user = user, .python = python, .command = web, .command_count = 2, .watchable = true},
    {.pid = 52, .user = user, .python = python, .command = queue, .command_count = 2, .watchable = true},
    {.pid = 63, .user = root, .command = hidden, .command_count = 2},
};
static const struct gs_ps ps = {.rows = rows, .count = sizeof rows / sizeof *rows};

struct fixture {
    struct gs_choice choice;
    struct gs_grid grid;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.choice.utf8 = true};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    gs_choice_fini(&f->choice);
    gs_grid_fini(&f->grid);
    return 0;
}

/* As on the screen: it is drawn between two keys. */
static enum gs_choice_made key(struct fixture *f, uint32_t key)
{
    assert_true(gs_grid_begin(&f->grid, 10, 80));
    gs_choice_draw(&f->choice, &ps, &f->grid);
    return gs_choice_key(&f->choice, &ps, key);
}

static void words(struct fixture *f, const char *text)
{
    for (; *text; text++)
        assert_int_equal(key(f, (unsigned char)*text), GS_CHOICE_NONE);
}

UNIT_TEST_WITH(search, set_up, tear_down)
{
    struct fixture *f = *state;
    words(f, "/QUEUE\r");
    assert_int_equal(f->choice.pid, 52);
    words(f, "/.py\r");
    assert_int_equal(f->choice.pid, 63);
    key(f, GS_KEY_F3); /* around */
    assert_int_equal(f->choice.pid, 41);
    words(f, "/root\r");
    assert_int_equal(f->choice.pid, 63);
    words(f, "/52\r");
    assert_int_equal(f->choice.pid, 52);
    words(f, "/nobody\r");
    assert_int_equal(f->choice.pid, 52);
    assert_string_equal(f->choice.note, "not found: nobody");
    words(f, "/web\033"); /* given up */
    assert_int_equal(f->choice.pid, 52);
    assert_int_equal(key(f, '\r'), GS_CHOICE_TAKEN);
}

UNIT_TEST_WITH(filter, set_up, tear_down)
{
    struct fixture *f = *state;
    words(f, "\\e.py\r"); /* queue.py alone */
    assert_int_equal(key(f, GS_KEY_END), GS_CHOICE_NONE);
    assert_int_equal(f->choice.shown_count, 1);
    assert_int_equal(f->choice.pid, 52);
    words(f, "\\x\r"); /* goes on with what it was */
    assert_int_equal(key(f, GS_KEY_DOWN), GS_CHOICE_NONE);
    assert_int_equal(f->choice.shown_count, 0);
    assert_int_equal(key(f, '\r'), GS_CHOICE_NONE);
    assert_int_equal(key(f, GS_KEY_ESCAPE), GS_CHOICE_NONE);
    assert_int_equal(key(f, GS_KEY_HOME), GS_CHOICE_NONE);
    assert_int_equal(f->choice.shown_count, 3);
    assert_int_equal(f->choice.pid, 41);
    assert_int_equal(key(f, GS_KEY_ESCAPE), GS_CHOICE_QUIT);
}

/* What is typed is no command. */
UNIT_TEST_WITH(typing, set_up, tear_down)
{
    struct fixture *f = *state;
    words(f, "/qrQ");
    assert_string_equal(f->choice.typing.typed, "qrQ");
    assert_int_equal(key(f, GS_KEY_CONTROL_C), GS_CHOICE_QUIT);
    assert_int_equal(key(f, GS_KEY_CLOSED), GS_CHOICE_QUIT);
}

UNIT_TEST_WITH(unwatchable, set_up, tear_down)
{
    struct fixture *f = *state;
    words(f, "/hidden\r");
    assert_int_equal(key(f, '\r'), GS_CHOICE_NONE);
    assert_non_null(strstr(f->choice.note, "gilspy doctor -p 63"));
}
