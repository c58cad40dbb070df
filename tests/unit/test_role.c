/* What a process is for, by its command line. */
#include <stdlib.h>
#include <unistd.h>

#include "session/identity.h"
#include "session/role.h"
#include "support/unit.h"

#define COMMAND(...)                                                                                                   \
    (char *[])                                                                                                         \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static void check(char *const *command, const char *expected, bool expected_helper)
{
    bool helper;
    char *program = gs_role_program(command, &helper);
    assert_string_equal(program, expected);
    assert_int_equal(helper, expected_helper);
    free(program);
}

UNIT_TEST(a_command_line_tells_what_it_runs)
{
    check(COMMAND("/usr/bin/python3", "/srv/app.py", "-c", "x"), "app.py", false);
    check(COMMAND("python3", "-u", "-W", "ignore", "-Xdev", "-X", "utf8", "app.py"), "app.py", false);
    check(COMMAND("python3.11", "-I", "-m", "http.server", "8000"), "http.server", false);
    check(COMMAND("python3", "-um", "pytest"), "pytest", false);
    check(COMMAND("python3", "-c", "print(1)"), "python -c", false);
    check(COMMAND("python3", "-uc", "print(1)"), "python -c", false);
    check(COMMAND("/usr/bin/python3"), "python3", false);
    check(COMMAND("python3", "-"), "-", false);
    check(COMMAND("python3", "-m"), "python3", false);
    check(COMMAND("python3", "-W"), "python3", false);
    check(COMMAND("/usr/sbin/uwsgi", "--http", ":80"), "uwsgi", false);
    check(COMMAND("gunicorn: worker [app:app]"), "gunicorn: worker [app:app]", false);
    check(COMMAND("[celeryd: celery@host:ForkPoolWorker-3]"), "[celeryd: celery@host:ForkPoolWorker-3]", false);
    check((char *[]){NULL}, "?", false);
}

UNIT_TEST(helpers_of_libraries_are_known)
{
    check(COMMAND("python3", "-c",
                  "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)",
                  "--multiprocessing-fork"),
          "multiprocessing worker", true);
    check(COMMAND("python3", "-B", "-c", "from multiprocessing.resource_tracker import main;main(5)"),
          "multiprocessing tracker", true);
    check(COMMAND("python3", "-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"), "execnet worker", true);
}

UNIT_TEST(families_have_masters_and_workers)
{
    struct gs_role_member members[] = {
        {.pid = 10, .parent = 1, .command = COMMAND("python3", "app.py")},
        {.pid = 11, .parent = 10, .command = COMMAND("python3", "app.py")},
        {.pid = 12,
         .parent = 10,
         .command = COMMAND("python3", "-c", "from multiprocessing.spawn import spawn_main; s()")},
        {.pid = 13,
         .parent = 12,
         .command = COMMAND("python3", "-c", "from multiprocessing.spawn import spawn_main; s()")},
        {.pid = 14, .parent = 10, .command = COMMAND("app: the third")},
        {.pid = 20, .parent = 1, .command = COMMAND("python3", "other.py")},
        {.pid = 21, .parent = 10, .command = COMMAND("python3", "another.py")},
        {.pid = 30, .parent = 0, .command = COMMAND("python3", "core.py")},
    };
    static const char *const roles[] = {"app.py, master",
                                        "app.py, worker",
                                        "multiprocessing worker of app.py",
                                        "multiprocessing worker",
                                        "app: the third",
                                        "other.py",
                                        "another.py",
                                        "core.py"};
    enum { COUNT = sizeof members / sizeof *members };
    assert_true(gs_roles_find(members, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        assert_string_equal(members[i].role, roles[i]);
        assert_int_equal(members[i].master, i == 0);
    }
    gs_roles_free(members, COUNT);
}

UNIT_TEST(a_copy_of_us_is_ours)
{
    assert_true(gs_identity_is_ours(getpid()));
    assert_false(gs_identity_is_ours(getppid()));
    assert_false(gs_identity_is_ours(0));
}
