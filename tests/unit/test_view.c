/* The screen of top: each pane at several sizes as golden files, and what keys do to it. */
#include <stdlib.h>
#include <string.h>

#include "support/golden.h"
#include "support/pictures.h"
#include "view/parts.h"
#include "support/unit.h"

static void press(struct gs_view *view, const struct gs_picture *picture, const char *keys)
{
    for (; *keys; keys++)
        gs_view_key(view, picture, (unsigned char)*keys);
}

/* Drawn twice: only then is it known which thread is under the cursor. */
static void draw(struct gs_view *view, const struct gs_picture *picture, int rows, int columns, struct gs_grid *grid)
{
    for (int i = 0; i < 2; i++) {
        assert_true(gs_grid_begin(grid, rows, columns));
        gs_view_draw(view, picture, grid);
    }
}

static void check(const struct gs_picture *picture, const char *keys, int rows, int columns, bool utf8,
                  const char *name)
{
    char file[128];
    struct gs_view view;
    struct gs_grid grid = {0};
    FILE *out = golden_open();
    gs_view_init(&view, GS_MODE_ACTIVE, utf8);
    draw(&view, picture, rows, columns, &grid);
    press(&view, picture, keys);
    draw(&view, picture, rows, columns, &grid);
    grid_write(&grid, out);
    snprintf(file, sizeof file, "top-%s-%dx%d%s.txt", name, columns, rows, utf8 ? "" : "-ascii");
    golden_check(out, file);
    gs_grid_fini(&grid);
    gs_view_fini(&view);
}

UNIT_TEST(panes)
{
    static const char *const names[] = {"threads", "stack",    "functions", "holds",
                                        "blame",   "timeline", "tasks",     "locks"};
    static const int sizes[][2] = {{24, 80}, {40, 120}, {10, 40}};
    for (size_t i = 0; i < GS_PANE_COUNT; i++) {
        char key[] = {(char)('1' + i), '\0'};
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            check(&picture_server, key, sizes[k][0], sizes[k][1], true, names[i]);
    }
}

UNIT_TEST(other_screens)
{
    check(&picture_server, "", 30, 160, true, "beside");
    check(&picture_server, "h", 24, 80, true, "help");
    check(&picture_server, "", 24, 80, false, "threads");
    check(&picture_server, "6", 24, 80, false, "timeline");
    check(&picture_server, "", 5, 20, true, "small");
    check(&picture_server, "", 1, 1, true, "small");
    check(&picture_server, "7\\request-2\r", 24, 80, true, "tasks-filtered");
    check(&picture_server, "\\worker\rp", 24, 80, true, "filtered");
    check(&picture_family, "", 24, 80, true, "family");
    check(&picture_family, "j", 24, 120, true, "family");
    check(&picture_hostile, "", 24, 80, true, "hostile");
    check(&picture_hostile, "", 24, 80, false, "hostile");
    check(&picture_hostile, "", 10, 40, true, "hostile");
    check(&picture_free, "", 24, 80, true, "free");
    check(&picture_free, "4", 24, 80, true, "free-holds");
    check(&picture_interpreters, "", 30, 100, true, "interpreters");
    check(&picture_ended, "", 24, 80, true, "ended");
    check(&picture_empty, "", 24, 80, true, "empty");
}

/* It says where it is, and lacks what recordings lack. */
UNIT_TEST(a_recording)
{
    struct gs_view view;
    struct gs_grid grid = {0};
    FILE *out = golden_open();
    gs_view_init(&view, GS_MODE_ACTIVE, true);
    view.moment = (struct gs_view_moment){"03:12:07", 65000000, 600000000, 2};
    for (int columns = 40; columns <= 120; columns += 40) {
        draw(&view, &picture_server, 12, columns, &grid);
        grid_write(&grid, out);
    }
    golden_check(out, "top-recording-120x12.txt");
    gs_grid_fini(&grid);
    gs_view_fini(&view);
}

/* Why so few are there. */
UNIT_TEST(some_threads)
{
    static const char *const patterns[] = {"worker-*", "4242", "MainThread"};
    struct gs_picture picture = picture_server;
    struct gs_view view;
    struct gs_grid grid = {0};
    FILE *out = golden_open();
    gs_view_init(&view, GS_MODE_ACTIVE, true);
    view.patterns = patterns;
    for (view.pattern_count = 1; view.pattern_count <= 3; view.pattern_count++) {
        picture.thread_count = view.pattern_count == 3 ? 0 : 2;
        draw(&view, &picture, 12, 120, &grid);
        grid_write(&grid, out);
    }
    golden_check(out, "top-patterns-120x12.txt");
    gs_grid_fini(&grid);
    gs_view_fini(&view);
}

/* Whatever the size and the pane: nothing is drawn outside, and wide characters are whole. */
UNIT_TEST(every_size)
{
    static const struct gs_picture *const pictures[] = {&picture_server, &picture_family,       &picture_hostile,
                                                        &picture_free,   &picture_interpreters, &picture_empty};
    struct gs_grid grid = {0};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        for (int columns = 1; columns < 170; columns += columns < 50 ? 1 : 7) {
            for (int rows = 1; rows < 50; rows += rows < 14 ? 1 : 9) {
                struct gs_view view;
                gs_view_init(&view, GS_MODE_WALL, (rows + columns) % 3 != 0);
                char keys[] = {(char)('1' + (rows + columns) % GS_PANE_COUNT), '\0'};
                draw(&view, pictures[i], rows, columns, &grid);
                press(&view, pictures[i], keys);
                draw(&view, pictures[i], rows, columns, &grid);
                for (int cell = 0; cell < rows * columns; cell++) {
                    if (grid.cells[cell].character == 0)
                        assert_true(cell % columns > 0 && grid.cells[cell - 1].character >= 0x1100);
                    assert_true(grid.cells[cell].character >= ' ' || grid.cells[cell].character == 0);
                }
                gs_view_fini(&view);
            }
        }
    }
    gs_grid_fini(&grid);
}

struct fixture {
    struct gs_view view;
    struct gs_grid grid;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    gs_view_init(&fixture->view, GS_MODE_ACTIVE, true);
    draw(&fixture->view, &picture_server, 24, 80, &fixture->grid);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    gs_grid_fini(&fixture->grid);
    gs_view_fini(&fixture->view);
    free(fixture);
    return 0;
}

static enum gs_request key(struct fixture *fixture, uint32_t code)
{
    enum gs_request request = gs_view_key(&fixture->view, &picture_server, code);
    draw(&fixture->view, &picture_server, 24, 80, &fixture->grid);
    return request;
}

/* The number of the thread under the cursor. */
static long under(const struct fixture *fixture)
{
    return (long)fixture->view.under;
}

/* By share: worker-2 (2), worker-1 (1), MainThread (0), log-writer (7). */
UNIT_TEST_WITH(cursor_moves, set_up, tear_down)
{
    struct fixture *f = *state;
    assert_int_equal(under(f), 2);
    key(f, GS_KEY_DOWN);
    assert_int_equal(under(f), 1);
    key(f, 'j');
    assert_int_equal(under(f), 0);
    key(f, 'k');
    assert_int_equal(under(f), 1);
    key(f, GS_KEY_UP);
    key(f, GS_KEY_UP);
    assert_int_equal(under(f), 2);
    key(f, GS_KEY_END);
    assert_int_equal(under(f), 7);
    key(f, GS_KEY_PAGE_UP);
    assert_int_equal(under(f), 2);
    key(f, GS_KEY_PAGE_DOWN);
    assert_int_equal(under(f), 7);
    key(f, GS_KEY_HOME);
    assert_int_equal(under(f), 2);
    assert_false(f->view.cursors[GS_PANE_THREADS].chosen);
}

/* Who was chosen stays so in another order, and in the timeline. */
UNIT_TEST_WITH(cursor_follows, set_up, tear_down)
{
    struct fixture *f = *state;
    key(f, GS_KEY_DOWN);
    assert_int_equal(f->view.cursors[GS_PANE_THREADS].at, 1);
    f->view.cursors[GS_PANE_THREADS].sort = 2; /* WAIT% */
    draw(&f->view, &picture_server, 24, 80, &f->grid);
    assert_int_equal(under(f), 1);
    assert_int_equal(f->view.cursors[GS_PANE_THREADS].at, 0);
    key(f, '6');
    assert_int_equal(under(f), 1);
    key(f, '1');
    key(f, '\r');
    assert_int_equal(f->view.pane, GS_PANE_STACK);
    assert_int_equal(f->view.thread, 1);
    key(f, GS_KEY_RIGHT);
    assert_int_equal(f->view.thread, 2);
    key(f, GS_KEY_LEFT);
    key(f, GS_KEY_LEFT);
    assert_int_equal(f->view.thread, 0);
    key(f, GS_KEY_ESCAPE);
    assert_int_equal(f->view.pane, GS_PANE_THREADS);
}

UNIT_TEST_WITH(panes_are_chosen, set_up, tear_down)
{
    struct fixture *f = *state;
    for (int i = 1; i < GS_PANE_COUNT; i++) {
        key(f, '\t');
        assert_int_equal(f->view.pane, i);
    }
    key(f, '\t');
    assert_int_equal(f->view.pane, 0);
    key(f, GS_KEY_BACK_TAB);
    assert_int_equal(f->view.pane, GS_PANE_COUNT - 1);
    for (int i = 0; i < GS_PANE_COUNT; i++) {
        key(f, (uint32_t)('1' + i));
        assert_int_equal(f->view.pane, i);
    }
    key(f, '5'); /* Blame: worker-1 waited for worker-2 */
    key(f, '\r');
    assert_int_equal(f->view.thread, 2);
    key(f, '4');
    key(f, GS_KEY_END); /* Holds: the shortest is worker-1's */
    key(f, '\n');
    assert_int_equal(f->view.thread, 1);
    key(f, '3'); /* a function has no thread */
    key(f, '\r');
    assert_int_equal(f->view.pane, GS_PANE_FUNCTIONS);
    assert_non_null(strstr(f->view.note, "no thread"));
}

/* A pane without threads does not lose who was looked at; else it is who has the GIL. */
UNIT_TEST_WITH(stack_is_of_somebody, set_up, tear_down)
{
    struct fixture *f = *state;
    key(f, '3');
    key(f, '2');
    assert_int_equal(f->view.thread, 2);
    key(f, '1');
    key(f, GS_KEY_END);
    key(f, '3');
    key(f, '2');
    assert_int_equal(f->view.thread, 7);
}

/* Nobody takes the GILs that are shown for all of them. */
UNIT_TEST(gils_that_are_not_told_apart)
{
    struct gs_view view;
    struct gs_grid grid = {0};
    struct gs_picture_process process = picture_server.processes[0];
    struct gs_picture picture = picture_server;
    FILE *out = golden_open();
    process.gils_left_out = true;
    picture.processes = &process;
    gs_view_init(&view, GS_MODE_ACTIVE, true);
    draw(&view, &picture, 40, 120, &grid);
    grid_write(&grid, out);
    char *text = golden_text(out);
    assert_non_null(strstr(text, "The GILs of interpreters beyond the first 255 are left out"));
    free(text);
    gs_grid_fini(&grid);
    gs_view_fini(&view);
}

static void held_by(struct gs_picture_gil gils[2], double first, double second)
{
    gils[0].held = first;
    gils[1].held = second;
}

/* The head is about the process whose GIL is held most, and stays there while it is about even; a row that was chosen
 * decides. */
UNIT_TEST_WITH(head_stands_still, set_up, tear_down)
{
    struct fixture *f = *state;
    struct gs_picture picture = picture_family;
    struct gs_picture_gil gils[2] = {picture_family.gils[0], picture_family.gils[1]};
    static const struct {
        double first, second;
        size_t about;
    } rows[] = {{0.5, 0.65, 1}, {0.55, 0.5, 1}, {0.65, 0.5, 0}, {0.5, 0.58, 0}, {0.5, 0.7, 1}};
    picture.gils = gils;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        held_by(gils, rows[i].first, rows[i].second);
        draw(&f->view, &picture, 24, 80, &f->grid);
        assert_int_equal(f->view.about, picture.processes[rows[i].about].pid);
    }
    gs_view_key(&f->view, &picture, GS_KEY_END);
    draw(&f->view, &picture, 24, 80, &f->grid);
    const struct gs_picture_thread *last = &picture.threads[f->view.under == (int64_t)picture.threads[1].number];
    assert_int_equal(f->view.about, picture.processes[last->process].pid);
}

UNIT_TEST_WITH(sorts, set_up, tear_down)
{
    struct fixture *f = *state;
    static const long first[] = {1, 7, 2, 7}; /* WAIT%, NO%, CPU%, FOR */
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        key(f, 's');
        assert_int_equal(under(f), first[i]);
    }
    assert_string_equal(f->view.note, "sorted by FOR");
    key(f, 's');
    assert_string_equal(f->view.note, "sorted by TID");
    assert_int_equal(under(f), 0);
    key(f, 's');
    assert_string_equal(f->view.note, "sorted by NAME");
    key(f, 's');
    assert_string_equal(f->view.note, "sorted by HAS%");
}

static void words(struct fixture *f, const char *text)
{
    for (; *text; text++)
        key(f, (unsigned char)*text);
}

UNIT_TEST_WITH(searches, set_up, tear_down)
{
    struct fixture *f = *state;
    words(f, "/select\r");
    assert_int_equal(under(f), 0);
    words(f, "/WORKERx");
    key(f, GS_KEY_BACKSPACE);
    key(f, '\r'); /* from there on, and around */
    assert_int_equal(under(f), 2);
    key(f, GS_KEY_F3);
    assert_int_equal(under(f), 1);
    words(f, "/\r");
    assert_int_equal(under(f), 2);
    words(f, "/4251\r");
    assert_int_equal(under(f), 7);
    words(f, "/nobody\r");
    assert_int_equal(under(f), 7);
    assert_string_equal(f->view.note, "not found: nobody");
    words(f, "/threading\033");
    assert_int_equal(f->view.typing.what, 0);
    assert_string_equal(f->view.typing.search, "nobody");
}

UNIT_TEST_WITH(filters, set_up, tear_down)
{
    struct fixture *f = *state;
    words(f, "\\worker\r");
    assert_int_equal(f->view.order_count, 2);
    key(f, GS_KEY_END);
    assert_int_equal(under(f), 1);
    words(f, "\\-2\r"); /* goes on with what it was */
    assert_int_equal(f->view.order_count, 1);
    assert_string_equal(f->view.typing.filter, "worker-2");
    words(f, "\\zzz\r");
    assert_int_equal(f->view.order_count, 0);
    assert_int_equal(under(f), GS_VIEW_NOBODY);
    key(f, GS_KEY_DOWN);
    key(f, '\r');
    key(f, GS_KEY_ESCAPE);
    assert_int_equal(f->view.order_count, 4);
    key(f, '\\');
    for (int i = 0; i < 300; i++)
        key(f, 0x5206);
    assert_true(strlen(f->view.typing.typed) < sizeof f->view.typing.typed);
    assert_int_equal(strlen(f->view.typing.typed) % 3, 0);
}

UNIT_TEST_WITH(requests, set_up, tear_down)
{
    static const struct {
        uint32_t code;
        enum gs_request request;
    } rows[] = {{'q', GS_REQUEST_QUIT},   {'Q', GS_REQUEST_QUIT},   {GS_KEY_F10, GS_REQUEST_QUIT},
                {3, GS_REQUEST_QUIT},     {'r', GS_REQUEST_RESET},  {'w', GS_REQUEST_DUMP},
                {'+', GS_REQUEST_FASTER}, {'-', GS_REQUEST_SLOWER}, {'f', GS_REQUEST_NONE},
                {'x', GS_REQUEST_NONE},   {0, GS_REQUEST_NONE},     {GS_KEY_OTHER, GS_REQUEST_NONE}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(key(f, rows[i].code), rows[i].request);
    assert_true(f->view.full_files);
    assert_int_equal(key(f, ' '), GS_REQUEST_PAUSE);
    assert_true(f->view.paused);
    assert_int_equal(key(f, 'p'), GS_REQUEST_PAUSE);
    assert_false(f->view.paused);
    for (int i = 1; i <= GS_MODE_LIVE; i++) {
        key(f, 'm');
        assert_int_equal(f->view.mode, i % GS_MODE_LIVE);
    }
    key(f, '?');
    assert_true(f->view.help);
    for (int i = 0; i < 100; i++)
        key(f, GS_KEY_DOWN);
    assert_true(f->view.help_top < 60);
    key(f, GS_KEY_F1);
    assert_false(f->view.help);
    assert_int_equal(under(f), 2);
}

UNIT_TEST_WITH(timeline_moves, set_up, tear_down)
{
    struct fixture *f = *state;
    key(f, '6');
    key(f, GS_KEY_RIGHT);
    assert_int_equal(f->view.cells_ago, 0);
    for (int i = 0; i < 1000; i++)
        key(f, GS_KEY_LEFT);
    assert_int_equal(f->view.cells_ago, GS_PICTURE_CELLS - 2);
}

/* No column is so narrow that a line is made up. */
UNIT_TEST(unknown_lines)
{
    struct gs_view view = {.full_files = true};
    struct gs_drawing drawing = {.view = &view};
    struct gs_picture_place place = {.function = "match", .file = "re.py"};
    for (int line = -1; line <= 7; line += 8) {
        for (int width = 10; width <= 60; width++) {
            struct gs_text text;
            place.line = line;
            gs_text_init(&text, true);
            gs_place_put(&drawing, &place, width, &text);
            assert_int_equal(memchr(text.bytes, ':', text.len) != NULL, line > 0);
            gs_text_fini(&text);
        }
    }
}

/* Each key of the table says what it does. */
UNIT_TEST(keys_are_told)
{
    struct gs_keys_row row;
    size_t count = 0;
    for (; gs_keys_row(count, &row); count++)
        assert_true(row.keys[0] && row.help[0]);
    assert_true(count > 20);
    assert_true(gs_keys_row(count - 1, &row) && strcmp(row.footer, "quit") == 0);
}
