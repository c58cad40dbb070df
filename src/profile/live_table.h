/* The processes and threads of the live model. */
#ifndef GS_PROFILE_LIVE_TABLE_H
#define GS_PROFILE_LIVE_TABLE_H

#include "profile/live.h"

enum {
    GS_LIVE_THREADS = 8192,
    GS_LIVE_PROCESSES = 128,
    GS_LIVE_NAME = 48 /* bytes of a thread's name that are kept */
};

#define GS_LIVE_NOBODY UINT32_MAX

struct gs_live_lock; /* live_gils.h */
struct gs_lock_account;

struct gs_live_process {
    uint32_t number;
    pid_t pid;
    char *command, *python;
    bool ended;
    uint64_t samples;
    uint64_t weighed_ns;           /* of all its samples */
    size_t threads, absent;        /* known; of these, without a thread state, */
    size_t seen;                   /* and so many were in the last sample, */
    struct gs_thread_sample *last; /* which was this */
    size_t last_room;
    bool fresh; /* the numbers in it mean nothing any more */
    uint64_t cpu_at_ns, cpu_ns, uptime_us;
    double cpu;
    struct gs_live_lock *locks; /* one block, GS_GILS_MOST at most, */
    size_t lock_count, lock_room;
    struct gs_lock_account *waits; /* for other locks; NULL: they were not asked for yet */
    uint64_t waits_ns;             /* for which they were watched, */
    bool waits_known;              /* and in the last sample, too */
    bool locks_left_out;           /* and there were threads of further ones */
    uint32_t *hints;               /* where the thread at this place of the last sample is in the list */
    size_t hint_room;
};

struct gs_live_thread {
    uint32_t number, process; /* the process's number */
    pid_t tid;
    char name[GS_LIVE_NAME];
    bool main, at_least, stirred;
    bool absent; /* it is in no Python just now, and may come back */
    bool chosen; /* one of those that are listed */
    uint8_t doing, lock;
    struct gs_thread_sample now; /* what it does */
    uint64_t settled_ns;         /* of what its process's samples weigh: the time up to here is charged */
    uint64_t round;              /* the process's sample that last said anything else of it, or of any new one */
    uint64_t since_ns;
    uint32_t stack;        /* of the source; 0: none */
    uint32_t stacks_known; /* which giving of numbers that is of */
    uint32_t pending;      /* where the time of its last stack was kept */
    double recent_ns[GS_DOING_COUNT];
    uint64_t cpu_at_ns, cpu_ns;
    double cpu;
    uint32_t cell_ns[GS_DOING_COUNT]; /* of the cell that grows */
    uint64_t first_cell;
    struct gs_picture_cell cells[GS_PICTURE_CELLS]; /* by number */
};

struct gs_live_table {
    struct gs_selection selection;
    struct gs_live_process *processes; /* by number, */
    size_t process_count, process_room;
    struct gs_live_thread **threads; /* like these */
    size_t thread_count, thread_room;
    uint64_t cell; /* the number of the one that grows */
    struct gs_live_alive alive;
};

void gs_live_table_fini(struct gs_live_table *table);
struct gs_live_process *gs_live_process_of(const struct gs_live_table *table, uint32_t number);
struct gs_live_process *gs_live_process_at(const struct gs_live_table *table, pid_t pid);
struct gs_live_thread *gs_live_thread_of(const struct gs_live_table *table, uint32_t number);
/* The thread at a place of a sample, NULL: there was no room for it. */
struct gs_live_thread *gs_live_thread_in(const struct gs_live_table *table, struct gs_live_process *process,
                                         size_t place, uint32_t number);
/* The thread of a process that has this tid; NULL: there is none. */
struct gs_live_thread *gs_live_thread_with(const struct gs_live_table *table, const struct gs_live_process *process,
                                           pid_t tid);
enum gs_status gs_live_add_process(struct gs_live_table *table, uint32_t number,
                                   const struct gs_sampled_process *sampled) GS_MUST_CHECK;
/* What is known of it so far is to be charged before that: its name and who is chosen may be others. */
enum gs_status gs_live_add_thread(struct gs_live_table *table, uint32_t number,
                                  const struct gs_sampled_thread *sampled) GS_MUST_CHECK;
/* Whether it is one of those that are listed and counted, by its name. */
bool gs_live_chosen(const struct gs_live_table *table, const struct gs_sampled_thread *sampled);
/* Threads of a process that its last sample, of that moment, did not have: they have ended, or are absent. */
void gs_live_drop_threads(struct gs_live_table *table, struct gs_live_process *process, uint64_t time_ns);
/* Those that are absent may have ended by now. */
void gs_live_drop_ended(struct gs_live_table *table);
void gs_live_process_free(struct gs_live_table *table, struct gs_live_process *process);

#endif
