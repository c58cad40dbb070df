/* What holds up the process whatever its threads do: it is stopped, it sleeps where no signal reaches it, it ends. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_rules.h"
#include "target/kernel_state.h"

void gs_why_find_stopped(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    struct gs_verdict *v;
    if (!c->stopped)
        return;
    if (c->stopped == 'T') {
        v = gs_why_say(j, GS_WHY_stopped, true, "The process is stopped by a signal: none of its threads runs.");
        gs_why_evidence(j, v,
                        "Somebody sent it SIGSTOP or SIGTSTP (Ctrl-Z in its terminal does that), or it read from "
                        "a terminal in the background.");
        gs_why_advise(j, v, "kill -CONT %d lets it go on.", (int)c->target->pid);
    } else if (c->stopped == 'F') {
        v = gs_why_say(j, GS_WHY_stopped, true, "The process is frozen by its cgroup: none of its threads runs.");
        gs_why_evidence(j, v, "A container that is paused (docker pause) is frozen like that.");
        gs_why_advise(j, v, "Let it go on (docker unpause); its cgroup is in /proc/%d/cgroup.", (int)c->target->pid);
    } else {
        v = gs_why_say(j, GS_WHY_stopped, true, "The process is held by its tracer, process %d (%s).", (int)c->tracer,
                       c->tracer_name);
        gs_why_advise(j, v, "Let the debugger continue or detach: %d (%s).", (int)c->tracer, c->tracer_name);
    }
    for (size_t i = 0; i < c->snapshot->thread_count; i++)
        gs_why_concerns(j, v, i);
    if (c->stopped == 'F')
        gs_why_basis(j, v, "its main thread waits in the kernel's freezer.");
    else
        gs_why_basis(j, v, "the kernel shows it in state %c.", c->stopped);
}

/* Whoever starts a process by vfork sleeps like that until the child runs its program. */
static const char *advise_sleeper(const struct gs_activity *activity)
{
    static const char *const starting[] = {"vfork", "clone", "clone3"};
    const char *call = activity->run == GS_RUN_SYSCALL ? gs_syscall_name(activity->number) : NULL;
    for (size_t i = 0; i < sizeof starting / sizeof *starting; i++) {
        if (call && strcmp(call, starting[i]) == 0)
            return "It has started a process (vfork, posix_spawn, subprocess) that does not come to run its program: "
                   "look "
                   "at what that child waits for, by pgrep -P and the file that it opens.";
    }
    return "A disk, a network mount or swap that does not answer is the usual cause: look at dmesg, at vmstat 1 "
           "(columns "
           "si, so, wa), and at the mounts that it uses.";
}

/* In state D both at the end of the watch and a moment later, without having run meanwhile. */
void gs_why_find_swapping(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    struct gs_verdict *v = NULL;
    for (size_t i = 0; i < c->snapshot->thread_count && !c->target->postmortem && !c->stopped; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        struct gs_kernel_state rest;
        if (!gs_case_hangs(c, i))
            continue;
        gs_kernel_state_read(c->target, thread->tid, &rest);
        if (rest.state != 'D')
            continue;
        if (!v) {
            v = gs_why_say(j, GS_WHY_swapping, false,
                           "%s sleeps in the kernel where not even a signal reaches it (state D)%s.",
                           gs_said_thread(c, thread).words, gs_said_asleep(c, thread->tid).words);
            gs_why_advise(j, v, "%s", advise_sleeper(&thread->activity));
            gs_why_basis(j, v, "the kernel shows that state after %s in one place.",
                         gs_said_us(gs_why_watch_still_ns(c->watch, thread) / 1000).words);
        }
        gs_why_evidence(j, v, "%s %s%s%s, in %s; it has had %s pages fetched from a disk so far.",
                        gs_said_thread(c, thread).words, gs_said_call(c, &thread->activity).words,
                        rest.place[0] ? ", in the kernel's " : "", rest.place, gs_said_stack(c, thread).words,
                        gs_said_number(rest.major_faults).words);
        gs_why_concerns(j, v, i);
    }
}

void gs_why_find_finalizing(struct gs_judging *j)
{
    const struct gs_case *c = j->c;
    struct gs_verdict *v = NULL;
    for (size_t i = 0; i < c->snapshot->interpreter_count && !v; i++) {
        const struct gs_interpreter *interpreter = &c->snapshot->interpreters[i];
        if (!interpreter->finalizing)
            continue;
        if (c->snapshot->interpreter_count > 1)
            v = gs_why_say(j, GS_WHY_finalizing, true, "Interpreter %lld is shutting down, and has not finished.",
                           (long long)interpreter->id);
        else
            v = gs_why_say(j, GS_WHY_finalizing, true, "Python is shutting down, and has not finished.");
    }
    if (!v)
        return;
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &c->snapshot->threads[i];
        if (!thread->main && thread->gil != GS_HOLDS)
            continue;
        gs_why_evidence(j, v, "%s %s, in %s.", gs_said_thread(c, thread).words,
                        gs_said_call(c, &thread->activity).words, gs_said_stack(c, thread).words);
        gs_why_concerns(j, v, i);
    }
    gs_why_advise(j, v,
                  "What runs now are destructors and the clearing of modules: see the stack of "
                  "the main thread. Daemon threads do not run Python any more.");
    gs_why_basis(j, v, "the interpreter's flag for that is set.");
}
