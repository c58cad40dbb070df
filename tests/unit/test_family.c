/* Who is opened of those that a session names, and what is told of the others. What becomes of real Pythons is shown by
 * tests/live. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/family.h"
#include "support/unit.h"

static char told[4][500];
static int told_count, opened_count;

static void tell(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static int tell_failure(void *context, enum gs_status status, const struct gs_err *err)
{
    (void)context;
    assert_in_range(told_count, 0, 3);
    snprintf(told[told_count++], sizeof told[0], "%s", err->what);
    return gs_status_exit(status);
}

static enum gs_status opened(void *context, struct gs_attach *attach, struct gs_err *err)
{
    (void)context;
    (void)attach;
    (void)err;
    opened_count++;
    return GS_OK;
}

/* A number that no process has: of a child that was waited for. */
static pid_t nobody(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_true(pid > 0 && waitpid(pid, NULL, 0) == pid);
    return pid;
}

static enum gs_status open_them(struct gs_family_options *options, int *exit, struct gs_err *err)
{
    static const struct gs_remarks remarks = {.tell = tell, .fail = tell_failure};
    struct gs_family_calls calls = {.opened = opened};
    struct gs_family family;
    options->verb = "test";
    options->at_once = true;
    options->attach.quiet = true;
    options->attach.remarks = &remarks;
    told_count = opened_count = 0;
    *exit = 0;
    *err = (struct gs_err){0};
    enum gs_status status = gs_family_open(&family, options, &calls, exit, err);
    assert_int_equal(family.count, 0);
    gs_family_close(&family);
    assert_int_equal(gs_family_wait(&family), -1);
    return status;
}

/* The caller tells of one. */
UNIT_TEST(test_one)
{
    pid_t pid = nobody();
    struct gs_family_options options = {.pids = &pid, .pid_count = 1};
    struct gs_err err;
    int exit;
    assert_int_equal(open_them(&options, &exit, &err), GS_NO_PROCESS);
    assert_int_equal(told_count, 0);
    assert_int_equal(exit, 0);
    assert_non_null(strstr(err.what, "there is no process"));
}

/* Each of several is told, and the first decides. */
UNIT_TEST(test_several)
{
    pid_t pids[] = {nobody(), getpid()};
    struct gs_family_options options = {.pids = pids, .pid_count = 2};
    struct gs_err err;
    int exit;
    assert_int_equal(open_them(&options, &exit, &err), GS_NO_PROCESS);
    assert_int_equal(told_count, 2);
    assert_int_equal(opened_count, 0);
    assert_int_equal(exit, gs_status_exit(GS_NO_PROCESS));
    assert_string_equal(err.what, "");
    assert_non_null(strstr(told[0], "there is no process"));
    assert_non_null(strstr(told[1], "not a CPython process"));
}

/* A child that is no Python is nothing to tell of. */
UNIT_TEST(test_child)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    pid_t self = getpid();
    struct gs_family_options options = {.pids = &self, .pid_count = 1, .descendants = true};
    struct gs_err err;
    int exit;
    enum gs_status status = open_them(&options, &exit, &err);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(status, GS_NOT_PYTHON);
    assert_int_equal(told_count, 1);
    char number[20];
    snprintf(number, sizeof number, "%d", (int)self);
    assert_non_null(strstr(told[0], number));
}
