/* Collecting: each document is taken apart into stacks, which are found again by a key of all that is shown of them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/room.h"
#include "base/sorted.h"
#include "export/json.h"
#include "export/merge.h"

static bool add_number(struct gs_merge_numbers *numbers, int64_t number)
{
    if (!gs_room((void **)&numbers->list, &numbers->room, numbers->count + 1, sizeof *numbers->list))
        return false;
    numbers->list[numbers->count++] = number;
    return true;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Writes a name with each number in it as one star. */
static void write_pattern(const char *name, FILE *out)
{
    for (; *name; name++) {
        if (!isdigit((unsigned char)*name))
            fputc(*name, out);
        else if (!isdigit((unsigned char)name[1]))
            fputc('*', out);
    }
}

/* malloc'ed. */
static char *pattern_of(const char *name)
{
    char *pattern = NULL;
    size_t len;
    FILE *out = open_memstream(&pattern, &len);
    if (!out)
        return NULL;
    write_pattern(name, out);
    return fclose(out) == 0 ? pattern : NULL;
}

/* The parts are told apart by a byte that JSON's texts cannot hold unescaped: no text of one is another's. */
static char *key_of(const char *name, const json_t *frames)
{
    static const char *const parts[] = {"kind", "function", "qualname", "file", "module"};
    char *key = NULL;
    size_t len, i;
    const json_t *frame;
    FILE *out = open_memstream(&key, &len);
    if (!out)
        return NULL;
    write_pattern(name, out);
    json_array_foreach(frames, i, frame)
    {
        for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
            fprintf(out, "\xff%s", text_of(frame, parts[part]));
        fprintf(out, "\xff%lld", (long long)json_integer_value(json_object_get(frame, "line")));
    }
    return fclose(out) == 0 ? key : NULL;
}

static struct gs_merge_stack *new_stack(struct gs_merged *merged, char *key, const char *name, json_t *frames)
{
    if (!gs_room((void **)&merged->stacks, &merged->room, merged->count + 1, sizeof *merged->stacks))
        return NULL;
    struct gs_merge_stack *stack = calloc(1, sizeof *stack);
    char *copy = strdup(name);
    if (!stack || !copy) {
        free(stack);
        free(copy);
        return NULL;
    }
    *stack = (struct gs_merge_stack){
        .key = key, .name = copy, .frames = json_is_array(frames) ? json_incref(frames) : json_array()};
    merged->stacks[merged->count++] = stack;
    return stack;
}

/* Hashes that collide have their stacks behind one another. NULL: out of memory. */
static struct gs_merge_stack *find_stack(struct gs_merged *merged, const char *name, json_t *frames)
{
    char *key = key_of(name, frames);
    if (!key)
        return NULL;
    uint64_t hash = gs_fnv(key);
    for (uint32_t i; (i = gs_ids_find(&merged->by_key, hash)) != GS_IDS_NONE; hash++) {
        if (strcmp(merged->stacks[i]->key, key) == 0) {
            free(key);
            return merged->stacks[i];
        }
    }
    struct gs_merge_stack *stack = new_stack(merged, key, name, frames);
    if (!stack)
        free(key);
    if (stack && !gs_ids_set(&merged->by_key, hash, (uint32_t)(merged->count - 1)))
        return NULL;
    return stack;
}

static bool join_name(struct gs_merge_stack *stack, const char *name)
{
    if (strcmp(stack->name, name) == 0)
        return true;
    char *pattern = pattern_of(name);
    if (pattern) {
        free(stack->name);
        stack->name = pattern;
    }
    return pattern != NULL;
}

static enum gs_gil_word word_of(const json_t *thread)
{
    const char *name = text_of(thread, "gil");
    for (enum gs_gil_word word = 0; word <= GS_UNKNOWN; word++) {
        const char *known = gs_gil_word_name(word);
        if (known && strcmp(known, name) == 0)
            return word;
    }
    return GS_UNKNOWN;
}

static bool add_thread(struct gs_merged *merged, json_t *thread, int64_t pid, int64_t rank)
{
    const char *name = text_of(thread, "name");
    struct gs_merge_stack *stack = find_stack(merged, name, json_object_get(thread, "frames"));
    if (!stack || !join_name(stack, name))
        return false;
    stack->threads++;
    stack->words[word_of(thread)]++;
    if (stack->last == merged->processes)
        return true;
    stack->last = merged->processes;
    stack->count++;
    return add_number(&stack->pids, pid) && (rank < 0 || add_number(&stack->ranks, rank));
}

static bool add_process(struct gs_merged *merged, const json_t *document)
{
    const json_t *process = json_object_get(document, "process"), *rank = json_object_get(process, "rank");
    size_t i;
    json_t *thread;
    bool enough = true;
    merged->processes++;
    json_array_foreach(json_object_get(document, "threads"), i, thread) enough =
        enough && add_thread(merged, thread, json_integer_value(json_object_get(process, "pid")),
                             json_is_integer(rank) ? json_integer_value(rank) : -1);
    return enough;
}

/* "19-63", as gs_merge_json writes it; so many ranks there are in no job. */
static bool add_range(struct gs_merge_numbers *ranks, const char *range)
{
    enum { RANKS_MOST = 1 << 24 };
    long long first = 0, last;
    int found = sscanf(range, "%lld-%lld", &first, &last);
    if (found < 1 || first < 0)
        return true;
    for (last = found == 2 ? last : first; first <= last && ranks->count < RANKS_MOST; first++) {
        if (!add_number(ranks, first))
            return false;
    }
    return true;
}

/* One that was merged before. */
static bool add_stack(struct gs_merged *merged, json_t *given)
{
    size_t i, count = (size_t)json_integer_value(json_object_get(given, "count"));
    json_t *item, *threads = json_object_get(given, "threads");
    const char *name = text_of(given, "name");
    struct gs_merge_stack *stack = find_stack(merged, name, json_object_get(given, "frames"));
    if (!stack || !join_name(stack, name))
        return false;
    size_t threads_count = json_is_integer(threads) ? (size_t)json_integer_value(threads) : count;
    stack->count += count;
    stack->threads += threads_count;
    stack->words[word_of(given)] += threads_count;
    bool enough = true;
    json_array_foreach(json_object_get(given, "pids"), i, item) enough =
        enough && add_number(&stack->pids, json_integer_value(item));
    json_array_foreach(json_object_get(given, "ranks"), i, item) enough =
        enough && (!json_is_string(item) || add_range(&stack->ranks, json_string_value(item)));
    return enough;
}

static bool add_merged(struct gs_merged *merged, const json_t *document)
{
    size_t i;
    json_t *item;
    bool enough = true;
    merged->processes += (size_t)json_integer_value(json_object_get(document, "processes"));
    json_array_foreach(json_object_get(document, "stacks"), i, item) enough = enough && add_stack(merged, item);
    json_array_foreach(json_object_get(document, "failed"), i, item) enough =
        enough &&
        gs_merge_failure(merged, (pid_t)json_integer_value(json_object_get(item, "pid")), text_of(item, "why"));
    return enough;
}

static enum gs_status add_document(struct gs_merged *merged, const json_t *document, struct gs_err *err)
{
    const json_t *list = json_object_get(document, "processes");
    size_t i;
    json_t *item;
    bool enough = true;
    if (json_is_array(json_object_get(document, "stacks")))
        enough = add_merged(merged, document);
    else if (json_is_object(json_object_get(document, "process")))
        enough = add_process(merged, document);
    else if (!json_is_array(list))
        return gs_fail(err, GS_FAILED, "it is no document of gilspy dump --json");
    json_array_foreach(list, i, item)
    {
        if (!json_is_object(json_object_get(item, "process")))
            return gs_fail(err, GS_FAILED, "it is no document of gilspy dump --json");
        enough = enough && add_process(merged, item);
    }
    return enough ? GS_OK : gs_fail(err, GS_NO_MEMORY, "out of memory");
}

static size_t skip_blanks(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && isspace((unsigned char)text[at]))
        at++;
    return at;
}

enum gs_status gs_merge_text(struct gs_merged *merged, const char *text, size_t len, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    size_t at = skip_blanks(text, len);
    if (at == len)
        return gs_fail(err, GS_FAILED, "there is nothing in it");
    while (!status && at < len) {
        json_error_t error;
        json_t *document = json_loadb(text + at, len - at, JSON_DISABLE_EOF_CHECK, &error);
        if (!document)
            return gs_fail(err, GS_FAILED, "line %d is no JSON: %s", error.line, error.text);
        status = add_document(merged, document, err);
        json_decref(document);
        at += (size_t)error.position;
        at += skip_blanks(text + at, len - at);
    }
    return status;
}

bool gs_merge_failure(struct gs_merged *merged, pid_t pid, const char *why)
{
    char *copy = strdup(why);
    if (!copy ||
        !gs_room((void **)&merged->failed, &merged->failed_room, merged->failed_count + 1, sizeof *merged->failed)) {
        free(copy);
        return false;
    }
    merged->failed[merged->failed_count++] = (struct gs_merge_failed){.pid = pid, .why = copy};
    return true;
}

/* ---- order ---- */

GS_BY_VALUE(by_number, int64_t);

static void sort_numbers(struct gs_merge_numbers *numbers)
{
    if (numbers->count > 0)
        qsort(numbers->list, numbers->count, sizeof *numbers->list, by_number);
}

/* Whoever comes first of those that have it. */
static int64_t first_of(const struct gs_merge_stack *stack)
{
    const struct gs_merge_numbers *numbers = stack->ranks.count > 0 ? &stack->ranks : &stack->pids;
    return numbers->count > 0 ? numbers->list[0] : -1;
}

static int by_rarity(const void *a, const void *b)
{
    const struct gs_merge_stack *x = *(struct gs_merge_stack *const *)a, *y = *(struct gs_merge_stack *const *)b;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    if (first_of(x) != first_of(y))
        return first_of(x) < first_of(y) ? -1 : 1;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->key, y->key);
}

GS_BY(by_pid, struct gs_merge_failed, pid);

void gs_merge_complete(struct gs_merged *merged)
{
    for (size_t i = 0; i < merged->count; i++) {
        sort_numbers(&merged->stacks[i]->pids);
        sort_numbers(&merged->stacks[i]->ranks);
    }
    if (merged->count > 0)
        qsort(merged->stacks, merged->count, sizeof *merged->stacks, by_rarity);
    if (merged->failed_count > 0)
        qsort(merged->failed, merged->failed_count, sizeof *merged->failed, by_pid);
}

void gs_merge_fini(struct gs_merged *merged)
{
    for (size_t i = 0; i < merged->count; i++) {
        struct gs_merge_stack *stack = merged->stacks[i];
        free(stack->key);
        free(stack->name);
        json_decref(stack->frames);
        free(stack->pids.list);
        free(stack->ranks.list);
        free(stack);
    }
    for (size_t i = 0; i < merged->failed_count; i++)
        free(merged->failed[i].why);
    free(merged->stacks);
    free(merged->failed);
    gs_ids_fini(&merged->by_key);
}

enum gs_gil_word gs_merge_word(const struct gs_merge_stack *stack, bool *same)
{
    for (enum gs_gil_word word = 0; word <= GS_UNKNOWN; word++) {
        *same = stack->words[word] == stack->threads;
        if (*same)
            return word;
    }
    return GS_UNKNOWN;
}

size_t gs_merge_range(const int64_t *list, size_t count)
{
    size_t len = 1;
    while (len < count && list[len] == list[len - 1] + 1)
        len++;
    return len;
}
