/* Between a program that writes as it likes and a screen that nobody else may write to. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/message.h"
#include "base/output.h"
#include "session/signals.h"
#include "cmd/top_program.h"

enum { LINES = 10, LINE_MOST = 400, END_BYTES = 8192 };

enum gs_status gs_top_program_open(struct gs_top_program *program, const struct gs_args *args, struct gs_err *err)
{
    const char *folder = getenv("TMPDIR");
    *program = (struct gs_top_program){0};
    if (!args->program || args->once)
        return GS_OK;
    if (asprintf(&program->path, "%s/gilspy-top-XXXXXX.log", folder && *folder ? folder : "/tmp") < 0) {
        program->path = NULL;
        return gs_fail(err, GS_NO_MEMORY, "cannot watch: out of memory");
    }
    int fd = mkostemps(program->path, (int)strlen(".log"), O_APPEND | O_CLOEXEC);
    if (fd < 0) {
        gs_fail(err, GS_OUTPUT, "cannot keep what %.100s writes in %.200s: %s", args->program[0], program->path,
                strerror(errno));
        free(program->path);
        program->path = NULL;
        return GS_OUTPUT;
    }
    gs_output_give_to_sudo_user(fd, &gs_to_user);
    program->output = fd;
    program->name = args->program[0];
    return GS_OK;
}

void gs_top_program_introduce(const struct gs_top_program *program, char *note, size_t size)
{
    if (program->name)
        snprintf(note, size, "what it writes is in %s", program->path);
}

/* Its exit status, 128 + N when signal N ended it; -1: it runs. */
static int exit_of(struct gs_sampling *session)
{
    struct gs_spawn *spawn = gs_sampling_program(session);
    return spawn && gs_spawn_ended(spawn) ? spawn->exit : -1;
}

bool gs_top_program_leaves(struct gs_top_program *program, struct gs_sampling *session, char *note, size_t size)
{
    if (!program->name || program->asked || exit_of(session) >= 0)
        return true;
    program->asked = true;
    snprintf(note, size, "%.60s still runs: q once more ends it, any other key goes on", program->name);
    return false;
}

void gs_top_program_stays(struct gs_top_program *program)
{
    program->asked = false;
}

void gs_top_program_look(struct gs_top_program *program, struct gs_sampling *session, char *note, size_t size)
{
    int exit = program->name && !program->told ? exit_of(session) : -1;
    if (exit < 0)
        return;
    program->told = true;
    if (exit > 128)
        snprintf(note, size, "%.60s was ended by signal %d; q ends", program->name, exit - 128);
    else
        snprintf(note, size, "%.60s has ended with exit status %d; q ends", program->name, exit);
}

/* The last lines of what it wrote: where something failed, the reason is most often there. */
static void tell_last_lines(int fd, off_t size)
{
    char bytes[END_BYTES + 1];
    off_t from = size > END_BYTES ? size - END_BYTES : 0;
    ssize_t got = pread(fd, bytes, END_BYTES, from);
    size_t len = got > 0 ? (size_t)got : 0, begin = len;
    while (len > 0 && bytes[len - 1] == '\n')
        len--;
    bytes[len] = '\0';
    for (int lines = 0; begin > 0; begin--) {
        if (begin - 1 < len && bytes[begin - 1] == '\n' && ++lines == LINES)
            break;
    }
    for (char *line = bytes + (begin < len ? begin : len), *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        int shown = end - line < LINE_MOST ? (int)(end - line) : LINE_MOST;
        gs_remark("  %.*s", shown, line);
        end += *end == '\n';
    }
}

/* An empty file is of no use to anybody. */
static void tell_output(const struct gs_top_program *program, bool failed, bool quiet)
{
    struct stat about;
    if (fstat(program->output, &about) != 0 || about.st_size == 0) {
        unlink(program->path);
        return;
    }
    if (quiet)
        return;
    gs_remark("what %s wrote is in %s%s", program->name, program->path, failed ? "; its last lines:" : "");
    if (failed)
        tell_last_lines(program->output, about.st_size);
}

int gs_top_program_finish(struct gs_top_program *program, struct gs_sampling *session, bool end, bool quiet)
{
    struct gs_spawn *spawn = session ? gs_sampling_program(session) : NULL;
    if (program->name && spawn && !gs_spawn_ended(spawn)) {
        if (end)
            kill(spawn->pid, SIGTERM);
        else if (!quiet)
            gs_remark("waiting for the end of %s (%d)", program->name, (int)spawn->pid);
    } else {
        end = false;
    }
    int exit = session ? gs_sampling_wait(session) : -1;
    if (program->output) {
        tell_output(program, exit > 0 && !end && !gs_signals_ended(), quiet);
        close(program->output);
    }
    free(program->path);
    *program = (struct gs_top_program){0};
    return exit;
}
