/* Tried on ourselves, because what may be had differs by machine and by rights: what fails here fails on others. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/gauges.h"

enum { FORMAT_BYTES = 8192 };

static const struct gs_perf_gauge counters[GS_GAUGE_COUNTERS] = {
    [GS_GAUGE_MINOR_FAULTS] = {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS_MIN, .period = 1},
    [GS_GAUGE_MAJOR_FAULTS] = {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS_MAJ, .period = 1},
    /* some hundred interrupts a second at most */
    [GS_GAUGE_CYCLES] = {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES, .period = 10000000},
    [GS_GAUGE_INSTRUCTIONS] = {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS, .period = 10000000},
    [GS_GAUGE_CACHE_MISSES] = {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CACHE_MISSES, .period = 100000},
};

static bool opens(const struct gs_perf_gauge *gauge)
{
    int fd = gs_perf_gauge(gauge, 0, -1);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static void find_counters(struct gs_gauges *gauges)
{
    for (int i = 0; i < GS_GAUGE_COUNTERS; i++) {
        struct gs_perf_gauge *what = &gauges->what[i];
        *what = counters[i];
        gauges->there[i] = opens(what);
        if (gauges->there[i])
            continue;
        what->user = true;
        gauges->there[i] = opens(what);
        gauges->user_only |= gauges->there[i];
    }
}

/* ---- tracepoints ---- */

static bool read_small(const char *path, char text[FORMAT_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, FORMAT_BYTES - 1);
    if (fd >= 0)
        close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return got > 0;
}

static bool read_format(const char *name, char text[FORMAT_BYTES])
{
    static const char *const folders[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/events/sched/%s/format", folders[i], name);
        if (read_small(path, text))
            return true;
    }
    return false;
}

/* "	field:pid_t prev_pid;	offset:24;	size:4;	signed:1;" */
bool gs_gauge_field(const char *format, const char *name, struct gs_gauge_field *field)
{
    size_t len = strlen(name);
    for (const char *line = strstr(format, "field:"); line; line = strstr(line + 1, "field:")) {
        const char *end = strchr(line, ';'), *offset;
        unsigned at, bytes;
        if (!end || (size_t)(end - line) <= len || strncmp(end - len, name, len) != 0 ||
            end[-(ptrdiff_t)len - 1] != ' ')
            continue;
        offset = strstr(end, "offset:");
        if (!offset || sscanf(offset, "offset:%u; size:%u;", &at, &bytes) != 2 || at > 1024 || bytes < 1 || bytes > 8)
            return false;
        *field = (struct gs_gauge_field){(uint16_t)at, (uint16_t)bytes};
        return true;
    }
    return false;
}

static bool find_tracepoint(struct gs_perf_gauge *what, const char *name, const char *of, struct gs_gauge_field *field)
{
    char format[FORMAT_BYTES];
    const char *id = read_format(name, format) ? strstr(format, "ID:") : NULL;
    if (!id || !gs_gauge_field(format, of, field))
        return false;
    *what = (struct gs_perf_gauge){
        .type = PERF_TYPE_TRACEPOINT, .config = strtoul(id + strlen("ID:"), NULL, 10), .period = 1, .raw = true};
    return opens(what);
}

/* Tracepoints tell of threads by the ids of the first pid namespace (include/linux/proc_ns.h, PROC_PID_INIT_INO). */
static bool in_first_namespace(void)
{
    char link[32] = "";
    return readlink("/proc/self/ns/pid", link, sizeof link - 1) > 0 && strcmp(link, "pid:[4026531836]") == 0;
}

static void find_scheduler(struct gs_gauges *gauges)
{
    if (!in_first_namespace())
        return;
    gauges->there[GS_GAUGE_STATES] =
        find_tracepoint(&gauges->what[GS_GAUGE_STATES], "sched_switch", "prev_state", &gauges->state);
    gauges->there[GS_GAUGE_WAKES] =
        find_tracepoint(&gauges->what[GS_GAUGE_WAKES], "sched_waking", "pid", &gauges->wakee);
}

void gs_gauges_find(struct gs_gauges *gauges, bool wanted, bool scheduler)
{
    *gauges = (struct gs_gauges){.user_only = false};
    if (wanted)
        find_counters(gauges);
    if (scheduler)
        find_scheduler(gauges);
}

uint64_t gs_gauge_amount(enum gs_gauge gauge)
{
    return counters[gauge].period;
}

size_t gs_gauges_count(const struct gs_gauges *gauges)
{
    size_t count = 0;
    for (int i = 0; i < GS_GAUGES; i++)
        count += gauges->there[i];
    return count;
}

bool gs_gauges_drop(struct gs_gauges *gauges)
{
    bool scheduler = gauges->there[GS_GAUGE_STATES] || gauges->there[GS_GAUGE_WAKES];
    if (gs_gauges_count(gauges) == 0)
        return false;
    for (int i = scheduler ? GS_GAUGE_COUNTERS : 0; i < GS_GAUGES; i++)
        gauges->there[i] = false;
    return true;
}
