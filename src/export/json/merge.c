/* dump --merge --json, schema 1. */
#include <inttypes.h>

#include "export/json.h"
#include "export/merge.h"

static json_t *numbers_of(const struct gs_merge_numbers *numbers)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < numbers->count; i++) {
        if (json_array_append_new(list, json_integer(numbers->list[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *ranges_of(const struct gs_merge_numbers *numbers)
{
    json_t *list = json_array();
    for (size_t i = 0, len; list && i < numbers->count; i += len) {
        int64_t first = numbers->list[i];
        len = gs_merge_range(numbers->list + i, numbers->count - i);
        json_t *range = len > 1 ? json_sprintf("%" PRId64 "-%" PRId64, first, first + (int64_t)len - 1)
                                : json_sprintf("%" PRId64, first);
        if (json_array_append_new(list, range) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* gil is null where not all threads do the same with it. */
static enum gs_status write_stack(const struct gs_merge_stack *stack, FILE *out)
{
    bool same;
    enum gs_gil_word word = gs_merge_word(stack, &same);
    return gs_json_write(json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:O}", "count", (json_int_t)stack->count, "threads",
                                   (json_int_t)stack->threads, "pids", numbers_of(&stack->pids), "ranks",
                                   ranges_of(&stack->ranks), "gil",
                                   same ? json_string(gs_gil_word_name(word)) : json_null(), "name",
                                   gs_json_text(stack->name), "frames", stack->frames),
                         out);
}

enum gs_status gs_merge_json(const struct gs_merged *merged, FILE *out)
{
    enum gs_status status = GS_OK;
    fprintf(out, "{\"schema\": 1, \"processes\": %zu, \"stacks\": [", merged->processes);
    for (size_t i = 0; i < merged->count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = write_stack(merged->stacks[i], out);
    }
    fputs("], \"failed\": [", out);
    for (size_t i = 0; i < merged->failed_count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write(
            json_pack("{s:i, s:o}", "pid", (int)merged->failed[i].pid, "why", gs_json_text(merged->failed[i].why)),
            out);
    }
    fputs("]}\n", out);
    return status;
}
