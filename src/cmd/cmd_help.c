/* gilspy help: the short help, or the long one of a command. */
#include "cmd/cmd.h"
#include "cmd/message.h"
#include "base/output.h"

static int run(const struct gs_args *args)
{
    const struct gs_cmd *cmd = args->word_count > 0 ? gs_cmd_find(args->words[0]) : NULL;
    if (args->word_count > 0 && !cmd)
        return gs_help_unknown(args->words[0]);
    if (args->word_count > 1) {
        struct gs_err err;
        gs_fail(&err, GS_USAGE, "cannot explain '%.60s' too: help is of one command at a time", args->words[1]);
        return gs_message(GS_USAGE, &err);
    }
    if (cmd)
        gs_help_command(cmd, stdout);
    else
        gs_help_overview(stdout);
    return gs_stdout_close(0);
}

const struct gs_cmd gs_cmd_help = {
    .name = "help",
    .summary = "explain a command and its options",
    .operands = "[COMMAND]",
    .offers = GS_OFFER_COMMANDS,
    .help = "Explains a command and its options, or lists the commands.",
    .options = GS_OPT(HELP),
    .run = run,
};
