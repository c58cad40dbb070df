/* The processes of the machine, and who is whose child: all of /proc read once. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/room.h"
#include "base/sorted.h"
#include "gilspy/target.h"
#include "target/procfs.h"

struct row {
    pid_t pid, parent;
    bool user;  /* it is no thread of the kernel, and not a zombie */
    bool taken; /* into the result */
};

struct table {
    struct row *rows;
    size_t count, room;
};

static enum gs_status add_row(struct table *table, pid_t pid, const struct gs_proc_stat *stat)
{
    if (!gs_room((void **)&table->rows, &table->room, table->count + 1, sizeof *table->rows))
        return GS_NO_MEMORY;
    bool user = !(stat->flags & GS_PF_KTHREAD) && (stat->state != 'Z' || gs_proc_living(pid));
    table->rows[table->count++] = (struct row){.pid = pid, .parent = stat->parent, .user = user};
    return GS_OK;
}

static enum gs_status read_table(struct table *table)
{
    DIR *dir = opendir("/proc");
    enum gs_status status = dir ? GS_OK : GS_FAILED;
    *table = (struct table){0};
    for (struct dirent *entry; !status && (entry = readdir(dir));) {
        char text[1024];
        struct gs_proc_stat stat;
        int pid = atoi(entry->d_name);
        if (pid > 0 && gs_proc_read(pid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, &stat))
            status = add_row(table, pid, &stat);
    }
    if (dir)
        closedir(dir);
    return status;
}

GS_BY_BOTH(by_parent, struct row, parent, pid);

/* Appends the children of `parent` that are not taken yet; the table is sorted by parent. */
static void take_children(struct table *table, pid_t parent, pid_t *pids, size_t *count)
{
    size_t child = GS_FIRST_NOT(i, table->count, table->rows[i].parent < parent);
    for (; child < table->count && table->rows[child].parent == parent; child++) {
        if (!table->rows[child].taken)
            pids[(*count)++] = table->rows[child].pid;
        table->rows[child].taken = true;
    }
}

/* Reads the table, and makes room for a list of all that are in it. */
static enum gs_status begin(struct table *table, pid_t **pids, size_t *count)
{
    enum gs_status status = read_table(table);
    *count = 0;
    *pids = status == GS_OK ? calloc(table->count + 1, sizeof **pids) : NULL;
    return status == GS_OK && !*pids ? GS_NO_MEMORY : status;
}

/* That costs less than to read all of /proc. False: one of its threads has a child, or there are many threads, or the
 * kernel does not tell (CONFIG_PROC_CHILDREN). */
static bool is_childless(pid_t pid)
{
    enum { ASKED_MOST = 32 };
    char path[64], text[16];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    size_t asked = 0;
    bool none = dir != NULL;
    for (struct dirent *entry; none && (entry = readdir(dir));) {
        int tid = atoi(entry->d_name);
        snprintf(path, sizeof path, "task/%d/children", tid);
        none = tid <= 0 || (asked++ < ASKED_MOST && gs_proc_read(pid, path, text, sizeof text) == 0);
    }
    if (dir)
        closedir(dir);
    return none && asked > 0;
}

/* deep: and their children, and so on. */
static enum gs_status list_children(pid_t pid, bool deep, pid_t **pids, size_t *count)
{
    struct table table;
    *count = 0;
    if (is_childless(pid))
        return (*pids = calloc(1, sizeof **pids)) ? GS_OK : GS_NO_MEMORY;
    enum gs_status status = begin(&table, pids, count);
    if (status == GS_OK) {
        if (table.count > 0)
            qsort(table.rows, table.count, sizeof *table.rows, by_parent);
        take_children(&table, pid, *pids, count);
        for (size_t i = 0; deep && i < *count; i++)
            take_children(&table, (*pids)[i], *pids, count);
    }
    free(table.rows);
    return status;
}

enum gs_status gs_target_children(pid_t pid, pid_t **children, size_t *count)
{
    return list_children(pid, false, children, count);
}

enum gs_status gs_target_descendants(pid_t pid, pid_t **descendants, size_t *count)
{
    return list_children(pid, true, descendants, count);
}

enum gs_status gs_target_processes(pid_t **pids, size_t *count)
{
    struct table table;
    enum gs_status status = begin(&table, pids, count);
    for (size_t i = 0; status == GS_OK && i < table.count; i++) {
        if (table.rows[i].user)
            (*pids)[(*count)++] = table.rows[i].pid;
    }
    free(table.rows);
    return status;
}
