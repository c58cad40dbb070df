/* What the completions of each shell are made with. */
#ifndef COMPLETIONS_SHELLS_H
#define COMPLETIONS_SHELLS_H

#include "cmd/cmd.h"

/* The tables of commands and options in each shell's language, for the functions in its template. */
void gs_bash_tables(FILE *out, const void *unused);
void gs_zsh_tables(FILE *out, const void *unused);
void gs_fish_tables(FILE *out, const void *unused);

/* What the function in the templates is called that makes a list: "pids" of GS_OFFER_PIDS. NULL: the offer is words. */
const char *gs_offer_list(const char *offer);
/* The words of any other offer, with blanks between. */
void gs_offer_words(FILE *out, const char *offer);
/* The first thing that a help text says, for single quotes: `quote` stands for one of its own, and a backslash comes
 * before each character that is special. */
void gs_help_short(FILE *out, const char *help, const char *special, const char *quote);

static inline bool gs_takes(uint64_t options, int option)
{
    return options >> option & 1;
}

#endif
