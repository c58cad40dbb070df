/* The event loop of a thread, and its tasks, in a dump. */
#include <inttypes.h>

#include "export/dump.h"
#include "export/json.h"

const struct gs_event_loop *gs_dump_loop(const struct gs_dump *dump, const struct gs_entry *entry, size_t number)
{
    for (size_t i = 0; dump->tasks && i < dump->tasks->loop_count; i++) {
        const struct gs_event_loop *loop = &dump->tasks->loops[i];
        bool its = !entry && !dump->running_only && loop->tstate == GS_NO_TSTATE;
        for (size_t k = 0; entry && k < entry->state_count; k++)
            its |= dump->snapshot->threads[entry->states[k]].tstate == loop->tstate;
        if (its && number-- == 0)
            return loop;
    }
    return NULL;
}

static json_t *address(gs_addr addr)
{
    char text[24];
    snprintf(text, sizeof text, "0x%" PRIx64, addr);
    return json_string(text);
}

static json_t *wait_of(const struct gs_dump *dump, const struct gs_async_task *task)
{
    const char *kind = gs_await_kind_name(task->await.kind);
    char words[2 * GS_TASK_WORDS + GS_TASK_NAME];
    if (!kind)
        return json_null();
    gs_task_words(dump->tasks, task, words, sizeof words);
    return json_pack("{s:s, s:o, s:o}", "kind", kind, "id",
                     task->await.object ? address(task->await.object) : json_null(), "text", gs_json_text(words));
}

static json_t *awaited_by(const struct gs_tasks *tasks, const struct gs_async_task *task)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < task->awaited_count && list; i++) {
        const struct gs_async_task *waiter = &tasks->tasks[tasks->awaited_by[task->awaited_at + i]];
        if (json_array_append_new(list, address(waiter->addr)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static enum gs_status write_task(const struct gs_dump *dump, const struct gs_async_task *task, FILE *out)
{
    const struct {
        const char *key;
        json_t *value;
    } members[] = {{"id", address(task->addr)},
                   {"name", gs_json_text_or_null(task->name)},
                   {"state", json_string(gs_task_state_name(task->state))},
                   {"waits_for", wait_of(dump, task)},
                   {"awaited_by", awaited_by(dump->tasks, task)}};
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        fprintf(out, "%s\"%s\": ", i > 0 ? ", " : "{", members[i].key);
        enum gs_status written = gs_json_write(members[i].value, out);
        status = status != GS_OK ? status : written;
    }
    fputs(", \"frames\": [", out);
    for (uint32_t i = 0; i < task->frame_count && status == GS_OK; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_dump_json_frame(dump, &dump->tasks->frames[task->frame_at + i], out);
    }
    fputs("]}", out);
    return status;
}

static enum gs_status write_loop(const struct gs_dump *dump, const struct gs_entry *entry,
                                 const struct gs_event_loop *loop, FILE *out)
{
    const struct gs_tasks *tasks = dump->tasks;
    uint64_t lag_us = entry ? gs_event_loop_late_us(dump->tasks, loop, entry->thread) : 0;
    enum gs_status status = GS_OK;
    fprintf(out, "{\"kind\": \"%s\", \"running\": ", gs_loop_kind_name(loop->kind));
    if (loop->running != GS_NO_TASK)
        fprintf(out, "\"0x%" PRIx64 "\"", tasks->tasks[loop->running].addr);
    else
        fputs("null", out);
    fputs(", \"ready\": ", out);
    if (loop->has_ready)
        fprintf(out, "%" PRIu64, loop->ready);
    else
        fputs("null", out);
    if (lag_us > 0)
        fprintf(out, ", \"lag_us\": %" PRIu64 ", \"tasks\": [", lag_us);
    else
        fputs(", \"lag_us\": null, \"tasks\": [", out);
    const char *between = "";
    for (uint32_t i = loop->first; i < loop->first + loop->count && status == GS_OK; i++) {
        if (dump->running_only && tasks->tasks[i].state != GS_TASK_RUNNING)
            continue;
        fputs(between, out);
        between = ", ";
        status = write_task(dump, &tasks->tasks[i], out);
    }
    fprintf(out, "], \"left_out\": %zu}", tasks->left_out);
    return status;
}

enum gs_status gs_dump_json_loops(const struct gs_dump *dump, const struct gs_entry *entry, FILE *out)
{
    const struct gs_event_loop *loop = gs_dump_loop(dump, entry, 0);
    enum gs_status status = GS_OK;
    size_t first = entry ? 1 : 0;
    if (entry && loop) {
        fputs(", \"loop\": ", out);
        status = write_loop(dump, entry, loop, out);
    }
    for (size_t i = first; status == GS_OK && (loop = gs_dump_loop(dump, entry, i)) != NULL; i++) {
        fputs(i > first ? ", " : entry ? ", \"other_loops\": [" : ", \"loops\": [", out);
        status = write_loop(dump, entry, loop, out);
    }
    fputs(gs_dump_loop(dump, entry, first) ? "]" : "", out);
    return status;
}
