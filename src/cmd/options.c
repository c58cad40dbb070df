/* The table of options, with what each does to the arguments of a command. */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "cmd/args.h"
#include "push/names.h"
#include "session/control.h"
#include "session/family.h"

static bool set_PID(struct gs_args *args, const char *argument)
{
    for (;;) {
        size_t len = strcspn(argument, ",");
        char number[20] = "";
        int64_t pid;
        if (len >= sizeof number)
            return false;
        memcpy(number, argument, len);
        if (!gs_parse_int(number, 1, INT32_MAX, &pid) || !gs_pids_add(&args->pids, &args->pid_count, (pid_t)pid))
            return false;
        if (argument[len] == '\0')
            return true;
        argument += len + 1;
    }
}

static bool append(const char ***list, size_t *count, const char *argument)
{
    const char **longer = realloc(*list, (*count + 1) * sizeof *longer);
    if (!longer)
        return false;
    *list = longer;
    longer[(*count)++] = argument;
    return true;
}

/* "1h", "100M", "10m,24" */
static bool set_ROTATE(struct gs_args *args, const char *argument)
{
    enum { LEAST_US = 1000000, LEAST_BYTES = 64 << 10, KEPT = 10, MOST = 1000000 };
    char length[32] = "";
    size_t len = strcspn(argument, ",");
    int64_t keep = KEPT;
    if (len >= sizeof length || (argument[len] && !gs_parse_int(argument + len + 1, 1, MOST, &keep)))
        return false;
    memcpy(length, argument, len);
    args->rotate_us = args->rotate_bytes = 0;
    args->rotate_keep = (uint64_t)keep;
    if (gs_parse_time_us(length, &args->rotate_us))
        return args->rotate_us >= LEAST_US;
    return gs_parse_size(length, &args->rotate_bytes) && args->rotate_bytes >= LEAST_BYTES;
}

static bool set_PUSH(struct gs_args *args, const char *argument)
{
    args->push = argument;
    return *argument != '\0';
}

static bool set_EVERY(struct gs_args *args, const char *argument)
{
    return gs_parse_time_us(argument, &args->every_us) && args->every_us >= 1000000 && args->every_us <= 3600000000;
}

static bool set_LABEL(struct gs_args *args, const char *argument)
{
    const char *equals = strchr(argument, '=');
    struct gs_push_label label = {.name = NULL};
    if (!equals || !equals[1] || !gs_push_label_name(argument, (size_t)(equals - argument)))
        return false;
    struct gs_push_label *longer = realloc(args->labels, (args->label_count + 1) * sizeof *longer);
    if (!longer)
        return false;
    args->labels = longer;
    label.name = strndup(argument, (size_t)(equals - argument));
    label.value = malloc(GS_PUSH_TEXT);
    if (label.value)
        gs_push_clean(label.value, equals + 1, strlen(equals + 1));
    longer[args->label_count++] = label;
    return label.name && label.value;
}

/* "/var/lib/gilspy", "/var/lib/gilspy,500M" */
static bool set_SPOOL(struct gs_args *args, const char *argument)
{
    enum { LEAST = 1 << 20 };
    const char *comma = strrchr(argument, ',');
    char *folder = strndup(argument, comma ? (size_t)(comma - argument) : strlen(argument));
    args->spool_bytes = 1 << 30;
    args->spool = folder;
    return folder && gs_args_keep(args, folder) && *folder &&
           (!comma || (gs_parse_size(comma + 1, &args->spool_bytes) && args->spool_bytes >= LEAST));
}

static bool set_CONTROL(struct gs_args *args, const char *argument)
{
    int64_t fd;
    (void)args;
    return gs_parse_int(argument, 0, INT32_MAX, &fd) && gs_control_open((int)fd);
}

#define FLAG(id, statement)                                                                                            \
    static bool set_##id(struct gs_args *args, const char *argument)                                                   \
    {                                                                                                                  \
        (void)argument;                                                                                                \
        statement;                                                                                                     \
        return true;                                                                                                   \
    }
#define VALUE(id, expression)                                                                                          \
    static bool set_##id(struct gs_args *args, const char *argument)                                                   \
    {                                                                                                                  \
        return expression;                                                                                             \
    }

FLAG(SUBPROCESSES, args->subprocesses = true)
FLAG(GIL, args->mode = GS_MODE_GIL)
FLAG(IDLE, args->mode = GS_MODE_WALL)
FLAG(THREADS, args->threads_first = true)
FLAG(SHOW_SECRETS, args->show_secrets = true)
FLAG(FUNCTION, args->function = true)
FLAG(NO_SOURCE, args->no_source = true)
FLAG(OPCODES, args->opcodes = true)
FLAG(TREE, args->tree = true)
FLAG(BLOCKING, args->stopping = GS_STOP_ALWAYS)
FLAG(NONBLOCKING, args->stopping = GS_STOP_NEVER)
FLAG(MERGE, args->merge = true)
FLAG(EXACT, args->exact = true)
FLAG(COUNTERS, args->counters = true)
FLAG(LOCKS, args->locks = true)
FLAG(STAT, args->stat = true)
FLAG(ONCE, args->once = true)
FLAG(EXIT_CODE, args->exit_code = true)
FLAG(DEBUGINFOD, args->debuginfod = true)
FLAG(JSON, args->json = true)
FLAG(QUIET, args->quiet = true)
FLAG(VERBOSE, args->verbose = true)
FLAG(CHECK_CONFIG, args->check_config = true)
FLAG(HELP, args->help = true)
FLAG(VERSION, args->version = true)
VALUE(MAX_PAUSE, gs_parse_share(argument, &args->max_pause))
VALUE(RATE, gs_parse_rate(argument, &args->rate_hz))
VALUE(DURATION, gs_parse_time_us(argument, &args->duration_us))
VALUE(INTERVAL, gs_parse_time_us(argument, &args->interval_us))
VALUE(LONG, gs_parse_time_us(argument, &args->long_us))
VALUE(FROM, strcmp(argument, "0") == 0 || gs_parse_time_us(argument, &args->from_us))
VALUE(TO, gs_parse_time_us(argument, &args->to_us))
VALUE(THREAD, append(&args->threads, &args->thread_count, argument))
VALUE(SHOW, gs_path_check(argument) && append(&args->shows, &args->show_count, argument))
VALUE(NAME, *argument != '\0' && append(&args->names, &args->name_count, argument))
VALUE(CGROUP, *argument != '\0' && append(&args->cgroups, &args->cgroup_count, argument))
VALUE(CONFIG, *(args->config = argument) != '\0')
VALUE(LISTEN, *(args->listen = argument) != '\0')
VALUE(TEXTFILE, *(args->textfile = argument) != '\0')
VALUE(EXCLUDE, *argument != '\0' && append(&args->excludes, &args->exclude_count, argument))
VALUE(MAX_MEMORY, gs_parse_size(argument, &args->max_memory) && args->max_memory >= 16 << 20)
VALUE(DIFF, *argument != '\0' && append(&args->diffs, &args->diff_count, argument))
VALUE(FORMAT, *(args->format = argument) != '\0')
VALUE(USER, *(args->user = argument) != '\0')
VALUE(ASSUME, gs_parse_version(argument, &args->assume))
VALUE(CORE, *(args->core = argument) != '\0')
VALUE(EXE, *(args->exe = argument) != '\0')
VALUE(OUTPUT, *(args->output = argument) != '\0')

/* Which of the words that the option offers it is; negative: none. */
static int offered(enum gs_option_id id, const char *word)
{
    const char *offer = gs_options[id].offers;
    for (int i = 0; *offer; i++) {
        size_t len = strcspn(offer, " ");
        if (strlen(word) == len && memcmp(word, offer, len) == 0)
            return i;
        offer += len + strspn(offer + len, " ");
    }
    return -1;
}

static bool set_NATIVE(struct gs_args *args, const char *argument)
{
    int which = argument ? offered(GS_OPT_NATIVE, argument) : 0;
    args->native = which == 1 ? GS_NATIVE_LEAF : GS_NATIVE_ALL;
    return which >= 0;
}

static bool set_TASKS(struct gs_args *args, const char *argument)
{
    int which = argument ? offered(GS_OPT_TASKS, argument) : GS_TASKS_ALL;
    args->tasks = (enum gs_tasks_shown)which;
    return which >= 0;
}

/* "full", "full:200", "full:64K" */
static bool set_LOCALS(struct gs_args *args, const char *argument)
{
    static const char full[] = "full";
    uint64_t bytes = GS_WISH_BYTES;
    int64_t number;
    args->locals = true;
    args->local_bytes = 0;
    if (!argument)
        return true;
    size_t len = sizeof full - 1;
    if (strncmp(argument, full, len) != 0 || (argument[len] && argument[len] != ':'))
        return false;
    if (argument[len] && gs_parse_int(argument + len + 1, GS_WISH_LEAST, GS_WISH_MOST, &number))
        bytes = (uint64_t)number;
    else if (argument[len] && !gs_parse_size(argument + len + 1, &bytes))
        return false;
    args->local_bytes = (size_t)bytes;
    return bytes >= GS_WISH_LEAST && bytes <= GS_WISH_MOST;
}

static bool set_share_or_off(double *share, const char *argument)
{
    if (strcmp(argument, "off") != 0)
        return gs_parse_share(argument, share);
    *share = -1;
    return true;
}

VALUE(MAX_OVERHEAD, set_share_or_off(&args->max_overhead, argument))
VALUE(MAX_CPU, set_share_or_off(&args->max_cpu, argument))

static bool set_COLOR(struct gs_args *args, const char *argument)
{
    int when = offered(GS_OPT_COLOR, argument);
    args->color = when < 0 ? GS_COLOR_NEVER : (enum gs_color_when)when;
    return when >= 0;
}

static bool set_LOG(struct gs_args *args, const char *argument)
{
    int which = offered(GS_OPT_LOG, argument);
    args->log_json = which == 1;
    return which >= 0;
}

static bool set_MODE(struct gs_args *args, const char *argument)
{
    int mode = offered(GS_OPT_MODE, argument);
    args->mode = mode < 0 ? GS_MODE_ACTIVE : (enum gs_mode)mode;
    return mode >= 0;
}

const struct gs_option gs_options[GS_OPT_COUNT] = {
#define OPTION(id, letter, name, argument, offers, initially, takes, help)                                             \
    [GS_OPT_##id] = {letter, name, argument, offers, initially, takes, help, set_##id},
#include "cmd/options.def"
#undef OPTION
};
