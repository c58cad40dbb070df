/* The stacks of tasks in place of those of the threads that run them: who runs now, and, looked at as often as it may
 * cost, all that are suspended and who awaits whom. */
#ifndef GS_SAMPLE_TASK_STACKS_H
#define GS_SAMPLE_TASK_STACKS_H

#include "gilspy/sample.h"
#include "python/tasks.h"

struct gs_task_stacks;

/* one_of_many: its process is, and gets a smaller part of the time. NULL: out of memory. */
struct gs_task_stacks *gs_task_stacks_new(struct gs_python *python, struct gs_codes *codes, bool one_of_many);
void gs_task_stacks_free(struct gs_task_stacks *stacks);

/* A look at all tasks is due: it has cost little enough so far. NULL: never. */
bool gs_task_stacks_due(const struct gs_task_stacks *stacks, uint64_t now_ns);
/* One with the frames of threads is wanted next. NULL: never. */
bool gs_task_stacks_wants_frames(const struct gs_task_stacks *stacks);
/* There was one. */
bool gs_task_stacks_looked(const struct gs_task_stacks *stacks);
/* Looks at the tasks of the threads of a snapshot that was taken the moment before. GS_GONE, GS_NO_MEMORY. */
enum gs_status gs_task_stacks_look(struct gs_task_stacks *stacks, const struct gs_snapshot *snapshot) GS_MUST_CHECK;
/* What the last look found. */
const struct gs_tasks *gs_task_stacks_tasks(const struct gs_task_stacks *stacks);

/* How the loops of the last look stand now, but for thread_at; polls: it may, since no task runs. Its thread's state is
 * in gs_task_stacks_tasks. */
struct gs_loop_sample gs_task_stacks_loop(struct gs_task_stacks *stacks, size_t loop);
/* What loops run now, the moment before the next snapshot. NULL: does nothing. */
void gs_task_stacks_before(struct gs_task_stacks *stacks);
/* The frames of the task that a thread runs, in place of its own: innermost first, the coroutines of the tasks that
 * await it, the task itself (GS_FRAME_TASK) last. They hold until the next call. False: out of memory. *frames NULL: it
 * runs none, or none that is known. */
bool gs_task_stacks_running(struct gs_task_stacks *stacks, const struct gs_thread *thread,
                            const struct gs_frame **frames, uint32_t *count);
/* Likewise of a task that the last look found suspended: by its index. */
bool gs_task_stacks_suspended(struct gs_task_stacks *stacks, uint32_t task, const struct gs_frame **frames,
                              uint32_t *count);
/* What is shown for such a frame. */
const char *gs_task_stacks_name(const struct gs_frame *frame);

#endif
