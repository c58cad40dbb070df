/* A /proc that hides processes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "target/barrier.h"
#include "target/procfs.h"

/* The value of an option in a comma-separated list; NULL: it is not there. */
static const char *find_option(const char *options, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = options; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, len) == 0)
            return at + len;
    }
    return NULL;
}

/* Numbers up to Linux 5.7, words since (fs/proc/root.c). */
static int level_of(const char *value)
{
    static const struct {
        const char *word;
        int level;
    } words[] = {{"noaccess", 1}, {"invisible", 2}, {"ptraceable", 4}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncmp(value, words[i].word, strlen(words[i].word)) == 0)
            return words[i].level;
    }
    return atoi(value);
}

/* One line, cut up on the way: "63 45 0:39 / /proc rw,relatime shared:1 - proc proc rw,gid=44,hidepid=invisible". */
static bool parse_line(char *line, unsigned major, unsigned minor, struct gs_hidepid *hide)
{
    unsigned line_major, line_minor;
    char *options = strstr(line, " - proc ");
    if (!options || sscanf(line, "%*d %*d %u:%u", &line_major, &line_minor) != 2 || line_major != major ||
        line_minor != minor)
        return false;
    options = strrchr(options, ' ') + 1;
    const char *level = find_option(options, "hidepid="), *exempt = find_option(options, "gid=");
    *hide = (struct gs_hidepid){.level = level ? level_of(level) : 0, .has_exempt = exempt != NULL};
    if (exempt)
        hide->exempt = (gid_t)strtoul(exempt, NULL, 10);
    return true;
}

struct gs_hidepid gs_hidepid_parse(const char *mountinfo, unsigned major, unsigned minor)
{
    struct gs_hidepid hide = {0};
    char *copy = strdup(mountinfo), *rest = copy;
    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        if (parse_line(line, major, minor, &hide))
            break;
    }
    free(copy);
    return hide;
}

struct gs_hidepid gs_hidepid_read(void)
{
    struct gs_hidepid hide = {0};
    struct stat proc;
    ssize_t len;
    char *text = gs_proc_read_all(getpid(), "mountinfo", &len);
    if (text && stat("/proc", &proc) == 0)
        hide = gs_hidepid_parse(text, major(proc.st_dev), minor(proc.st_dev));
    free(text);
    return hide;
}

void gs_hidepid_mend(const struct gs_hidepid *hide, const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    gs_barrier_elevate(facts, dst, size);
    size_t used = strlen(dst);
    if (hide->has_exempt && hide->level < 4)
        snprintf(dst + used, size - used, ", or become a member of group %u, which sees all", (unsigned)hide->exempt);
}

enum gs_status gs_barrier_missing(pid_t pid, struct gs_err *err)
{
    struct gs_barrier_facts facts;
    char mend[GS_BARRIER_TEXT];
    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH))
        return gs_fail(err, GS_NO_PROCESS, "there is no process %d", (int)pid);
    enum gs_status status = gs_proc_check(err);
    if (status != GS_OK)
        return status;
    struct gs_hidepid hide = gs_hidepid_read();
    if (hide.level > 0)
        gs_fail(err, GS_NOT_PERMITTED, "cannot look at process %d: it is hidden, /proc is mounted with hidepid=%d",
                (int)pid, hide.level);
    else
        gs_fail(err, GS_NOT_PERMITTED, "cannot look at process %d: it is there, but /proc does not show it", (int)pid);
    if (gs_barrier_gather(&facts, 0)) {
        facts.pid = pid;
        gs_hidepid_mend(&hide, &facts, mend, sizeof mend);
        gs_err_todo(err, "Try: %s", mend);
    }
    return GS_NOT_PERMITTED;
}
