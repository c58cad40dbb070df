/* Rounds of waiting and calling. */
#include "session/loop.h"
#include "base/clock.h"
#include "base/least.h"
#include "session/control.h"
#include "session/signals.h"

enum {
    AWAKE_NS = 1000000 /* where there is always something to do there is no sleep, but signals are let in so often */
};

/* Returns whether a signal or the descriptor ended it. */
static bool wait_for(struct gs_loop *loop, uint64_t now_ns)
{
    uint64_t wake_ns = UINT64_MAX;
    for (int i = 0; i < loop->count; i++) {
        struct gs_loop_event *event = &loop->events[i];
        event->due_ns = event->due(event->context, now_ns);
        wake_ns = gs_least(wake_ns, event->due_ns);
    }
    if (now_ns - loop->slept_ns < AWAKE_NS && gs_signals_awake(wake_ns))
        return false;
    loop->slept_ns = now_ns;
    return gs_signals_wait(wake_ns, loop->fd);
}

enum gs_status gs_loop_run(struct gs_loop *loop)
{
    uint64_t now_ns = gs_clock_ns();
    gs_control_begin();
    for (;;) {
        bool woken = wait_for(loop, now_ns);
        now_ns = gs_clock_ns();
        for (int i = 0; i < loop->count; i++) {
            struct gs_loop_event *event = &loop->events[i];
            if (!event->run || (now_ns < event->due_ns && !(woken && event->wakes)))
                continue;
            enum gs_status status = event->run(event->context, now_ns, woken);
            if (status)
                return status;
        }
        if (loop->over(loop->context, now_ns) || gs_signals_ended())
            return GS_OK;
    }
}
