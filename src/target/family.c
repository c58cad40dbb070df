/* The processes of the machine, and who is whose child. */
#include <dirent.h>
#include <stdlib.h>

#include "gilspy/target.h"
#include "target/procfs.h"

static enum gs_status add(pid_t **list, size_t *count, pid_t pid)
{
    /* Grows at each power of two. */
    if ((*count & (*count + 1)) == 0) {
        pid_t *more = realloc(*list, (2 * *count + 2) * sizeof **list);
        if (!more)
            return GS_NO_MEMORY;
        *list = more;
    }
    (*list)[(*count)++] = pid;
    return GS_OK;
}

/* Lists the processes whose parent is `parent`, or all that are no kernel threads with 0. */
static enum gs_status list_processes(pid_t parent, pid_t **pids, size_t *count)
{
    DIR *dir = opendir("/proc");
    enum gs_status status = dir ? GS_OK : GS_FAILED;
    *pids = NULL;
    *count = 0;
    for (struct dirent *entry; !status && (entry = readdir(dir));) {
        char text[1024];
        struct gs_proc_stat stat;
        int pid = atoi(entry->d_name);
        if (pid <= 0 || gs_proc_read(pid, "stat", text, sizeof text) <= 0 || !gs_proc_stat_parse(text, &stat))
            continue;
        if (parent ? stat.parent == parent : !(stat.flags & GS_PF_KTHREAD) && stat.state != 'Z')
            status = add(pids, count, pid);
    }
    if (dir)
        closedir(dir);
    return status;
}

enum gs_status gs_target_children(pid_t pid, pid_t **children, size_t *count)
{
    return list_processes(pid, children, count);
}

enum gs_status gs_target_processes(pid_t **pids, size_t *count)
{
    return list_processes(0, pids, count);
}
