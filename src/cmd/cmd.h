/* The commands: each is one row, and lives in a file of its own. */
#ifndef GS_CMD_CMD_H
#define GS_CMD_CMD_H

#include "cmd/args.h"

struct gs_cmd {
    const char *name;
    const char *summary;  /* one line */
    const char *operands; /* what follows the options, NULL: nothing may */
    const char *offers;   /* for these, as in struct gs_option */
    const char *help;     /* paragraphs; each line is one and is wrapped when shown */
    uint64_t options;
    const char *rate;                       /* default of --rate if not the usual one, or NULL */
    int (*run)(const struct gs_args *args); /* returns the program's exit status */
    bool whole; /* what it shows is of one look, and must not lack anything: it fails when memory ran out meanwhile */
};

extern const struct gs_cmd gs_cmd_dump, gs_cmd_top, gs_cmd_stat, gs_cmd_record, gs_cmd_trace, gs_cmd_report, gs_cmd_why,
    gs_cmd_ps, gs_cmd_doctor, gs_cmd_agent, gs_cmd_help;

/* The commands in the order in which help shows them, NULL at the end. */
extern const struct gs_cmd *const gs_cmds[];

/* The options that stand in the place of a command. */
#define GS_PROGRAM_OPTIONS (GS_OPT(HELP) | GS_OPT(VERSION))

/* What an exit status means. */
struct gs_exit {
    int status;
    const char *meaning;
};

/* In ascending order; meaning is NULL at the end. */
extern const struct gs_exit gs_exits[];

/* The default of an option, as the command has it (NULL: no command, as the options have it); NULL: there is none. */
const char *gs_cmd_initially(const struct gs_cmd *cmd, const struct gs_option *option);
/* NULL: there is none of that name. */
const struct gs_cmd *gs_cmd_find(const char *name);
/* The options of a command line (argv[0] is the command's name), of the file that it names, and the command's defaults.
 * gs_args_fini in any case. err is filled. */
enum gs_status gs_cmd_args(const struct gs_cmd *cmd, struct gs_args *args, int argc, char **argv,
                           struct gs_err *err) GS_MUST_CHECK;
/* Runs what the command line says; returns the exit status. */
int gs_cmd_main(int argc, char **argv);

/* Help as text, rendered from the tables. */
void gs_help_overview(FILE *out);
void gs_help_command(const struct gs_cmd *cmd, FILE *out);
/* Tells that there is no such command, and the nearest that there is. Returns the exit status. */
int gs_help_unknown(const char *name);

#endif
