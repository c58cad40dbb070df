/* Which files a target's source may be read from. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "target/procfs.h"
#include "target/source_file.h"
#include "support/unit.h"

static char folder[] = "/tmp/gilspy-source-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make(const char *name, mode_t mode)
{
    int fd = open(path_of(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, "1\n", 2) == 2 && fchmod(fd, mode) == 0);
    close(fd);
}

static int set_up(void **state)
{
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    make("open.py", 0644);
    make("own.py", 0600);
    assert_int_equal(mkfifo(path_of("fifo.py"), 0644), 0);
    assert_int_equal(symlink("open.py", path_of("link.py")), 0);
    assert_int_equal(symlink("/proc/self/root/etc/hostname", path_of("magic.py")), 0);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"open.py", "own.py", "fifo.py", "link.py", "magic.py"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static bool opens(pid_t pid, uint64_t start_ticks, const char *path)
{
    struct stat st;
    int fd = gs_source_open(pid, start_ticks, path, &st);
    assert_true(fd < 0 || S_ISREG(st.st_mode));
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static uint64_t our_start(void)
{
    char text[4096];
    struct gs_proc_stat stat;
    assert_true(gs_proc_read(getpid(), "stat", text, sizeof text) > 0);
    assert_true(gs_proc_stat_parse(text, &stat));
    return stat.start_ticks;
}

UNIT_TEST(only_regular_files)
{
    assert_true(opens(0, 0, path_of("open.py")));
    assert_true(opens(0, 0, path_of("link.py")));
    assert_false(opens(0, 0, path_of("fifo.py")));
    assert_false(opens(0, 0, path_of("magic.py")));
    assert_false(opens(0, 0, folder));
    assert_false(opens(0, 0, "/dev/null"));
    assert_false(opens(0, 0, path_of("none.py")));
}

/* As root what is private is read for the process whose user may read it, and for no other. */
UNIT_TEST(only_what_the_user_may_read)
{
    assert_true(opens(getpid(), our_start(), path_of("own.py")));
    assert_int_equal(opens(getpid(), our_start() + 1, path_of("own.py")), geteuid() != 0);
    assert_true(opens(getpid(), our_start() + 1, path_of("open.py")));
    assert_int_equal(opens(0, 0, path_of("own.py")), geteuid() != 0);
    assert_int_equal(access(path_of("own.py"), R_OK), 0); /* we may again what we might before */
}

UNIT_GROUP(set_up, tear_down);
