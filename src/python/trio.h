/* The tasks of trio: those of each thread's runner. */
#ifndef GS_PYTHON_TRIO_H
#define GS_PYTHON_TRIO_H

#include "python/task_rows.h"

/* Adds the loop and the tasks of each thread of the question that runs trio, also as another loop's guest. `pages`: the
 * cache below awaits->mem. GS_NO_MEMORY; what cannot be read is left out. */
enum gs_status gs_trio_read(const struct gs_tasks_question *question, struct gs_awaits *awaits, struct gs_mem *pages,
                            struct gs_task_rows *rows) GS_MUST_CHECK;

/* The task that a thread runs, 0: none that is known; *coroutine: its own. frames: of the thread, innermost first. */
gs_addr gs_trio_running(struct gs_awaits *awaits, const struct gs_frame *frames, uint32_t count, gs_addr *coroutine,
                        char name[GS_TASK_NAME]);

/* No task has its turn. */
bool gs_trio_polls(struct gs_awaits *awaits, const struct gs_event_loop *loop);

/* What is remembered of a runner from look to look; empty when zeroed. */
struct gs_trio_turns {
    gs_addr runner;
    struct gs_trio_place place; /* as a look with frames found it */
    uint32_t asked;             /* so often that was tried */
    uint32_t drawn;             /* random numbers, modulo 624 */
    uint64_t state, size;       /* of the queue */
    uint64_t passes;
    uint64_t sure_changes, sure_passes; /* between looks so close that there is no doubt of them */
};

/* Takes the place of a loop from a look with the frames of its thread to one without. False: such a look is wanted. */
bool gs_trio_remember(struct gs_awaits *awaits, struct gs_event_loop *loop, struct gs_trio_turns *turns);

/* As gs_event_loop_queue, of steps of tasks, where looks follow one another within 300 passes of the loop or so. */
bool gs_trio_queue(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_event_loop *loop,
                   struct gs_trio_turns *turns, uint64_t *taken, uint64_t *ready);

#endif
