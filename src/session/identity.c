/* Reading /proc/PID/status, which never waits for the process, and judging what is told of one that may not be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/user.h"
#include "session/identity.h"
#include "target/procfs.h"

bool gs_identity_read(struct gs_identity *identity, pid_t pid)
{
    char status[GS_PROC_STATUS];
    if (gs_proc_read(pid, "status", status, sizeof status) <= 0)
        return false;
    const char *name = gs_status_field(status, "Name:"), *uid = gs_status_field(status, "Uid:");
    *identity = (struct gs_identity){.ns_pid = gs_status_innermost_pid(status, pid)};
    identity->uid = uid ? (uid_t)strtoul(uid, NULL, 10) : 0;
    if (name)
        snprintf(identity->comm, sizeof identity->comm, "%.*s", (int)strcspn(name, "\n"), name);
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A Python by its own name, or a program that is mostly there to run one. */
static bool sounds_like_python(const char *path)
{
    static const char *const embedders[] = {"uwsgi", "gunicorn"};
    for (size_t i = 0; i < sizeof embedders / sizeof *embedders; i++) {
        if (strncmp(base_name(path), embedders[i], strlen(embedders[i])) == 0)
            return true;
    }
    return gs_called_python(path);
}

static bool maps_python(const struct gs_target *target)
{
    for (size_t i = 0; i < target->map_count; i++) {
        if (strncmp(base_name(target->maps[i].path), "libpython", 9) == 0)
            return true;
    }
    return false;
}

bool gs_identity_is_python(const struct gs_identity *identity, pid_t pid, const struct gs_target *target)
{
    char exe[GS_PROC_PATH];
    gs_proc_exe(pid, exe);
    return sounds_like_python(exe) || sounds_like_python(identity->comm) ||
           (target && (sounds_like_python(target->command[0]) || maps_python(target)));
}

bool gs_identity_is_ours(pid_t pid)
{
    char path[40];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

char *gs_identity_user(const struct gs_identity *identity)
{
    char name[64];
    gs_user_name(identity->uid, name, sizeof name);
    return strdup(name);
}
