/* Writes the completions of bash, zsh and fish, from the tables of commands and options and the functions that are
 * written by hand in the templates beside this file.
 *
 *   gilspy-completions TEMPLATES OUTPUT */
#include <stdio.h>
#include <string.h>

#include "cmd/draw.h"
#include "completions/shells.h"
#include "export/format.h"
#include "man/template.h"
#include "python/layout_tables.h"

const char *gs_offer_list(const char *offer)
{
    static const struct {
        const char *offer, *name;
    } lists[] = {{GS_OFFER_PIDS, "pids"},
                 {GS_OFFER_THREADS, "threads"},
                 {GS_OFFER_FILES, "files"},
                 {GS_OFFER_USERS, "users"},
                 {GS_OFFER_PROGRAM, "program"}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (strcmp(offer, lists[i].offer) == 0)
            return lists[i].name;
    }
    return NULL;
}

void gs_offer_words(FILE *out, const char *offer)
{
    if (strcmp(offer, GS_OFFER_COMMANDS) == 0) {
        for (size_t i = 0; gs_cmds[i]; i++)
            fprintf(out, "%s%s", i > 0 ? " " : "", gs_cmds[i]->name);
    } else if (strcmp(offer, GS_OFFER_FORMATS) == 0) {
        for (size_t i = 0; gs_formats[i]; i++)
            fprintf(out, "%s ", gs_formats[i]->name);
        fputs(GS_FORMAT_RECORDING, out);
    } else if (strcmp(offer, GS_OFFER_PYTHONS) == 0) {
        for (size_t i = 0; i < GS_LAYOUT_VERSIONS; i++)
            fprintf(out, "%s%u.%u", i > 0 ? " " : "", (unsigned)GS_VERSION_MAJOR(gs_layout_versions[i].version),
                    (unsigned)GS_VERSION_MINOR(gs_layout_versions[i].version));
    } else {
        fputs(offer, out);
    }
}

void gs_help_short(FILE *out, const char *help, const char *special, const char *quote)
{
    for (; *help && !(strchr(".:;", *help) && help[1] == ' '); help++) {
        if (*help == '\'')
            fputs(quote, out);
        else
            fprintf(out, strchr(special, *help) ? "\\%c" : "%c", *help);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *template, *file;
        struct gs_slot slots[2];
    } shells[] = {
        {"gilspy.bash.in", "gilspy", {{"TABLES", gs_bash_tables}}},
        {"gilspy.zsh.in", "_gilspy", {{"TABLES", gs_zsh_tables}}},
        {"gilspy.fish.in", "gilspy.fish", {{"TABLES", gs_fish_tables}}},
    };
    bool good = argc == 3;
    for (size_t i = 0; good && i < sizeof shells / sizeof *shells; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], shells[i].template);
        good = gs_template_fill(path, argv[2], shells[i].file, shells[i].slots, NULL);
    }
    return good ? 0 : 1;
}
