/* The page of figures, from a table of its families: https://prometheus.io/docs/specs/om/open_metrics_spec/. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/least.h"
#include "push/metered.h"

struct writing {
    const struct gs_metrics *metrics;
    FILE *out;
    bool open_metrics;
    const struct family *family;
};

/* One kind of figure: a process has a line of it, or several, or none. */
struct family {
    const char *name; /* without "_total" */
    const char *unit; /* NULL: none */
    const char *help;
    bool counter;
    void (*put)(const struct writing *w, const struct gs_metered_process *process); /* NULL: it is gilspy's own */
    void (*put_own)(const struct writing *w);
};

/* Names are clean UTF-8 already (gs_push_clean); what the format has a meaning for is escaped. */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_name(const struct writing *w)
{
    fprintf(w->out, "%s%s", w->family->name, w->family->counter ? "_total" : "");
}

static void put_labels(const struct writing *w, const struct gs_metered_process *process, const char *thread)
{
    put_name(w);
    fputs("{service=\"", w->out);
    put_text(w->out, process->service);
    fprintf(w->out, "\",pid=\"%d\"", (int)process->pid);
    if (thread) {
        fputs(",thread=\"", w->out);
        put_text(w->out, thread);
        fputc('"', w->out);
    }
    fputs("} ", w->out);
}

/* Without printf's point, which depends on the locale. */
static void put_seconds(const struct writing *w, uint64_t ns)
{
    fprintf(w->out, "%" PRIu64 ".%09" PRIu64 "\n", ns / GS_NS_PER_S, ns % GS_NS_PER_S);
}

static void put_count(const struct writing *w, uint64_t count)
{
    fprintf(w->out, "%" PRIu64 "\n", count);
}

/* ---- of a process ---- */

#define OF_GIL(name, put_value, value)                                                                                 \
    static void name(const struct writing *w, const struct gs_metered_process *process)                                \
    {                                                                                                                  \
        if (!process->has_gil)                                                                                         \
            return;                                                                                                    \
        put_labels(w, process, NULL);                                                                                  \
        put_value(w, value);                                                                                           \
    }

OF_GIL(held, put_seconds, process->sum.held_ns)
OF_GIL(watched, put_seconds, process->sum.watched_ns)
OF_GIL(contended, put_seconds, process->sum.contended_ns)
OF_GIL(switches, put_count, (uint64_t)process->sum.moved)
OF_GIL(waiters, put_count, process->waiters)
OF_GIL(longest, put_seconds, gs_most(process->longest_ns[0], process->longest_ns[1]))

#define OF_LOOPS(name, put_value, value)                                                                               \
    static void name(const struct writing *w, const struct gs_metered_process *process)                                \
    {                                                                                                                  \
        if (!process->has_loops)                                                                                       \
            return;                                                                                                    \
        put_labels(w, process, NULL);                                                                                  \
        put_value(w, value);                                                                                           \
    }

OF_LOOPS(loop_busy, put_seconds, gs_metered_busy_ns(process))
OF_LOOPS(loop_longest, put_seconds, gs_metered_callback_ns(process, true))
OF_LOOPS(loop_tasks, put_count, process->tasks)

#define OF_GROUPS(put, known, value)                                                                                   \
    static void put(const struct writing *w, const struct gs_metered_process *process)                                 \
    {                                                                                                                  \
        for (size_t i = 0; i < process->group_count && (known); i++) {                                                 \
            put_labels(w, process, process->groups[i].name);                                                           \
            put_seconds(w, process->groups[i].value);                                                                  \
        }                                                                                                              \
    }

OF_GROUPS(waits, process->has_gil, wait_ns)
OF_GROUPS(group_held, process->has_gil, held_ns)
OF_GROUPS(group_delay, process->has_gil, delay_ns)
OF_GROUPS(group_runnable, true, runnable_ns)
OF_GROUPS(group_lock_wait, process->locks_known, lock_wait_ns)

#define OF_PAUSES(name, known, put_value, value)                                                                       \
    static void name(const struct writing *w, const struct gs_metered_process *process)                                \
    {                                                                                                                  \
        if (!process->pauses.known)                                                                                    \
            return;                                                                                                    \
        put_labels(w, process, NULL);                                                                                  \
        put_value(w, (value));                                                                                         \
    }

OF_PAUSES(gc_count, gc_known, put_count, gs_metered_gc(process).count)
OF_PAUSES(gc_time, gc_known, put_seconds, gs_metered_gc(process).ns)
OF_PAUSES(gc_longest, gc_known, put_seconds, gs_metered_gc(process).longest_ns)
OF_PAUSES(world_time, worlds_known, put_seconds, gs_metered_worlds(process).ns)
OF_PAUSES(world_longest, worlds_known, put_seconds, gs_metered_worlds(process).longest_ns)

static void threads(const struct writing *w, const struct gs_metered_process *process)
{
    put_labels(w, process, NULL);
    put_count(w, process->threads);
}

/* ---- of gilspy ---- */

#define OF_OWN(name, put_value, value)                                                                                 \
    static void name(const struct writing *w)                                                                          \
    {                                                                                                                  \
        const struct gs_metrics_own *own = &w->metrics->own;                                                           \
        (void)own;                                                                                                     \
        put_name(w);                                                                                                   \
        fputc(' ', w->out);                                                                                            \
        put_value(w, value);                                                                                           \
    }

static size_t living(const struct gs_metrics *metrics)
{
    size_t count = metrics->left_out;
    for (size_t i = 0; i < metrics->count; i++)
        count += metrics->processes[i]->gone_ns == 0;
    return count;
}

OF_OWN(own_processes, put_count, living(w->metrics))
OF_OWN(own_left_out, put_count, w->metrics->left_out)
OF_OWN(own_rate, put_seconds, (uint64_t)(own->rate_hz * 1e9))
OF_OWN(own_cpu, put_seconds, own->cpu_us * 1000)
OF_OWN(own_bytes, put_count, own->bytes)
OF_OWN(own_samples, put_count, own->run.samples)
OF_OWN(own_lost, put_count, own->run.quality.lost)
OF_OWN(own_late, put_count, own->run.quality.late)
OF_OWN(own_stopped, put_seconds, own->run.quality.stopped_us * 1000)
OF_OWN(own_sent, put_count, own->sent.sent)
OF_OWN(own_sent_lost, put_count, own->sent.lost)
OF_OWN(own_spooled, put_count, own->sent.spooled)

static const struct family families[] = {
    {"cpython_gil_held_seconds", "seconds", "Time in which some thread had the GIL of the main interpreter.", true,
     held, NULL},
    {"cpython_gil_wait_seconds", "seconds", "Time that threads waited for the GIL, all of a group together.", true,
     waits, NULL},
    {"cpython_gil_contended_seconds", "seconds", "Time in which at least one thread waited for the GIL.", true,
     contended, NULL},
    {"cpython_gil_switches", NULL, "How often the GIL went from one thread to another.", true, switches, NULL},
    {"cpython_gil_waiters", NULL, "Threads that wait for the GIL now.", false, waiters, NULL},
    {"cpython_gil_longest_hold_seconds", "seconds",
     "The longest time in the last one to two minutes in which a thread had the GIL without a break.", false, longest,
     NULL},
    {"cpython_event_loop_busy_seconds", "seconds", "Time in which event loops of asyncio ran callbacks, each counted.",
     true, loop_busy, NULL},
    {"cpython_event_loop_longest_callback_seconds", "seconds",
     "The longest time that a callback of an event loop was seen to run in the last one to two minutes.", false,
     loop_longest, NULL},
    {"cpython_tasks", NULL, "Tasks of event loops of asyncio.", false, loop_tasks, NULL},
    {"cpython_threads", NULL, "Threads of Python.", false, threads, NULL},
    {"gilspy_watched_seconds", "seconds", "Time for which it is known whether a thread had the GIL.", true, watched,
     NULL},
    {"gilspy_processes", NULL, "Processes that are sampled.", false, NULL, own_processes},
    {"gilspy_processes_left_out", NULL, "Processes that are sampled, and too many to have figures here.", false, NULL,
     own_left_out},
    {"gilspy_rate_hertz", "hertz", "How often each process is sampled.", false, NULL, own_rate},
    {"gilspy_cpu_seconds", "seconds", "CPU time that gilspy used.", true, NULL, own_cpu},
    {"gilspy_resident_memory_bytes", "bytes", "Memory that gilspy has.", false, NULL, own_bytes},
    {"gilspy_samples", NULL, "Samples that were taken.", true, NULL, own_samples},
    {"gilspy_samples_lost", NULL, "Samples that could not be taken.", true, NULL, own_lost},
    {"gilspy_samples_late", NULL, "Samples that were due and came too late.", true, NULL, own_late},
    {"gilspy_stopped_seconds", "seconds", "Time for which threads were stopped to be read.", true, NULL, own_stopped},
    {"gilspy_profiles_sent", NULL, "Profiles that the server took.", true, NULL, own_sent},
    {"gilspy_profiles_lost", NULL, "Profiles that it did not take.", true, NULL, own_sent_lost},
    {"gilspy_profiles_spooled", NULL, "Profiles that wait on disk for the server.", false, NULL, own_spooled},
};

/* Those that have to be asked for. */
static const struct family more_families[] = {
    {"cpython_thread_gil_held_seconds", "seconds", "Time in which threads of a group had the GIL.", true, group_held,
     NULL},
    {"cpython_thread_gil_delay_seconds", "seconds",
     "Time that threads waited for the GIL while one of this group had it, all who waited together.", true, group_delay,
     NULL},
    {"cpython_thread_runnable_seconds", "seconds", "Time in which threads of a group ran, or were ready to.", true,
     group_runnable, NULL},
    {"cpython_thread_lock_wait_seconds", "seconds", "Time that threads of a group waited for locks other than the GIL.",
     true, group_lock_wait, NULL},
    {"cpython_gc_collections", NULL, "Collections of garbage that ended.", true, gc_count, NULL},
    {"cpython_gc_seconds", "seconds", "Time in which garbage was collected.", true, gc_time, NULL},
    {"cpython_gc_longest_seconds", "seconds",
     "The longest collection of garbage that was seen in the last one to two minutes.", false, gc_longest, NULL},
    {"cpython_stopped_world_seconds", "seconds", "Time in which a thread had all others stopped.", true, world_time,
     NULL},
    {"cpython_stopped_world_longest_seconds", "seconds",
     "The longest time in which one was seen to have them stopped in the last one to two minutes.", false,
     world_longest, NULL},
};

static void put_family(struct writing *w, const struct family *family)
{
    const char *suffix = family->counter && !w->open_metrics ? "_total" : "";
    w->family = family;
    fprintf(w->out, "# TYPE %s%s %s\n", family->name, suffix, family->counter ? "counter" : "gauge");
    if (w->open_metrics && family->unit)
        fprintf(w->out, "# UNIT %s %s\n", family->name, family->unit);
    fprintf(w->out, "# HELP %s%s %s\n", family->name, suffix, family->help);
    if (family->put_own)
        family->put_own(w);
    for (size_t i = 0; i < w->metrics->count && family->put; i++)
        family->put(w, w->metrics->processes[i]);
}

void gs_metrics_write(const struct gs_metrics *metrics, bool open_metrics, FILE *out)
{
    struct writing w = {.metrics = metrics, .out = out, .open_metrics = open_metrics};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        bool pushed = families[i].put_own == own_sent || families[i].put_own == own_sent_lost ||
                      families[i].put_own == own_spooled;
        if (!pushed || metrics->own.pushes)
            put_family(&w, &families[i]);
    }
    for (size_t i = 0; metrics->more && i < sizeof more_families / sizeof *more_families; i++)
        put_family(&w, &more_families[i]);
    if (open_metrics)
        fputs("# EOF\n", out);
}
