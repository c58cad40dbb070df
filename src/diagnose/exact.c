/* Whether exact events can be had: on ourselves, and of one process. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "diagnose/attempt.h"
#include "diagnose/exam.h"
#include "trace/perf_watchpoints.h"
#include "trace/trap.h"

static int watch_ourselves(void)
{
    uint64_t word = 0;
    int fd = gs_perf_watch(
        &(struct gs_perf_watch){.addr = (uintptr_t)&word, .len = HW_BREAKPOINT_LEN_8, .inherit = true, .silent = true},
        0, -1);
    return fd >= 0 ? 0 : -fd;
}

void gs_exam_perf(struct gs_exam *exam, struct gs_check *check)
{
    struct gs_err err = {0};
    int failure = gs_attempt(watch_ourselves);
    exam->watchable = failure == 0;
    if (failure == 0) {
        gs_check_pass(check, "an address can be watched (perf_event_open): exact events can be had");
    } else if (failure == EINVAL) {
        gs_check_fail(check,
                      "what a process forks would be watched without a guard, which takes Linux 5.13: there are no "
                      "exact events; all else works");
    } else if (failure == GS_ATTEMPT_KILLED) {
        gs_check_fail(check, "no address can be watched: a filter kills whoever calls perf_event_open; all else works "
                             "without exact events");
    } else {
        gs_watchpoints_refused(failure, true, 0, &err);
        gs_check_error(check, &err);
    }
}

/* Where a machine is a virtual one, it may not tell the kernel what a trap is for. */
void gs_exam_traps(struct gs_exam *exam, struct gs_check *check)
{
    char host[GS_ARCH_HYPERVISOR_BYTES], machine[64] = "no hypervisor is seen";
    struct gs_trap trap;
    gs_arch_hypervisor(host);
    if (host[0])
        snprintf(machine, sizeof machine, "a virtual machine (%s)", host);
    if (!exam->watchable) {
        gs_check_fail(check, "%s; no address can be watched, so that no trap can be tried", machine);
        return;
    }
    if (!exam->stoppable) {
        gs_check_fail(check,
                      "%s; a process that is traced exactly could not be guarded from traps that come without a "
                      "reason, as no thread can be seized (PTRACE_SEIZE): it is not traced",
                      machine);
        exam->watchable = false;
        return;
    }
    if (!exam->place->thorough)
        gs_check_pass(check,
                      "%s; a guard keeps traps that come without a reason from what is traced exactly (-v tries "
                      "whether they do here)",
                      machine);
    else if (gs_trap_measure(GS_TRAP_BATCHES_LONG, &trap) != 0)
        gs_check_fail(check, "%s; whether traps come without a reason could not be tried", machine);
    else
        gs_check_pass(check,
                      "%s; of %d watched stores %llu trapped without a reason, at %.1f us each; a guard keeps "
                      "such traps from what is traced exactly",
                      machine, GS_TRAP_BATCHES_LONG * GS_TRAP_BATCH, (unsigned long long)trap.strays,
                      (double)trap.cost_ns / 1e3);
}

/* Each of the words, for a moment in which nothing is counted. */
void gs_exam_process_watch(struct gs_exam *exam, struct gs_check *check)
{
    struct gs_gil_addresses addresses;
    struct gs_err err = {0};
    bool watchable = exam->watchable;
    exam->watchable = false;
    if (!exam->python || !watchable) {
        gs_check_fail(check, "its GIL cannot be watched: %s",
                      exam->python ? "no address can be (see perf)" : "its Python is not known");
        return;
    }
    if (exam->tracer > 0) {
        gs_check_fail(check, "it cannot be traced exactly: process %d is its tracer, so that it cannot be guarded",
                      (int)exam->tracer);
        return;
    }
    enum gs_status status = gs_gil_addresses_find(&addresses, exam->python, &err);
    if (!status && addresses.count == 0) {
        gs_check_pass(check, "it runs without the GIL: there are no exact events of it");
        exam->watchable = true;
        return;
    }
    for (size_t i = 0; i < addresses.count && !status; i++) {
        struct gs_perf_watch watch = {
            .addr = addresses.list[i].owner, .len = addresses.list[i].owner_len, .silent = true};
        int fd = gs_perf_watch(&watch, exam->target->living, -1);
        if (fd < 0)
            status = gs_watchpoints_refused(-fd, false, exam->target->pid, &err);
        else
            close(fd);
    }
    if (status) {
        gs_check_error(check, &err);
        return;
    }
    gs_check_pass(check, "%s can be watched: exact events can be had",
                  addresses.none ? "it runs without the GIL: its stopped worlds and collections" : "its GIL");
    exam->watchable = true;
}
