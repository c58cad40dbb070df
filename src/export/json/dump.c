/* dump --json, schema 1. The outer frame is written by hand around objects of jansson's, so that memory stays flat
 * however many threads and frames there are. */
#include <stdio.h>

#include "export/dump.h"
#include "export/json.h"

static enum gs_status write_process(const struct gs_dump *dump, FILE *out)
{
    const struct gs_target *target = dump->target;
    const struct gs_python *python = dump->python;
    struct tm utc;
    char time[40];
    size_t len = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", gmtime_r(&dump->time.tv_sec, &utc));
    snprintf(time + len, sizeof time - len, ".%06ldZ", dump->time.tv_nsec / 1000);
    fprintf(out, "{\"schema\": 1, \"gilspy\": \"%s\", \"time\": \"%s\", \"process\": ", GILSPY_VERSION, time);
    return gs_json_write(
        json_pack("{s:i, s:i, s:o, s:o, s:o, s:s, s:s, s:b, s:o}", "pid", (int)target->pid, "ns_pid",
                  (int)target->ns_pid, "command", gs_json_texts(target->command, target->command_count), "exe",
                  gs_json_text_or_null(target->exe), "python", gs_json_text(python->version), "build",
                  gs_python_build(python), "layout", python->layout.self_described ? "debug-offsets" : "table",
                  "container", target->container, "rank", gs_json_number(dump->rank >= 0, (uint64_t)dump->rank)),
        out);
}

/* The tids that wait for this GIL. */
static json_t *waiters_of(const struct gs_dump *dump, uint32_t gil)
{
    const struct gs_snapshot *snapshot = dump->snapshot;
    json_t *list = json_array();
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        if (thread->gil == GS_WAITS && snapshot->interpreters[thread->interpreter].gil == gil &&
            json_array_append_new(list, json_integer(thread->tid)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum gs_status write_interpreter(const struct gs_dump *dump, const struct gs_interpreter *interpreter, FILE *out)
{
    const struct gs_gil *gil = &dump->snapshot->gils[interpreter->gil];
    json_t *switches = gs_json_number(gil->has_switches, gil->switches);
    json_t *interval = gs_json_number(gil->has_interval, gil->interval_us);
    json_t *drop = gil->has_drop ? json_boolean(gil->drop_requested) : json_null();
    return gs_json_write(json_pack("{s:I, s:{s:s, s:o, s:o, s:o, s:o, s:o}, s:b}", "id", (json_int_t)interpreter->id,
                                   "gil", "state", gs_gil_state_name(gil->state), "holder",
                                   gs_json_number(gil->holder > 0, (uint64_t)gil->holder), "waiters",
                                   waiters_of(dump, interpreter->gil), "switches", switches, "interval_us", interval,
                                   "drop_requested", drop, "collecting_garbage", interpreter->collecting_garbage),
                         out);
}

/* null where they were not asked for or could not be read. */
static json_t *locals_of(const struct gs_dump *dump, const struct gs_frame *frame)
{
    struct gs_local *locals;
    size_t count;
    if (!dump->lookup.locals || frame->kind != GS_FRAME_PYTHON ||
        dump->lookup.locals(dump->lookup.context, frame, &locals, &count) != GS_OK)
        return json_null();
    json_t *object = json_object();
    for (size_t i = 0; i < count && object; i++) {
        json_t *name = gs_json_text(locals[i].name);
        if (!name || json_object_set_new(object, json_string_value(name), gs_json_text(locals[i].value)) != 0) {
            json_decref(object);
            object = NULL;
        }
        json_decref(name);
    }
    gs_locals_free(locals, count);
    return object;
}

enum gs_status gs_dump_json_frame(const struct gs_dump *dump, const struct gs_frame *frame, FILE *out)
{
    struct gs_frame_info info;
    gs_dump_frame(dump, frame, &info);
    const struct {
        const char *key, *value;
    } names[] = {{"function", info.function}, {"qualname", info.qualname}, {"file", info.file}};
    static const char *const kinds[] = {
        [GS_FRAME_PYTHON] = "python", [GS_FRAME_GAP] = "gap", [GS_FRAME_NATIVE] = "native", [GS_FRAME_GC] = "gc"};
    enum gs_status status = GS_OK;
    fprintf(out, "{\"kind\": \"%s\"", kinds[frame->kind]);
    for (size_t i = 0; i < sizeof names / sizeof *names && status == GS_OK; i++) {
        fprintf(out, ", \"%s\": ", names[i].key);
        status = gs_json_write_text(names[i].value, out);
    }
    if (info.line > 0)
        fprintf(out, ", \"line\": %d", info.line);
    else
        fputs(", \"line\": null", out);
    fputs(", \"module\": ", out);
    if (status == GS_OK)
        status = gs_json_write_text(info.module, out);
    fputs(frame->inferred || info.inferred ? ", \"inferred\": true, \"locals\": " : ", \"locals\": ", out);
    if (!dump->lookup.locals)
        fputs("null", out);
    else if (status == GS_OK)
        status = gs_json_write(locals_of(dump, frame), out);
    fputs("}", out);
    return status;
}

static json_t *interpreters_of(const struct gs_dump *dump, const struct gs_entry *entry)
{
    const struct gs_snapshot *snapshot = dump->snapshot;
    json_t *list = json_array();
    for (size_t i = 0; i < entry->state_count; i++) {
        const struct gs_thread *state = &snapshot->threads[entry->states[i]];
        if (!state->tstate)
            continue;
        if (json_array_append_new(list, json_integer(snapshot->interpreters[state->interpreter].id)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *runnable(const struct gs_target *target, const struct gs_activity *activity)
{
    switch (target->postmortem ? GS_RUN_UNKNOWN : activity->run) {
    case GS_RUN_RUNNING:
        return json_true();
    case GS_RUN_SYSCALL:
    case GS_RUN_BLOCKED:
        return json_false();
    default:
        return json_null();
    }
}

/* The members of a thread before its frames: what jansson writes, without the closing brace. */
static enum gs_status write_thread_head(const struct gs_dump *dump, const struct gs_entry *entry, FILE *out)
{
    const struct gs_thread *thread = entry->thread;
    bool asleep = thread->activity.run == GS_RUN_SYSCALL && !dump->target->postmortem;
    const char *call = asleep ? gs_syscall_name(thread->activity.number) : NULL;
    const struct {
        const char *key;
        json_t *value;
    } members[] = {
        {"tid", gs_json_number(thread->tid > 0, (uint64_t)thread->tid)},
        {"ns_tid", gs_json_number(thread->ns_tid > 0, (uint64_t)thread->ns_tid)},
        {"ident", gs_json_number(true, thread->ident)},
        {"name", gs_json_text(entry->name)},
        {"main", json_boolean(thread->main)},
        {"interpreters", interpreters_of(dump, entry)},
        {"gil", json_string(gs_gil_word_name(thread->gil))},
        {"evidence", json_string(gs_evidence_name(thread->evidence))},
        {"runnable", runnable(dump->target, &thread->activity)},
        {"syscall", gs_json_text_or_null(call)},
    };
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        fprintf(out, "%s\"%s\": ", i > 0 ? ", " : "{", members[i].key);
        enum gs_status written = gs_json_write(members[i].value, out);
        status = status != GS_OK ? status : written;
    }
    return status;
}

static enum gs_status write_thread(const struct gs_dump *dump, const struct gs_entry *entry, FILE *out)
{
    const struct gs_frame *frames = entry->thread->frames;
    enum gs_status status = write_thread_head(dump, entry, out);
    fputs(", \"frames\": [", out);
    for (uint32_t i = 0; i < entry->thread->frame_count && status == GS_OK; i++) {
        if (i > 0)
            fputs(", ", out);
        status = gs_dump_json_frame(dump, &frames[i], out);
    }
    fputs("]", out);
    if (status == GS_OK)
        status = gs_dump_json_loops(dump, entry, out);
    fputs("}", out);
    return status;
}

static enum gs_status write_threads(const struct gs_dump *dump, FILE *out)
{
    struct gs_entries entries;
    enum gs_status status = gs_entries_init(&entries, dump);
    fputs("], \"threads\": [", out);
    for (size_t i = 0; i < entries.count && status == GS_OK; i++) {
        if (i > 0)
            fputs(", ", out);
        status = write_thread(dump, &entries.list[i], out);
    }
    gs_entries_fini(&entries);
    return status;
}

enum gs_status gs_dump_json(const struct gs_dump *dump, FILE *out)
{
    const struct gs_snapshot *snapshot = dump->snapshot;
    enum gs_status status = write_process(dump, out);
    fputs(", \"interpreters\": [", out);
    for (size_t i = 0; i < snapshot->interpreter_count && status == GS_OK; i++) {
        if (i > 0)
            fputs(", ", out);
        status = write_interpreter(dump, &snapshot->interpreters[i], out);
    }
    if (status == GS_OK)
        status = write_threads(dump, out);
    fputs("]", out);
    if (status == GS_OK)
        status = gs_dump_json_loops(dump, NULL, out);
    fputs(", \"quality\": ", out);
    if (status == GS_OK)
        status = gs_json_write(gs_json_quality(dump->quality), out);
    fputs("}", out);
    return status;
}
