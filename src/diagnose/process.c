/* One process: that it is there, the barriers before it, and what holds it up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/exam.h"
#include "target/nested.h"
#include "target/procfs.h"

enum { STATUS_BYTES = 8192, TASKS_MOST = 4096 };

static void refuse(struct gs_exam *exam, struct gs_check *check, enum gs_status status)
{
    exam->opened = status;
    gs_nested_hint(&exam->err, status, exam->doctor->pid);
    gs_check_error(check, &exam->err);
}

/* "/usr/bin/python3 app.py", cut. */
static void print_command(const struct gs_exam *exam, const char *name, char *dst, size_t size)
{
    size_t used = 0;
    dst[0] = '\0';
    for (size_t i = 0; exam->target && i < exam->target->command_count && used < size; i++)
        used += (size_t)snprintf(dst + used, size - used, "%s%s", i > 0 ? " " : "", exam->target->command[i]);
    if (used == 0)
        snprintf(dst, size, "%.*s", (int)strcspn(name, "\n"), name);
}

/* It may be a zombie or the kernel's. */
static bool is_process(struct gs_exam *exam, struct gs_check *check, pid_t pid)
{
    char text[1024];
    struct gs_proc_stat stat;
    if (gs_proc_read(pid, "stat", text, sizeof text) <= 0 || !gs_proc_stat_parse(text, &stat)) {
        refuse(exam, check, gs_fail(&exam->err, GS_NO_PROCESS, "process %d has ended", (int)pid));
        return false;
    }
    exam->state = stat.state;
    if (!gs_proc_living(pid)) {
        gs_fail(&exam->err, GS_NO_PROCESS,
                "process %d has ended: it is a zombie that its parent, %d, has not waited for", (int)pid,
                (int)stat.parent);
        refuse(exam, check, GS_NO_PROCESS);
        return false;
    }
    if (stat.flags & GS_PF_KTHREAD)
        refuse(exam, check, gs_fail(&exam->err, GS_NOT_PYTHON, "process %d is a thread of the kernel", (int)pid));
    return !(stat.flags & GS_PF_KTHREAD);
}

void gs_exam_process(struct gs_exam *exam, struct gs_check *check)
{
    char status[STATUS_BYTES], command[240];
    pid_t asked = exam->doctor->pid, pid;
    if (gs_proc_check(&exam->err) != GS_OK || gs_proc_read(asked, "status", status, sizeof status) <= 0) {
        refuse(exam, check, gs_barrier_missing(asked, &exam->err));
        return;
    }
    pid = gs_status_leader(status, asked);
    exam->doctor->pid = pid;
    if (!is_process(exam, check, pid))
        return;
    if (!gs_barrier_gather(&exam->facts, pid)) {
        refuse(exam, check, gs_barrier_missing(pid, &exam->err));
        return;
    }
    exam->facts.unreadable = exam->unreadable;
    const char *tracer = gs_status_field(status, "TracerPid:"), *name = gs_status_field(status, "Name:");
    exam->tracer = tracer ? (pid_t)atoi(tracer) : 0;
    gs_exam_open(exam);
    print_command(exam, name ? name : "?", command, sizeof command);
    if (asked == pid)
        gs_check_pass(check, "process %d: %s", (int)pid, command);
    else
        gs_check_pass(check, "%d is a thread of process %d: %s", (int)asked, (int)pid, command);
}

void gs_exam_process_barrier(struct gs_exam *exam, struct gs_check *check)
{
    const char *name = check->name + strlen("process_");
    gs_check_barrier(check, gs_barrier_find(name), &exam->facts, exam->opened == GS_NOT_PERMITTED);
}

void gs_exam_process_state(struct gs_exam *exam, struct gs_check *check)
{
    int pid = (int)exam->doctor->pid;
    switch (exam->state) {
    case 'T':
        gs_check_fail(check, "a signal has stopped it: it can be read, and does not move");
        gs_check_mend(check, "kill -CONT %d", pid);
        break;
    case 't':
        gs_check_fail(check, "who traces it has stopped it: it can be read, and does not move");
        break;
    case 'D':
        gs_check_fail(check, "its main thread waits for the kernel and cannot be interrupted (state D): if that lasts, "
                             "gilspy may wait as long");
        break;
    default:
        gs_check_pass(check, "nothing has stopped it");
    }
}

/* Of its main thread, else of the first thread that has one. */
static pid_t find_tracer(const struct gs_exam *exam)
{
    struct gs_task *tasks = NULL;
    size_t count = 0;
    pid_t tracer = exam->tracer;
    if (tracer == 0 && exam->target && gs_target_tasks(exam->target, &tasks, &count) != GS_OK)
        count = 0;
    for (size_t i = 0; i < count && i < TASKS_MOST && tracer == 0; i++) {
        char file[48], status[STATUS_BYTES];
        snprintf(file, sizeof file, "task/%d/status", (int)tasks[i].tid);
        const char *by = gs_proc_read(exam->target->pid, file, status, sizeof status) > 0
                             ? gs_status_field(status, "TracerPid:")
                             : NULL;
        tracer = by ? (pid_t)atoi(by) : 0;
    }
    free(tasks);
    return tracer;
}

void gs_exam_process_tracer(struct gs_exam *exam, struct gs_check *check)
{
    char name[32] = "";
    pid_t tracer = find_tracer(exam);
    if (tracer == 0) {
        gs_check_pass(check, "nobody traces it");
        return;
    }
    if (gs_proc_read(tracer, "comm", name, sizeof name) <= 0)
        snprintf(name, sizeof name, "?");
    name[strcspn(name, "\n")] = '\0';
    gs_check_fail(check,
                  "process %d (%s) traces it: gilspy cannot stop a thread of it, so that a stack that changes "
                  "while it is read stays in pieces; all else works",
                  (int)tracer, name);
    gs_check_mend(check, "detach it, or end it: kill %d", (int)tracer);
}
