/* Reads stat, wchan and sched of one thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/watch.h"
#include "target/procfs.h"
#include "target/kernel_state.h"

enum {
    FAULTS_FIELD = 9, /* of stat, counted from behind the state: majflt, proc(5) */
    SCHED_BYTES = 4096
};

static void read_stat(pid_t pid, pid_t tid, struct gs_kernel_state *rest)
{
    char file[64], text[1024];
    snprintf(file, sizeof file, "task/%d/stat", (int)tid);
    if (gs_proc_read(pid, file, text, sizeof text) <= 0)
        return;
    const char *at = strrchr(text, ')'); /* a name may hold anything, also these */
    if (!at || at[1] != ' ' || at[2] == '\0')
        return;
    rest->state = at[2];
    at += 3;
    for (int i = 0; i < FAULTS_FIELD && at; i++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (at)
        rest->major_faults = strtoull(at, NULL, 10);
}

static void read_place(pid_t pid, pid_t tid, struct gs_kernel_state *rest)
{
    char file[64];
    snprintf(file, sizeof file, "task/%d/wchan", (int)tid);
    if (gs_proc_read(pid, file, rest->place, sizeof rest->place) <= 0 || strcmp(rest->place, "0") == 0)
        rest->place[0] = '\0';
    rest->place[strcspn(rest->place, "\n")] = '\0';
}

/* When the scheduler last let it run, in milliseconds of the scheduler's own clock; below 0: not told. */
static double last_ran_ms(pid_t pid, const char *file)
{
    static const char key[] = "se.exec_start";
    char text[SCHED_BYTES];
    if (gs_proc_read(pid, file, text, sizeof text) <= 0)
        return -1;
    const char *at = strstr(text, key);
    at = at ? strchr(at, ':') : NULL;
    return at ? strtod(at + 1, NULL) : -1;
}

/* The clock is read from our own thread, which runs now. A thread that sleeps has not run since it fell asleep. */
static void read_since(pid_t pid, pid_t tid, struct gs_kernel_state *rest)
{
    char theirs[64], ours[64];
    snprintf(theirs, sizeof theirs, "task/%d/sched", (int)tid);
    snprintf(ours, sizeof ours, "task/%d/sched", (int)gettid());
    double then_ms = last_ran_ms(pid, theirs), now_ms = then_ms > 0 ? last_ran_ms(getpid(), ours) : -1;
    if (then_ms > 0 && now_ms >= then_ms && (rest->state == 'S' || rest->state == 'D'))
        rest->asleep_s = (now_ms - then_ms) / 1000;
}

void gs_kernel_state_read(const struct gs_target *target, pid_t tid, struct gs_kernel_state *rest)
{
    *rest = (struct gs_kernel_state){.asleep_s = -1};
    if (target->postmortem || !gs_watch_enter_spare(target->watch, "reading the state of its threads"))
        return;
    read_stat(target->pid, tid, rest);
    read_place(target->pid, tid, rest);
    read_since(target->pid, tid, rest);
    gs_watch_leave(target->watch);
}
