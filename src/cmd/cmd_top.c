/* gilspy top: a live screen of one process, or of several. */
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/message.h"
#include "cmd/pick.h"
#include "cmd/top.h"

enum { USUAL_INTERVAL_US = 1000000 };

/* The documents of stat, one a line; with --once only one. */
static int write_figures(const struct gs_args *args)
{
    struct gs_args mine = *args;
    mine.native = GS_NATIVE_NONE; /* as for stat */
    if (mine.once && mine.duration_us == 0)
        mine.duration_us = USUAL_INTERVAL_US;
    if (!mine.once && mine.interval_us == 0)
        mine.interval_us = USUAL_INTERVAL_US;
    return gs_figures_run(&mine);
}

/* What would be left unheeded is rather not begun. */
static enum gs_status check_usage(const struct gs_args *args, struct gs_err *err)
{
    const char *of_screen =
        gs_args_given(args, GS_OPT(MODE) | GS_OPT(GIL) | GS_OPT(IDLE) | GS_OPT(THREADS) | GS_OPT(FUNCTION));
    if (args->interval_us > 0 && (!args->json || args->once))
        return gs_fail(err, GS_USAGE, "cannot watch: --interval is for the documents of --json%s",
                       args->once ? ", and --once has one end" : "");
    if (args->json && of_screen) {
        gs_fail(err, GS_USAGE, "cannot watch: --json has the figures of stat, for which there is no --%s", of_screen);
        gs_err_todo(err, "gilspy record -f jsonl -o - has the samples as JSON");
        return GS_USAGE;
    }
    if (args->output && !args->json && !args->once) {
        gs_fail(err, GS_USAGE, "cannot watch: --output is for --json and --once, not for the screen");
        gs_err_todo(err, "On the screen w writes a dump to a file");
        return GS_USAGE;
    }
    return GS_OK;
}

static int run(const struct gs_args *args)
{
    struct gs_args chosen = *args;
    struct gs_err usage;
    pid_t pid = 0;
    if (check_usage(args, &usage) != GS_OK)
        return gs_message(GS_USAGE, &usage);
    if (args->pid_count > 0 || args->program || args->user) {
        struct gs_err err;
        enum gs_status status = gs_args_check(args, "watch", &err);
        if (status)
            return gs_message(status, &err);
        return args->json ? write_figures(args) : gs_top_watch(args);
    }
    int exit = gs_pick(args, &pid);
    if (pid == 0)
        return exit;
    chosen.pids = &pid;
    chosen.pid_count = 1;
    return gs_top_watch(&chosen);
}

const struct gs_cmd gs_cmd_top = {
    .name = "top",
    .summary = "watch who holds the GIL and where the threads are, live",
    .operands = "[-- COMMAND ...]",
    .offers = GS_OFFER_PROGRAM,
    .help =
        "A screen that tells at a glance who holds the GIL, who waits for it, since when, and what code that is. Its "
        "panes: the threads, the stack of one, functions, the longest holds, who makes whom wait, and a timeline. "
        "Without a process the Python processes are listed, to choose one; / and \\ search and filter there, too.\n"
        "\n"
        "Keys: 1-6 and Tab panes, arrows rows, Enter the thread's stack, s sort, / search, \\ filter, space pause, "
        "r count anew, m mode, + and - rate, f whole file names, w write a dump to a file, h help, q quit.\n"
        "\n"
        "Threads are sampled at the rate; who has the GIL is looked at up to 1000 times a second in between, "
        "but less often (250 at least) where top would take more than some 2 % of a processor. Shares are of the last "
        "seconds (what is 10 s older counts half), with --once of the whole time; UNKN%, if it is there, "
        "is time of which it is not known what a thread did with the GIL. When the process ends, the last screen "
        "stays.\n"
        "\n"
        "With --thread only these threads are listed and counted; what the head tells of the GIL is of all.\n"
        "\n"
        "A command behind -- has no terminal while the screen is there: it reads nothing, and what it writes is kept "
        "in a file in TMPDIR (or /tmp), which is named in the last line and at the end. q asks before it ends the "
        "command (TERM); Ctrl-C ends both.\n"
        "\n"
        "  gilspy top -p 1234\n"
        "  gilspy top -s -p 1234              with the processes that it started\n"
        "  gilspy top -n -p 1234              in which C function each thread is\n"
        "  gilspy top --thread 'worker-*' -p 1234\n"
        "  gilspy top -- python3 app.py       a program from its start\n"
        "  gilspy top -p 1234 --once -d 10    ten seconds, then the result as text\n"
        "  gilspy top -p 1234 --json          a line of JSON each second, as stat has it",
    .options = GS_OPT(PID) | GS_OPT(SUBPROCESSES) | GS_OPT(USER) | GS_OPT(THREADS) | GS_OPT(THREAD) | GS_OPT(FUNCTION) |
               GS_OPT(RATE) | GS_OPT(DURATION) | GS_OPT(INTERVAL) | GS_OPT(LONG) | GS_OPT(ONCE) | GS_OPT(JSON) |
               GS_OPT(MODE) | GS_OPT(GIL) | GS_OPT(IDLE) | GS_OPT(NATIVE) | GS_OPT(DEBUGINFOD) | GS_OPT(BLOCKING) |
               GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(COLOR) |
               GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
    .whole = true,
};
