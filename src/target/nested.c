/* A user who looked into a container took the number from there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/nested.h"
#include "target/procfs.h"

enum { NAMED_MOST = 4 };

static bool looks_like_python(pid_t pid, const char *status)
{
    char exe[GS_PROC_PATH];
    const char *name = gs_status_field(status, "Name:");
    return (gs_proc_exe(pid, exe) && gs_called_python(exe)) || (name && gs_called_python(name));
}

static bool is_meant(pid_t pid, pid_t inside)
{
    char status[GS_PROC_STATUS];
    return gs_proc_read(pid, "status", status, sizeof status) > 0 && gs_status_nested(status) &&
           gs_status_innermost_pid(status, 0) == inside && looks_like_python(pid, status);
}

void gs_nested_hint(struct gs_err *err, enum gs_status status, pid_t pid)
{
    char numbers[NAMED_MOST * 12] = "";
    pid_t *pids = NULL;
    size_t count = 0, used = 0, named = 0;
    if ((status != GS_NO_PROCESS && status != GS_NOT_PYTHON) || err->todo[0] || pid <= 0 ||
        gs_target_processes(&pids, &count) != GS_OK)
        return;
    for (size_t i = 0; i < count && named < NAMED_MOST; i++) {
        if (pids[i] != pid && is_meant(pids[i], pid))
            used += (size_t)snprintf(numbers + used, sizeof numbers - used, "%s%d", named++ ? ", " : "", (int)pids[i]);
    }
    free(pids);
    if (named > 0)
        gs_err_todo(err, "If %d is its number in a container: it is process %s here", (int)pid, numbers);
}
