/* The first lines of a dump, which answer: who holds the GIL, and how many wait for it. */
#include <inttypes.h>
#include <string.h>

#include "export/text/page.h"

static void write_title(struct gs_page *page)
{
    const struct gs_dump *dump = page->dump;
    gs_text_style(&page->line, GS_STYLE_BOLD);
    gs_text_put(&page->line, dump->target->postmortem ? "Core of process %d" : "Process %d", (int)dump->target->pid);
    gs_text_style(&page->line, GS_STYLE_PLAIN);
    if (dump->target->ns_pid != dump->target->pid)
        gs_text_put(&page->line, " (%d in its container)", (int)dump->target->ns_pid);
    gs_text_put(&page->line, ": ");
    for (size_t i = 0; i < dump->target->command_count; i++) {
        gs_text_put(&page->line, i > 0 ? " " : "");
        gs_text_add(&page->line, dump->target->command[i]);
    }
    gs_page_end_line(page);
}

/* "Python 3.11.7, release, …/libpython3.11.so.1.0; 14 threads; up 3 h 12 min": a narrow terminal cuts the path. */
static void write_python(struct gs_page *page, const struct gs_entries *entries)
{
    const struct gs_dump *dump = page->dump;
    struct gs_text tail;
    gs_text_init(&tail, page->line.utf8);
    gs_text_put(&tail, "; ");
    gs_words_count(&tail, entries->all, "thread", "threads");
    if (dump->uptime_s >= 0) {
        gs_text_put(&tail, "; up ");
        gs_words_time(&tail, (uint64_t)(dump->uptime_s * 1e6));
    }

    gs_text_put(&page->line, "Python ");
    gs_text_add(&page->line, dump->python->version);
    gs_text_put(&page->line, ", %s", gs_python_build(dump->python));
    if (dump->python->library) {
        gs_text_put(&page->line, ", ");
        int left = gs_page_room(page) - tail.columns;
        gs_text_fit(&page->line, dump->python->library,
                    gs_page_room(page) == 0 ? 0
                    : left > 1              ? left
                                            : 1,
                    GS_CUT_START);
    }
    gs_text_join(&page->line, &tail);
    gs_text_fini(&tail);
    gs_page_end_line(page);
}

/* "4250 "worker-2"" */
static void add_thread(struct gs_page *page, pid_t tid)
{
    const struct gs_dump *dump = page->dump;
    gs_text_put(&page->line, "%d", (int)tid);
    int most = page->console->columns > 0 ? GS_PAGE_NAME_MOST : 0;
    for (size_t i = 0; i < dump->snapshot->thread_count; i++) {
        char spare[16];
        if (dump->snapshot->threads[i].tid != tid)
            continue;
        gs_text_put(&page->line, " \"");
        gs_text_fit(&page->line, dump->lookup.name(dump->lookup.context, &dump->snapshot->threads[i], spare), most,
                    GS_CUT_MIDDLE);
        gs_text_put(&page->line, "\"");
        return;
    }
}

static void add_gil_state(struct gs_page *page, const struct gs_gil *gil)
{
    struct gs_text *line = &page->line;
    switch (gil->state) {
    case GS_GIL_HELD:
        gs_text_style(line, GS_STYLE_HOLDS);
        gs_text_put(line, "held by ");
        if (gil->holder > 0)
            add_thread(page, gil->holder);
        else
            gs_text_put(line, "a thread that is just coming or going, and not in the list");
        gs_text_style(line, GS_STYLE_PLAIN);
        break;
    case GS_GIL_FREE:
        gs_text_put(line, "free");
        break;
    case GS_GIL_DISABLED:
        gs_text_put(line, "none: this Python is free-threaded, its threads run side by side");
        break;
    default:
        gs_text_put(line, "unknown who holds it");
        break;
    }
}

static void write_gil_figures(struct gs_page *page, const struct gs_gil *gil)
{
    if (!gil->has_switches && !gil->has_interval && !gil->has_drop)
        return;
    gs_text_put(&page->line, "     ");
    if (gil->has_switches) {
        gs_words_number(&page->line, gil->switches);
        gs_text_put(&page->line, " hand-overs so far; ");
    }
    if (gil->has_interval) {
        gs_text_put(&page->line, "interval ");
        gs_words_time(&page->line, gil->interval_us);
    }
    if (gil->has_drop)
        gs_text_put(&page->line, gil->drop_requested ? "; asked to let go" : "; not asked to let go");
    gs_page_end_line(page);
}

/* "GIL: held by …", with the interpreters that share it where there are several. */
static void write_gil(struct gs_page *page, uint32_t index)
{
    const struct gs_snapshot *snapshot = page->dump->snapshot;
    const struct gs_gil *gil = &snapshot->gils[index];
    size_t waiters = 0, unknown = 0, users = 0;
    gs_text_style(&page->line, GS_STYLE_BOLD);
    gs_text_put(&page->line, "GIL");
    gs_text_style(&page->line, GS_STYLE_PLAIN);
    for (size_t i = 0; i < snapshot->interpreter_count && snapshot->gil_count > 1; i++) {
        if (snapshot->interpreters[i].gil == index)
            gs_text_put(&page->line, "%s%" PRId64, users++ > 0 ? ", " : " of interpreter ",
                        snapshot->interpreters[i].id);
    }
    gs_text_put(&page->line, ": ");
    add_gil_state(page, gil);
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        bool its = snapshot->interpreters[thread->interpreter].gil == index;
        waiters += its && thread->gil == GS_WAITS;
        unknown += its && thread->gil == GS_UNKNOWN;
    }
    if (waiters > 0) {
        gs_text_put(&page->line, "; ");
        gs_text_style(&page->line, GS_STYLE_WAITS);
        gs_words_count(&page->line, waiters, "thread waits for it", "threads wait for it");
        gs_text_style(&page->line, GS_STYLE_PLAIN);
    } else if (unknown > 0 && gil->state == GS_GIL_HELD) {
        gs_text_put(&page->line, "; ");
        gs_words_count(&page->line, unknown, "thread may wait for it", "threads may wait for it");
    } else if (gil->state == GS_GIL_HELD || gil->state == GS_GIL_FREE) {
        gs_text_put(&page->line, "; nobody waits for it");
    }
    gs_page_end_line(page);
    if (page->verbose)
        write_gil_figures(page, gil);
}

/* What an interpreter does that stops or explains everything else. */
static void write_condition(struct gs_page *page, const struct gs_interpreter *interpreter)
{
    bool several = page->dump->snapshot->interpreter_count > 1;
    if (!interpreter->finalizing && !interpreter->collecting_garbage)
        return;
    gs_text_put(&page->line, several ? "Interpreter %" PRId64 " is" : "Python is", interpreter->id);
    gs_text_put(&page->line, "%s%s%s", interpreter->finalizing ? " shutting down" : "",
                interpreter->finalizing && interpreter->collecting_garbage ? " and" : "",
                interpreter->collecting_garbage ? " collecting garbage" : "");
    gs_page_end_line(page);
}

/* Whatever the threads do, the process does nothing; or we may not do what we would. */
static void write_stopped(struct gs_page *page)
{
    const struct gs_dump *dump = page->dump;
    if (!dump->stopped && !dump->tracer)
        return;
    gs_text_style(&page->line, dump->stopped ? GS_STYLE_BOLD : GS_STYLE_PLAIN);
    if (dump->stopped == 'F') {
        gs_text_put(&page->line, "The process is frozen by its cgroup: none of its threads runs until it is thawed");
    } else if (dump->stopped == 'T') {
        gs_text_put(&page->line, "The process is stopped by a signal; kill -CONT %d lets it go on",
                    (int)dump->target->pid);
    } else {
        gs_text_put(&page->line, "The process is %s by process %d, ", dump->stopped ? "held" : "traced",
                    (int)dump->tracer);
        gs_text_add(&page->line, dump->tracer_name);
        gs_text_put(&page->line, "%s", dump->stopped ? "" : ": nobody else can stop its threads for a moment");
    }
    gs_text_style(&page->line, GS_STYLE_PLAIN);
    gs_page_end_line(page);
}

/* What a core's process got: "Signal: SIGSEGV (Segmentation fault) in 42 "MainThread"". */
static void write_signal(struct gs_page *page)
{
    const struct gs_postmortem *postmortem = page->dump->target->postmortem;
    if (!postmortem || postmortem->signal == 0)
        return;
    const char *name = sigabbrev_np(postmortem->signal), *meaning = sigdescr_np(postmortem->signal);
    gs_text_style(&page->line, GS_STYLE_BOLD);
    gs_text_put(&page->line, "Signal");
    gs_text_style(&page->line, GS_STYLE_PLAIN);
    if (name && meaning)
        gs_text_put(&page->line, ": SIG%s (%s) in ", name, meaning);
    else
        gs_text_put(&page->line, ": number %d in ", postmortem->signal);
    add_thread(page, postmortem->signal_tid);
    gs_page_end_line(page);
}

void gs_page_head(struct gs_page *page, const struct gs_entries *entries)
{
    const struct gs_snapshot *snapshot = page->dump->snapshot;
    write_title(page);
    write_python(page, entries);
    write_stopped(page);
    write_signal(page);
    if (snapshot->interpreter_count == 0) { /* a program that embeds Python */
        gs_text_put(&page->line, "No interpreter runs in it: it has not begun yet, or has ended");
        gs_page_end_line(page);
    }
    for (uint32_t i = 0; i < snapshot->gil_count; i++)
        write_gil(page, i);
    for (size_t i = 0; i < snapshot->interpreter_count; i++)
        write_condition(page, &snapshot->interpreters[i]);
}
