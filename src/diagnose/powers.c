/* What gilspy does to a process, tried on children of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnose/attempt.h"
#include "diagnose/exam.h"
#include "target/stop.h"
#include "target/task.h"

enum { STOP_ATTEMPTS = 50, STUCK = 0xff };

static const char *reason_of(int failure)
{
    return failure == GS_ATTEMPT_KILLED ? "a filter kills who tries" : strerror(failure);
}

/* A filter is what refuses ourselves something that the kernel can do. */
static void mend_by_filter(const struct gs_exam *exam, struct gs_check *check)
{
    if (exam->facts_known && exam->facts.ours.seccomp > 0)
        gs_check_mend(check, "start the container with --cap-add=SYS_PTRACE, or with --security-opt "
                             "seccomp=unconfined");
}

void gs_exam_seccomp(struct gs_exam *exam, struct gs_check *check)
{
    struct gs_barrier_facts facts = exam->facts;
    facts.unreadable = exam->unreadable;
    if (exam->unreadable)
        gs_check_barrier(check, gs_barrier_find("seccomp"), &facts, true);
    else if (exam->facts_known && facts.ours.seccomp > 0)
        gs_check_pass(check, "a seccomp filter is active, and lets process_vm_readv pass");
    else
        gs_check_pass(check, "no seccomp filter, and process_vm_readv works");
}

/* ---- reading ---- */

static int read_patient(void)
{
    volatile uint64_t word = 0;
    uint64_t copy = 0;
    pid_t pid = gs_patient_begin(&word);
    if (pid < 0)
        return errno;
    struct gs_mem *mem = gs_mem_live_new(pid, NULL);
    enum gs_status status = mem ? gs_mem_read(mem, (gs_addr)(uintptr_t)&word, &copy, sizeof copy) : GS_NO_MEMORY;
    gs_mem_free(mem);
    gs_patient_end(pid);
    if (status == GS_OK)
        return copy == 1 ? 0 : EIO;
    return status == GS_NOT_PERMITTED ? EPERM : EFAULT;
}

void gs_exam_read(struct gs_exam *exam, struct gs_check *check)
{
    char text[GS_BARRIER_TEXT];
    int failure = gs_attempt(read_patient);
    if (failure == 0) {
        gs_check_pass(check, "the memory of a child could be read");
        return;
    }
    gs_check_fail(check, "the memory of a child could not be read: %s", reason_of(failure));
    if (exam->facts_known) {
        gs_barrier_first(&exam->facts)->mend(&exam->facts, text, sizeof text);
        gs_check_mend(check, "%s", text);
    }
}

/* ---- stopping ---- */

static int stop_patient(void)
{
    volatile uint64_t word = 0;
    struct gs_stop stop = {0};
    pid_t pid = gs_patient_begin(&word);
    if (pid < 0)
        return errno;
    struct gs_target patient = {.pid = pid};
    int fd = gs_activity_open(&patient, pid);
    enum gs_status status = GS_LOST;
    for (int i = 0; i < STOP_ATTEMPTS && status == GS_LOST && fd >= 0; i++)
        status = gs_stop_begin(&stop, &patient, pid, fd);
    if (status == GS_OK)
        gs_stop_end(&stop);
    if (fd >= 0)
        close(fd);
    gs_patient_end(pid);
    return status == GS_OK ? 0 : status == GS_NOT_PERMITTED ? EPERM : STUCK;
}

void gs_exam_stop(struct gs_exam *exam, struct gs_check *check)
{
    int failure = gs_attempt(stop_patient);
    exam->stoppable = failure == 0;
    if (failure == 0) {
        gs_check_pass(check, "a thread could be stopped and let go (PTRACE_SEIZE)");
        return;
    }
    gs_check_fail(check, "no thread can be stopped: %s; a stack that changes while it is read stays in pieces",
                  failure == STUCK ? "the kernel does not say whether it runs, or it did not stop"
                                   : reason_of(failure));
    mend_by_filter(exam, check);
}

/* ---- what a thread waits for ---- */

static int ask_patient(void)
{
    volatile uint64_t word = 0;
    struct gs_activity activity;
    pid_t pid = gs_patient_begin(&word);
    if (pid < 0)
        return errno;
    gs_target_activity(&(struct gs_target){.pid = pid}, pid, &activity);
    gs_patient_end(pid);
    return activity.run == GS_RUN_UNKNOWN || activity.run == GS_RUN_GONE ? ENOENT : 0;
}

void gs_exam_syscall(struct gs_exam *exam, struct gs_check *check)
{
    (void)exam;
    if (gs_attempt(ask_patient) == 0)
        gs_check_pass(check, "the kernel says what a thread waits for (/proc/TID/syscall)");
    else
        gs_check_fail(check, "the kernel does not say what a thread waits for (/proc/TID/syscall cannot be read): up "
                             "to Python 3.14 it stays unknown who waits for the GIL");
}

/* ---- files that are mapped ---- */

static int open_own_file(void)
{
    DIR *dir = opendir("/proc/self/map_files");
    int failure = dir ? ENOENT : errno;
    for (struct dirent *entry; dir && failure == ENOENT && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
        failure = fd >= 0 ? 0 : errno;
        if (fd >= 0)
            close(fd);
    }
    if (dir)
        closedir(dir);
    return failure;
}

void gs_exam_map_files(struct gs_exam *exam, struct gs_check *check)
{
    char mend[GS_BARRIER_TEXT];
    int failure = gs_attempt(open_own_file);
    if (failure == 0) {
        gs_check_pass(check, "files that a process maps can be opened even when they are deleted (map_files)");
        return;
    }
    gs_check_fail(check, "libraries that were deleted since a process loaded them cannot be opened (map_files: %s)",
                  reason_of(failure));
    if (exam->facts_known && exam->facts.ours.uids[GS_EFFECTIVE] != 0) {
        gs_barrier_elevate(&exam->facts, mend, sizeof mend);
        gs_check_mend(check, "%s", mend);
    }
}
