/* Whether exact events can be had: on ourselves, and of one process. */
#include <linux/hw_breakpoint.h>
#include <string.h>
#include <unistd.h>

#include "diagnose/attempt.h"
#include "diagnose/exam.h"
#include "trace/cover.h"

static int watch_ourselves(void)
{
    uint64_t word = 0;
    int fd = gs_perf_watch(
        &(struct gs_perf_watch){.addr = (uintptr_t)&word, .len = HW_BREAKPOINT_LEN_8, .silent = true}, 0, -1);
    return fd >= 0 ? 0 : -fd;
}

void gs_look_perf(struct gs_exam *exam, struct gs_check *check)
{
    struct gs_err err = {0};
    int failure = gs_attempt(watch_ourselves);
    exam->watchable = failure == 0;
    if (failure == 0) {
        gs_check_pass(check, "an address can be watched (perf_event_open): exact events can be had");
    } else if (failure == GS_ATTEMPT_KILLED) {
        gs_check_fail(check, "no address can be watched: a filter kills whoever calls perf_event_open; all else works "
                             "without exact events");
    } else {
        gs_cover_refused(failure, true, 0, &err);
        gs_check_error(check, &err);
    }
}

/* Each of the words, for a moment in which nothing is counted. */
void gs_look_process_watch(struct gs_exam *exam, struct gs_check *check)
{
    struct gs_spots spots;
    struct gs_err err = {0};
    bool watchable = exam->watchable;
    exam->watchable = false;
    if (!exam->python || !watchable) {
        gs_check_fail(check, "its GIL cannot be watched: %s",
                      exam->python ? "no address can be" : "its Python is not known");
        return;
    }
    enum gs_status status = gs_spots_find(&spots, exam->python, &err);
    if (!status && spots.none) {
        gs_check_pass(check, "it runs without the GIL: there are no exact events of it");
        exam->watchable = true;
        return;
    }
    for (size_t i = 0; i < spots.count && !status; i++) {
        struct gs_perf_watch watch = {.addr = spots.list[i].owner, .len = spots.list[i].owner_len, .silent = true};
        int fd = gs_perf_watch(&watch, exam->target->living, -1);
        if (fd < 0)
            status = gs_cover_refused(-fd, false, exam->target->pid, &err);
        else
            close(fd);
    }
    if (status) {
        gs_check_error(check, &err);
        return;
    }
    gs_check_pass(check, "its GIL can be watched: exact events can be had");
    exam->watchable = true;
}
