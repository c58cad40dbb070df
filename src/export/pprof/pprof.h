/* What a profile for pprof is made of. */
#ifndef GS_EXPORT_PPROF_PPROF_H
#define GS_EXPORT_PPROF_PPROF_H

#include <stdio.h>

#include "export/format.h"
#include "profile/calltree.h"

#include "pprof.pb-c.h"

/* The compressed file. A message is written piece by piece: messages of one type, one behind the other, are one. */
struct gs_pprof_out;

/* Threads of a process are told apart by what they do, as gs_thread_code says. What belongs
 * to one class is counted in the call tree as if it were a process, because processes are never folded, and a sample of
 * the profile has to know its class. */
enum { GS_PPROF_CLASSES = GS_CODE_RUNS * (GS_UNKNOWN + 1) };

struct gs_pprof_process {
    pid_t pid;
    char *command;
    uint32_t numbers[GS_PPROF_CLASSES]; /* the tree's, plus 1; 0: none yet */
};

/* What is behind a number of the tree. */
struct gs_pprof_part {
    uint32_t process;
    uint8_t class;
};

/* Which profile: of `-f pprof`, or for a server, which makes a series of each text that labels a sample. */
struct gs_pprof_options {
    uint32_t most;      /* nodes of the call tree, and so samples: the rarest leaves make room */
    bool times_only;    /* neither a count of samples nor the quality of the run, of which it is a part */
    const char *thread; /* the label of the thread's name; NULL: all that is known of the thread is labelled */
};

struct gs_pprof {
    struct gs_sink sink;
    struct gs_pprof_options options;
    FILE *out;
    const struct gs_selection *selection;
    struct gs_selection by_thread; /* the same with threads, for the tree */
    struct gs_calltree *tree;
    struct gs_run_info run;
    uint64_t end_ns; /* of the run, when it has ended */
    const char *exe; /* of the first process that has one */
    struct gs_pprof_process *processes;
    uint32_t process_count;
    struct gs_pprof_part *parts;
    uint32_t part_count;
    struct gs_thread_sample *list; /* of one class, */
    size_t list_room;
    struct gs_sampled_gil gils[GS_GILS_MOST]; /* and their GILs */
};

/* As gs_format's open and close. */
enum gs_status gs_pprof_open(struct gs_sink **sink, FILE *out, const struct gs_selection *selection,
                             const struct gs_pprof_options *options) GS_MUST_CHECK;
void gs_pprof_close(struct gs_sink *sink);

/* The tree is finished. */
enum gs_status gs_pprof_write(struct gs_pprof *pprof, const struct gs_run_end *end) GS_MUST_CHECK;

#endif
