/* Whose time it was: functions, and the lines of each thread. Samples only add to the stack that they met; the way from
 * there to its functions is gone when somebody looks, or when there are too many stacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cut.h"
#include "base/room.h"
#include "profile/live_code.h"

bool gs_live_code_make(struct gs_live_code *code, struct gs_live_table *table)
{
    code->table = table;
    code->strings = gs_strings_new();
    bool enough = gs_topk_init(&code->pending, sizeof(struct gs_live_pending), GS_LIVE_PENDING);
    enough = gs_topk_init(&code->functions, sizeof(struct gs_live_function), GS_LIVE_FUNCTIONS) && enough;
    return gs_topk_init(&code->lines, sizeof(struct gs_live_line), GS_LIVE_LINES) && enough && code->strings;
}

void gs_live_code_fini(struct gs_live_code *code)
{
    gs_topk_fini(&code->pending);
    gs_topk_fini(&code->functions);
    gs_topk_fini(&code->lines);
    gs_strings_free(code->strings);
    free(code->function_of);
}

static void forget_places(struct gs_live_code *code)
{
    if (code->function_room > 0)
        memset(code->function_of, 0, code->function_room * sizeof *code->function_of);
}

void gs_live_code_reset(struct gs_live_code *code)
{
    gs_topk_clear(&code->pending);
    gs_topk_clear(&code->functions);
    gs_topk_clear(&code->lines);
    gs_strings_clear(code->strings);
    forget_places(code);
    code->recent_ns = 0;
}

/* Most threads are where they were in the sample before. */
static struct gs_live_pending *pending_of(struct gs_live_code *code, struct gs_live_thread *thread)
{
    struct gs_topk_key key = {thread->number, thread->stack};
    if (thread->pending < code->pending.count) {
        struct gs_live_pending *same = gs_topk_at(&code->pending, thread->pending);
        if (same->key.a == key.a && same->key.b == key.b)
            return same;
    }
    struct gs_live_pending *pending = gs_topk_get(&code->pending, key);
    if (!pending) {
        gs_live_code_flush(code);
        pending = gs_topk_get(&code->pending, key);
    }
    if (pending)
        thread->pending = (uint32_t)(pending - (struct gs_live_pending *)(void *)code->pending.entries);
    return pending;
}

void gs_live_code_add(struct gs_live_code *code, struct gs_live_thread *thread, const uint64_t ns[GS_MODE_LIVE])
{
    struct gs_live_pending *pending = pending_of(code, thread);
    for (int mode = 0; pending && mode < GS_MODE_LIVE; mode++)
        pending->ns[mode] += ns[mode];
}

static uint64_t worth_of_function(const void *entry, const void *context)
{
    const struct gs_live_function *function = entry;
    (void)context;
    return (uint64_t)(function->total.recent_ns[GS_MODE_WALL] / 1000) + function->total.ns[GS_MODE_WALL] / 16000 + 1;
}

/* Makes room. Strings of functions that went are forgotten with the others, which are kept anew. */
static bool shrink_functions(struct gs_live_code *code)
{
    struct gs_strings *strings = gs_strings_new();
    if (!strings)
        return false;
    gs_topk_halve(&code->functions, worth_of_function, NULL);
    uint32_t count = code->functions.count;
    struct gs_live_function *copies = calloc((size_t)count + 1, sizeof *copies);
    for (uint32_t i = 0; copies && i < count; i++) {
        struct gs_live_function *copy = &copies[i];
        *copy = *(struct gs_live_function *)gs_topk_at(&code->functions, i);
        copy->key.a = (uintptr_t)gs_strings_keep(strings, (const char *)(uintptr_t)copy->key.a);
        copy->key.b = (uintptr_t)gs_strings_keep(strings, (const char *)(uintptr_t)copy->key.b);
    }
    gs_topk_clear(&code->functions);
    for (uint32_t i = 0; copies && i < count; i++) {
        struct gs_live_function *entry =
            copies[i].key.a && copies[i].key.b ? gs_topk_get(&code->functions, copies[i].key) : NULL;
        if (entry)
            *entry = copies[i];
    }
    free(copies);
    gs_strings_free(code->strings);
    code->strings = strings;
    forget_places(code);
    return true;
}

const char *gs_live_file_of(const struct gs_place *place)
{
    return place->kind == GS_FRAME_NATIVE && place->module ? place->module : place->file;
}

const char *gs_live_name_of(const struct gs_place *place)
{
    return place->qualname ? place->qualname : place->function;
}

static struct gs_live_function *keep_function(struct gs_live_code *code, const struct gs_place *place)
{
    if (gs_strings_bytes(code->strings) >= GS_LIVE_STRING_BYTES || code->functions.count == GS_LIVE_FUNCTIONS) {
        if (!shrink_functions(code))
            return NULL;
    }
    struct gs_topk_key key = {(uintptr_t)gs_strings_keep(code->strings, gs_live_name_of(place)),
                              (uintptr_t)gs_strings_keep(code->strings, gs_live_file_of(place))};
    struct gs_live_function *function = key.a && key.b ? gs_topk_get(&code->functions, key) : NULL;
    if (function && !function->serial) {
        function->serial = ++code->serial;
        function->gap = place->kind == GS_FRAME_GAP;
        function->native = place->kind == GS_FRAME_NATIVE;
    }
    return function;
}

struct gs_live_function *gs_live_thread_function(struct gs_live_code *code, const struct gs_live_thread *thread)
{
    char name[GS_LIVE_NAME + 16];
    struct gs_place place = {.function = name, .file = "", .kind = GS_FRAME_PYTHON};
    snprintf(name, sizeof name, "%s (%d)", thread->name, (int)thread->tid);
    return keep_function(code, &place);
}

int32_t gs_live_line_of(const struct gs_live_code *code, const struct gs_place *place)
{
    return code->table->selection.function ? 0 : place->line;
}

struct gs_live_function *gs_live_function_at(struct gs_live_code *code, uint32_t place)
{
    if (!gs_room_zeroed((void **)&code->function_of, &code->function_room, (size_t)place + 1,
                        sizeof *code->function_of))
        return NULL;
    uint32_t known = code->function_of[place];
    if (known)
        return gs_topk_at(&code->functions, known - 1);
    struct gs_live_function *function = keep_function(code, gs_stacks_place_at(code->stacks, place));
    if (function)
        code->function_of[place] =
            (uint32_t)(((char *)function - code->functions.entries) / (ptrdiff_t)sizeof *function) + 1;
    return function;
}

uint32_t gs_live_told_place(const struct gs_live_code *code, uint32_t stack)
{
    struct gs_native_telling telling = {.count = 0};
    uint32_t told = gs_stacks_at(code->stacks, stack).place;
    for (; stack && !telling.done; stack = gs_stacks_at(code->stacks, stack).caller) {
        uint32_t number = gs_stacks_at(code->stacks, stack).place;
        const struct gs_place *place = gs_stacks_place_at(code->stacks, number);
        if (place->kind != GS_FRAME_NATIVE)
            break;
        size_t given = telling.count;
        gs_native_tell(&telling, place->function, place->module);
        told = telling.told == given ? number : told;
    }
    return told;
}

uint32_t gs_live_place_of(struct gs_live_code *code, uint32_t stack, struct gs_live_place *place)
{
    *place = (struct gs_live_place){.line = 0};
    if (!stack)
        return 0;
    uint32_t number = gs_live_told_place(code, stack);
    const struct gs_place *source = gs_stacks_place_at(code->stacks, number);
    const struct gs_live_function *function = gs_live_function_at(code, number);
    gs_cut(place->function, sizeof place->function, gs_live_name_of(source));
    gs_cut_front(place->file, sizeof place->file, gs_live_file_of(source));
    place->line = gs_live_line_of(code, source);
    place->gap = source->kind == GS_FRAME_GAP;
    place->native = source->kind == GS_FRAME_NATIVE;
    return function ? function->serial : 0;
}

static uint64_t worth_of_line(const void *entry, const void *context)
{
    const struct gs_live_line *line = entry;
    const struct gs_live_code *code = context;
    if (!gs_live_thread_of(code->table, (uint32_t)(line->key.a >> 32)))
        return 0;
    return (uint64_t)(line->recent_ns[GS_MODE_WALL] / 1000) + 1;
}

static struct gs_live_line *line_of(struct gs_live_code *code, uint32_t thread, uint32_t serial, int32_t number)
{
    struct gs_topk_key key = {(uint64_t)thread << 32 | serial, (uint32_t)number};
    struct gs_live_line *line = gs_topk_get(&code->lines, key);
    if (!line) {
        gs_topk_halve(&code->lines, worth_of_line, code);
        line = gs_topk_get(&code->lines, key);
    }
    return line;
}

static void add_time(struct gs_live_time *time, const uint64_t ns[GS_MODE_LIVE])
{
    for (int mode = 0; mode < GS_MODE_LIVE; mode++) {
        time->ns[mode] += ns[mode];
        time->recent_ns[mode] += (double)ns[mode];
    }
}

/* A function that calls itself is on the stack once, and so is its line (NULL: nobody asks for that). */
static void add_frame(struct gs_live_function *function, struct gs_live_line *line, const uint64_t ns[GS_MODE_LIVE],
                      uint64_t stamp)
{
    if (function->stamp != stamp)
        add_time(&function->total, ns);
    function->stamp = stamp;
    for (int mode = 0; line && line->stamp != stamp && mode < GS_MODE_LIVE; mode++)
        line->recent_ns[mode] += (double)ns[mode];
    if (line)
        line->stamp = stamp;
}

static void add_stack(struct gs_live_code *code, const struct gs_live_pending *pending)
{
    uint32_t thread = (uint32_t)pending->key.a, stack = (uint32_t)pending->key.b;
    const struct gs_live_thread *alive = gs_live_thread_of(code->table, thread);
    uint64_t stamp = ++code->stamp;
    for (int depth = 0; stack && depth < GS_LIVE_DEPTH; depth++) {
        struct gs_stack frame = gs_stacks_at(code->stacks, stack);
        struct gs_live_function *function = gs_live_function_at(code, frame.place);
        if (!function)
            return;
        if (depth == 0)
            add_time(&function->own, pending->ns);
        int32_t number = gs_live_line_of(code, gs_stacks_place_at(code->stacks, frame.place));
        add_frame(function, alive ? line_of(code, thread, function->serial, number) : NULL, pending->ns, stamp);
        stack = frame.caller;
    }
    struct gs_live_function *outermost =
        code->table->selection.threads && alive ? gs_live_thread_function(code, alive) : NULL;
    if (outermost)
        add_frame(outermost, line_of(code, thread, outermost->serial, 0), pending->ns, stamp);
}

void gs_live_code_flush(struct gs_live_code *code)
{
    for (uint32_t i = 0; i < code->pending.count; i++)
        add_stack(code, gs_topk_at(&code->pending, i));
    gs_topk_clear(&code->pending);
}

void gs_live_code_forget(struct gs_live_code *code)
{
    gs_live_code_flush(code);
    code->stacks_known++;
    forget_places(code);
}

static void decay(double list[GS_MODE_LIVE], double factor)
{
    for (int mode = 0; mode < GS_MODE_LIVE; mode++)
        list[mode] *= factor;
}

void gs_live_code_decay(struct gs_live_code *code, double factor)
{
    gs_live_code_flush(code);
    code->recent_ns *= factor;
    for (uint32_t i = 0; i < code->functions.count; i++) {
        struct gs_live_function *function = gs_topk_at(&code->functions, i);
        decay(function->own.recent_ns, factor);
        decay(function->total.recent_ns, factor);
    }
    for (uint32_t i = 0; i < code->lines.count; i++)
        decay(((struct gs_live_line *)gs_topk_at(&code->lines, i))->recent_ns, factor);
}
