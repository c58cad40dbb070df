/* gilspy top: a live screen of one process, or of several; the user picks them when none is named. */
#include <unistd.h>

#include "base/clock.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/message.h"
#include "cmd/top.h"
#include "cmd/wire.h"
#include "export/ps.h"
#include "session/loop.h"
#include "session/signals.h"
#include "view/choice.h"
#include "view/screen.h"

enum { RENEW_NS = 3000000000 };

static enum gs_status survey(struct gs_ps *ps, const struct gs_args *args, struct gs_err *err)
{
    const struct gs_attach_options options = gs_wire_attach(args, NULL);
    int exit = 0;
    return gs_survey(ps, args->pids, args->pid_count, args->found, &options, &exit, err);
}

/* To those who have no terminal. */
static int list(const struct gs_args *args)
{
    struct gs_err err;
    struct gs_ps ps;
    struct gs_console console;
    gs_fail(&err, GS_USAGE, "cannot watch: no process is named");
    gs_err_todo(&err, "Name one with -p PID, as gilspy ps lists them:");
    int usage = gs_message(GS_USAGE, &err);
    gs_console_init(&console, stderr, args->color);
    enum gs_status status = survey(&ps, args, &err);
    if (status == GS_OK)
        status = gs_ps_text(&ps, &console, args->verbose);
    gs_ps_fini(&ps);
    return status == GS_OK ? usage : gs_message(status, &err);
}

struct picking {
    const struct gs_args *args;
    struct gs_ps ps;
    struct gs_choice choice;
    struct gs_grid grid;
    enum gs_choice_made made;
    uint64_t renew_ns; /* the list */
    struct gs_err err;
};

static enum gs_status renew(struct picking *picking)
{
    gs_ps_fini(&picking->ps);
    picking->ps = (struct gs_ps){0};
    enum gs_status status = survey(&picking->ps, picking->args, &picking->err);
    picking->renew_ns = gs_clock_ns() + RENEW_NS;
    return status;
}

static enum gs_status draw(struct picking *picking)
{
    int rows, columns;
    gs_screen_size(&rows, &columns);
    if (!gs_grid_begin(&picking->grid, rows, columns))
        return gs_fail(&picking->err, GS_NO_MEMORY, "cannot show the processes: out of memory");
    gs_choice_draw(&picking->choice, &picking->ps, &picking->grid);
    gs_screen_show(&picking->grid);
    return GS_OK;
}

static enum gs_choice_made read_keys(struct picking *picking)
{
    enum gs_choice_made made = GS_CHOICE_NONE;
    for (uint32_t key; made == GS_CHOICE_NONE && (key = gs_screen_key()) != GS_KEY_NONE;)
        made = gs_choice_key(&picking->choice, &picking->ps, key);
    return made;
}

static uint64_t renew_due(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct picking *)context)->renew_ns;
}

/* A key, another size of the terminal, or it is time for another list. */
static enum gs_status go_on(void *context, uint64_t now_ns, bool woken)
{
    struct picking *picking = context;
    enum gs_status status = GS_OK;
    (void)now_ns;
    picking->made = woken ? read_keys(picking) : GS_CHOICE_RENEW;
    if (picking->made == GS_CHOICE_RENEW) {
        picking->made = GS_CHOICE_NONE;
        status = renew(picking);
    }
    return status || picking->made != GS_CHOICE_NONE ? status : draw(picking);
}

static bool is_made(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct picking *)context)->made != GS_CHOICE_NONE;
}

static enum gs_status choose(struct picking *picking)
{
    struct gs_loop loop = {.events = {{.context = picking, .due = renew_due, .run = go_on, .wakes = true}},
                           .count = 1,
                           .fd = STDIN_FILENO,
                           .context = picking,
                           .over = is_made};
    enum gs_status status = draw(picking);
    return status ? status : gs_loop_run(&loop);
}

/* On a terminal: *pid is the one chosen, 0 when the user quit. Elsewhere the list is printed as help to the message
 * that one must be named. Returns the exit status where there is no pid. */
static int pick(const struct gs_args *args, pid_t *pid)
{
    struct gs_args quiet = *args;
    struct gs_console console;
    struct picking picking = {.args = &quiet};
    if (args->once || args->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return list(args);
    quiet.quiet = true;
    gs_console_init(&console, stdout, args->color);
    picking.choice.utf8 = console.utf8;
    gs_signals_catch();
    enum gs_status status = renew(&picking);
    if (!status)
        status = gs_screen_open(console.depth, &picking.err);
    if (!status)
        status = choose(&picking);
    gs_screen_close();
    if (!status && picking.made == GS_CHOICE_TAKEN)
        *pid = picking.choice.pid;
    gs_ps_fini(&picking.ps);
    gs_grid_fini(&picking.grid);
    gs_choice_fini(&picking.choice);
    return status ? gs_message(status, &picking.err) : 0;
}

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

/* What makes sense of a recording, too. */
#define OF_RECORDINGS                                                                                                  \
    (GS_OPT(FROM) | GS_OPT(TO) | GS_OPT(THREADS) | GS_OPT(THREAD) | GS_OPT(FUNCTION) | GS_OPT(MODE) | GS_OPT(GIL) |    \
     GS_OPT(IDLE) | GS_OPT(ONCE) | GS_OPT(OUTPUT) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP))

/* What would be left unheeded is rather not begun. */
static enum gs_status check_usage(const struct gs_args *args, struct gs_err *err)
{
    const char *of_screen =
        gs_args_given(args, GS_OPT(MODE) | GS_OPT(GIL) | GS_OPT(IDLE) | GS_OPT(THREADS) | GS_OPT(FUNCTION));
    if (args->interval_us > 0 && (!args->json || args->once))
        return gs_fail(err, GS_USAGE, "cannot watch: --interval is for the documents of --json%s",
                       args->once ? ", and --once has one end" : "");
    if (args->mode >= GS_MODE_LIVE)
        return gs_fail(err, GS_USAGE, "cannot watch: mode %s is for record and report", gs_modes[args->mode].name);
    if (args->json && of_screen) {
        gs_fail(err, GS_USAGE, "cannot watch: --json has the figures of stat, for which there is no --%s", of_screen);
        gs_err_todo(err, "gilspy record -f jsonl -o - has the samples as JSON");
        return GS_USAGE;
    }
    const char *of_process = gs_args_given(args, ~OF_RECORDINGS);
    if (args->word_count > 0 && (of_process || args->program))
        return gs_fail(err, GS_USAGE, "cannot play a recording: %s%s is for a process",
                       of_process ? "--" : "-- COMMAND", of_process ? of_process : "");
    if (args->word_count == 0 && gs_args_given(args, GS_OPT(FROM) | GS_OPT(TO)))
        return gs_fail(err, GS_USAGE, "cannot watch: --from and --to are parts of a recording");
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
    if (args->word_count > 0)
        return gs_top_watch(args);
    if (args->pid_count > 0 || args->program || args->user) {
        struct gs_err err;
        enum gs_status status = gs_args_check(args, "watch", &err);
        if (status)
            return gs_message(status, &err);
        return args->json ? write_figures(args) : gs_top_watch(args);
    }
    int exit = pick(args, &pid);
    if (pid == 0)
        return exit;
    chosen.pids = &pid;
    chosen.pid_count = 1;
    return gs_top_watch(&chosen);
}

const struct gs_cmd gs_cmd_top = {
    .name = "top",
    .summary = "watch who holds the GIL and where the threads are, live",
    .operands = "[FILE.gilspy ... | -- COMMAND ...]",
    .offers = GS_OFFER_PROGRAM,
    .help =
        "A screen that tells at a glance who holds the GIL, who waits for it, since when, and what code that is. Its "
        "panes: the threads, the stack of one, functions, the longest holds, who makes whom wait, a timeline, and the "
        "tasks of event loops and greenlets, alike ones together, and other locks than the GIL; these two are read "
        "only while their pane is shown. "
        "Without a process the Python processes are listed, to choose one; / and \\ search and filter there, too.\n"
        "\n"
        "Keys: 1-8 and Tab panes, arrows rows, Enter the thread's stack, s sort, / search, \\ filter, space pause, "
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
        "A recording (FILE.gilspy, or several) is played as if it were live, in the same screen: space stops it, "
        ", and . go a second back and forward, < and > half a minute, + and - make it faster and slower. What it does "
        "not have, as the processor time of threads, is left out.\n"
        "\n"
        "  gilspy top -p 1234\n"
        "  gilspy top -s -p 1234              with the processes that it started\n"
        "  gilspy top -n -p 1234              in which C function each thread is\n"
        "  gilspy top --thread 'worker-*' -p 1234\n"
        "  gilspy top -- python3 app.py       a program from its start\n"
        "  gilspy top -p 1234 --once -d 10    ten seconds, then the result as text\n"
        "  gilspy top run.gilspy --from 5m    a recording, from its sixth minute on\n"
        "  gilspy top -p 1234 --json          a line of JSON each second, as stat has it",
    .options = GS_OPT(PID) | GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(SUBPROCESSES) | GS_OPT(USER) | GS_OPT(THREADS) |
               GS_OPT(THREAD) | GS_OPT(FUNCTION) | GS_OPT(RATE) | GS_OPT(DURATION) | GS_OPT(INTERVAL) | GS_OPT(LONG) |
               GS_OPT(ONCE) | GS_OPT(JSON) | GS_OPT(MODE) | GS_OPT(GIL) | GS_OPT(IDLE) | GS_OPT(NATIVE) |
               GS_OPT(DEBUGINFOD) | GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(OUTPUT) |
               GS_OPT(ASSUME) | GS_OPT(FROM) | GS_OPT(TO) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) |
               GS_OPT(HELP),
    .run = run,
    .whole = true,
};
