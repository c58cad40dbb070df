/* The reason is the command's, the process's, or that the run was too short for its rate. */
#include "cmd/nobody.h"

enum gs_status gs_nobody_tell(const struct gs_nobody *nobody, const struct gs_args *args, struct gs_err *err)
{
    const char *program = args->program ? args->program[0] : NULL;
    if (!nobody->due) {
        gs_fail(err, GS_GONE, "nothing was %s: the end came before the first look was due", nobody->done);
        gs_err_todo(err, "Give it more time (--duration), or look more often (--rate)");
        return GS_GONE;
    }
    if (!program)
        return gs_fail(err, GS_GONE, "nothing was %s: no Python could be read before the end", nobody->done);
    gs_fail(err, GS_GONE, "nothing was %s: no Python was met in %.100s %s", nobody->done, program,
            nobody->over ? "before its end" : "so far");
    if (nobody->single)
        gs_err_todo(err, "If %.100s starts Python as a process of its own, name that with -p", program);
    else if (!args->subprocesses)
        gs_err_todo(err, "If %.100s starts Python as a process of its own, add -s", program);
    return GS_GONE;
}
