/* stat --json, schema 1. The outer frame is written by hand around objects of jansson's, so that memory stays flat
 * however many threads there are. */
#include <stdio.h>

#include "export/counts.h"
#include "export/json.h"
#include "export/stat.h"

enum { BLAME_MOST = 1000 /* pairs, the worst */ };

static json_t *figure(struct gs_figure value)
{
    return value.known ? json_real(value.value) : json_null();
}

static json_t *count(struct gs_count value)
{
    return gs_json_number(value.known, value.value);
}

static json_t *averages(const struct gs_figure values[GS_AVERAGES])
{
    json_t *list = json_array();
    for (int i = 0; i < GS_AVERAGES; i++) {
        if (json_array_append_new(list, figure(values[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *gil_of(const struct gs_gilstat *stat, const struct gs_gilstat_gil *gil)
{
    struct gs_figure per_second = {0};
    if (gil->switches.known && stat->seconds > 0)
        per_second = gs_figure((double)gil->switches.value / stat->seconds);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state", gs_gil_state_name(gil->state),
                     "held", figure(gil->held), "contended", figure(gil->contended), "mean_waiters",
                     figure(gil->mean_waiters), "switches", count(gil->switches), "switches_per_second",
                     figure(per_second), "longest_hold_us", count(gil->longest_hold_us), "longest_hold_tid",
                     gs_json_number(gil->longest_hold_tid > 0, (uint64_t)gil->longest_hold_tid), "held_avg",
                     averages(gil->held_avg), "wait_avg", averages(gil->wait_avg));
}

static json_t *holds_of(const struct gs_gilstat_thread *thread)
{
    return json_pack("{s:o, s:o, s:o}", "p50", count(thread->hold_us[GS_P50]), "p90", count(thread->hold_us[GS_P90]),
                     "p99", count(thread->hold_us[GS_P99]));
}

static json_t *thread_of(const struct gs_gilstat *stat, const struct gs_gilstat_thread *thread)
{
    json_t *object =
        json_pack("{s:i, s:o, s:o, s:b, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f}", "tid",
                  (int)thread->tid, "ident", gs_json_number(thread->ident > 0, thread->ident), "name",
                  gs_json_text(thread->name), "main", thread->main, "has", thread->has, "waits", thread->waits,
                  "without", thread->without, "unknown", thread->unknown, "on_cpu", figure(thread->on_cpu),
                  "acquisitions", count(thread->acquisitions), "wait_count", count(thread->wait_count), "wait_us",
                  count(thread->wait_us), "longest_wait_us", count(thread->longest_wait_us), "longest_hold_us",
                  count(thread->longest_hold_us), "hold_us", holds_of(thread), "half_width", thread->half_width);
    if (stat->counting && object && json_object_set_new(object, "counters", gs_counts_json(stat, &thread->counts))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The sums of threads that ended; null: each has a row. */
static json_t *ended_of(const struct gs_gilstat *stat)
{
    const struct gs_gilstat_thread *last = stat->thread_count > 0 ? &stat->threads[stat->thread_count - 1] : NULL;
    if (!last || !last->folded)
        return json_null();
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "threads",
                     (json_int_t)last->folded, "has", last->has, "waits", last->waits, "without", last->without,
                     "unknown", last->unknown, "on_cpu", figure(last->on_cpu), "acquisitions",
                     count(last->acquisitions), "wait_count", count(last->wait_count), "wait_us", count(last->wait_us),
                     "longest_wait_us", count(last->longest_wait_us), "longest_hold_us", count(last->longest_hold_us),
                     "hold_us", holds_of(last));
}

/* null: a thread that is part of those sums. */
static json_t *tid_of(pid_t tid)
{
    return gs_json_number(tid > 0, (uint64_t)tid);
}

/* null: it was not looked at. */
static json_t *natives_of(const struct gs_gilstat *stat)
{
    const struct gs_gilstat_natives *natives = &stat->natives;
    json_t *list = natives->known ? json_array() : json_null();
    for (size_t i = 0; natives->known && i < natives->named; i++) {
        const struct gs_gilstat_native *one = &natives->busiest[i];
        if (json_array_append_new(list, json_pack("{s:i, s:o, s:f}", "tid", (int)one->tid, "name",
                                                  gs_json_text(one->name), "on_cpu", one->on_cpu)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return natives->known ? json_pack("{s:I, s:f, s:o}", "threads", (json_int_t)natives->threads, "on_cpu",
                                      natives->on_cpu, "busiest", list)
                          : list;
}

static json_t *hog_of(const struct gs_gilstat_hog *hog)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "tid", tid_of(hog->tid), "function",
                     gs_json_text_or_null(hog->place.function), "file", gs_json_text_or_null(hog->place.file), "line",
                     gs_json_number(hog->place.line > 0, (uint64_t)hog->place.line), "native",
                     gs_json_text_or_null(hog->native), "module", gs_json_text_or_null(hog->module), "held_us",
                     (json_int_t)hog->held_us, "longest_us", (json_int_t)hog->longest_us, "holds",
                     (json_int_t)hog->holds, "waiters", (json_int_t)hog->waiters);
}

static json_t *blame_of(const struct gs_gilstat_blame *blame)
{
    return json_pack("{s:o, s:o, s:I}", "waiter", tid_of(blame->waiter), "holder", tid_of(blame->holder), "us",
                     (json_int_t)blame->us);
}

/* The keys that a place has, in an object. */
static json_t *add_place(json_t *object, const struct gs_gilstat_place *place)
{
    if (object &&
        (json_object_set_new(object, "function", gs_json_text_or_null(*place->function ? place->function : NULL)) ||
         json_object_set_new(object, "file", gs_json_text_or_null(*place->file ? place->file : NULL)) ||
         json_object_set_new(object, "line", gs_json_number(place->line > 0, (uint64_t)place->line)))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *place_of(const struct gs_gilstat_place *place)
{
    return *place->function ? add_place(json_object(), place) : json_null();
}

static json_t *lock_of(const struct gs_gilstat_lock *lock)
{
    char address[24];
    json_t *waiters = json_array();
    snprintf(address, sizeof address, "0x%llx", (unsigned long long)lock->address);
    for (size_t i = 0; i < lock->waiter_count; i++) {
        if (json_array_append_new(waiters, json_integer(lock->waiters[i])) != 0) {
            json_decref(waiters);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:o, s:s, s:f, s:I, s:I, s:I, s:o, s:o, s:o, s:f}", "kind",
                     gs_lock_kind_name(lock->kind), "type", gs_json_text_or_null(lock->type), "name",
                     gs_json_text_or_null(lock->name), "address", address, "mean_waiters", lock->mean_waiters,
                     "most_waiters", (json_int_t)lock->most_waiters, "wait_us", (json_int_t)lock->wait_us,
                     "longest_wait_us", (json_int_t)lock->longest_wait_us, "holder", tid_of(lock->holder), "held_in",
                     place_of(&lock->held_in), "waiters", waiters, "half_width", lock->half_width);
}

static json_t *cause_of(const struct gs_gilstat_cause *cause, bool world)
{
    json_t *object = json_pack("{s:o}", "tid", tid_of(cause->tid));
    if (object && world)
        json_object_set_new(object, "why", gs_json_text(*cause->why ? cause->why : "other"));
    if (object)
        json_object_set_new(object, "us", json_integer((json_int_t)cause->us));
    return add_place(object, &cause->place);
}

static json_t *causes_of(const struct gs_gilstat_pauses *pauses, bool world)
{
    json_t *list = json_array();
    for (size_t i = 0; i < pauses->cause_count; i++) {
        if (json_array_append_new(list, cause_of(&pauses->causes[i], world)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* null: it cannot be read. */
static json_t *gc_of(const struct gs_gilstat *stat)
{
    const struct gs_gilstat_pauses *gc = &stat->gc;
    const struct gs_gilstat_cause *longest = &gc->longest;
    if (!gc->known)
        return json_null();
    json_t *generations = json_null(), *by = json_null();
    if (stat->by_generation)
        generations = json_pack("[I, I, I]", (json_int_t)stat->collections[0], (json_int_t)stat->collections[1],
                                (json_int_t)stat->collections[2]);
    if (longest->tid > 0)
        by = add_place(json_pack("{s:o, s:o}", "tid", tid_of(longest->tid), "generation", count(longest->generation)),
                       &longest->place);
    return json_pack("{s:f, s:o, s:I, s:o, s:o, s:o}", "share", gc->share, "collections", count(gc->count),
                     "longest_us", (json_int_t)gc->longest_us, "generations", generations, "longest", by, "triggers",
                     causes_of(gc, false));
}

/* null: there are none. */
static json_t *worlds_of(const struct gs_gilstat *stat)
{
    const struct gs_gilstat_pauses *worlds = &stat->worlds;
    json_t *late = worlds->known ? json_array() : json_null();
    for (size_t i = 0; worlds->known && i < stat->late_count; i++) {
        if (json_array_append_new(late, json_pack("{s:o, s:I}", "tid", tid_of(stat->late[i].tid), "us",
                                                  (json_int_t)stat->late[i].us)) != 0) {
            json_decref(late);
            return NULL;
        }
    }
    return worlds->known ? json_pack("{s:o, s:I, s:I, s:o, s:o}", "count", count(worlds->count), "us",
                                     (json_int_t)worlds->us, "longest_us", (json_int_t)worlds->longest_us, "requesters",
                                     causes_of(worlds, true), "late", late)
                         : late;
}

static json_t *loop_of(const struct gs_gilstat_loop *loop)
{
    return json_pack("{s:i, s:s, s:f, s:o, s:o, s:o, s:I, s:o}", "tid", (int)loop->tid, "kind", loop->kind, "busy",
                     loop->busy, "callbacks_per_second", figure(loop->callbacks_per_second), "longest_callback_us",
                     count(loop->longest_us), "longest_callback", place_of(&loop->longest), "tasks",
                     (json_int_t)loop->tasks, "ready", figure(loop->ready));
}

static enum gs_status write_gils(const struct gs_gilstat *stat, FILE *out)
{
    struct gs_gilstat_gil none = {.state = GS_GIL_UNKNOWN};
    enum gs_status status = gs_json_write_figures(gil_of(stat, stat->gil_count > 0 ? &stat->gils[0] : &none), out);
    if (stat->gil_count < 2)
        return status;
    fputs(", \"interpreters\": [", out);
    for (size_t i = 0; i < stat->gil_count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write_figures(
            json_pack("{s:I, s:o}", "id", (json_int_t)stat->gils[i].interpreter, "gil", gil_of(stat, &stat->gils[i])),
            out);
    }
    fputs("]", out);
    return status;
}

static enum gs_status write_lists(const struct gs_gilstat *stat, FILE *out)
{
    enum gs_status status = GS_OK;
    fputs(", \"threads\": [", out);
    for (size_t i = 0; i < stat->thread_count && !stat->threads[i].folded && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write_figures(thread_of(stat, &stat->threads[i]), out);
    }
    fputs("], \"ended\": ", out);
    if (!status)
        status = gs_json_write_figures(ended_of(stat), out);
    fputs(", \"native\": ", out);
    if (!status)
        status = gs_json_write_figures(natives_of(stat), out);
    fputs(", \"hogs\": [", out);
    for (size_t i = 0; i < stat->hog_count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write(hog_of(&stat->hogs[i]), out);
    }
    fputs("], \"blame\": [", out);
    for (size_t i = 0; i < stat->blame_count && i < BLAME_MOST && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write(blame_of(&stat->blame[i]), out);
    }
    fputs("], \"loops\": [", out);
    for (size_t i = 0; i < stat->loop_count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write_figures(loop_of(&stat->loops[i]), out);
    }
    fputs(stat->locks_known ? "], \"locks\": [" : "], \"locks\": null", out);
    for (size_t i = 0; i < stat->lock_count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write_figures(lock_of(&stat->locks[i]), out);
    }
    if (stat->locks_known)
        fputs("]", out);
    fputs(", \"stopped_worlds\": ", out);
    if (!status)
        status = gs_json_write_figures(worlds_of(stat), out);
    fputs(", \"gc\": ", out);
    if (!status)
        status = gs_json_write_figures(gc_of(stat), out);
    return status;
}

static json_t *quality_of(const struct gs_gilstat *stat)
{
    json_t *quality = gs_json_quality(&stat->quality);
    if (json_object_set_new(quality, "overhead", figure(stat->overhead)) != 0) {
        json_decref(quality);
        return NULL;
    }
    return quality;
}

enum gs_status gs_stat_json(const struct gs_gilstat *stat, FILE *out)
{
    fprintf(out, "{\"schema\": 1, \"pid\": %d, \"python\": ", (int)stat->pid);
    enum gs_status status = gs_json_write_text(stat->python, out);
    fprintf(out,
            ", \"method\": \"%s\", \"seconds\": %.6f, \"exact_seconds\": %.6f, \"gil\": ", gs_method_name(stat->method),
            stat->seconds, stat->exact_seconds);
    if (!status)
        status = write_gils(stat, out);
    if (!status)
        status = write_lists(stat, out);
    fputs(", \"method_why\": ", out);
    if (!status)
        status = gs_json_write(gs_json_text_or_null(stat->why), out);
    const struct {
        const char *name;
        const struct gs_count *value;
    } counts[] = {{"events", &stat->events}, {"events_lost", &stat->events_lost}, {"violations", &stat->violations}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts && !status; i++) {
        fprintf(out, ", \"%s\": ", counts[i].name);
        status = gs_json_write(count(*counts[i].value), out);
    }
    fputs(", \"quality\": ", out);
    if (!status)
        status = gs_json_write_figures(quality_of(stat), out);
    fputs("}", out);
    return status;
}
