/* What a suspended task waits for, in words: by the function of its library that it stands in, else by the object. */
#ifndef GS_PYTHON_TASK_WORDS_H
#define GS_PYTHON_TASK_WORDS_H

#include "python/awaits.h"
#include "python/tasks.h"

enum { GS_MEMBERS_MOST = 256 };

/* Tasks and futures that something waits for together: those of a gather, a TaskGroup. */
struct gs_members {
    gs_addr at[GS_MEMBERS_MOST];
    size_t count;
};

/* chain: of the task, whole; waiter: the future that it waits for; now_s: by the loop's clock, 0: not known. */
void gs_task_wait(struct gs_awaits *awaits, const struct gs_chain *chain, gs_addr waiter, double now_s,
                  struct gs_await *wait, struct gs_members *members);
/* The object that a variable of the frame holds, 0: none. */
gs_addr gs_task_variable(struct gs_awaits *awaits, const struct gs_frame *frame, const char *name);
/* Where the frame keeps such an object; 0: it has no such variable. */
gs_addr gs_task_variable_at(struct gs_awaits *awaits, const struct gs_frame *frame, const char *name);
/* What an attribute of the object itself refers to, wherever it is kept, 0: nothing, or None. */
gs_addr gs_task_attribute(struct gs_awaits *awaits, gs_addr object, const char *name);
/* A float, or a whole number of 64 bits at most; false: it is neither. */
bool gs_task_number(struct gs_awaits *awaits, gs_addr object, double *number);
/* The time at which a timer of asyncio is due; false: it is none that can be read. */
bool gs_timer_due(struct gs_awaits *awaits, gs_addr timer, double *due_s);

#endif
