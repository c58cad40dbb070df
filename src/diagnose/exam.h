/* An examination while it goes on, for the sources of this folder. */
#ifndef GS_DIAGNOSE_EXAM_H
#define GS_DIAGNOSE_EXAM_H

#include "diagnose/doctor.h"
#include "gilspy/python.h"
#include "target/barrier.h"

struct gs_opening;

struct gs_exam {
    struct gs_doctor *doctor;
    const struct gs_surroundings *place;
    bool facts_known; /* not without a /proc of ours */
    struct gs_barrier_facts facts;
    int unreadable; /* as in gs_barrier_facts */
    bool stoppable; /* PTRACE_SEIZE works */
    bool watchable; /* exact events can be had, as far as is known by now */

    /* the process */
    char state; /* R, S, D, ... */
    pid_t tracer;
    enum gs_status opened; /* whether its memory may be read, and whether it is a Python */
    struct gs_err err;     /* why not */
    int missing;           /* how often the kernel did not answer */
    struct gs_opening *opening;
    struct gs_target *target; /* these two are of opening */
    struct gs_python *python;
};

/* A row of a table of checks: what is asked of the exam, and told in the check. */
struct gs_question {
    const char *name;
    bool needed;
    void (*ask)(struct gs_exam *exam, struct gs_check *check);
};

void gs_check_pass(struct gs_check *check, const char *fmt, ...) GS_PRINTF(2, 3);
void gs_check_fail(struct gs_check *check, const char *fmt, ...) GS_PRINTF(2, 3);
void gs_check_mend(struct gs_check *check, const char *fmt, ...) GS_PRINTF(2, 3);
/* A failure, and what to do about it. */
void gs_check_error(struct gs_check *check, const struct gs_err *err);
/* What a rule of the kernel says of us, or of the process. forbidden: reading was tried and refused. */
void gs_check_barrier(struct gs_check *check, const struct gs_barrier *barrier, const struct gs_barrier_facts *facts,
                      bool forbidden);

/* machine.c: what the kernel and its settings say. */
void gs_exam_kernel(struct gs_exam *exam, struct gs_check *check);
void gs_exam_proc(struct gs_exam *exam, struct gs_check *check);
void gs_exam_hidepid(struct gs_exam *exam, struct gs_check *check);
void gs_exam_namespace(struct gs_exam *exam, struct gs_check *check);
void gs_exam_ptrace(struct gs_exam *exam, struct gs_check *check);
void gs_exam_yama(struct gs_exam *exam, struct gs_check *check);
void gs_exam_locale(struct gs_exam *exam, struct gs_check *check);
void gs_exam_terminal(struct gs_exam *exam, struct gs_check *check);

/* powers.c: what is tried. */
void gs_exam_seccomp(struct gs_exam *exam, struct gs_check *check);
void gs_exam_read(struct gs_exam *exam, struct gs_check *check);
void gs_exam_stop(struct gs_exam *exam, struct gs_check *check);
void gs_exam_syscall(struct gs_exam *exam, struct gs_check *check);
void gs_exam_map_files(struct gs_exam *exam, struct gs_check *check);

/* exact.c */
void gs_exam_perf(struct gs_exam *exam, struct gs_check *check);
void gs_exam_traps(struct gs_exam *exam, struct gs_check *check);
void gs_exam_process_watch(struct gs_exam *exam, struct gs_check *check);

/* process.c: one process. The first finds it: without it the others are not asked. */
void gs_exam_process(struct gs_exam *exam, struct gs_check *check);
void gs_exam_process_barrier(struct gs_exam *exam, struct gs_check *check);
void gs_exam_process_state(struct gs_exam *exam, struct gs_check *check);
void gs_exam_process_tracer(struct gs_exam *exam, struct gs_check *check);

/* python.c: what is inside of it. */
void gs_exam_open(struct gs_exam *exam);
void gs_exam_close(struct gs_exam *exam);
void gs_exam_process_read(struct gs_exam *exam, struct gs_check *check);
void gs_exam_process_container(struct gs_exam *exam, struct gs_check *check);
void gs_exam_process_python(struct gs_exam *exam, struct gs_check *check);
void gs_exam_process_library(struct gs_exam *exam, struct gs_check *check);

#endif
