/* The options: one table for all commands, and what they have set. */
#ifndef GS_CMD_ARGS_H
#define GS_CMD_ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/console.h"
#include "gilspy/snapshot.h"
#include "profile/modes.h"
#include "push/profile.h"

enum gs_option_id {
#define OPTION(id, ...) GS_OPT_##id,
#include "cmd/options.def"
#undef OPTION
    GS_OPT_COUNT
};

/* A set of options, as a command lists those that it takes: GS_OPT(PID) | GS_OPT(JSON). */
#define GS_OPT(id) (UINT64_C(1) << GS_OPT_##id)

/* What completion offers beside words: lists that are made when they are asked for, or when completions are built. */
#define GS_OFFER_PIDS     "<pids>"    /* the Python processes here */
#define GS_OFFER_THREADS  "<threads>" /* of the process that is named before */
#define GS_OFFER_FILES    "<files>"
#define GS_OFFER_USERS    "<users>"
#define GS_OFFER_PROGRAM  "<program>"  /* behind --, with its own arguments */
#define GS_OFFER_PYTHONS  "<pythons>"  /* X.Y of those that are known */
#define GS_OFFER_COMMANDS "<commands>" /* of gilspy */
#define GS_OFFER_FORMATS  "<formats>"  /* of recordings */

struct gs_args {
    pid_t *pids;
    size_t pid_count;
    size_t found;                  /* so many of them, the last ones, were found by gs_wire_find */
    const char **names, **cgroups; /* what is to be found, as in struct gs_search */
    size_t name_count, cgroup_count;
    const char **excludes; /* patterns */
    size_t exclude_count;
    const char **threads; /* patterns */
    size_t thread_count;
    const char **shows; /* values by path */
    size_t show_count;
    const char **words; /* what is no option */
    size_t word_count;
    char **program; /* what stands behind --, NULL-terminated; NULL: nothing does */
    bool subprocesses, merge, exact, counters, locks, stat, locals, show_secrets, function, no_source, opcodes,
        threads_first, once, exit_code, json, quiet, verbose, debuginfod, help, version;
    enum gs_stopping stopping;
    enum gs_native_scope native;
    enum gs_tasks_shown { GS_TASKS_ALL, GS_TASKS_RUNNING, GS_TASKS_OFF } tasks;
    bool tree;
    double max_pause;
    double max_overhead;               /* 0: not given, below 0: any */
    double max_cpu;                    /* of one processor; below 0: any */
    uint64_t max_memory;               /* bytes */
    double rate_hz;                    /* infinite: max */
    uint64_t duration_us, interval_us; /* 0: not given */
    uint64_t from_us, to_us;           /* to_us 0: not given */
    uint64_t long_us;
    size_t local_bytes;               /* of each value; 0: short */
    uint64_t given;                   /* the set of options that were */
    uint64_t rotate_us, rotate_bytes; /* both 0: not given */
    uint64_t rotate_keep;             /* recordings */
    const char *push;                 /* URL, NULL: not given */
    const char *listen, *textfile;    /* address and folder; NULL: not given */
    const char *spool;                /* folder; NULL: not given */
    uint64_t spool_bytes;
    const char *config; /* file; NULL: not given */
    bool check_config, log_json;
    char **kept; /* words that are no argv's */
    size_t kept_count;
    int argc; /* the command line */
    char **argv;
    uint64_t every_us;
    struct gs_push_label *labels;
    size_t label_count;
    const char **diffs; /* recordings to compare with */
    size_t diff_count;
    enum gs_mode mode;
    const char *format, *user; /* NULL: not given */
    const char *output;        /* NULL: not given */
    const char *core, *exe;    /* NULL: not given */
    uint32_t assume;
    enum gs_color_when color;
    const char *why; /* it is sampled though exactness was asked for; NULL: it was not */
};

struct gs_option {
    char letter; /* 0: none */
    const char *name, *argument;
    const char *offers; /* words for the argument with blanks between, or one GS_OFFER_; NULL: none */
    const char *initially;
    const char *takes; /* what the argument must look like, for messages */
    const char *help;
    /* argument is NULL for an option without one, or whose argument can be left out and is. False: argument is not what
     * the option takes. */
    bool (*set)(struct gs_args *args, const char *argument);
};

extern const struct gs_option gs_options[GS_OPT_COUNT];

/* The next word is its argument. One that can be left out ("[=...]") stands in the same word only. */
static inline bool gs_option_takes_next(const struct gs_option *option)
{
    return option->argument && option->argument[0] != '[';
}

/* Reads the words of a command line from argv[1] on; options that are not among `allowed` are errors. The strings are
 * argv's own. The caller frees with gs_args_fini in any case. GS_USAGE with err filled, GS_NO_MEMORY. */
enum gs_status gs_args_parse(struct gs_args *args, int argc, char **argv, uint64_t allowed,
                             struct gs_err *err) GS_MUST_CHECK;
void gs_args_fini(struct gs_args *args);
/* Applies one word, "name" or "name=value", unless its option is among `given`. What it points to must outlive args. As
 * gs_args_parse. */
enum gs_status gs_args_word(struct gs_args *args, const char *word, uint64_t allowed, uint64_t given,
                            struct gs_err *err) GS_MUST_CHECK;
/* Frees a string with args. False: out of memory, and it is freed. */
bool gs_args_keep(struct gs_args *args, char *string);
/* Whether they name processes, a core or a program. GS_USAGE and err filled where they do not; verb: as "trace". */
enum gs_status gs_args_check(const struct gs_args *args, const char *verb, struct gs_err *err) GS_MUST_CHECK;
/* Its documents are those of a list of processes, however many there are. */
bool gs_args_several(const struct gs_args *args);
/* The name of the first option of a set that was given; NULL: none was. */
const char *gs_args_given(const struct gs_args *args, uint64_t set);

#endif
