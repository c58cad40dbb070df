/* Reading /proc/PID/status, which never waits for the process. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/user.h"
#include "cmd/family.h"
#include "cmd/identity.h"

bool gs_identity_read(struct gs_identity *identity, pid_t pid)
{
    char line[256];
    unsigned uid = 0;
    snprintf(line, sizeof line, "/proc/%d/status", (int)pid);
    FILE *file = fopen(line, "re");
    if (!file)
        return false;
    *identity = (struct gs_identity){.ns_pid = pid};
    while (fgets(line, sizeof line, file)) {
        const char *last = strrchr(line, '\t');
        if (sscanf(line, "Name:\t%63[^\n]", identity->comm) == 1 || sscanf(line, "Uid:\t%u", &uid) == 1)
            continue;
        if (strncmp(line, "State:\t", 7) == 0)
            identity->state = line[7];
        else if (strncmp(line, "NSpid:", 6) == 0 && last)
            identity->ns_pid = (pid_t)strtol(last + 1, NULL, 10);
    }
    identity->uid = uid;
    fclose(file);
    return true;
}

bool gs_identity_is_python(const struct gs_identity *identity, pid_t pid)
{
    char link[40], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return gs_called_python(path) || gs_called_python(identity->comm);
}

char *gs_identity_user(const struct gs_identity *identity)
{
    char name[64];
    gs_user_name(identity->uid, name, sizeof name);
    return strdup(name);
}
