/* All of /proc is looked through once. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gilspy/target.h"
#include "session/family.h"
#include "session/identity.h"
#include "session/search.h"
#include "target/procfs.h"

bool gs_pids_add(pid_t **pids, size_t *count, pid_t pid)
{
    for (size_t i = 0; i < *count; i++) {
        if ((*pids)[i] == pid)
            return true;
    }
    pid_t *longer = realloc(*pids, (*count + 1) * sizeof *longer);
    if (!longer)
        return false;
    *pids = longer;
    longer[(*count)++] = pid;
    return true;
}

bool gs_search_command(const char *pattern, const char *command)
{
    char *anywhere;
    if (asprintf(&anywhere, "*%s*", pattern) < 0)
        return false;
    bool fits = fnmatch(anywhere, command, 0) == 0;
    free(anywhere);
    return fits;
}

static bool lies_below(const char *place, const char *path)
{
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    return strncmp(place, path, len) == 0 && (place[len] == '/' || place[len] == '\0');
}

/* "/sys/fs/cgroup/a" is "/a" of version 2; of version 1 a controller's folder lies between: "/memory/a". */
static bool fits_line(const char *path, const char *controllers, const char *place)
{
    static const char mount[] = "/sys/fs/cgroup";
    char below[GS_PROC_PATH];
    bool mounted = lies_below(path, mount);
    const char *inner = mounted ? path + sizeof mount - 1 : path;
    snprintf(below, sizeof below, "%s%s", inner[0] == '/' ? "" : "/", inner);
    if (lies_below(place, below))
        return true;
    size_t len = strlen(controllers);
    return mounted && len > 0 && strncmp(below + 1, controllers, len) == 0 && below[len + 1] == '/' &&
           lies_below(place, below + len + 1);
}

bool gs_search_cgroup(const char *path, char *text)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *controllers = strchr(line, ':'), *place = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!place)
            continue;
        *place++ = '\0';
        if (fits_line(path, controllers + 1, place))
            return true;
    }
    return false;
}

static bool has_command(const char *const *patterns, size_t count, pid_t pid)
{
    ssize_t len;
    bool fits = false;
    char *command = count > 0 ? gs_proc_read_all(pid, "cmdline", &len) : NULL;
    if (!command)
        return false;
    while (len > 0 && !command[len - 1])
        len--;
    for (ssize_t i = 0; i < len; i++)
        command[i] = command[i] ? command[i] : ' ';
    for (size_t i = 0; i < count && !fits; i++)
        fits = len > 0 && gs_search_command(patterns[i], command);
    free(command);
    return fits;
}

static bool has_cgroup(const struct gs_search *search, pid_t pid)
{
    bool fits = false;
    for (size_t i = 0; i < search->cgroup_count && !fits; i++) {
        ssize_t len;
        char *text = gs_proc_read_all(pid, "cgroup", &len);
        fits = text && gs_search_cgroup(search->cgroups[i], text);
        free(text);
    }
    return fits;
}

static bool looks_like_python(pid_t pid)
{
    struct gs_identity identity;
    ssize_t len;
    if (!gs_identity_read(&identity, pid))
        return false;
    if (gs_identity_is_python(&identity, pid, NULL))
        return true;
    char *maps = gs_proc_read_all(pid, "maps", &len);
    bool maps_python = maps && strstr(maps, "/libpython");
    free(maps);
    return maps_python;
}

static bool is_chosen(const struct gs_search *search, pid_t pid)
{
    return has_command(search->patterns, search->pattern_count, pid) || has_cgroup(search, pid);
}

bool gs_search_fits(const struct gs_search *search, pid_t pid)
{
    struct gs_identity identity;
    if (search->full)
        return false;
    if (search->user && (!gs_identity_read(&identity, pid) || identity.uid != *search->user))
        return false;
    bool all = search->pattern_count == 0 && search->cgroup_count == 0;
    return (all || is_chosen(search, pid)) && !has_command(search->excludes, search->exclude_count, pid) &&
           looks_like_python(pid) && !gs_identity_is_ours(pid);
}

static enum gs_status nobody(const struct gs_search *search, struct gs_err *err)
{
    if (search->pattern_count > 0 && search->cgroup_count == 0)
        gs_fail(err, GS_NO_PROCESS, "there is no process with '%.100s' in its command line", search->patterns[0]);
    else if (search->pattern_count == 0)
        gs_fail(err, GS_NO_PROCESS, "there is no process in the cgroup %.200s", search->cgroups[0]);
    else
        gs_fail(err, GS_NO_PROCESS, "there is no such process, neither by --name nor by --cgroup");
    gs_err_todo(err, "gilspy ps lists them");
    return GS_NO_PROCESS;
}

static enum gs_status take(const struct gs_search *search, const pid_t *all, size_t all_count, bool pythons,
                           pid_t **pids, size_t *count)
{
    for (size_t i = 0; i < all_count; i++) {
        if (all[i] == getpid() || !is_chosen(search, all[i]))
            continue;
        if ((!pythons || looks_like_python(all[i])) && !gs_pids_add(pids, count, all[i]))
            return GS_NO_MEMORY;
    }
    return GS_OK;
}

enum gs_status gs_search(const struct gs_search *search, pid_t **pids, size_t *count, struct gs_err *err)
{
    pid_t *all = NULL;
    size_t all_count = 0, before = *count;
    enum gs_status status = gs_proc_check(err);
    if (status)
        return status;
    status = gs_target_processes(&all, &all_count);
    if (!status)
        status = take(search, all, all_count, true, pids, count);
    if (!status && *count == before)
        status = take(search, all, all_count, false, pids, count);
    free(all);
    if (status)
        return gs_fail(err, status, "cannot look for processes: %s", gs_status_text(status));
    return *count > before ? GS_OK : nobody(search, err);
}
