/* The checks in their order, and the verdict. */
#include <stdio.h>
#include <string.h>

#include "diagnose/attempt.h"
#include "diagnose/exam.h"
#include "target/procfs.h"

static const struct gs_question machine[] = {
    {"kernel", true, gs_exam_kernel},        {"proc", true, gs_exam_proc},
    {"hidepid", false, gs_exam_hidepid},     {"user_namespace", false, gs_exam_namespace},
    {"ptrace", false, gs_exam_ptrace},       {"yama", true, gs_exam_yama},
    {"seccomp", true, gs_exam_seccomp},      {"read", true, gs_exam_read},
    {"stop", false, gs_exam_stop},           {"syscall", false, gs_exam_syscall},
    {"map_files", false, gs_exam_map_files}, {"perf", false, gs_exam_perf},
    {"traps", false, gs_exam_traps},         {"locale", false, gs_exam_locale},
    {"terminal", false, gs_exam_terminal},
};

/* The first finds the process: without it the others are not asked. */
static const struct gs_question process[] = {
    {"process", true, gs_exam_process},
    {"process_user_namespace", true, gs_exam_process_barrier},
    {"process_user", true, gs_exam_process_barrier},
    {"process_dumpable", true, gs_exam_process_barrier},
    {"process_capabilities", true, gs_exam_process_barrier},
    {"process_yama", true, gs_exam_process_barrier},
    {"process_read", true, gs_exam_process_read},
    {"process_state", false, gs_exam_process_state},
    {"process_tracer", false, gs_exam_process_tracer},
    {"process_container", false, gs_exam_process_container},
    {"process_python", true, gs_exam_process_python},
    {"process_library", false, gs_exam_process_library},
    {"process_watch", false, gs_exam_process_watch},
};

_Static_assert(sizeof machine / sizeof *machine + sizeof process / sizeof *process <= GS_CHECKS_MOST,
               "room for every check");

/* In the order of enum gs_use. */
static const struct {
    const char *name;
    bool built; /* this gilspy has it */
} uses[GS_USE_COUNT] = {{"dump", true}, {"native", true}, {"exact", true}};

const char *gs_use_name(enum gs_use use)
{
    return uses[use].name;
}

static bool passed(const struct gs_doctor *doctor, const char *name)
{
    for (size_t i = 0; i < doctor->count; i++) {
        if (strcmp(doctor->checks[i].name, name) == 0)
            return doctor->checks[i].ok;
    }
    return false;
}

static struct gs_check *ask(struct gs_exam *exam, const struct gs_question *question)
{
    struct gs_check *check = &exam->doctor->checks[exam->doctor->count++];
    *check = (struct gs_check){.name = question->name, .needed = question->needed};
    question->ask(exam, check);
    return check;
}

/* What matters is the process: what the machine forbids elsewhere does not keep us from it. */
static void judge_process(struct gs_exam *exam)
{
    struct gs_doctor *doctor = exam->doctor;
    size_t i = 0;
    while (i < sizeof process / sizeof *process) {
        if (!ask(exam, &process[i++])->ok && i == 1)
            break;
    }
    doctor->status = exam->opened;
    for (i = 0; i < doctor->count; i++)
        doctor->checks[i].needed = doctor->checks[i].needed && doctor->status != GS_OK;
}

static void judge_machine(struct gs_doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++) {
        if (doctor->checks[i].needed && !doctor->checks[i].ok && doctor->status == GS_OK)
            doctor->status = GS_NOT_PERMITTED;
    }
}

void gs_doctor_examine(struct gs_doctor *doctor, pid_t pid, const struct gs_surroundings *place)
{
    struct gs_exam exam = {.doctor = doctor, .place = place, .unreadable = gs_attempt(gs_barrier_try_ourselves)};
    *doctor = (struct gs_doctor){.pid = pid};
    exam.facts_known = gs_proc_check(NULL) == GS_OK && gs_barrier_gather(&exam.facts, 0);
    exam.facts.unreadable = exam.unreadable;
    for (size_t i = 0; i < sizeof machine / sizeof *machine; i++)
        ask(&exam, &machine[i]);
    if (pid != 0)
        judge_process(&exam);
    else
        judge_machine(doctor);
    for (int use = 0; use < GS_USE_COUNT; use++)
        doctor->usable[use] = doctor->status == GS_OK && uses[use].built;
    /* Where the C stack of a thread that sleeps is, the kernel tells there. */
    doctor->usable[GS_USE_NATIVE] = doctor->usable[GS_USE_NATIVE] && passed(doctor, "syscall");
    doctor->usable[GS_USE_EXACT] = doctor->usable[GS_USE_EXACT] && exam.watchable;
    gs_exam_close(&exam);
}
