/* fish: one line of `complete` for each command, and for each option that it takes. */
#include <string.h>

#include "completions/shells.h"

static const char *const special = "\\", *const quote = "\\'";

static bool takes_file(const char *offer)
{
    return offer && strcmp(offer, GS_OFFER_FILES) == 0;
}

static void put_offer(FILE *out, const char *offer)
{
    if (!offer || takes_file(offer))
        return;
    const char *list = gs_offer_list(offer);
    fputs(" -a '", out);
    if (list)
        fprintf(out, "(__gilspy_%s)", list);
    else
        gs_offer_words(out, offer);
    fputc('\'', out);
}

static void put_option(FILE *out, const char *condition, const struct gs_option *option)
{
    fprintf(out, "complete -c gilspy -n '%s' -l %s", condition, option->name);
    if (option->letter)
        fprintf(out, " -s %c", option->letter);
    if (gs_option_takes_next(option))
        fputs(takes_file(option->offers) ? " -r -F" : " -x", out);
    if (gs_option_takes_next(option))
        put_offer(out, option->offers);
    fputs(" -d '", out);
    gs_help_short(out, option->help, special, quote);
    fputs("'\n", out);
}

static void put_options(FILE *out, const char *condition, uint64_t taken)
{
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (gs_takes(taken, i))
            put_option(out, condition, &gs_options[i]);
    }
}

void gs_fish_tables(FILE *out, const void *unused)
{
    char condition[64];
    (void)unused;
    for (size_t i = 0; gs_cmds[i]; i++) {
        fprintf(out, "complete -c gilspy -n __gilspy_no_command -a %s -d '", gs_cmds[i]->name);
        gs_help_short(out, gs_cmds[i]->summary, special, quote);
        fputs("'\n", out);
    }
    put_options(out, "__gilspy_no_command", GS_PROGRAM_OPTIONS);
    for (size_t i = 0; gs_cmds[i]; i++) {
        snprintf(condition, sizeof condition, "__gilspy_command %s", gs_cmds[i]->name);
        fputc('\n', out);
        put_options(out, condition, gs_cmds[i]->options);
        if (gs_cmds[i]->offers) {
            fprintf(out, "complete -c gilspy -n '%s'%s", condition, takes_file(gs_cmds[i]->offers) ? " -F" : "");
            put_offer(out, gs_cmds[i]->offers);
            fputc('\n', out);
        }
    }
}
