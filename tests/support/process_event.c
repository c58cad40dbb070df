/* Things that happen to a made process while it is read. */
#include "support/process_event.h"

void process_event_script(void *context, size_t call, size_t index, const struct gs_piece *piece)
{
    struct process_event *event = context;
    (void)piece;
    if ((event->call != PROCESS_EVERY && event->call != call) ||
        (event->index != PROCESS_EVERY && event->index != index))
        return;
    event->times++;
    event->happen(event->process);
}

const char *process_stack_of(struct process *p, size_t sleeper)
{
    return process_stack(p, process_find(p, p->sleepers[sleeper]));
}

void process_three_threads(struct process *p)
{
    for (size_t i = 0; i < 3; i++) {
        struct process_thread *thread = process_thread(p, p->interp, p->sleepers[i]);
        process_call(p, thread, 0, (int)i);
        process_call(p, thread, 1, (int)i);
    }
    process_take(p, &p->threads[1]);
}
