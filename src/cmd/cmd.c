/* The table of commands, and the way from the command line to one of them. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/cmd.h"
#include "cmd/config.h"
#include "cmd/message.h"
#include "cmd/wire.h"
#include "base/output.h"

const struct gs_cmd *const gs_cmds[] = {&gs_cmd_dump,   &gs_cmd_top,    &gs_cmd_stat, &gs_cmd_record,
                                        &gs_cmd_trace,  &gs_cmd_report, &gs_cmd_why,  &gs_cmd_ps,
                                        &gs_cmd_doctor, &gs_cmd_agent,  &gs_cmd_help, NULL};

const struct gs_cmd *gs_cmd_find(const char *name)
{
    for (size_t i = 0; gs_cmds[i]; i++) {
        if (strcmp(name, gs_cmds[i]->name) == 0)
            return gs_cmds[i];
    }
    return NULL;
}

/* Behind options; a command to be run stands behind --, dump has files to merge, top recordings to play. */
static bool takes_no_words(const struct gs_cmd *cmd, const struct gs_args *args)
{
    if (cmd == &gs_cmd_top)
        return !strchr(args->words[0], '.');
    return !cmd->operands || cmd->options & GS_OPT(USER) || (cmd->options & GS_OPT(MERGE) && !args->merge);
}

/* The option that was given without the argument that the word could be: --locals full. NULL: none was. */
static const struct gs_option *lacks(struct gs_args *args, const char *word)
{
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        const struct gs_option *option = &gs_options[i];
        if (args->given >> i & 1 && option->argument && !gs_option_takes_next(option) && option->set(args, word))
            return option;
    }
    return NULL;
}

/* Words where the command takes none. */
static int superfluous(const struct gs_cmd *cmd, struct gs_args *args)
{
    const char *word = args->words[0];
    const struct gs_option *option = lacks(args, word);
    struct gs_err err;
    gs_fail(&err, GS_USAGE, "cannot run %s: it takes no argument '%.60s'", cmd->name, word);
    if (option)
        gs_err_todo(&err, "%s", option->takes);
    else
        gs_err_todo(
            &err, cmd->options & GS_OPT(PID) ? "A process is named with -p: gilspy %s -p %.20s" : "See gilspy help %s",
            cmd->name, strspn(word, "0123456789,") == strlen(word) ? word : "PID");
    return gs_message(GS_USAGE, &err);
}

enum gs_status gs_cmd_args(const struct gs_cmd *cmd, struct gs_args *args, int argc, char **argv, struct gs_err *err)
{
    enum gs_status status = gs_args_parse(args, argc, argv, cmd->options, err);
    if (!status && args->config && !args->help)
        status = gs_config_read(args, cmd->options, err);
    if (!status && cmd->rate && !(args->given & GS_OPT(RATE)))
        gs_options[GS_OPT_RATE].set(args, cmd->rate);
    return status;
}

static int run(const struct gs_cmd *cmd, int argc, char **argv)
{
    struct gs_args args;
    struct gs_err err = {0};
    int exit;
    enum gs_status status = gs_cmd_args(cmd, &args, argc, argv, &err);
    if (status != GS_OK) {
        exit = gs_message(status, &err);
    } else if (args.help) {
        gs_help_command(cmd, stdout);
        exit = gs_stdout_close(0);
    } else if (args.word_count > 0 && takes_no_words(cmd, &args)) {
        exit = superfluous(cmd, &args);
    } else if (args.debuginfod && (status = gs_native_debuginfod(&err)) != GS_OK) {
        exit = gs_message(status, &err);
    } else if (cmd->options & GS_OPT(PID) && (status = gs_wire_find(&args, &err)) != GS_OK) {
        exit = gs_message(status, &err);
    } else {
        exit = cmd->run(&args);
        if (exit == 0 && cmd->whole && gs_memory_short()) {
            gs_remark("out of memory: what was shown is not all there is");
            exit = gs_status_exit(GS_NO_MEMORY);
        }
    }
    gs_args_fini(&args);
    return exit;
}

/* An option in the place of a command; only the first word is looked at. */
static int run_option(char **argv)
{
    struct gs_args args;
    enum gs_status status = gs_args_parse(&args, 2, argv, GS_PROGRAM_OPTIONS, NULL);
    gs_args_fini(&args);
    if (status != GS_OK || !(args.help || args.version))
        return gs_help_unknown(argv[1]);
    if (args.version)
        printf("gilspy %s\n", GILSPY_VERSION);
    else
        gs_help_overview(stdout);
    return gs_stdout_close(0);
}

int gs_cmd_main(int argc, char **argv)
{
    if (argc < 2) {
        gs_help_overview(stdout);
        return gs_stdout_close(gs_status_exit(GS_USAGE));
    }
    if (argv[1][0] == '-')
        return run_option(argv);
    const struct gs_cmd *cmd = gs_cmd_find(argv[1]);
    return cmd ? run(cmd, argc - 1, argv + 1) : gs_help_unknown(argv[1]);
}
