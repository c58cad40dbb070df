/* Which processes --name and --cgroup mean. */
#include <stdio.h>

#include "session/search.h"
#include "support/unit.h"

UNIT_TEST(a_pattern_fits_anywhere)
{
    static const char command[] = "/usr/bin/python3 /usr/bin/gunicorn -w 4 app:app";
    assert_true(gs_search_command("gunicorn", command));
    assert_true(gs_search_command("*gunicorn*app:a?p", command));
    assert_true(gs_search_command("gunicorn -w [0-9]", command));
    assert_false(gs_search_command("gunicorn -w [5-9]", command));
    assert_false(gs_search_command("celery", command));
    assert_true(gs_search_command("w\\*rk", "python3 w*rk"));
    assert_false(gs_search_command("w\\*rk", "python3 work"));
}

static bool lies(const char *path, const char *lines)
{
    char text[200];
    snprintf(text, sizeof text, "%s", lines);
    return gs_search_cgroup(path, text);
}

UNIT_TEST(a_cgroup_has_those_below)
{
    static const char unified[] = "0::/system.slice/web.service/workers\n";
    static const char legacy[] = "5:cpu,cpuacct:/a\n4:memory:/web.slice/w\n1:name=systemd:/b:c\n0::/\n";
    assert_true(lies("/system.slice/web.service", unified));
    assert_true(lies("system.slice/web.service/", unified));
    assert_true(lies("/sys/fs/cgroup/system.slice/web.service/workers", unified));
    assert_true(lies("/", unified));
    assert_true(lies("/sys/fs/cgroup", unified));
    assert_false(lies("/system.slice/web", unified));
    assert_false(lies("/system.slice/web.service/workers/1", unified));
    assert_true(lies("/web.slice", legacy));
    assert_true(lies("/sys/fs/cgroup/memory/web.slice/w", legacy));
    assert_true(lies("/sys/fs/cgroup/cpu,cpuacct/a", legacy));
    assert_true(lies("/b:c", legacy));
    assert_false(lies("/sys/fs/cgroup/cpu/web.slice", legacy));
    assert_false(lies("/memory/web.slice", legacy));
    assert_false(lies("/a", ""));
    assert_false(lies("/a", "0\n1:2\n"));
}
