/* bash: what each command takes, and what each option offers, as two functions that set variables. */
#include "completions/shells.h"

static void put_command(FILE *out, const char *name, uint64_t taken, const char *operands)
{
    fprintf(out, "    %s) options='", name);
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (gs_takes(taken, i))
            fprintf(out, "--%s ", gs_options[i].name);
    }
    fputs("' operands='", out);
    if (operands && gs_offer_list(operands))
        fprintf(out, "<%s>", gs_offer_list(operands));
    else if (operands)
        gs_offer_words(out, operands);
    fputs("' ;;\n", out);
}

static void put_offer(FILE *out, const struct gs_option *option)
{
    fputs("    ", out);
    if (option->letter)
        fprintf(out, "-%c | ", option->letter);
    fprintf(out, "--%s) offers='", option->name);
    if (option->offers && gs_offer_list(option->offers))
        fprintf(out, "<%s>", gs_offer_list(option->offers));
    else if (option->offers)
        gs_offer_words(out, option->offers);
    fputs("' ;;\n", out);
}

void gs_bash_tables(FILE *out, const void *unused)
{
    (void)unused;
    fputs("# The options and operands of a command, and of the program itself.\n_gilspy_takes() {\n    case $1 in\n",
          out);
    for (size_t i = 0; gs_cmds[i]; i++)
        put_command(out, gs_cmds[i]->name, gs_cmds[i]->options, gs_cmds[i]->offers);
    put_command(out, "''", GS_PROGRAM_OPTIONS, GS_OFFER_COMMANDS);
    fputs("    *) options= operands= ;;\n    esac\n}\n\n"
          "# What an option's argument may be; fails for an option without one.\n_gilspy_offers() {\n    case $1 in\n",
          out);
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (gs_option_takes_next(&gs_options[i]))
            put_offer(out, &gs_options[i]);
    }
    fputs("    *) return 1 ;;\n    esac\n}\n", out);
}
