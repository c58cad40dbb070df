/* Time lines of tasks of event loops. A lane is a thread and a name: of tasks that are called alike, the first one's
 * place and how many there are. Who is suspended is known from look to look at the tasks; where one ran in between, its
 * lane is empty until the next one. */
#ifndef GS_EXPORT_TASK_LANES_H
#define GS_EXPORT_TASK_LANES_H

#include "base/ids.h"
#include "gilspy/sample.h"

enum { GS_TASK_LANES_MOST = 512 /* of all processes: tasks beyond have none */ };

struct gs_task_lane {
    uint32_t process, thread; /* that runs its loop: their numbers */
    bool runs, looked;        /* in this sample; found suspended in this look */
    uint8_t gil;              /* of its thread, where it runs: enum gs_gil_word */
    uint32_t count;           /* so many tasks of that name are suspended, */
    uint32_t place;           /* the first one there: of the source's stacks */
    uint64_t open;            /* what goes on there, a hash; 0: nothing */
};

/* Who draws them: what begins goes on until it is ended. */
struct gs_task_lanes_user {
    void *context;
    bool (*chosen)(void *context, uint32_t thread);
    /* A new lane, number `lane`; name: the source's place of the task itself. */
    enum gs_status (*introduce)(void *context, uint32_t lane, const struct gs_stacks *stacks, uint32_t name);
    enum gs_status (*begin)(void *context, uint32_t lane, const struct gs_stacks *stacks, uint64_t ns);
    enum gs_status (*end)(void *context, uint32_t lane, uint64_t ns);
};

struct gs_task_lanes { /* empty when zeroed, but for `user` */
    struct gs_task_lanes_user user;
    struct gs_task_lane list[GS_TASK_LANES_MOST];
    uint32_t count;
    struct gs_ids by_name; /* hashes of thread and name */
};

void gs_task_lanes_fini(struct gs_task_lanes *lanes);
enum gs_status gs_task_lanes_add(struct gs_task_lanes *lanes, const struct gs_sample *sample,
                                 uint64_t begin_ns) GS_MUST_CHECK;
/* Ends what goes on in the lanes of a process. */
enum gs_status gs_task_lanes_stop(struct gs_task_lanes *lanes, uint32_t process, uint64_t ns) GS_MUST_CHECK;

#endif
