/* gilspy agent: every Python process of a host. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/output.h"
#include "base/user.h"
#include "cmd/cmd.h"
#include "cmd/message.h"
#include "cmd/wire.h"
#include "export/log.h"
#include "push/listen.h"
#include "push/metrics.h"
#include "push/push.h"
#include "session/own_cost.h"
#include "session/sampling.h"
#include "session/signals.h"
#include "target/procfs.h"

#define TICK_NS  (2 * GS_NS_PER_S)
#define NEVER_US (UINT64_C(1) << 50)

struct agent {
    const struct gs_args *args;
    struct gs_args again; /* as they are since HUP, */
    bool reloaded;        /* which came */
    struct gs_search search;
    uid_t user;
    const struct gs_remarks *remarks;
    struct gs_own_cost cost;
    struct gs_push *push;       /* NULL: nothing is pushed */
    struct gs_metrics *metrics; /* NULL: nobody asks for figures: */
    struct gs_listen *listening;
    char *textfile;      /* NULL: none is written; */
    uint64_t written_ns; /* when it was */
    bool textfile_fails; /* that was told */
    bool half_told;      /* that who waits cannot be known of some */
    struct gs_sampling *sampling;
};

/* ---- what is told ---- */

static void log_line(void *context, const char *text)
{
    if (gs_log_json(context ? context : "info", text, stderr))
        clearerr(stderr); /* there is nobody else to tell */
}

static int log_failure(void *context, enum gs_status status, const struct gs_err *err)
{
    char text[2048];
    (void)context;
    snprintf(text, sizeof text, "%s%s%s", err->what[0] ? err->what : gs_status_text(status), err->todo[0] ? ". " : "",
             err->todo);
    log_line("error", text);
    return gs_status_exit(status);
}

static const struct gs_remarks to_log = {.tell = log_line, .fail = log_failure};

/* ---- figures ---- */

static enum gs_status write_figures(struct agent *agent, struct gs_err *err)
{
    struct gs_output output;
    char *text = NULL;
    size_t len;
    enum gs_status status = gs_metrics_page(agent->metrics, false, &text, &len);
    if (status) {
        gs_fail(err, status, "cannot write %.300s: out of memory", agent->textfile);
    } else if (!(status = gs_output_open(&output, agent->textfile, agent->remarks, err))) {
        bool written = fwrite(text, 1, len, output.file) == len;
        status = gs_output_end(&output, written ? GS_OK : GS_OUTPUT, err);
    }
    free(text);
    return status;
}

/* That it fails is told once, until it does not. */
static void write_textfile(struct agent *agent, uint64_t now_ns)
{
    struct gs_err err = {0};
    if (!agent->textfile || (agent->written_ns && now_ns - agent->written_ns < agent->args->every_us * 1000))
        return;
    agent->written_ns = now_ns;
    enum gs_status status = write_figures(agent, &err);
    if (status && !agent->textfile_fails)
        gs_tell_failure(agent->remarks, status, &err);
    agent->textfile_fails = status;
}

static void tell_metrics(struct agent *agent, uint64_t now_ns)
{
    struct gs_metrics_own own = {.at_ns = now_ns,
                                 .rate_hz = agent->cost.rate_hz,
                                 .cpu_us = gs_clock_cpu_us(),
                                 .bytes = agent->cost.bytes,
                                 .pushes = agent->push};
    if (!agent->metrics)
        return;
    gs_sampling_sum(agent->sampling, &own.run);
    if (agent->push)
        gs_push_sum(agent->push, &own.sent);
    gs_metrics_own(agent->metrics, &own);
    write_textfile(agent, now_ns);
}

/* ---- options ---- */

static enum gs_status check(const struct gs_args *args, struct gs_err *err)
{
    const struct gs_push_protocol *protocol;
    struct gs_user user;
    char *server = NULL;
    if (!args->push && !args->listen && !args->textfile) {
        gs_fail(err, GS_USAGE, "cannot watch: nothing is to be done with what is sampled");
        gs_err_todo(err, "Name a server with --push, or an address for Prometheus to ask with --listen");
        return GS_USAGE;
    }
    const char *alone = args->push ? NULL : gs_args_given(args, GS_OPT(LABEL) | GS_OPT(SPOOL) | GS_OPT(TASKS));
    if (alone)
        return gs_fail(err, GS_USAGE, "cannot watch: --%s is for what is sent with --push", alone);
    if (args->stat && !args->listen && !args->textfile)
        return gs_fail(err, GS_USAGE, "cannot watch: --stat is for figures, with --listen or --textfile");
    if (args->locks && !args->push && !args->stat)
        return gs_fail(err, GS_USAGE, "cannot watch: --locks is for what is sent with --push, and for --stat");
    if (!isfinite(args->rate_hz))
        return gs_fail(err, GS_USAGE, "cannot watch: the rate of an agent has a limit");
    if (args->user && !gs_user_find(&user, args->user))
        return gs_fail(err, GS_USAGE, "cannot watch: there is no user %.60s", args->user);
    enum gs_status status = args->push ? gs_push_url(args->push, &protocol, &server, err) : GS_OK;
    free(server);
    return status;
}

/* Whom to look for, and at what cost. */
static void choose(struct agent *agent, const struct gs_args *args)
{
    struct gs_user user;
    agent->user = args->user && gs_user_find(&user, args->user) ? user.uid : 0;
    agent->search = (struct gs_search){.patterns = args->names,
                                       .pattern_count = args->name_count,
                                       .cgroups = args->cgroups,
                                       .cgroup_count = args->cgroup_count,
                                       .excludes = args->excludes,
                                       .exclude_count = args->exclude_count,
                                       .user = args->user ? &agent->user : NULL};
    agent->cost.cpu_most = args->max_cpu;
    agent->cost.bytes_most = args->max_memory;
    agent->cost.wanted_hz = agent->cost.rate_hz = args->rate_hz;
}

static void set_rate(struct agent *agent)
{
    gs_sampling_rate(agent->sampling, agent->cost.rate_hz);
    if (agent->metrics)
        gs_metrics_rate(agent->metrics, agent->cost.rate_hz);
}

/* A file that is wrong changes nothing. */
static void reload(struct agent *agent)
{
    struct gs_args fresh;
    struct gs_err err = {0};
    enum gs_status status = gs_cmd_args(&gs_cmd_agent, &fresh, agent->args->argc, agent->args->argv, &err);
    if (!status)
        status = check(&fresh, &err);
    if (status) {
        gs_tell_failure(agent->remarks, status, &err);
        gs_tell(agent->remarks, "all goes on as before");
        gs_args_fini(&fresh);
        return;
    }
    choose(agent, &fresh);
    set_rate(agent);
    if (gs_sampling_review(agent->sampling))
        gs_tell(agent->remarks, "out of memory: the last profile of a process is lost");
    if (agent->reloaded)
        gs_args_fini(&agent->again);
    agent->again = fresh;
    agent->reloaded = true;
    gs_tell(agent->remarks, "what is looked for, the rate and what it may cost are as %s says now",
            fresh.config ? fresh.config : "the command line");
}

static uint64_t tick(void *context, uint64_t now_ns, bool woken)
{
    struct agent *agent = context;
    (void)woken;
    if (gs_signals_reload())
        reload(agent);
    if (gs_own_cost_look(&agent->cost, now_ns))
        set_rate(agent);
    agent->search.full = agent->cost.full;
    tell_metrics(agent, now_ns);
    return now_ns + TICK_NS;
}

/* The kernel opens syscall and environ of /proc/PID for its own user, or with CAP_DAC_READ_SEARCH (fs/proc/base.c). */
static void opened(void *context, struct gs_attach *attach)
{
    struct agent *agent = context;
    char text[256];
    if (agent->half_told || gs_proc_read(attach->target->pid, "syscall", text, sizeof text) != -EACCES)
        return;
    agent->half_told = true;
    gs_tell(agent->remarks,
            "who waits for the GIL cannot be told of process %d and others like it: gilspy lacks CAP_DAC_READ_SEARCH",
            (int)attach->target->pid);
}

static void closed(void *context, struct gs_attach *attach, enum gs_status why)
{
    struct agent *agent = context;
    (void)why;
    if (agent->metrics)
        gs_metrics_gone(agent->metrics, attach->target->pid);
    if (agent->push && gs_push_gone(agent->push, attach->target->pid))
        gs_tell(agent->remarks, "out of memory: the last profile of process %d is lost", (int)attach->target->pid);
}

/* What was sampled goes where it is to go. What was lost in all the time is told, and no failure of the end. */
static void finish(struct agent *agent)
{
    struct gs_sent sent;
    struct gs_err err;
    if (!agent->push)
        return;
    if (gs_push_finish(agent->push, gs_signals_ended_ns(), &sent, &err))
        gs_tell(agent->remarks, "%s", err.what);
    if (sent.spooled > 0)
        gs_tell(agent->remarks, "%llu profiles wait in %s for the next gilspy", (unsigned long long)sent.spooled,
                agent->args->spool);
}

/* Called from another thread when the one that samples is stuck in the kernel. */
static void give_up(void *context)
{
    struct agent *agent = context;
    struct gs_run_end end;
    struct gs_sink *sink = agent->push ? gs_push_sink(agent->push) : NULL;
    gs_sampling_sum(agent->sampling, &end);
    if (sink && sink->end(sink, &end))
        gs_tell(agent->remarks, "out of memory: the last profiles are lost");
    finish(agent);
    _exit(gs_status_exit(GS_FAILED));
}

static enum gs_status sample_on(struct agent *agent, struct gs_err *err)
{
    enum gs_status status = gs_sampling_run(agent->sampling, err);
    bool nobody = gs_status_class(status) == GS_CLASS_GONE || status == GS_NOT_PERMITTED;
    return nobody ? GS_OK : status; /* who could not be read was told */
}

static int end(struct agent *agent, enum gs_status status, const struct gs_err *err)
{
    gs_listen_close(agent->listening);
    gs_sampling_close(agent->sampling);
    gs_push_close(agent->push);
    gs_metrics_free(agent->metrics);
    free(agent->textfile);
    if (agent->reloaded)
        gs_args_fini(&agent->again);
    return status ? gs_tell_failure(agent->remarks, status, err) : 0;
}

/* In another thread than the one that began. */
static void go_on(void *context)
{
    struct agent *agent = context;
    struct gs_err err = {0};
    enum gs_status status = sample_on(agent, &err);
    finish(agent);
    exit(end(agent, status, &err));
}

static enum gs_status open_metrics(struct agent *agent, struct gs_err *err)
{
    const struct gs_args *args = agent->args;
    enum gs_status status = gs_metrics_new(&agent->metrics, args->stat);
    if (!status && args->textfile && asprintf(&agent->textfile, "%s/gilspy.prom", args->textfile) < 0) {
        agent->textfile = NULL;
        status = GS_NO_MEMORY;
    }
    if (status)
        return gs_fail(err, status, "cannot watch: out of memory");
    if (agent->textfile)
        status = gs_output_try(NULL, agent->textfile, agent->textfile, agent->remarks, err); /* rather now than later */
    if (!status && args->listen)
        status = gs_listen_open(&agent->listening, args->listen, agent->metrics, err);
    if (!status && args->listen)
        gs_tell(agent->remarks, "figures are at http://%s/metrics", gs_listen_where(agent->listening));
    return status;
}

static enum gs_status open_sinks(struct agent *agent, struct gs_sink **sink, struct gs_err *err)
{
    const struct gs_args *args = agent->args;
    enum gs_status status = args->listen || args->textfile ? open_metrics(agent, err) : GS_OK;
    *sink = agent->metrics ? gs_metrics_sink(agent->metrics) : NULL;
    if (status || !args->push)
        return status;
    const struct gs_push_options options = {.url = args->push,
                                            .every_us = args->every_us,
                                            .spool = args->spool,
                                            .spool_bytes = args->spool_bytes,
                                            .labels = args->labels,
                                            .label_count = args->label_count,
                                            .remarks = agent->remarks};
    status = gs_push_open(&agent->push, &options, *sink, err);
    *sink = status ? NULL : gs_push_sink(agent->push);
    return status;
}

static enum gs_status sample(struct agent *agent, struct gs_sink *sink, struct gs_err *err)
{
    const struct gs_args *args = agent->args;
    struct gs_sampling_options options = {.family = gs_wire_family(args, NULL),
                                          .rate_hz = args->rate_hz,
                                          .duration_us = args->duration_us,
                                          .polls = !agent->push, /* figures need no stacks */
                                          .long_us = NEVER_US,
                                          .locks = agent->push || args->stat,
                                          .all_locks = args->locks,
                                          .tasks = args->given & GS_OPT(TASKS) && args->tasks != GS_TASKS_OFF,
                                          .loops = agent->metrics,
                                          .joins = true,
                                          .lasts = true};
    struct gs_sampling_calls calls = {
        .context = agent, .tick = tick, .opened = opened, .closed = closed, .give_up = give_up, .go_on = go_on};
    int exit = 0;
    options.family.host = &agent->search;
    options.family.attach.quiet = !args->verbose;
    options.family.attach.remarks = agent->remarks;
    enum gs_status status = gs_sampling_open(&agent->sampling, &options, sink, &calls, &exit, err);
    if (status)
        return status;
    gs_own_cost_init(&agent->cost, gs_clock_ns());
    return sample_on(agent, err);
}

static enum gs_status watch(struct agent *agent, struct gs_err *err)
{
    struct gs_sink *sink;
    enum gs_status status = gs_proc_check(err);
    gs_signals_reload(); /* from now on HUP asks for that */
    gs_signals_catch();  /* before there are threads that they could come to */
    if (!status)
        status = open_sinks(agent, &sink, err);
    if (!status)
        status = sample(agent, sink, err);
    finish(agent);
    return status;
}

static int run(const struct gs_args *args)
{
    struct agent agent = {.args = args, .remarks = args->log_json ? &to_log : &gs_to_user};
    struct gs_err err = {0};
    enum gs_status status = check(args, &err);
    agent.cost.remarks = agent.remarks;
    choose(&agent, args);
    if (!status && !args->check_config)
        status = watch(&agent, &err);
    return end(&agent, status, &err);
}

const struct gs_cmd gs_cmd_agent = {
    .name = "agent",
    .summary = "watch every Python process of this machine, for weeks",
    .help =
        "Finds the Python processes here by itself, those that are started later within a second, samples all of them "
        "19 times a second, sends what it samples to a server of profiles, and answers Prometheus, until it is "
        "stopped. "
        "INT and TERM end it; what was sampled is sent before, for at most 5 s.\n"
        "\n"
        "A process that cannot be read is told once. It takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH to read those of "
        "other users.\n"
        "\n"
        "  gilspy agent --push pyroscope+http://host:4040          all of them\n"
        "  gilspy agent --listen :9464                             figures for Prometheus\n"
        "  gilspy agent --name gunicorn --exclude pip --listen :9464  some of them",
    .options = GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(EXCLUDE) | GS_OPT(USER) | GS_OPT(RATE) | GS_OPT(DURATION) |
               GS_OPT(PUSH) | GS_OPT(EVERY) | GS_OPT(LISTEN) | GS_OPT(TEXTFILE) | GS_OPT(CONFIG) |
               GS_OPT(CHECK_CONFIG) | GS_OPT(LOG) | GS_OPT(LABEL) | GS_OPT(SPOOL) | GS_OPT(LOCKS) | GS_OPT(STAT) |
               GS_OPT(TASKS) | GS_OPT(MAX_CPU) | GS_OPT(MAX_MEMORY) | GS_OPT(NATIVE) | GS_OPT(BLOCKING) |
               GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .rate = "19",
    .run = run,
};
