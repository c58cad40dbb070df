/* Reading a command line by the table of options, and saying helpfully what is wrong with it. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cmd/args.h"

struct reading {
    struct gs_args *args;
    int argc, at; /* at: the word that is read */
    char **argv;
    uint64_t allowed;
    struct gs_err *err;
};

/* An option that does not exist, or not here. */
static enum gs_status unknown(const struct reading *r, const char *name, const struct gs_option *elsewhere)
{
    if (elsewhere) {
        gs_fail(r->err, GS_USAGE, "cannot read the options: %s does not take --%s", r->argv[0], elsewhere->name);
        gs_err_todo(r->err, "See gilspy help %s", r->argv[0]);
        return GS_USAGE;
    }
    gs_fail(r->err, GS_USAGE, "cannot read the options: there is no option %s%s", name[1] ? "--" : "-", name);
    struct gs_nearest nearest = {.word = name};
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (r->allowed >> i & 1)
            gs_nearest_try(&nearest, gs_options[i].name);
    }
    if (nearest.best && name[1])
        gs_err_todo(r->err, "Did you mean --%s?", nearest.best);
    else
        gs_err_todo(r->err, "See gilspy help %s", r->argv[0]);
    return GS_USAGE;
}

static enum gs_status apply(const struct reading *r, const struct gs_option *option, const char *argument)
{
    if (option->set(r->args, argument)) {
        r->args->given |= UINT64_C(1) << (option - gs_options);
        return GS_OK;
    }
    gs_fail(r->err, GS_USAGE, "cannot read the options: --%s cannot be '%.60s'", option->name,
            argument ? argument : "");
    gs_err_todo(r->err, "%s", option->takes);
    return GS_USAGE;
}

/* The option's argument is the next word. */
static enum gs_status apply_next(struct reading *r, const struct gs_option *option)
{
    if (r->at + 1 < r->argc)
        return apply(r, option, r->argv[++r->at]);
    gs_fail(r->err, GS_USAGE, "cannot read the options: --%s needs %s", option->name, option->argument);
    gs_err_todo(r->err, "%s", option->takes);
    return GS_USAGE;
}

static enum gs_status read_long(struct reading *r, const char *word)
{
    size_t len = strcspn(word, "=");
    char name[GS_NEAREST_MAX] = "";
    memcpy(name, word, len < sizeof name ? len : sizeof name - 1);
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        const struct gs_option *option = &gs_options[i];
        if (strcmp(name, option->name) != 0)
            continue;
        if (!(r->allowed >> i & 1))
            return unknown(r, name, option);
        if (option->argument && word[len])
            return apply(r, option, word + len + 1);
        if (gs_option_takes_next(option))
            return apply_next(r, option);
        if (word[len] == '\0')
            return apply(r, option, NULL);
        return gs_fail(r->err, GS_USAGE, "cannot read the options: --%s takes no value", name);
    }
    return unknown(r, name, NULL);
}

/* Letters bundled in one word; the rest behind one that takes an argument is its argument. */
static enum gs_status read_letters(struct reading *r, const char *word)
{
    for (; *word; word++) {
        const struct gs_option *option = NULL;
        for (int i = 0; i < GS_OPT_COUNT; i++) {
            if (gs_options[i].letter == *word)
                option = &gs_options[i];
        }
        char name[2] = {*word, '\0'};
        if (!option || !(r->allowed >> (option - gs_options) & 1))
            return unknown(r, name, option);
        if (gs_option_takes_next(option))
            return word[1] ? apply(r, option, word + 1) : apply_next(r, option);
        enum gs_status status = apply(r, option, NULL);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

enum gs_status gs_args_parse(struct gs_args *args, int argc, char **argv, uint64_t allowed, struct gs_err *err)
{
    struct reading r = {.args = args, .argc = argc, .argv = argv, .allowed = allowed, .err = err};
    bool only_words = false;
    *args = (struct gs_args){.argc = argc,
                             .argv = argv,
                             .max_pause = 0.02,
                             .rate_hz = 100,
                             .long_us = 20000,
                             .every_us = 15000000,
                             .max_cpu = 0.05,
                             .max_memory = 200 << 20};
    args->words = calloc((size_t)argc, sizeof *args->words);
    if (!args->words)
        return gs_fail(err, GS_NO_MEMORY, "cannot read the options: out of memory");
    for (r.at = 1; r.at < argc && !args->program; r.at++) {
        const char *word = argv[r.at];
        enum gs_status status = GS_OK;
        if (only_words || word[0] != '-' || word[1] == '\0')
            args->words[args->word_count++] = word;
        else if (strcmp(word, "--") == 0 && allowed >> GS_OPT_USER & 1)
            args->program = argv + r.at + 1; /* all the rest is the program's */
        else if (strcmp(word, "--") == 0)
            only_words = true;
        else
            status = word[1] == '-' ? read_long(&r, word + 2) : read_letters(&r, word + 1);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

enum gs_status gs_args_word(struct gs_args *args, const char *word, uint64_t allowed, uint64_t given,
                            struct gs_err *err)
{
    struct reading r = {
        .args = args, .argc = args->argc, .argv = args->argv, .at = args->argc, .allowed = allowed, .err = err};
    size_t len = strcspn(word, "=");
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if ((given & allowed) >> i & 1 && strlen(gs_options[i].name) == len &&
            memcmp(gs_options[i].name, word, len) == 0)
            return GS_OK;
    }
    return read_long(&r, word);
}

bool gs_args_keep(struct gs_args *args, char *string)
{
    char **longer = realloc(args->kept, (args->kept_count + 1) * sizeof *longer);
    if (!longer) {
        free(string);
        return false;
    }
    args->kept = longer;
    longer[args->kept_count++] = string;
    return true;
}

void gs_args_fini(struct gs_args *args)
{
    for (size_t i = 0; i < args->kept_count; i++)
        free(args->kept[i]);
    free(args->kept);
    free(args->pids);
    free(args->threads);
    free(args->shows);
    free(args->names);
    free(args->cgroups);
    free(args->excludes);
    free(args->words);
    free(args->diffs);
    gs_push_labels_free(args->labels, args->label_count);
}

enum gs_status gs_args_check(const struct gs_args *args, const char *verb, struct gs_err *err)
{
    if (args->user && !args->program)
        return gs_fail(err, GS_USAGE, "cannot %s: --user is for a command behind --", verb);
    if (args->pid_count > 0 && args->program)
        return gs_fail(err, GS_USAGE, "cannot %s: -p and a command behind -- exclude each other", verb);
    if (args->pid_count > 0 || args->core || (args->program && args->program[0]))
        return GS_OK;
    gs_fail(err, GS_USAGE, "cannot %s: neither a process nor a command is named", verb);
    gs_err_todo(err, "Name a process with -p PID (gilspy ps lists them), or a command behind --");
    return GS_USAGE;
}

bool gs_args_several(const struct gs_args *args)
{
    return args->pid_count > 1 || args->subprocesses || args->name_count > 0 || args->cgroup_count > 0;
}

const char *gs_args_given(const struct gs_args *args, uint64_t set)
{
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        if (args->given & set & UINT64_C(1) << i)
            return gs_options[i].name;
    }
    return NULL;
}
