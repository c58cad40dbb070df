/* gilspy ps: the Python processes here. */
#include "base/clock.h"
#include "base/least.h"
#include "cmd/cmd.h"
#include "cmd/message.h"
#include "cmd/wire.h"
#include "export/ps.h"
#include "session/loop.h"
#include "session/signals.h"

struct listing {
    const struct gs_args *args;
    struct gs_output output;
    struct gs_err err;
    uint64_t next_ns;
    int exit;
    bool left; /* the reader did */
};

static enum gs_status show(struct listing *listing)
{
    const struct gs_args *args = listing->args;
    const struct gs_attach_options options = gs_wire_attach(args, &listing->output);
    FILE *out = listing->output.file;
    struct gs_console console;
    struct gs_ps ps;
    enum gs_status status =
        gs_survey(&ps, args->pids, args->pid_count, args->found, &options, &listing->exit, &listing->err);
    if (status == GS_OK && args->tree && !gs_ps_tree(&ps))
        status = gs_fail(&listing->err, GS_NO_MEMORY, "cannot list the processes: out of memory");
    if (status == GS_OK) {
        gs_console_init(&console, out, args->color);
        status = args->json ? gs_ps_json(&ps, out) : gs_ps_text(&ps, &console, args->verbose);
        if (status != GS_OK)
            gs_fail(&listing->err, status, "cannot show the processes: %s", gs_status_text(status));
    }
    gs_ps_fini(&ps);
    return status;
}

static uint64_t show_due(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct listing *)context)->next_ns;
}

static enum gs_status show_again(void *context, uint64_t now_ns, bool woken)
{
    struct listing *listing = context;
    (void)now_ns;
    (void)woken;
    listing->exit = 0;
    enum gs_status status = show(listing);
    if (!listing->args->json)
        fputc('\n', listing->output.file);
    listing->next_ns = gs_most(listing->next_ns + listing->args->interval_us * 1000, gs_clock_ns());
    listing->left = gs_output_flush(&listing->output) != GS_OK;
    return status;
}

static bool is_over(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct listing *)context)->left;
}

/* One result per interval, until a signal; a reader who left ends it too. */
static enum gs_status show_on(struct listing *listing)
{
    struct gs_loop loop = {.events = {{.context = listing, .due = show_due, .run = show_again}},
                           .count = 1,
                           .fd = -1,
                           .context = listing,
                           .over = is_over};
    gs_signals_catch();
    listing->next_ns = gs_clock_ns();
    return gs_loop_run(&loop);
}

static int run(const struct gs_args *args)
{
    struct listing listing = {.args = args};
    enum gs_status status = gs_output_open(&listing.output, args->output, &gs_to_user, &listing.err);
    if (status != GS_OK)
        return gs_message(status, &listing.err);
    status = args->interval_us > 0 ? show_on(&listing) : show(&listing);
    if (status != GS_OK)
        listing.exit = gs_message(status, &listing.err);
    enum gs_status closed = gs_output_close(&listing.output, status == GS_OK, &listing.err);
    return closed == GS_OK || status != GS_OK ? listing.exit : gs_output_message(closed, &listing.err);
}

const struct gs_cmd gs_cmd_ps = {
    .name = "ps",
    .summary = "list the Python processes here",
    .help =
        "Lists the Python processes of this machine: version, threads, who holds the GIL, and whether they can "
        "be watched; with -p only these processes.\n"
        "\n"
        "A process that may not be looked into is listed when it is called python, with the reason. Lines are cut at "
        "the terminal's width, unless with -v; so are the command lines of the workers of multiprocessing and execnet, "
        "which say nothing, replaced by what these are. PyPy and GraalPy are listed by name; only CPython can be "
        "watched.",
    .options = GS_OPT(PID) | GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(TREE) | GS_OPT(INTERVAL) | GS_OPT(JSON) |
               GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
    .whole = true,
};
