/* Which tasks there are: addresses of objects, found where each version of Python keeps them. */
#ifndef GS_PYTHON_TASK_LIST_H
#define GS_PYTHON_TASK_LIST_H

#include "python/awaits.h"
#include "python/tasks.h"

/* Zeroed memory is an empty list; free `at` in the end. */
struct gs_task_list {
    gs_addr *at; /* in rising order, none twice */
    size_t count, room;
    size_t left_out; /* beyond GS_TASKS_MOST */
    bool partial;
};

/* GS_NO_MEMORY. */
enum gs_status gs_task_list_add(struct gs_task_list *list, gs_addr task) GS_MUST_CHECK;
/* Adds all that are in a set, whatever they are. */
enum gs_status gs_task_list_set(struct gs_awaits *awaits, gs_addr set, struct gs_task_list *list) GS_MUST_CHECK;
/* Adds those of one interpreter, whose threads these are (others are passed over). */
enum gs_status gs_task_list_read(struct gs_awaits *awaits, gs_addr interpreter, const struct gs_tasks_thread *threads,
                                 size_t thread_count, struct gs_task_list *list) GS_MUST_CHECK;
void gs_task_list_sort(struct gs_task_list *list);

/* The loop that a thread runs, 0: none that is known. */
gs_addr gs_task_running_loop(struct gs_awaits *awaits, const struct gs_tasks_thread *thread);
/* The task that runs in this loop now, 0: none. */
gs_addr gs_task_current(struct gs_awaits *awaits, const struct gs_tasks_thread *thread, gs_addr loop);
/* The same for who looks often: the table, a dict, is looked for once, 0: there is none. */
gs_addr gs_task_table(struct gs_awaits *awaits, gs_addr interpreter);
gs_addr gs_task_current_of(struct gs_awaits *awaits, gs_addr tstate, gs_addr loop, gs_addr table);

#endif
