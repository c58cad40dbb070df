/* zsh: the specifications that _arguments takes, one function for each command. */
#include <string.h>

#include "completions/shells.h"

static const char *const special = "[]:\\", *const quote = "'\\''";

/* What completes an argument: words in parentheses, or a function. */
static void put_action(FILE *out, const char *offer)
{
    const char *list = offer ? gs_offer_list(offer) : NULL;
    if (list) {
        fprintf(out, "_gilspy_%s", list);
    } else if (offer) {
        fputc('(', out);
        gs_offer_words(out, offer);
        fputc(')', out);
    }
}

/* '*'{-p+,--pid=}'[the process to look at]:PID[,PID]:_gilspy_pids' */
static void put_option(FILE *out, const struct gs_option *option)
{
    const char *offer = option->offers ? option->offers : "";
    bool again = strcmp(offer, GS_OFFER_PIDS) == 0 || strcmp(offer, GS_OFFER_THREADS) == 0; /* one after the other */
    const char *letter_end = gs_option_takes_next(option) ? "+" : "",
               *name_end = gs_option_takes_next(option) ? "=" : "";
    fputs("        ", out);
    if (again)
        fputs("'*'", out);
    else if (option->letter)
        fprintf(out, "'(-%c --%s)'", option->letter, option->name);
    if (option->letter)
        fprintf(out, "{-%c%s,--%s%s}'[", option->letter, letter_end, option->name, name_end);
    else
        fprintf(out, "'--%s%s[", option->name, name_end);
    gs_help_short(out, option->help, special, quote);
    fputc(']', out);
    if (gs_option_takes_next(option)) {
        fputc(':', out);
        fputs(option->argument, out);
        fputc(':', out);
        put_action(out, option->offers);
    }
    fputs("'\n", out);
}

static void put_specs(FILE *out, const char *name, uint64_t taken)
{
    fprintf(out, "    %s) specs=(\n", name);
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (gs_takes(taken, i))
            put_option(out, &gs_options[i]);
    }
}

void gs_zsh_tables(FILE *out, const void *unused)
{
    (void)unused;
    fputs("_gilspy_commands() {\n    local -a commands=(\n", out);
    for (size_t i = 0; gs_cmds[i]; i++) {
        fprintf(out, "        '%s:", gs_cmds[i]->name);
        gs_help_short(out, gs_cmds[i]->summary, ":\\", quote);
        fputs("'\n", out);
    }
    fputs("    )\n    _describe -t commands 'command of gilspy' commands\n}\n\n"
          "# Sets specs to what a command takes; '' is the program itself.\n_gilspy_specs() {\n    case $1 in\n",
          out);
    for (size_t i = 0; gs_cmds[i]; i++) {
        put_specs(out, gs_cmds[i]->name, gs_cmds[i]->options);
        if (gs_cmds[i]->operands) {
            const char *offer = gs_cmds[i]->offers ? gs_cmds[i]->offers : "";
            fprintf(out, "        '*%s:%s:", strcmp(offer, GS_OFFER_PROGRAM) == 0 ? "::" : "", gs_cmds[i]->operands);
            put_action(out, gs_cmds[i]->offers);
            fputs("'\n", out);
        }
        fputs("        ) ;;\n", out);
    }
    put_specs(out, "''", GS_PROGRAM_OPTIONS);
    fputs("        ) ;;\n    *) return 1 ;;\n    esac\n}\n", out);
}
