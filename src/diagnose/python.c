/* What is inside of a process: whether its memory may be read, its Python, and the file that holds that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/isolated.h"
#include "base/watch.h"
#include "diagnose/exam.h"

/* What is done in a thread that is left behind when the kernel does not answer, with all that it uses. */
struct gs_opening {
    pid_t pid;
    struct gs_watch *watch;
    struct gs_target *target;
    struct gs_python *python;
    struct gs_err err;
};

static enum gs_status open_all(void *context)
{
    struct gs_opening *opening = context;
    struct gs_python_options options = {0};
    enum gs_status status = gs_target_open(&opening->target, opening->pid, opening->watch, &opening->err);
    return status == GS_OK ? gs_python_open(&opening->python, opening->target, &options, &opening->err) : status;
}

static bool no_memory(struct gs_exam *exam)
{
    exam->opened = gs_fail(&exam->err, GS_NO_MEMORY, "cannot read process %d: out of memory", (int)exam->doctor->pid);
    return false;
}

/* Once more than before, without what did not answer then. False: no other attempt helps. */
static bool try_open(struct gs_exam *exam, struct gs_watch **watch, struct gs_stuck *stuck)
{
    struct gs_opening *opening = calloc(1, sizeof *opening);
    *watch = gs_watch_new(*watch, stuck);
    if (!opening || !*watch) {
        free(opening);
        return no_memory(exam);
    }
    *opening = (struct gs_opening){.pid = exam->doctor->pid, .watch = *watch};
    exam->opened = gs_watch_run(*watch, open_all, opening, stuck);
    if (stuck->what) {
        gs_fail(&exam->err, GS_FAILED, "the kernel does not answer: process %d, %s", (int)opening->pid, stuck->what);
        exam->missing++;
        return stuck->spare;
    }
    exam->opening = opening;
    exam->target = exam->opened == GS_NOT_PERMITTED ? NULL : opening->target;
    exam->python = opening->python;
    exam->err = opening->err;
    return false;
}

void gs_exam_open(struct gs_exam *exam)
{
    enum { ATTEMPTS = 16 };
    struct gs_stuck stuck = {0};
    struct gs_watch *watch = NULL;
    if (exam->unreadable == GS_UNREADABLE_KILLED) {
        exam->opened = gs_barrier_refuse(&exam->facts, &exam->err);
        return;
    }
    for (int i = 0; i < ATTEMPTS && try_open(exam, &watch, &stuck); i++)
        ;
}

void gs_exam_close(struct gs_exam *exam)
{
    struct gs_opening *opening = exam->opening;
    if (!opening)
        return;
    gs_python_close(opening->python);
    gs_target_close(opening->target);
    gs_watch_free(opening->watch);
    free(opening);
}

void gs_exam_process_read(struct gs_exam *exam, struct gs_check *check)
{
    if (exam->target && exam->missing > 0)
        gs_check_fail(check, "its memory can be read but for what the kernel does not bring");
    else if (exam->target)
        gs_check_pass(check, "its memory can be read");
    else
        gs_check_error(check, &exam->err);
}

void gs_exam_process_container(struct gs_exam *exam, struct gs_check *check)
{
    if (!exam->target)
        gs_check_fail(check, "not known whether it runs in a container: it cannot be read");
    else if (exam->target->ns_pid != exam->target->pid)
        gs_check_pass(check, "it runs in a container, where its pid is %d", (int)exam->target->ns_pid);
    else if (exam->target->container)
        gs_check_pass(check, "it runs in a container, or sees other files than gilspy");
    else
        gs_check_pass(check, "it runs in no other container than gilspy");
}

void gs_exam_process_python(struct gs_exam *exam, struct gs_check *check)
{
    if (exam->python)
        gs_check_pass(check, "Python %s, %s", exam->python->version, gs_python_build(exam->python));
    else if (exam->target)
        gs_check_error(check, &exam->err);
    else {
        gs_check_fail(check, "not known whether it is a Python: it cannot be read");
        check->needed = false; /* that is told already */
    }
}

/* Where the file that holds its runtime is found. */
enum place { NOWHERE, HERE, IN_ITS_ROOT, REPLACED };

static bool leads_to(const char *path, const struct stat *file)
{
    struct stat found;
    return stat(path, &found) == 0 && found.st_ino == file->st_ino && found.st_dev == file->st_dev;
}

static void find_library(const void *context, void *result)
{
    const struct gs_exam *exam = context;
    const struct gs_target *target = exam->target;
    const char *library = exam->python->library;
    enum place *place = result;
    char path[4096];
    struct stat file;
    size_t i = 0;
    while (i < target->map_count && strcmp(target->maps[i].path, library) != 0)
        i++;
    int fd = i < target->map_count ? gs_target_open_file(target, &target->maps[i]) : -1;
    if (fd < 0 || fstat(fd, &file) != 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)target->living, library);
    *place = leads_to(library, &file) ? HERE : leads_to(path, &file) ? IN_ITS_ROOT : REPLACED;
}

/* The library may lie on a mount that does not answer, which dump can do without: it is looked for as dump does. */
void gs_exam_process_library(struct gs_exam *exam, struct gs_check *check)
{
    static const char *const where[] = {
        [HERE] = "can be opened",
        [IN_ITS_ROOT] = "can be opened in its own root",
        [REPLACED] = "is another file by now; the one that it runs can be opened",
    };
    enum place place = NOWHERE;
    char mend[GS_BARRIER_TEXT];
    if (!exam->python) {
        gs_check_fail(check, "not known which file holds its Python");
        return;
    }
    const char *library = exam->python->library;
    if (gs_isolated_run(find_library, exam, &place, sizeof place) == GS_ISOLATED_LATE) {
        gs_check_fail(check, "the kernel does not answer: opening %s; what its memory does not contain stays unknown",
                      library);
    } else if (place == NOWHERE) {
        gs_check_fail(check, "%s cannot be opened: what its memory does not contain stays unknown", library);
        if (!gs_barrier_privileged(&exam->facts)) {
            gs_barrier_elevate(&exam->facts, mend, sizeof mend);
            gs_check_mend(check, "%s", mend);
        }
    } else {
        gs_check_pass(check, "%s %s", library, where[place]);
    }
}
