/* The rows of top: what stays to be said of a process that has ended, and the column of what is not known. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "view/top_lines.h"

enum { TID = 4000001, GAP_NS = 1000000, NARROW = 80 };

static bool find_frame(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    (void)frame;
    *info = (struct gs_frame_info){.function = "work", .file = "app.py", .line = 7};
    return !*(const bool *)context;
}

static const char *find_name(void *context, const struct gs_thread *thread, char spare[16])
{
    (void)thread;
    snprintf(spare, 16, "%s", *(const bool *)context ? "python3" : "worker");
    return spare;
}

static void add(struct gs_top_model *model, uint64_t time_ns, enum gs_gil_word word)
{
    static const struct gs_frame frame = {.code = 1, .kind = GS_FRAME_PYTHON};
    struct gs_thread thread = {.tid = TID, .gil = word, .frames = &frame, .frame_count = 1};
    struct gs_snapshot snapshot = {.time_ns = time_ns, .threads = &thread, .thread_count = 1};
    assert_int_equal(gs_shares_add(&model->shares, &snapshot, GAP_NS), GS_OK);
}

static const char *line_of(struct gs_top_model *model, size_t line, int columns)
{
    static char copy[512];
    struct gs_text text;
    gs_text_init(&text, true);
    gs_top_line(model, line, columns, &text);
    assert_true(columns == 0 || text.columns <= columns);
    snprintf(copy, sizeof copy, "%.*s", (int)text.len, text.bytes);
    gs_text_fini(&text);
    return copy;
}

static void words_outlive_the_process(void **state)
{
    bool ended = false;
    struct gs_target target = {.pid = getpid()};
    struct gs_top_model model = {.target = &target, .lookup = {&ended, find_frame, find_name, NULL}};
    (void)state;
    add(&model, 1000, GS_WITHOUT);
    assert_int_equal(gs_top_arrange(&model), GS_OK);
    ended = true;
    gs_shares_drop_frames(&model.shares);
    assert_int_equal(gs_top_arrange(&model), GS_OK);
    const char *row = line_of(&model, GS_TOP_HEAD_LINES, 0);
    assert_non_null(strstr(row, "  worker  "));
    assert_non_null(strstr(row, "  work  "));
    assert_non_null(strstr(row, "app.py:7"));
    gs_top_model_fini(&model);
}

static void shares_add_up(void **state)
{
    bool ended = false;
    double has, wait, no, unknown;
    struct gs_target target = {.pid = getpid()};
    struct gs_top_model model = {.target = &target, .lookup = {&ended, find_frame, find_name, NULL}};
    (void)state;
    add(&model, 1000, GS_HOLDS);
    add(&model, 1100, GS_HOLDS);
    assert_int_equal(gs_top_arrange(&model), GS_OK);
    assert_null(strstr(line_of(&model, GS_TOP_HEAD_LINES - 1, NARROW), "UNKN%"));
    add(&model, 1400, GS_UNKNOWN);
    assert_int_equal(gs_top_arrange(&model), GS_OK);
    const char *row = line_of(&model, GS_TOP_HEAD_LINES, NARROW);
    assert_int_equal(sscanf(strpbrk(row, "0123456789"), "%lf %lf %lf %lf", &has, &wait, &no, &unknown), 4);
    assert_true(has == 25 && wait == 0 && no == 0 && unknown == 75);
    assert_non_null(strstr(row, " 4000001  worker  "));
    assert_non_null(strstr(row, "app.py:7"));
    const char *titles = line_of(&model, GS_TOP_HEAD_LINES - 1, NARROW);
    assert_string_equal(titles, "    HAS% WAIT%   NO% UNKN%  CPU%     TID  NAME              NOW IN      FILE");
    gs_top_model_fini(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_outlive_the_process), cmocka_unit_test(shares_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
