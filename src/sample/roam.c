/* Going from one processor to another, if there is no idle one. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "sample/roam.h"

enum {
    STAY_NS = 20000000, /* from half as long to one and a half times as long */
    AGAIN_NS = 2000000, /* when one is idle, which may be for a moment only: threads sleep until the GIL is theirs. */
    IDLE_MOST = 5       /* So often one after the other is not for a moment. */
};

/* What we were allowed is allowed again, unless somebody has said something else meanwhile. */
static void widen(struct gs_roam *roam)
{
    cpu_set_t now;
    if (roam->narrow && sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &roam->chosen))
        sched_setaffinity(0, sizeof roam->given, &roam->given);
    roam->narrow = false;
}

void gs_roam_init(struct gs_roam *roam, uint64_t now_ns)
{
    *roam = (struct gs_roam){.loadavg = -1, .processors = sysconf(_SC_NPROCESSORS_ONLN), .random = now_ns | 1};
}

void gs_roam_fini(struct gs_roam *roam)
{
    if (roam->loadavg >= 0)
        close(roam->loadavg);
    roam->loadavg = -1;
    widen(roam);
}

uint32_t gs_roam_where(const struct gs_roam *roam)
{
    int here = roam->narrow ? sched_getcpu() : -1;
    return here < 0 ? 0 : (uint32_t)here + 1;
}

unsigned gs_roam_running(const char *loadavg)
{
    unsigned running;
    return sscanf(loadavg, "%*f %*f %*f %u/", &running) == 1 ? running : 0;
}

/* More can run than there are processors, of which we are one. */
static bool is_crowded(struct gs_roam *roam)
{
    char text[128];
    if (roam->loadavg < 0)
        roam->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t len = pread(roam->loadavg, text, sizeof text - 1, 0);
    if (len <= 0)
        return false;
    text[len] = '\0';
    return (long)gs_roam_running(text) > roam->processors;
}

static uint64_t draw(struct gs_roam *roam, uint64_t below)
{
    roam->random = roam->random * 6364136223846793005u + 1442695040888963407u;
    return (roam->random >> 33) % below;
}

/* Another one of those that we may use; -1: there is none. */
static int choose(struct gs_roam *roam, const cpu_set_t *allowed, int here)
{
    int others = CPU_COUNT(allowed) - (here >= 0 && CPU_ISSET(here, allowed) ? 1 : 0);
    if (others < 1)
        return -1;
    uint64_t left = draw(roam, (uint64_t)others);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (i != here && CPU_ISSET(i, allowed) && left-- == 0)
            return i;
    }
    return -1;
}

/* To one of the processors that we may use. */
static void move(struct gs_roam *roam)
{
    if (sched_getaffinity(0, sizeof roam->given, &roam->given) != 0) /* there are more than CPU_SETSIZE */
        return;
    int there = choose(roam, &roam->given, sched_getcpu());
    if (there < 0)
        return;
    CPU_ZERO(&roam->chosen);
    CPU_SET(there, &roam->chosen);
    roam->narrow = sched_setaffinity(0, sizeof roam->chosen, &roam->chosen) == 0;
}

void gs_roam(struct gs_roam *roam, uint64_t now_ns)
{
    if (now_ns < roam->next_ns)
        return;
    if (is_crowded(roam)) {
        roam->idle = 0;
        roam->next_ns = now_ns + STAY_NS / 2 + draw(roam, STAY_NS);
        widen(roam);
        move(roam);
        return;
    }
    roam->next_ns = now_ns + AGAIN_NS;
    if (++roam->idle >= IDLE_MOST)
        widen(roam);
}
