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
#include "target/kin.h"
#include "target/procfs.h"

enum {
    KIN_MOST = 100000,
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
    uint64_t born_ns, try_ns; /* try_ns: when it is to be tried, UINT64_MAX: it is watched */
    uint64_t program;         /* a hash of its exe link */
    bool python, watched_once, told;
};

struct gs_kin {
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

static struct relative *find(const struct gs_kin *kin, pid_t pid)
{
    return kin->count > 0 ? bsearch(&pid, kin->list, kin->count, sizeof *kin->list, by_pid) : NULL;
}

static void drop(struct gs_kin *kin, struct relative *relative)
{
    kin->missed += relative->python && !relative->watched_once;
    kin->count--;
    memmove(relative, relative + 1, (size_t)(kin->list + kin->count - relative) * sizeof *relative);
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

static enum gs_status add(struct gs_kin *kin, pid_t pid, uint64_t start_ticks, uint64_t now_ns)
{
    struct relative *known = find(kin, pid);
    if (known && known->start_ticks == start_ticks)
        return GS_OK;
    if (known)
        drop(kin, known);
    if (kin->count >= KIN_MOST)
        return GS_OK;
    if (!gs_room((void **)&kin->list, &kin->room, kin->count + 1, sizeof *kin->list))
        return GS_NO_MEMORY;
    size_t at = kin->count++;
    for (; at > 0 && kin->list[at - 1].pid > pid; at--)
        kin->list[at] = kin->list[at - 1];
    kin->list[at] = (struct relative){.pid = pid, .start_ticks = start_ticks, .born_ns = now_ns, .try_ns = now_ns};
    kin->list[at].program = program_of(pid, &kin->list[at].python);
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
static bool is_orphan(const struct gs_kin *kin, const struct gs_proc_stat *stat)
{
    struct gs_proc_stat parent;
    if (kin->foster > 0 && stat->parent == kin->foster) /* the parent of the first of all is 0 */
        return true;
    return (find(kin, stat->group) || find(kin, stat->session)) && read_stat(stat->parent, &parent) &&
           parent.session != stat->session;
}

static enum gs_status consider(struct gs_kin *kin, pid_t pid, uint64_t now_ns)
{
    struct gs_proc_stat stat;
    if (pid <= 0 || !read_process(pid, &stat) || stat.flags & GS_PF_KTHREAD)
        return GS_OK;
    if (!kin->wanted && !find(kin, stat.parent) && !is_orphan(kin, &stat))
        return GS_OK;
    return add(kin, pid, stat.start_ticks, now_ns);
}

static int by_number(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

/* All of /proc: parents mostly have lower numbers, but once around they may not, so until nothing new is found. */
static enum gs_status consider_all(struct gs_kin *kin, uint64_t now_ns)
{
    pid_t *pids;
    size_t count, before;
    enum gs_status status = gs_target_processes(&pids, &count);
    if (status == GS_OK && count > 0)
        qsort(pids, count, sizeof *pids, by_number);
    do {
        before = kin->count;
        for (size_t i = 0; i < count && status == GS_OK; i++)
            status = consider(kin, pids[i], now_ns);
    } while (status == GS_OK && kin->count != before);
    free(pids);
    return status == GS_NO_MEMORY ? status : GS_OK;
}

/* 0: it is not told. */
static pid_t read_last(const struct gs_kin *kin)
{
    char text[128];
    ssize_t len = pread(kin->loadavg, text, sizeof text - 1, 0);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    const char *last = strrchr(text, ' ');
    return last ? (pid_t)atoi(last) : 0;
}

static struct gs_kin *create(bool descendants)
{
    struct gs_kin *kin = calloc(1, sizeof *kin);
    if (!kin)
        return NULL;
    kin->descendants = descendants;
    kin->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    kin->last = read_last(kin);
    return kin;
}

struct gs_kin *gs_kin_new_host(bool (*wanted)(const void *context, pid_t pid), const void *context)
{
    struct gs_kin *kin = create(true);
    if (!kin)
        return NULL;
    kin->wanted = wanted;
    kin->context = context;
    if (consider_all(kin, gs_clock_ns()) == GS_OK)
        return kin;
    gs_kin_free(kin);
    return NULL;
}

struct gs_kin *gs_kin_new(const pid_t *roots, size_t count, bool descendants)
{
    struct gs_kin *kin = create(descendants);
    uint64_t now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (!kin)
        return NULL;
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        struct gs_proc_stat stat;
        pid_t root = gs_target_process_of(roots[i]);
        if (read_process(root, &stat))
            status = add(kin, root, stat.start_ticks, now_ns);
    }
    if (status == GS_OK && descendants)
        status = consider_all(kin, now_ns);
    if (status == GS_OK)
        return kin;
    gs_kin_free(kin);
    return NULL;
}

void gs_kin_free(struct gs_kin *kin)
{
    if (!kin)
        return;
    if (kin->loadavg >= 0)
        close(kin->loadavg);
    free(kin->list);
    free(kin);
}

void gs_kin_foster(struct gs_kin *kin, pid_t pid)
{
    kin->foster = pid;
}

/* Those that ended are forgotten, those that run another program are tried. */
static void look_after(struct gs_kin *kin, uint64_t now_ns)
{
    if (kin->wanted && now_ns - kin->looked_ns < HOST_LOOK_NS)
        return;
    kin->looked_ns = now_ns;
    for (size_t i = kin->count; i-- > 0;) {
        struct relative *relative = &kin->list[i];
        if (relative->try_ns == UINT64_MAX)
            continue; /* whoever watches it tells */
        bool python = relative->python;
        uint64_t program = program_of(relative->pid, &python);
        struct gs_proc_stat stat;
        if (program == 0 && (!read_process(relative->pid, &stat) || stat.start_ticks != relative->start_ticks)) {
            drop(kin, relative);
        } else if (program != relative->program) {
            relative->program = program;
            relative->python = python;
            relative->born_ns = relative->try_ns = now_ns;
        }
    }
}

uint64_t gs_kin_poll_ns(const struct gs_kin *kin)
{
    return kin->wanted ? HOST_POLL_NS : POLL_NS;
}

enum gs_status gs_kin_poll(struct gs_kin *kin, uint64_t now_ns)
{
    if (now_ns - kin->polled_ns < gs_kin_poll_ns(kin))
        return GS_OK;
    kin->polled_ns = now_ns;
    enum gs_status status = GS_OK;
    pid_t last = kin->descendants ? read_last(kin) : kin->last;
    bool few = last > 0 && last >= kin->last && last - kin->last <= (pid_t)LOOK_ONE_BY_ONE;
    for (pid_t pid = kin->last + 1; few && pid <= last && status == GS_OK; pid++)
        status = consider(kin, pid, now_ns);
    if (kin->descendants && !few)
        status = consider_all(kin, now_ns);
    kin->last = last;
    look_after(kin, now_ns);
    return status;
}

pid_t gs_kin_next(struct gs_kin *kin, uint64_t now_ns)
{
    for (size_t i = 0; i < kin->count; i++) {
        struct relative *relative = &kin->list[i];
        if (relative->try_ns > now_ns)
            continue;
        if (!kin->wanted || kin->wanted(kin->context, relative->pid))
            return relative->pid;
        gs_kin_tried(kin, relative->pid, false, now_ns);
    }
    return 0;
}

void gs_kin_tried(struct gs_kin *kin, pid_t pid, bool watched, uint64_t now_ns)
{
    struct relative *relative = find(kin, pid);
    if (!relative)
        relative = find(kin, gs_target_process_of(pid));
    if (!relative)
        return;
    relative->watched_once |= watched;
    if (watched) {
        relative->try_ns = UINT64_MAX;
        return;
    }
    uint64_t age_ns = now_ns - relative->born_ns, pause_ns = age_ns / 2,
             most_ns = kin->wanted ? HOST_LATER_NS : LATER_NS;
    if (pause_ns < SOON_NS || (relative->python && age_ns < YOUNG_NS))
        pause_ns = SOON_NS;
    relative->try_ns = now_ns + gs_least(pause_ns, most_ns);
}

bool gs_kin_tell_once(struct gs_kin *kin, pid_t pid)
{
    struct relative *relative = find(kin, pid);
    bool first = relative && !relative->told;
    if (first)
        relative->told = true;
    return first;
}

void gs_kin_again(struct gs_kin *kin, pid_t pid, uint64_t now_ns)
{
    struct relative *relative = find(kin, pid);
    if (relative)
        relative->born_ns = relative->try_ns = now_ns;
}

size_t gs_kin_count(const struct gs_kin *kin)
{
    return kin->count;
}

uint64_t gs_kin_missed(const struct gs_kin *kin)
{
    uint64_t missed = kin->missed;
    for (size_t i = 0; i < kin->count; i++)
        missed += kin->list[i].python && !kin->list[i].watched_once;
    return missed;
}
