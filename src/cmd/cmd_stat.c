/* gilspy stat: the GIL in figures, over a span of time. */
#include "cmd/cmd.h"
#include "cmd/figures.h"
#include "cmd/figures_exact.h"
#include "cmd/message.h"
#include "cmd/wire.h"

enum { USUAL_US = 10 * 1000000 /* unless told, and unless something else ends it */ };

static int run(const struct gs_args *args)
{
    struct gs_args mine = *args;
    struct gs_err err;
    bool exact = args->exact || args->counters; /* what is counted in a state is known where its ends are */
    enum gs_status status = exact ? gs_wire_check_one(args, "measure", &err) : gs_args_check(args, "measure", &err);
    if (!status && args->max_overhead != 0 && !exact)
        status = gs_fail(&err, GS_USAGE, "cannot measure: --max-overhead is for --exact");
    if (status)
        return gs_message(status, &err);
    mine.native = GS_NATIVE_NONE; /* who keeps the GIL has C frames anyway, and nobody else is looked at */
    if (args->duration_us == 0 && args->interval_us == 0 && !args->program)
        mine.duration_us = USUAL_US;
    return exact ? gs_figures_exact(&mine) : gs_figures_run(&mine);
}

const struct gs_cmd gs_cmd_stat = {
    .name = "stat",
    .summary = "the GIL in figures: who has it, who waits, for how long",
    .operands = "[-- COMMAND ...]",
    .offers = GS_OFFER_PROGRAM,
    .help =
        "Watches a process for ten seconds (or --duration; with --interval until interrupted, a command until it ends) "
        "and tells for each thread which share of the time it had the GIL, waited for it or did without, its share of "
        "a processor, how often it took the GIL (from another thread) and waited, its longest hold and wait; then "
        "where the GIL was kept for --long or more, in which C function, if it was one (with or without -n), and who "
        "waited for "
        "whom.\n"
        "\n"
        "The GIL's own words are looked at 1000 times a second, at random moments; nothing is stopped for that, but "
        "for one thread for some 30 us where its stack is needed because it keeps the GIL for long. Hand-overs are "
        "counted exactly, by the GIL's own count. A thread that lets go and takes it again with nobody in between is "
        "not noticed. Shares are of the time watched, and off by no more than the bound in the first line (95 times "
        "of 100); where sampling cannot know a figure it is '-', in JSON null.\n"
        "\n"
        "--exact sees each take and drop, also the short ones, by watching the words of the GIL (see gilspy trace). "
        "That costs the process some 2 to 10 us an event, which is measured first. Where it would come to more than "
        "--max-overhead, it is done in windows, and counts are those of the windows; where even these would cost "
        "more, it is sampled. Which, and why, is told. A guard is the tracer of its threads meanwhile (see gilspy "
        "trace): a process that a debugger has is sampled.\n"
        "\n"
        "--counters (which means --exact) tells besides what the kernel counted of each thread in each of its states: "
        "a page fault is a hold's or a wait's because both have an exact beginning and end. What the machine or the "
        "rights do not give is left out, and said. Cycles, instructions and cache misses are samples of 10,000,000, "
        "10,000,000 and 100,000. Where windows are traced, counts are of these.\n"
        "\n"
        "  gilspy stat -p 1234                        ten seconds, then a table\n"
        "  gilspy stat -p 1234 --json --interval 1    a line of JSON each second\n"
        "  gilspy stat -p 1234 --exact                each take, drop and wait\n"
        "  gilspy stat -p 1234 --counters             page faults and so on by state\n"
        "  gilspy stat -p 1234 --thread 'worker-*'    only these threads\n"
        "  gilspy stat -s -- python3 app.py           a program and its children",
    .options = GS_OPT(PID) | GS_OPT(SUBPROCESSES) | GS_OPT(USER) | GS_OPT(RATE) | GS_OPT(DURATION) | GS_OPT(INTERVAL) |
               GS_OPT(LONG) | GS_OPT(EXACT) | GS_OPT(COUNTERS) | GS_OPT(MAX_OVERHEAD) | GS_OPT(THREAD) |
               GS_OPT(NATIVE) | GS_OPT(DEBUGINFOD) | GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) |
               GS_OPT(JSON) | GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) |
               GS_OPT(HELP),
    .rate = "1000",
    .run = run,
};
