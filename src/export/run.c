/* The summary of a run: how much was sampled, and how good it is. */
#include <inttypes.h>
#include <math.h>

#include "export/counts.h"
#include "export/json.h"
#include "export/run.h"
#include "export/words.h"

static void add_flaws(struct gs_text *text, const struct gs_quality *quality)
{
    const struct {
        uint64_t count;
        const char *what;
    } flaws[] = {{quality->torn, "not whole"},
                 {quality->lost, "lost"},
                 {quality->late, "missed, because gilspy was late"},
                 {quality->skipped, "left out, to stop threads for no longer than --max-pause"}};
    bool any = false;
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        if (flaws[i].count == 0)
            continue;
        gs_text_put(text, any ? ", " : " (");
        gs_words_number(text, flaws[i].count);
        gs_text_put(text, " %s", flaws[i].what);
        any = true;
    }
    gs_text_put(text, any ? ")" : ", all whole");
}

void gs_run_text(struct gs_text *text, const struct gs_run_summary *summary)
{
    const struct gs_quality *quality = &summary->end->quality;
    gs_text_put(text, "%.1f s, ", summary->seconds);
    gs_words_number(text, summary->end->samples);
    gs_text_put(text, summary->end->samples == 1 ? " sample of " : " samples of ");
    gs_words_count(text, (size_t)summary->threads, "thread", "threads");
    if (summary->processes > 1)
        gs_text_put(text, " in %" PRIu64 " processes", summary->processes);
    add_flaws(text, quality);
    if (summary->processes > 1)
        gs_text_put(text, "; GIL of %d held %.1f %%; ", (int)summary->pid, summary->held * 100);
    else
        gs_text_put(text, "; GIL held %.1f %%; ", summary->held * 100);
    if (quality->stopped == 0) {
        gs_text_put(text, "nothing was stopped");
    } else {
        gs_text_put(text, "threads stopped ");
        gs_words_count(text, (size_t)quality->stopped, "time", "times");
        gs_text_put(text, " for ");
        gs_words_time(text, quality->stopped_us);
        gs_text_put(text, " in all");
    }
    if (quality->refused > 0) {
        gs_text_put(text, "; threads that ran could not be stopped ");
        gs_words_count(text, (size_t)quality->refused, "time", "times");
        gs_text_put(text, ", because another program traces them");
    }
    if (summary->missed > 0) {
        gs_text_put(text, "; at least "); /* whoever was born and ended between two looks is not counted */
        gs_words_count(text, (size_t)summary->missed, "Python process was", "Python processes were");
        gs_text_put(text, " never sampled");
    }
    if (summary->pushed) {
        gs_text_put(text, "; ");
        gs_words_count(text, (size_t)summary->pushed->profiles, "profile", "profiles");
        gs_text_put(text, " pushed");
    }
}

void gs_run_details(struct gs_text *text, const struct gs_run_summary *summary)
{
    const struct gs_quality *quality = &summary->end->quality;
    const struct {
        uint64_t count;
        const char *one, *many;
    } rows[] = {
        {summary->end->thread_samples, "stack of one thread", "stacks of one thread each"},
        {summary->unique_stacks, "different stack", "different stacks"},
        {quality->retried, "read again, since it changed meanwhile", "read again, since they changed meanwhile"},
        {quality->torn, "sample not whole", "samples not whole"},
        {quality->lost, "sample lost", "samples lost"},
        {quality->late, "sample missed, because gilspy was late", "samples missed, because gilspy was late"},
        {quality->skipped, "sample left out for --max-pause", "samples left out for --max-pause"},
        {quality->stopped_in_syscall, "thread stopped that had come into a system call",
         "threads stopped that had come into a system call"}};
    gs_text_put(text, "Python %s, process %d", summary->python, (int)summary->pid);
    if (isinf(summary->rate_hz))
        gs_text_put(text, "; as many samples as could be had");
    else
        gs_text_put(text, "; asked for %g samples a second", summary->rate_hz);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].count == 0)
            continue;
        gs_text_put(text, "; ");
        gs_words_count(text, (size_t)rows[i].count, rows[i].one, rows[i].many);
    }
    gs_text_put(text, "; gilspy itself took ");
    gs_words_time(text, quality->cpu_us);
    gs_text_put(text, " of a processor");
}

static json_t *rotated(const struct gs_run_summary *summary)
{
    json_t *kept = json_array();
    for (size_t i = 0; summary->kept[i]; i++)
        json_array_append_new(kept, gs_json_text(summary->kept[i]));
    return json_pack("{s:I, s:o}", "recordings", (json_int_t)summary->made, "kept", kept);
}

static json_t *pushed(const struct gs_run_pushed *run)
{
    return json_pack("{s:o, s:I, s:I}", "server", gs_json_text(run->server), "profiles", (json_int_t)run->profiles,
                     "lost", (json_int_t)run->lost);
}

static json_t *threads_of(const struct gs_gilstat *stat)
{
    json_t *list = json_array();
    for (size_t i = 0; i < stat->thread_count; i++) {
        const struct gs_gilstat_thread *thread = &stat->threads[i];
        json_t *one = json_pack("{s:i, s:o, s:o}", "tid", (int)thread->tid, "name", gs_json_text(thread->name),
                                "counters", gs_counts_json(stat, &thread->counts));
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool add_exact(json_t *document, const struct gs_gilstat *stat)
{
    json_t *more =
        json_pack("{s:s, s:o, s:f, s:o, s:o, s:o, s:f}", "method", gs_method_name(stat->method), "method_why",
                  gs_json_text_or_null(stat->why), "exact_seconds", stat->exact_seconds, "events",
                  gs_json_number(stat->events.known, stat->events.value), "events_lost",
                  gs_json_number(stat->events_lost.known, stat->events_lost.value), "violations",
                  gs_json_number(stat->violations.known, stat->violations.value), "overhead", stat->overhead.value);
    bool added = more && json_object_update(document, more) == 0;
    json_decref(more);
    if (added && stat->counting)
        added = json_object_set_new(document, "counters", gs_counts_json(stat, &stat->counts)) == 0 &&
                json_object_set_new(document, "threads", threads_of(stat)) == 0;
    return added;
}

enum gs_status gs_run_json(const struct gs_run_summary *summary, FILE *out)
{
    const struct gs_run_end *end = summary->end;
    json_t *rate = isinf(summary->rate_hz) ? json_string("max") : json_real(summary->rate_hz);
    if (!isinf(summary->rate_hz) && summary->rate_hz == floor(summary->rate_hz)) {
        json_decref(rate);
        rate = json_integer((json_int_t)summary->rate_hz);
    }
    json_t *document =
        json_pack("{s:i, s:i, s:o, s:o, s:s, s:o, s:f, s:o, s:I, s:I, s:I, s:o}", "schema", 1, "pid", (int)summary->pid,
                  "python", gs_json_text(summary->python), "output", gs_json_text(summary->output), "format",
                  summary->format, "mode", gs_json_text_or_null(summary->mode), "seconds", summary->seconds, "rate_hz",
                  rate, "samples", (json_int_t)end->samples, "thread_samples", (json_int_t)end->thread_samples,
                  "unique_stacks", (json_int_t)summary->unique_stacks, "quality", gs_json_quality(&end->quality));
    if (summary->kept && document)
        json_object_set_new(document, "rotated", rotated(summary));
    if (summary->pushed && document)
        json_object_set_new(document, "pushed", pushed(summary->pushed));
    if (summary->exact && document && !add_exact(document, summary->exact)) {
        json_decref(document);
        document = NULL;
    }
    return gs_json_write_figures(document, out);
}
