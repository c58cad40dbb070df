/* The options: one table for all commands, and what they have set. */
#ifndef GS_CMD_ARGS_H
#define GS_CMD_ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/console.h"
#include "gilspy/snapshot.h"

enum gs_option_id {
#define OPTION(id, ...) GS_OPT_##id,
#include "cmd/options.def"
#undef OPTION
    GS_OPT_COUNT
};

/* A set of options, as a command lists those that it takes: GS_OPT(PID) | GS_OPT(JSON). */
#define GS_OPT(id) (UINT64_C(1) << GS_OPT_##id)

struct gs_args {
    pid_t *pids;
    size_t pid_count;
    const char **threads; /* patterns */
    size_t thread_count;
    const char **words; /* what is no option */
    size_t word_count;
    bool subprocesses, locals, function, once, json, quiet, verbose, help;
    enum gs_stopping stopping;
    double max_pause;
    double rate_hz;                    /* infinite: max */
    uint64_t duration_us, interval_us; /* 0: not given */
    const char *output;
    uint32_t assume;
    enum gs_color_when color;
};

struct gs_option {
    char letter; /* 0: none */
    const char *name, *argument, *initially;
    const char *takes; /* what the argument must look like, for messages */
    const char *help;
    /* argument is NULL for an option without one. False: argument is not what the option takes. */
    bool (*set)(struct gs_args *args, const char *argument);
};

extern const struct gs_option gs_options[GS_OPT_COUNT];

/* Reads the words of a command line from argv[1] on; options that are not among `allowed` are errors. The strings are
 * argv's own. The caller frees with gs_args_fini in any case. GS_USAGE with err filled, GS_NO_MEMORY. */
enum gs_status gs_args_parse(struct gs_args *args, int argc, char **argv, uint64_t allowed,
                             struct gs_err *err) GS_MUST_CHECK;
void gs_args_fini(struct gs_args *args);

#endif
