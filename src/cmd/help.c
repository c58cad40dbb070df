/* Help, rendered from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cmd/cmd.h"
#include "cmd/message.h"

enum { COLUMNS = 80, NAME_COLUMN = 26 };

/* Prints a line of text from the column on where the cursor is, further ones indented by `indent`. */
static void wrap(FILE *out, int column, int indent, const char *text)
{
    const char *space = "";
    while (*text && *text != '\n') {
        int len = (int)strcspn(text, " \n");
        if (column + (int)strlen(space) + len > COLUMNS && *space) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
            space = "";
        }
        column += fprintf(out, "%s%.*s", space, len, text);
        space = " ";
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

const struct gs_exit gs_exits[] = {
    {0, "done, also when the process ended while it was watched, or a signal ended gilspy"},
    {1, "it could not be done"},
    {2, "wrong usage"},
    {3, "no such process"},
    {4, "not permitted; the message names the barrier, and the command that mends it"},
    {5, "not a CPython process, or a CPython that this gilspy does not know"},
    {10, "why --exit-code: something holds the process up"},
    {0, NULL},
};

const char *gs_cmd_initially(const struct gs_cmd *cmd, const struct gs_option *option)
{
    return cmd && cmd->rate && option == &gs_options[GS_OPT_RATE] ? cmd->rate : option->initially;
}

static void show_option(const struct gs_cmd *cmd, const struct gs_option *option, FILE *out)
{
    const char *initially = gs_cmd_initially(cmd, option);
    char letter[8] = "    ", text[1024];
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    int used = fprintf(out, "  %s--%s%s%s", letter, option->name, gs_option_takes_next(option) ? " " : "",
                       option->argument ? option->argument : "");
    if (used + 1 >= NAME_COLUMN) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", NAME_COLUMN - used, "");
    snprintf(text, sizeof text, "%s%s%s%s", option->help, initially ? " (default " : "", initially ? initially : "",
             initially ? ")" : "");
    wrap(out, NAME_COLUMN, NAME_COLUMN, text);
}

static void show_options(const struct gs_cmd *cmd, uint64_t options, FILE *out)
{
    fputs("\nOptions:\n", out);
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (options >> i & 1)
            show_option(cmd, &gs_options[i], out);
    }
}

void gs_help_overview(FILE *out)
{
    fputs("Usage: gilspy COMMAND [OPTION...]\n\n"
          "Looks into a running Python from outside: who holds the GIL, who waits for it,\n"
          "and where every thread is.\n\nCommands:\n",
          out);
    for (size_t i = 0; gs_cmds[i]; i++)
        fprintf(out, "  %-8s%s\n", gs_cmds[i]->name, gs_cmds[i]->summary);
    show_options(NULL, GS_PROGRAM_OPTIONS, out);
    fputs("\nExit status:\n", out);
    for (size_t i = 0; gs_exits[i].meaning; i++)
        fprintf(out, "  %2d  %s\n", gs_exits[i].status, gs_exits[i].meaning);
    fputs("\ngilspy help COMMAND tells more.\n", out);
}

void gs_help_command(const struct gs_cmd *cmd, FILE *out)
{
    fprintf(out, "Usage: gilspy %s%s%s%s\n\n", cmd->name, cmd->options & ~GS_OPT(HELP) ? " [OPTION...]" : "",
            cmd->operands ? " " : "", cmd->operands ? cmd->operands : "");
    for (const char *p = cmd->help; *p; p += p[0] == '\n') {
        size_t len = strcspn(p, "\n");
        if (p[0] == ' ')
            fprintf(out, "%.*s\n", (int)len, p);
        else
            wrap(out, 0, 0, p);
        p += len;
    }
    show_options(cmd, cmd->options, out);
}

int gs_help_unknown(const char *name)
{
    struct gs_err err;
    struct gs_nearest nearest = {.word = name};
    bool option = name[0] == '-';
    if (option)
        nearest.word = name + strspn(name, "-");
    for (size_t i = 0; gs_cmds[i] && !option; i++)
        gs_nearest_try(&nearest, gs_cmds[i]->name);
    for (int i = 0; i < GS_OPT_COUNT && option && *nearest.word && nearest.word[1]; i++) {
        if (GS_PROGRAM_OPTIONS >> i & 1)
            gs_nearest_try(&nearest, gs_options[i].name);
    }
    gs_fail(&err, GS_USAGE, "cannot run '%.60s': %s", name,
            option ? "a command stands before its options" : "there is no such command");
    if (nearest.best)
        gs_err_todo(&err, "Did you mean gilspy %s%s?", option ? "--" : "", nearest.best);
    else
        gs_err_todo(&err, "gilspy help lists the commands");
    return gs_message(GS_USAGE, &err);
}
