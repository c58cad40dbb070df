/* What is inside of a process: whether its memory may be read, its Python, and the file that holds that. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/watch.h"
#include "diagnose/exam.h"

/* What is done in a thread that is left behind when the kernel does not answer, with all that it uses. */
struct gs_opening {
    pid_t pid;
    struct gs_watch *watch;
    struct gs_target *target;
    struct gs_python *python;
    const struct gs_map *map; /* of the file that holds the runtime, NULL: not known */
    int file;                 /* that file, -1: it cannot be opened */
    struct gs_err err;
};

static enum gs_status open_all(void *context)
{
    struct gs_opening *opening = context;
    struct gs_python_options options = {0};
    enum gs_status status = gs_target_open(&opening->target, opening->pid, opening->watch, &opening->err);
    if (status == GS_OK)
        status = gs_python_open(&opening->python, opening->target, &options, &opening->err);
    if (status != GS_OK)
        return status;
    for (size_t i = 0; i < opening->target->map_count && !opening->map; i++) {
        if (strcmp(opening->target->maps[i].path, opening->python->library) == 0)
            opening->map = &opening->target->maps[i];
    }
    if (opening->map)
        opening->file = gs_target_open_file(opening->target, opening->map);
    return GS_OK;
}

void gs_exam_open(struct gs_exam *exam)
{
    struct gs_stuck stuck = {0};
    int pid = (int)exam->doctor->pid;
    if (exam->unreadable == GS_UNREADABLE_KILLED) {
        exam->opened = gs_barrier_refuse(&exam->facts, &exam->err);
        return;
    }
    struct gs_opening *opening = calloc(1, sizeof *opening);
    struct gs_watch *watch = gs_watch_new(NULL, NULL);
    if (!opening || !watch) {
        free(opening);
        gs_watch_free(watch);
        exam->opened = gs_fail(&exam->err, GS_NO_MEMORY, "cannot read process %d: out of memory", pid);
        return;
    }
    *opening = (struct gs_opening){.pid = pid, .watch = watch, .file = -1};
    exam->opened = gs_watch_run(watch, open_all, opening, &stuck);
    if (stuck.what) {
        gs_fail(&exam->err, GS_FAILED, "the kernel does not answer: process %d, %s", pid, stuck.what);
        return;
    }
    exam->opening = opening;
    exam->target = opening->target;
    exam->python = opening->python;
    exam->err = opening->err;
}

void gs_exam_close(struct gs_exam *exam)
{
    struct gs_opening *opening = exam->opening;
    if (!opening)
        return;
    if (opening->file >= 0)
        close(opening->file);
    gs_python_close(opening->python);
    gs_target_close(opening->target);
    gs_watch_free(opening->watch);
    free(opening);
}

void gs_look_process_read(struct gs_exam *exam, struct gs_check *check)
{
    if (exam->target)
        gs_check_pass(check, "its memory can be read");
    else
        gs_check_error(check, &exam->err);
}

void gs_look_process_container(struct gs_exam *exam, struct gs_check *check)
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

void gs_look_process_python(struct gs_exam *exam, struct gs_check *check)
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

static bool leads_to(const char *path, const struct stat *file)
{
    struct stat found;
    return stat(path, &found) == 0 && found.st_ino == file->st_ino && found.st_dev == file->st_dev;
}

void gs_look_process_library(struct gs_exam *exam, struct gs_check *check)
{
    const struct gs_opening *opening = exam->opening;
    const char *library = exam->python ? exam->python->library : "";
    char path[4096], mend[GS_BARRIER_TEXT];
    struct stat file;
    if (!exam->python) {
        gs_check_fail(check, "not known which file holds its Python");
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)exam->target->pid, library);
    if (opening->file < 0 || fstat(opening->file, &file) != 0) {
        gs_check_fail(check, "%s cannot be opened: what its memory does not contain stays unknown", library);
        if (!gs_barrier_privileged(&exam->facts)) {
            gs_barrier_elevate(&exam->facts, mend, sizeof mend);
            gs_check_mend(check, "%s", mend);
        }
    } else if (leads_to(library, &file)) {
        gs_check_pass(check, "%s can be opened", library);
    } else if (leads_to(path, &file)) {
        gs_check_pass(check, "%s can be opened in its own root", library);
    } else {
        gs_check_pass(check, "%s is another file by now; the one that it runs can be opened", library);
    }
}
