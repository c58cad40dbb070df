/* Writes the man pages: the tables of commands, options and exit statuses, between what is written by hand in
 * gilspy.1.in and command.1.in.
 *
 *   gilspy-man TEMPLATES OUTPUT */
#include <ctype.h>
#include <string.h>

#include "cmd/cmd.h"
#include "man/roff.h"
#include "man/template.h"

/* The context of each slot is a command, or NULL in the program's own page. */

static void head(FILE *out, const void *context)
{
    const struct gs_cmd *cmd = context;
    fputs(".\\\" Made from the tables of the program: do not edit.\n.TH GILSPY", out);
    if (cmd)
        fputs("\\-", out);
    for (const char *c = cmd ? cmd->name : ""; *c; c++)
        fputc(toupper((unsigned char)*c), out);
    fprintf(out, " 1 %s \"gilspy %s\" \"User Commands\"\n", GILSPY_DATE, GILSPY_VERSION);
}

static void name(FILE *out, const void *context)
{
    const struct gs_cmd *cmd = context;
    fprintf(out, "gilspy\\-%s \\-\n", cmd->name);
    gs_roff_prose(out, cmd->summary, strlen(cmd->summary), false);
}

static void synopsis(FILE *out, const void *context)
{
    const struct gs_cmd *cmd = context;
    fprintf(out, "\\fBgilspy %s\\fR", cmd->name);
    if (cmd->options & ~GS_OPT(HELP))
        fputs(" [\\fIOPTION\\fR...]", out);
    if (cmd->operands) {
        fputc(' ', out);
        gs_roff_argument(out, cmd->operands);
    }
    fputc('\n', out);
}

/* What a line of a command's help is: examples and exit statuses have sections of their own. */
enum kind { TEXT, VERBATIM, EXAMPLE, EXIT };

static const char example_mark[] = "  gilspy ", exit_mark[] = "Exit status: ";

static enum kind kind_of(const char *line)
{
    if (strncmp(line, example_mark, strlen(example_mark)) == 0)
        return EXAMPLE;
    if (strncmp(line, exit_mark, strlen(exit_mark)) == 0)
        return EXIT;
    return *line == ' ' ? VERBATIM : TEXT;
}

/* Hands each line of the help to `put`, with its length; empty ones separate paragraphs. */
static void each_line(const struct gs_cmd *cmd, void (*put)(FILE *, enum kind, const char *, size_t), FILE *out)
{
    for (const char *line = cmd->help; *line; line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        put(out, kind_of(line), line, len);
        line += len;
    }
}

static void put_text(FILE *out, enum kind kind, const char *line, size_t len)
{
    /* The separator of a paragraph that follows; roff wants none behind the last. */
    if (len == 0 && kind_of(line + 1) == TEXT)
        fputs(".PP\n", out);
    if (len == 0 || kind == EXAMPLE || kind == EXIT)
        return;
    if (kind == TEXT) {
        gs_roff_prose(out, line, len, true);
        return;
    }
    fputs(".EX\n", out);
    gs_roff_literal(out, line, len);
    fputs("\n.EE\n", out);
}

static void description(FILE *out, const void *context)
{
    each_line(context, put_text, out);
}

/* "  gilspy dump -p 1234    what does it do?" */
static void put_example(FILE *out, enum kind kind, const char *line, size_t len)
{
    const char *command = line + 2, *end = line + len, *gap = strstr(command, "  ");
    if (kind != EXAMPLE)
        return;
    if (!gap || gap > end)
        gap = end;
    fputs(".TP\n\\fB", out);
    gs_roff_literal(out, command, (size_t)(gap - command));
    fputs("\\fR\n", out);
    gap += strspn(gap, " ");
    if (gap < end)
        gs_roff_prose(out, gap, (size_t)(end - gap), true);
    else
        fputs("\\&\n", out);
}

static void examples(FILE *out, const void *context)
{
    const struct gs_cmd *cmd = context;
    if (!strstr(cmd->help, example_mark))
        return;
    fputs(".SH EXAMPLES\n", out);
    each_line(cmd, put_example, out);
}

static void put_exit(FILE *out, enum kind kind, const char *line, size_t len)
{
    if (kind == EXIT) {
        gs_roff_prose(out, line + strlen(exit_mark), len - strlen(exit_mark), true);
        fputs(".PP\n", out);
    }
}

static void exits(FILE *out, const void *context)
{
    if (context) {
        each_line(context, put_exit, out);
        return;
    }
    for (size_t i = 0; gs_exits[i].meaning; i++) {
        fprintf(out, ".TP\n%d\n", gs_exits[i].status);
        gs_roff_prose(out, gs_exits[i].meaning, strlen(gs_exits[i].meaning), true);
    }
}

static void put_option(FILE *out, const struct gs_cmd *cmd, const struct gs_option *option)
{
    const char *initially = gs_cmd_initially(cmd, option);
    fputs(".TP\n", out);
    if (option->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", out);
    gs_roff_literal(out, option->name, strlen(option->name));
    fputs("\\fR", out);
    if (option->argument) {
        if (gs_option_takes_next(option))
            fputc(' ', out);
        gs_roff_argument(out, option->argument);
    }
    fputc('\n', out);
    gs_roff_prose(out, option->help, strlen(option->help), true);
    if (initially) {
        fputs("The default is ", out);
        gs_roff_literal(out, initially, strlen(initially));
        fputs(".\n", out);
    }
}

static void options(FILE *out, const void *context)
{
    const struct gs_cmd *cmd = context;
    uint64_t taken = cmd ? cmd->options : GS_PROGRAM_OPTIONS;
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (taken >> i & 1)
            put_option(out, cmd, &gs_options[i]);
    }
}

static void commands(FILE *out, const void *context)
{
    (void)context;
    for (size_t i = 0; gs_cmds[i]; i++) {
        fprintf(out, ".TP\n.BR gilspy\\-%s (1)\n", gs_cmds[i]->name);
        gs_roff_prose(out, gs_cmds[i]->summary, strlen(gs_cmds[i]->summary), true);
    }
}

/* The other pages. */
static void others(FILE *out, const void *context)
{
    if (context)
        fputs(".BR gilspy (1),\n", out);
    for (size_t i = 0; gs_cmds[i]; i++) {
        if (gs_cmds[i] != context)
            fprintf(out, ".BR gilspy\\-%s (1),\n", gs_cmds[i]->name);
    }
}

static const struct gs_slot slots[] = {
    {"HEAD", head},         {"NAME", name},       {"SYNOPSIS", synopsis}, {"DESCRIPTION", description},
    {"EXAMPLES", examples}, {"OPTIONS", options}, {"COMMANDS", commands}, {"EXITS", exits},
    {"OTHERS", others},     {NULL, NULL},
};

int main(int argc, char **argv)
{
    char path[4096], file[64];
    if (argc != 3)
        return 2;
    snprintf(path, sizeof path, "%s/gilspy.1.in", argv[1]);
    bool good = gs_template_fill(path, argv[2], "gilspy.1", slots, NULL);
    snprintf(path, sizeof path, "%s/command.1.in", argv[1]);
    for (size_t i = 0; gs_cmds[i]; i++) {
        snprintf(file, sizeof file, "gilspy-%s.1", gs_cmds[i]->name);
        good = gs_template_fill(path, argv[2], file, slots, gs_cmds[i]) && good;
    }
    return good ? 0 : 1;
}
