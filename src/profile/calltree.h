/* Samples summed up by stack, in memory that does not grow with the length of the run. */
#ifndef GS_PROFILE_CALLTREE_H
#define GS_PROFILE_CALLTREE_H

#include "profile/modes.h"
#include "profile/nodes.h"

enum { GS_CALLTREE_MOST = 1 << 20, GS_CALLTREE_LEAST = 64 /* nodes of a tree */ };

struct gs_calltree_options {
    uint32_t most;  /* nodes, GS_CALLTREE_LEAST at least, and a bound for the bytes of their names */
    bool qualnames; /* functions are told apart by their whole qualified names, not by what they are called */
    /* What does not fit goes to "(other)" when it comes, so that numbers of nodes hold for ever; otherwise the rarest
     * leaves make room. */
    bool fixed;
};

struct gs_calltree_process {
    pid_t pid;
    char *command; /* arguments with blanks between them */
    char *python, *build;
    uint64_t start_ticks; /* as in a gs_sampled_process */
};

struct gs_calltree_thread {
    uint32_t process;
    pid_t tid;
    char *name;
    bool chosen;   /* by the patterns */
    bool shared;   /* set by gs_calltree_finish: another thread of this process has the same name */
    uint32_t same; /* the first number with this process, tid and name: a tid comes again, and one that nobody has given
                      a name yet has several numbers */
    uint32_t older; /* the number before it with this tid; GS_IDS_NONE: there is none */
};

struct gs_calltree;

/* NULL: out of memory. selection must outlive it. */
struct gs_calltree *gs_calltree_new(const struct gs_selection *selection, const struct gs_calltree_options *options);
void gs_calltree_free(struct gs_calltree *tree);

/* As a gs_sink is told; nothing that they point to is needed later. */
enum gs_status gs_calltree_add_process(struct gs_calltree *tree, uint32_t number,
                                       const struct gs_sampled_process *process) GS_MUST_CHECK;
enum gs_status gs_calltree_add_thread(struct gs_calltree *tree, uint32_t number,
                                      const struct gs_sampled_thread *thread) GS_MUST_CHECK;
void gs_calltree_forget(struct gs_calltree *tree);

/* Of a fixed tree: where each thread of a sample was: nodes[i] for the stack of thread i, 0 when it does not count;
 * late[i], the same for the time when the sampler was late, when sample->gap_ns is not 0. The arrays belong to the tree
 * and hold until the next call. */
enum gs_status gs_calltree_find(struct gs_calltree *tree, const struct gs_sample *sample, const uint32_t **nodes,
                                const uint32_t **late) GS_MUST_CHECK;
/* The same of one suspended task. */
enum gs_status gs_calltree_find_task(struct gs_calltree *tree, const struct gs_sample *sample, size_t task,
                                     uint32_t *node) GS_MUST_CHECK;
/* Time of such a node, before gs_calltree_finish. */
void gs_calltree_charge(struct gs_calltree *tree, uint32_t node, const struct gs_thread_sample *thread, uint64_t ns);
/* Adds up a sample's time. */
enum gs_status gs_calltree_add(struct gs_calltree *tree, const struct gs_sample *sample) GS_MUST_CHECK;

/* No sample comes any more: from here on a node's times include those of all below it, and it has children. */
enum gs_status gs_calltree_finish(struct gs_calltree *tree) GS_MUST_CHECK;

/* How a tree goes into another one that compares several. */
struct gs_calltree_side {
    int word;      /* all its time, whatever the GIL, becomes time of this word, */
    double factor; /* times this */
    /* What a file is called there: one that lies elsewhere on the other side may be the same. */
    const char *(*shorten)(void *context, const char *file);
    void *context;
};
/* Adds a finished tree to one that gets no samples of its own, is not finished yet, and has room for the nodes of both.
 * Nodes are the same when processes have the same command, threads the same name, and functions the same name and file.
 * Time when the sampler was late stays out. GS_NO_MEMORY, or GS_OK. */
enum gs_status gs_calltree_merge(struct gs_calltree *into, const struct gs_calltree *from,
                                 const struct gs_calltree_side *side) GS_MUST_CHECK;

/* Sorted by name, what is no function last. */
const uint32_t *gs_calltree_children(const struct gs_calltree *tree, uint32_t node, uint32_t *count);
uint64_t gs_calltree_self_ns(const struct gs_calltree *tree, uint32_t node);
/* Where drawing begins: the process if there is but one, else the node of everything. */
uint32_t gs_calltree_top(const struct gs_calltree *tree);

uint32_t gs_calltree_count(const struct gs_calltree *tree);
const struct gs_node *gs_calltree_node(const struct gs_calltree *tree, uint32_t node);
/* Of nodes of that kind. */
const struct gs_place *gs_calltree_place(const struct gs_calltree *tree, uint32_t node);
const struct gs_calltree_thread *gs_calltree_thread(const struct gs_calltree *tree, uint32_t node);
/* By number, places from 1 on. */
uint32_t gs_calltree_place_count(const struct gs_calltree *tree);
const struct gs_place *gs_calltree_place_at(const struct gs_calltree *tree, uint32_t number);
/* The number of a place of the last sample's stacks; 0: there is no room for it. */
uint32_t gs_calltree_place_of(struct gs_calltree *tree, uint32_t number);
const struct gs_calltree_process *gs_calltree_process(const struct gs_calltree *tree, uint32_t number);
uint32_t gs_calltree_process_count(const struct gs_calltree *tree);
/* How many nodes went into "(other)"s so far. */
uint64_t gs_calltree_folded(const struct gs_calltree *tree);

#endif
