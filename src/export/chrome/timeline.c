/* The timeline of exact tracing in the Trace Event Format: the functions come from samples, by the sink that record
 * has; what the GIL and the scheduler did is known to the nanosecond. */
#include <stdlib.h>

#include "base/ids.h"
#include "base/room.h"
#include "export/about.h"
#include "export/chrome/chrome.h"
#include "export/counts.h"
#include "export/json.h"
#include "export/timeline/timeline.h"

enum { SEEN = 4 /* the last samples of a thread: a span is known some milliseconds after its end */ };

/* Where a thread was seen; places hold until the sink forgets them. */
struct seen {
    uint64_t ns[SEEN];
    const struct gs_place *place[SEEN];
    unsigned next;
};

struct exact {
    struct gs_timeline timeline;
    struct gs_chrome *chrome;
    pid_t pid;
    struct seen *seen;
    size_t seen_count, seen_room;
    struct gs_ids by_tid;
    uint64_t flows;
    bool pauses; /* there were some */
    uint32_t waiters[GS_ADDRESSES_MOST];
    bool any_waiters[GS_ADDRESSES_MOST];
};

/* ---- samples ---- */

static enum gs_status forget(struct gs_sink *sink)
{
    struct gs_chrome *chrome = (struct gs_chrome *)sink;
    struct exact *exact = chrome->seen_context;
    exact->seen_count = 0;
    gs_ids_clear(&exact->by_tid);
    gs_calltree_forget(chrome->tree);
    return GS_OK;
}

static void note_seen(void *context, pid_t tid, uint64_t ns, const struct gs_place *place)
{
    struct exact *exact = context;
    uint32_t index = gs_ids_find(&exact->by_tid, (uint32_t)tid);
    if (index == GS_IDS_NONE) {
        index = (uint32_t)exact->seen_count;
        if (!gs_room((void **)&exact->seen, &exact->seen_room, exact->seen_count + 1, sizeof *exact->seen) ||
            !gs_ids_set(&exact->by_tid, (uint32_t)tid, index))
            return; /* the span goes without it */
        exact->seen[exact->seen_count++] = (struct seen){0};
    }
    struct seen *seen = &exact->seen[index];
    seen->ns[seen->next % SEEN] = ns;
    seen->place[seen->next++ % SEEN] = place;
}

/* The innermost frame that was seen last in that time; NULL: none was. */
static const struct gs_place *seen_in(const struct exact *exact, pid_t tid, uint64_t begin_ns, uint64_t end_ns)
{
    uint32_t index = gs_ids_find(&exact->by_tid, (uint32_t)tid);
    const struct seen *seen = index == GS_IDS_NONE ? NULL : &exact->seen[index];
    const struct gs_place *place = NULL;
    uint64_t last_ns = 0;
    for (unsigned i = 0; seen && i < SEEN; i++) {
        if (seen->ns[i] - begin_ns < end_ns - begin_ns && seen->ns[i] > last_ns && seen->place[i]) {
            last_ns = seen->ns[i];
            place = seen->place[i];
        }
    }
    return place;
}

/* ---- the timeline ---- */

static struct exact *of(struct gs_timeline *timeline)
{
    return (struct exact *)timeline;
}

static enum gs_status add_thread(struct gs_timeline *timeline, pid_t tid, const char *name, bool main)
{
    struct exact *exact = of(timeline);
    (void)main;
    enum gs_status status = gs_chrome_name(exact->chrome, exact->pid, tid, name, GS_CHROME_STATES);
    if (!status && exact->pauses)
        status = gs_chrome_name(exact->chrome, exact->pid, tid, name, GS_CHROME_PAUSES);
    return status ? status : gs_chrome_name(exact->chrome, exact->pid, tid, name, GS_CHROME_SCHEDULER);
}

static void begin_slice(struct exact *exact, pid_t tid, enum gs_chrome_track track, uint64_t begin_ns, uint64_t end_ns)
{
    FILE *out = exact->chrome->out;
    gs_chrome_begin_event(exact->chrome, 'X', exact->pid);
    gs_chrome_put_track(exact->chrome, tid, track);
    gs_chrome_put_time(exact->chrome, begin_ns);
    fputs_unlocked(",\"dur\":", out);
    gs_about_write_us(end_ns - begin_ns, out);
}

/* Arrows of one kind. */
struct flow {
    const char *category, *name;
    enum gs_chrome_track track;
};
static const struct flow hand_overs = {"gil", "hand-over", GS_CHROME_STATES},
                         wakes = {"scheduler", "wake-up", GS_CHROME_SCHEDULER};

static void put_end(struct exact *exact, const struct flow *flow, char phase, pid_t tid, uint64_t ns)
{
    FILE *out = exact->chrome->out;
    gs_chrome_begin_event(exact->chrome, phase, exact->pid);
    gs_chrome_put_track(exact->chrome, tid, flow->track);
    gs_chrome_put_time(exact->chrome, ns);
    fprintf(out, ",\"cat\":\"%s\",\"name\":\"%s\",\"id\":", flow->category, flow->name);
    gs_about_write_number(exact->flows, out);
    fputs_unlocked(phase == 'f' ? ",\"bp\":\"e\"}" : "}", out);
}

/* Each end of an arrow belongs to the slice that it lies in. */
static void put_flow(struct exact *exact, const struct flow *flow, pid_t from, uint64_t from_ns, pid_t to,
                     uint64_t to_ns)
{
    exact->flows++;
    put_end(exact, flow, 's', from, from_ns);
    put_end(exact, flow, 'f', to, to_ns);
}

static enum gs_status add_gil_span(struct gs_timeline *timeline, const struct gs_gil_span *gil_span)
{
    struct exact *exact = of(timeline);
    FILE *out = exact->chrome->out;
    enum gs_status status = GS_OK;
    const struct gs_place *place = seen_in(exact, gil_span->tid, gil_span->begin_ns, gil_span->end_ns);
    begin_slice(exact, gil_span->tid, GS_CHROME_STATES, gil_span->begin_ns, gil_span->end_ns);
    fprintf(out, ",\"name\":\"%s\",\"args\":{\"gil\":\"%s\"", gs_chrome_state_name(gil_span->word, false),
            gs_gil_word_name(gil_span->word));
    if (gil_span->lock > 0)
        fprintf(out, ",\"lock\":%u", gil_span->lock + 1u);
    if (gil_span->word == GS_WAITS)
        fprintf(out, ",\"asked\":%u", gil_span->asks);
    if (gil_span->word == GS_HOLDS)
        fprintf(out, ",\"waiters\":%u,\"asked_to_drop\":%s", gil_span->waiters, gil_span->forced ? "true" : "false");
    if (place) {
        fputs_unlocked(",\"frame\":", out);
        gs_label_place(&exact->chrome->text, place, NULL, 0);
        status = gs_chrome_put_text(exact->chrome);
    }
    fputs_unlocked("}}", out);
    /* for the one that lets go, the slice of the moment before */
    if (gil_span->word == GS_HOLDS && gil_span->from && gil_span->from != gil_span->tid &&
        gil_span->since_ns == gil_span->begin_ns)
        put_flow(exact, &hand_overs, gil_span->from, gil_span->from_ns - 1, gil_span->tid, gil_span->begin_ns);
    return status;
}

static enum gs_status add_run(struct gs_timeline *timeline, const struct gs_run_span *span)
{
    static const char *const names[] = {[GS_ON_CPU] = "on CPU",
                                        [GS_PREEMPTED] = "preempted",
                                        [GS_OFF_CPU] = "off CPU",
                                        [GS_BLOCKED] = "off CPU",
                                        [GS_WOKEN] = "woken"};
    struct exact *exact = of(timeline);
    FILE *out = exact->chrome->out;
    begin_slice(exact, span->tid, GS_CHROME_SCHEDULER, span->begin_ns, span->end_ns);
    fprintf(out, ",\"name\":\"%s", names[span->state]);
    if (span->letter && span->state != GS_WOKEN)
        fprintf(out, " (%c)", span->letter);
    fprintf(out, "\",\"args\":{\"cpu\":%u", span->cpu);
    if (span->letter)
        fprintf(out, ",\"state\":\"%c\"", span->letter);
    if (span->state == GS_WOKEN && span->waker)
        fprintf(out, ",\"waker\":%d", (int)span->waker);
    else if (span->state == GS_WOKEN)
        fputs_unlocked(",\"waker\":\"the kernel\"", out);
    fputs_unlocked("}}", out);
    if (span->ours)
        put_flow(exact, &wakes, span->waker, span->begin_ns, span->tid, span->begin_ns);
    return GS_OK;
}

static enum gs_status add_waiters(struct gs_timeline *timeline, unsigned lock, uint32_t count, uint64_t begin_ns,
                                  uint64_t end_ns)
{
    struct exact *exact = of(timeline);
    (void)end_ns;
    if (!exact->any_waiters[lock] || exact->waiters[lock] != count)
        gs_chrome_waiters(exact->chrome, exact->pid, begin_ns, lock, count);
    exact->any_waiters[lock] = true;
    exact->waiters[lock] = count;
    return GS_OK;
}

/* A track for each counter, which grows; Perfetto shows its rate, too. */
static enum gs_status add_counts(struct gs_timeline *timeline, uint64_t ns, uint32_t counted,
                                 const struct gs_gilstat_counts *all)
{
    struct exact *exact = of(timeline);
    FILE *out = exact->chrome->out;
    for (int counter = 0; counter < GS_COUNTERS; counter++) {
        if (!(counted >> counter & 1))
            continue;
        gs_chrome_begin_event(exact->chrome, 'C', exact->pid);
        gs_chrome_put_time(exact->chrome, ns);
        fprintf(out, ",\"name\":\"%s\",\"args\":{", gs_counter_name(counter));
        for (int i = 0; i < GS_COUNTS_WORDS; i++) {
            enum gs_gil_word word = gs_counts_words[i];
            fprintf(out, i > 0 ? ",\"%s\":" : "\"%s\":", gs_gil_word_name(word));
            gs_about_write_number(all->by_word[word][counter] / gs_counter_unit(counter), out);
        }
        fputs_unlocked("}}", out);
    }
    return GS_OK;
}

static enum gs_status add_pause(struct gs_timeline *timeline, const struct gs_exact_pause *pause)
{
    static const char *const names[] = {[GS_PAUSE_WORLD] = "stopped world", [GS_PAUSE_GC] = "gc"};
    struct exact *exact = of(timeline);
    struct gs_place looked;
    const struct gs_place *place = seen_in(exact, pause->tid, pause->begin_ns, pause->end_ns);
    enum gs_status status = GS_OK;
    if (pause->place) {
        looked = gs_gilstat_place_of(pause->place);
        place = &looked;
    }
    begin_slice(exact, pause->tid, GS_CHROME_PAUSES, pause->begin_ns, pause->end_ns);
    fprintf(exact->chrome->out, ",\"name\":\"%s\",\"args\":{\"why\":\"%s\"", names[pause->kind],
            pause->gc || pause->kind == GS_PAUSE_GC ? "gc" : "other");
    if (place) {
        fputs_unlocked(",\"frame\":", exact->chrome->out);
        gs_label_place(&exact->chrome->text, place, NULL, 0);
        status = gs_chrome_put_text(exact->chrome);
    }
    fputs_unlocked("}}", exact->chrome->out);
    exact->pauses = true;
    return status;
}

static void go_sampled(struct gs_timeline *timeline)
{
    of(timeline)->chrome->seen = NULL;
}

static enum gs_status tell_about(struct gs_timeline *timeline, const struct gs_timeline_end *end)
{
    struct exact *exact = of(timeline);
    const struct gs_gilstat *stat = end->stat;
    exact->chrome->more = json_pack(
        "{s:s, s:o, s:f, s:I, s:o, s:o, s:o, s:f, s:f, s:b, s:b, s:b, s:b}", "method", gs_method_name(stat->method),
        "method_why", gs_json_text_or_null(stat->why), "exact_seconds", stat->exact_seconds, "windows",
        (json_int_t)end->windows, "events", gs_json_number(stat->events.known, stat->events.value), "events_lost",
        gs_json_number(stat->events_lost.known, stat->events_lost.value), "violations",
        gs_json_number(stat->violations.known, stat->violations.value), "event_cost_us", (double)end->trap_ns / 1e3,
        "overhead", stat->overhead.value, "waits_seen", (int)end->waits, "scheduler_seen", (int)end->switches,
        "states_seen", (int)end->states, "wakers_seen", (int)end->wakers);
    return exact->chrome->more ? GS_OK : GS_NO_MEMORY;
}

static void close_exact(struct gs_timeline *timeline)
{
    struct exact *exact = of(timeline);
    if (!exact)
        return;
    gs_chrome_close(exact->chrome);
    gs_ids_fini(&exact->by_tid);
    free(exact->seen);
    free(exact);
}

static enum gs_status open_exact(struct gs_timeline **timeline, FILE *out, pid_t pid,
                                 const struct gs_selection *selection)
{
    struct exact *exact = calloc(1, sizeof *exact);
    *timeline = NULL;
    if (!exact)
        return GS_NO_MEMORY;
    exact->pid = pid;
    enum gs_status status = gs_chrome_open(&exact->chrome, out, selection);
    if (status) {
        close_exact(&exact->timeline);
        return status;
    }
    exact->timeline = (struct gs_timeline){&exact->chrome->sink, add_thread, add_gil_span, add_run,    add_waiters,
                                           add_counts,           add_pause,  go_sampled,   tell_about, close_exact};
    exact->chrome->sink.forget = forget;
    exact->chrome->seen = note_seen;
    exact->chrome->seen_context = exact;
    *timeline = &exact->timeline;
    return GS_OK;
}

const struct gs_timeline_format gs_timeline_chrome = {"chrome", "chrometrace", ".trace.json .json",
                                                      "Open it in https://ui.perfetto.dev", open_exact};
