/* New processes are found by the number that the kernel gave last: what lies between that and the one before is new. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fnv.h"
#include "base/room.h"
#include "base/clock.h"
#include "base/least.h"
#include "base/sorted.h"
#include "target/descendants.h"
#include "target/procfs.h"

enum {
    DESCENDANTS_MOST = 100000,
    LOOK_ONE_BY_ONE = 512,      /* new numbers: more of them, and all of /proc is read instead */
    YOUNG_NS = 3 * 1000000000L, /* it may still be on its way to be a Python, */
    SOON_NS = 10000000          /* then it is tried again so often, */
};
/* else more and more rarely, down to this: of relatives, of all processes */
#define LATER_NS      (5 * GS_NS_PER_S)
#define HOST_LATER_NS (60 * GS_NS_PER_S)
/* How often to look who is new, and, of all processes, who runs another program. */
#define POLL_NS      (GS_NS_PER_S / 100)
#define HOST_POLL_NS (GS_NS_PER_S / 4)
#define HOST_LOOK_NS (GS_NS_PER_S * 3 / 4)

struct relative {
    pid_t pid;
    uint64_t start_ticks;     /* with the pid, what tells it from another */
    uint64_t born_ns, try_ns; /* try_ns: when it is to be tried, UINT64_MAX: it is watched, or tried now */
    uint64_t program;         /* a hash of its exe link */
    bool python, watched_once, told;
};

struct gs_descendants {
    bool descendants;                               /* are wanted */
    bool (*wanted)(const void *context, pid_t pid); /* of all processes those; NULL: of a family */
    const void *context;
    struct relative *list; /* by pid */
    size_t count, room;
    pid_t foster; /* parent of orphans, 0: not known */
    pid_t last;   /* the number that the kernel gave last */
    int loadavg;  /* descriptor of /proc/loadavg, which tells it */
    uint64_t polled_ns, looked_ns, missed;
};

static int by_pid(const void *key, const void *element)
{
    pid_t pid = *(const pid_t *)key, other = ((const struct relative *)element)->pid;
    return (pid > other) - (pid < other);
}

static struct relative *find(const struct gs_descendants *relatives, pid_t pid)
{
    return relatives->count > 0 ? bsearch(&pid, relatives->list, relatives->count, sizeof *relatives->list, by_pid)
                                : NULL;
}

static void drop(struct gs_descendants *relatives, struct relative *relative)
{
    relatives->missed += relative->python && !relative->watched_once;
    relatives->count--;
    memmove(relative, relative + 1, (size_t)(relatives->list + relatives->count - relative) * sizeof *relative);
}

/* What runs in it, and whether it is called Python. 0: it is not told. */
static uint64_t program_of(pid_t pid, bool *python)
{
    char path[GS_PROC_PATH];
    if (!gs_proc_exe(pid, path))
        return 0;
    *python = gs_called_python(path);
    return gs_fnv(path);
}

static enum gs_status add(struct gs_descendants *relatives, pid_t pid, uint64_t start_ticks, uint64_t now_ns)
{
    struct relative *known = find(relatives, pid);
    if (known && known->start_ticks == start_ticks)
        return GS_OK;
    if (known)
        drop(relatives, known);
    if (relatives->count >= DESCENDANTS_MOST)
        return GS_OK;
    if (!gs_room((void **)&relatives->list, &relatives->room, relatives->count + 1, sizeof *relatives->list))
        return GS_NO_MEMORY;
    size_t at = relatives->count++;
    for (; at > 0 && relatives->list[at - 1].pid > pid; at--)
        relatives->list[at] = relatives->list[at - 1];
    relatives->list[at] =
        (struct relative){.pid = pid, .start_ticks = start_ticks, .born_ns = now_ns, .try_ns = now_ns};
    relatives->list[at].program = program_of(pid, &relatives->list[at].python);
    return GS_OK;
}

static bool read_stat(pid_t pid, struct gs_proc_stat *stat)
{
    char text[4096];
    return gs_proc_read(pid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, stat);
}

/* Whether it is a process of its own that has not ended, of whom. Its main thread may be gone before the others. */
static bool read_process(pid_t pid, struct gs_proc_stat *stat)
{
    return read_stat(pid, stat) && gs_target_process_of(pid) == pid && (stat->state != 'Z' || gs_proc_living(pid) > 0);
}

/* Its parent ended before anybody saw it, but it is in the group or the session that a relative leads, which only that
 * one's descendants are born into. A shell puts the other programs of a pipe into such a group as well: it is in their
 * session, and whoever takes orphans is not. */
static bool is_orphan(const struct gs_descendants *relatives, const struct gs_proc_stat *stat)
{
    struct gs_proc_stat parent;
    if (relatives->foster > 0 && stat->parent == relatives->foster) /* the parent of the first of all is 0 */
        return true;
    return (find(relatives, stat->group) || find(relatives, stat->session)) && read_stat(stat->parent, &parent) &&
           parent.session != stat->session;
}

static enum gs_status consider(struct gs_descendants *relatives, pid_t pid, uint64_t now_ns)
{
    struct gs_proc_stat stat;
    if (pid <= 0 || !read_process(pid, &stat) || stat.flags & GS_PF_KTHREAD)
        return GS_OK;
    if (!relatives->wanted && !find(relatives, stat.parent) && !is_orphan(relatives, &stat))
        return GS_OK;
    return add(relatives, pid, stat.start_ticks, now_ns);
}

GS_BY_VALUE(by_number, pid_t);

/* All of /proc: parents mostly have lower numbers, but once around they may not, so until nothing new is found. */
static enum gs_status consider_all(struct gs_descendants *relatives, uint64_t now_ns)
{
    pid_t *pids;
    size_t count, before;
    enum gs_status status = gs_target_processes(&pids, &count);
    if (status == GS_OK && count > 0)
        qsort(pids, count, sizeof *pids, by_number);
    do {
        before = relatives->count;
        for (size_t i = 0; i < count && status == GS_OK; i++)
            status = consider(relatives, pids[i], now_ns);
    } while (status == GS_OK && relatives->count != before);
    free(pids);
    return status == GS_NO_MEMORY ? status : GS_OK;
}

/* 0: it is not told. */
static pid_t read_last(const struct gs_descendants *relatives)
{
    char text[128];
    ssize_t len = pread(relatives->loadavg, text, sizeof text - 1, 0);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    const char *last = strrchr(text, ' ');
    return last ? (pid_t)atoi(last) : 0;
}

static struct gs_descendants *create(bool descendants)
{
    struct gs_descendants *relatives = calloc(1, sizeof *relatives);
    if (!relatives)
        return NULL;
    relatives->descendants = descendants;
    relatives->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    relatives->last = read_last(relatives);
    return relatives;
}

struct gs_descendants *gs_descendants_new_host(bool (*wanted)(const void *context, pid_t pid), const void *context)
{
    struct gs_descendants *relatives = create(true);
    if (!relatives)
        return NULL;
    relatives->wanted = wanted;
    relatives->context = context;
    if (consider_all(relatives, gs_clock_ns()) == GS_OK)
        return relatives;
    gs_descendants_free(relatives);
    return NULL;
}

struct gs_descendants *gs_descendants_new(const pid_t *roots, size_t count, bool descendants)
{
    struct gs_descendants *relatives = create(descendants);
    uint64_t now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (!relatives)
        return NULL;
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        struct gs_proc_stat stat;
        pid_t root = gs_target_process_of(roots[i]);
        if (read_process(root, &stat))
            status = add(relatives, root, stat.start_ticks, now_ns);
    }
    if (status == GS_OK && descendants)
        status = consider_all(relatives, now_ns);
    if (status == GS_OK)
        return relatives;
    gs_descendants_free(relatives);
    return NULL;
}

void gs_descendants_free(struct gs_descendants *relatives)
{
    if (!relatives)
        return;
    if (relatives->loadavg >= 0)
        close(relatives->loadavg);
    free(relatives->list);
    free(relatives);
}

void gs_descendants_foster(struct gs_descendants *relatives, pid_t pid)
{
    relatives->foster = pid;
}

/* Those that ended are forgotten, those that run another program are tried. */
static void look_after(struct gs_descendants *relatives, uint64_t now_ns)
{
    if (relatives->wanted && now_ns - relatives->looked_ns < HOST_LOOK_NS)
        return;
    relatives->looked_ns = now_ns;
    for (size_t i = relatives->count; i-- > 0;) {
        struct relative *relative = &relatives->list[i];
        if (relative->try_ns == UINT64_MAX)
            continue; /* whoever watches it tells */
        bool python = relative->python;
        uint64_t program = program_of(relative->pid, &python);
        struct gs_proc_stat stat;
        if (program == 0 && (!read_process(relative->pid, &stat) || stat.start_ticks != relative->start_ticks)) {
            drop(relatives, relative);
        } else if (program != relative->program) {
            relative->program = program;
            relative->python = python;
            relative->born_ns = relative->try_ns = now_ns;
        }
    }
}

uint64_t gs_descendants_poll_ns(const struct gs_descendants *relatives)
{
    return relatives->wanted ? HOST_POLL_NS : POLL_NS;
}

enum gs_status gs_descendants_poll(struct gs_descendants *relatives, uint64_t now_ns)
{
    if (now_ns - relatives->polled_ns < gs_descendants_poll_ns(relatives))
        return GS_OK;
    relatives->polled_ns = now_ns;
    enum gs_status status = GS_OK;
    pid_t last = relatives->descendants ? read_last(relatives) : relatives->last;
    bool few = last > 0 && last >= relatives->last && last - relatives->last <= (pid_t)LOOK_ONE_BY_ONE;
    for (pid_t pid = relatives->last + 1; few && pid <= last && status == GS_OK; pid++)
        status = consider(relatives, pid, now_ns);
    if (relatives->descendants && !few)
        status = consider_all(relatives, now_ns);
    relatives->last = last;
    look_after(relatives, now_ns);
    return status;
}

pid_t gs_descendants_next(struct gs_descendants *relatives, uint64_t now_ns)
{
    for (size_t i = 0; i < relatives->count; i++) {
        struct relative *relative = &relatives->list[i];
        if (relative->try_ns > now_ns)
            continue;
        if (!relatives->wanted || relatives->wanted(relatives->context, relative->pid)) {
            relative->try_ns = UINT64_MAX;
            return relative->pid;
        }
        gs_descendants_tried(relatives, relative->pid, false, now_ns);
    }
    return 0;
}

void gs_descendants_tried(struct gs_descendants *relatives, pid_t pid, bool watched, uint64_t now_ns)
{
    struct relative *relative = find(relatives, pid);
    if (!relative)
        relative = find(relatives, gs_target_process_of(pid));
    if (!relative)
        return;
    relative->watched_once |= watched;
    if (watched) {
        relative->try_ns = UINT64_MAX;
        return;
    }
    uint64_t age_ns = now_ns - relative->born_ns, pause_ns = age_ns / 2,
             most_ns = relatives->wanted ? HOST_LATER_NS : LATER_NS;
    if (pause_ns < SOON_NS || (relative->python && age_ns < YOUNG_NS))
        pause_ns = SOON_NS;
    relative->try_ns = now_ns + gs_least(pause_ns, most_ns);
}

bool gs_descendants_tell_once(struct gs_descendants *relatives, pid_t pid)
{
    struct relative *relative = find(relatives, pid);
    bool first = relative && !relative->told;
    if (first)
        relative->told = true;
    return first;
}

void gs_descendants_again(struct gs_descendants *relatives, pid_t pid, uint64_t now_ns)
{
    struct relative *relative = find(relatives, pid);
    if (relative)
        relative->born_ns = relative->try_ns = now_ns;
}

size_t gs_descendants_count(const struct gs_descendants *relatives)
{
    return relatives->count;
}

uint64_t gs_descendants_missed(const struct gs_descendants *relatives)
{
    uint64_t missed = relatives->missed;
    for (size_t i = 0; i < relatives->count; i++)
        missed += relatives->list[i].python && !relatives->list[i].watched_once;
    return missed;
}
