/* Going from one processor to another, if there is no idle one. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "sample/cpu_hop.h"

enum {
    STAY_NS = 20000000, /* from half as long to one and a half times as long */
    AGAIN_NS = 2000000, /* when one is idle, which may be for a moment only: threads sleep until the GIL is theirs. */
    IDLE_MOST = 5       /* So often one after the other is not for a moment. */
};

/* What we were allowed is allowed again, unless somebody has said something else meanwhile. */
static void widen(struct gs_cpu_hop *hop)
{
    cpu_set_t now;
    if (hop->narrow && sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &hop->chosen))
        sched_setaffinity(0, sizeof hop->given, &hop->given);
    hop->narrow = false;
}

void gs_cpu_hop_init(struct gs_cpu_hop *hop, uint64_t now_ns)
{
    *hop = (struct gs_cpu_hop){.loadavg = -1, .processors = sysconf(_SC_NPROCESSORS_ONLN), .random = now_ns | 1};
}

void gs_cpu_hop_fini(struct gs_cpu_hop *hop)
{
    if (hop->loadavg >= 0)
        close(hop->loadavg);
    hop->loadavg = -1;
    widen(hop);
}

uint32_t gs_cpu_hop_pinned(const struct gs_cpu_hop *hop)
{
    int here = hop->narrow ? sched_getcpu() : -1;
    return here < 0 ? 0 : (uint32_t)here + 1;
}

unsigned gs_cpu_hop_runnable(const char *loadavg)
{
    unsigned running;
    return sscanf(loadavg, "%*f %*f %*f %u/", &running) == 1 ? running : 0;
}

/* More can run than there are processors, of which we are one. */
static bool is_crowded(struct gs_cpu_hop *hop)
{
    char text[128];
    if (hop->loadavg < 0)
        hop->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t len = pread(hop->loadavg, text, sizeof text - 1, 0);
    if (len <= 0)
        return false;
    text[len] = '\0';
    return (long)gs_cpu_hop_runnable(text) > hop->processors;
}

static uint64_t draw(struct gs_cpu_hop *hop, uint64_t below)
{
    hop->random = hop->random * 6364136223846793005u + 1442695040888963407u;
    return (hop->random >> 33) % below;
}

/* Another one of those that we may use; -1: there is none. */
static int choose(struct gs_cpu_hop *hop, const cpu_set_t *allowed, int here)
{
    int others = CPU_COUNT(allowed) - (here >= 0 && CPU_ISSET(here, allowed) ? 1 : 0);
    if (others < 1)
        return -1;
    uint64_t left = draw(hop, (uint64_t)others);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (i != here && CPU_ISSET(i, allowed) && left-- == 0)
            return i;
    }
    return -1;
}

/* To one of the processors that we may use. */
static void move(struct gs_cpu_hop *hop)
{
    if (sched_getaffinity(0, sizeof hop->given, &hop->given) != 0) /* there are more than CPU_SETSIZE */
        return;
    int there = choose(hop, &hop->given, sched_getcpu());
    if (there < 0)
        return;
    CPU_ZERO(&hop->chosen);
    CPU_SET(there, &hop->chosen);
    hop->narrow = sched_setaffinity(0, sizeof hop->chosen, &hop->chosen) == 0;
}

void gs_cpu_hop(struct gs_cpu_hop *hop, uint64_t now_ns)
{
    if (now_ns < hop->next_ns)
        return;
    if (is_crowded(hop)) {
        hop->idle = 0;
        hop->next_ns = now_ns + STAY_NS / 2 + draw(hop, STAY_NS);
        widen(hop);
        move(hop);
        return;
    }
    hop->next_ns = now_ns + AGAIN_NS;
    if (++hop->idle >= IDLE_MOST)
        widen(hop);
}
