/* Whose time it was: functions, and the lines of each thread. Samples only add to the stack that they met; the way from
 * there to its functions is gone when somebody looks, or when there are too many stacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/live_parts.h"

/* Most threads are where they were in the sample before. */
static struct gs_live_pending *pending_of(struct gs_live *live, struct gs_live_thread *thread)
{
    struct gs_ledger_key key = {thread->number, thread->stack};
    if (thread->pending < live->pending.count) {
        struct gs_live_pending *same = gs_ledger_at(&live->pending, thread->pending);
        if (same->key.a == key.a && same->key.b == key.b)
            return same;
    }
    struct gs_live_pending *pending = gs_ledger_get(&live->pending, key);
    if (!pending) {
        gs_live_time_flush(live);
        pending = gs_ledger_get(&live->pending, key);
    }
    if (pending)
        thread->pending = (uint32_t)(pending - (struct gs_live_pending *)(void *)live->pending.entries);
    return pending;
}

void gs_live_time_add(struct gs_live *live, struct gs_live_thread *thread, const uint64_t ns[GS_MODE_COUNT])
{
    struct gs_live_pending *pending = pending_of(live, thread);
    for (int mode = 0; pending && mode < GS_MODE_COUNT; mode++)
        pending->ns[mode] += ns[mode];
}

static uint64_t worth_of_function(const void *entry, const void *context)
{
    const struct gs_live_function *function = entry;
    (void)context;
    return (uint64_t)(function->total.recent_ns[GS_MODE_WALL] / 1000) + function->total.ns[GS_MODE_WALL] / 16000 + 1;
}

/* Makes room. Strings of functions that went are forgotten with the others, which are kept anew. */
static bool shrink_functions(struct gs_live *live)
{
    struct gs_strings *strings = gs_strings_new();
    if (!strings)
        return false;
    gs_ledger_halve(&live->functions, worth_of_function, NULL);
    uint32_t count = live->functions.count;
    struct gs_live_function *copies = calloc((size_t)count + 1, sizeof *copies);
    for (uint32_t i = 0; copies && i < count; i++) {
        struct gs_live_function *copy = &copies[i];
        *copy = *(struct gs_live_function *)gs_ledger_at(&live->functions, i);
        copy->key.a = (uintptr_t)gs_strings_keep(strings, (const char *)(uintptr_t)copy->key.a);
        copy->key.b = (uintptr_t)gs_strings_keep(strings, (const char *)(uintptr_t)copy->key.b);
    }
    gs_ledger_clear(&live->functions);
    for (uint32_t i = 0; copies && i < count; i++) {
        struct gs_live_function *entry =
            copies[i].key.a && copies[i].key.b ? gs_ledger_get(&live->functions, copies[i].key) : NULL;
        if (entry)
            *entry = copies[i];
    }
    free(copies);
    gs_strings_free(live->strings);
    live->strings = strings;
    if (live->function_room > 0)
        memset(live->function_of, 0, live->function_room * sizeof *live->function_of);
    return true;
}

const char *gs_live_file_of(const struct gs_place *place)
{
    return place->kind == GS_FRAME_NATIVE && place->module ? place->module : place->file;
}

static struct gs_live_function *keep_function(struct gs_live *live, const struct gs_place *place)
{
    if (gs_strings_bytes(live->strings) >= GS_LIVE_STRING_BYTES || live->functions.count == GS_LIVE_FUNCTIONS) {
        if (!shrink_functions(live))
            return NULL;
    }
    struct gs_ledger_key key = {(uintptr_t)gs_strings_keep(live->strings, place->function),
                                (uintptr_t)gs_strings_keep(live->strings, gs_live_file_of(place))};
    struct gs_live_function *function = key.a && key.b ? gs_ledger_get(&live->functions, key) : NULL;
    if (function && !function->serial) {
        function->serial = ++live->serial;
        function->gap = place->kind == GS_FRAME_GAP;
    }
    return function;
}

static bool reserve_places(struct gs_live *live, uint32_t place)
{
    if (place < live->function_room)
        return true;
    size_t room = 2 * (size_t)place + 1024;
    uint32_t *list = realloc(live->function_of, room * sizeof *list);
    if (!list)
        return false;
    memset(list + live->function_room, 0, (room - live->function_room) * sizeof *list);
    live->function_of = list;
    live->function_room = room;
    return true;
}

struct gs_live_function *gs_live_thread_function(struct gs_live *live, const struct gs_live_thread *thread)
{
    char name[GS_LIVE_NAME + 16];
    struct gs_place place = {.function = name, .file = "", .kind = GS_FRAME_PYTHON};
    snprintf(name, sizeof name, "%s (%d)", thread->name, (int)thread->tid);
    return keep_function(live, &place);
}

int32_t gs_live_line_of(const struct gs_live *live, const struct gs_place *place)
{
    return live->selection.function ? 0 : place->line;
}

struct gs_live_function *gs_live_function_at(struct gs_live *live, uint32_t place)
{
    if (!reserve_places(live, place))
        return NULL;
    uint32_t known = live->function_of[place];
    if (known)
        return gs_ledger_at(&live->functions, known - 1);
    struct gs_live_function *function = keep_function(live, gs_stacks_place_at(live->stacks, place));
    if (function)
        live->function_of[place] =
            (uint32_t)(((char *)function - live->functions.entries) / (ptrdiff_t)sizeof *function) + 1;
    return function;
}

uint32_t gs_live_told_place(const struct gs_live *live, uint32_t stack)
{
    struct gs_native_telling telling = {.count = 0};
    uint32_t told = gs_stacks_at(live->stacks, stack).place;
    for (; stack && !telling.done; stack = gs_stacks_at(live->stacks, stack).caller) {
        uint32_t number = gs_stacks_at(live->stacks, stack).place;
        const struct gs_place *place = gs_stacks_place_at(live->stacks, number);
        if (place->kind != GS_FRAME_NATIVE)
            break;
        size_t given = telling.count;
        gs_native_tell(&telling, place->function, place->module);
        told = telling.told == given ? number : told;
    }
    return told;
}

uint32_t gs_live_place_of(struct gs_live *live, uint32_t stack, struct gs_live_place *place)
{
    *place = (struct gs_live_place){.line = 0};
    if (!stack)
        return 0;
    uint32_t number = gs_live_told_place(live, stack);
    const struct gs_place *source = gs_stacks_place_at(live->stacks, number);
    const struct gs_live_function *function = gs_live_function_at(live, number);
    gs_live_copy(place->function, sizeof place->function, source->function);
    gs_live_copy_end(place->file, sizeof place->file, gs_live_file_of(source));
    place->line = gs_live_line_of(live, source);
    place->gap = source->kind == GS_FRAME_GAP;
    return function ? function->serial : 0;
}

static uint64_t worth_of_line(const void *entry, const void *context)
{
    const struct gs_live_line *line = entry;
    const struct gs_live *live = context;
    if (!gs_live_thread_of(live, (uint32_t)(line->key.a >> 32)))
        return 0;
    return (uint64_t)(line->recent_ns[GS_MODE_WALL] / 1000) + 1;
}

static struct gs_live_line *line_of(struct gs_live *live, uint32_t thread, uint32_t serial, int32_t number)
{
    struct gs_ledger_key key = {(uint64_t)thread << 32 | serial, (uint32_t)number};
    struct gs_live_line *line = gs_ledger_get(&live->lines, key);
    if (!line) {
        gs_ledger_halve(&live->lines, worth_of_line, live);
        line = gs_ledger_get(&live->lines, key);
    }
    return line;
}

static void add_time(struct gs_live_time *time, const uint64_t ns[GS_MODE_COUNT])
{
    for (int mode = 0; mode < GS_MODE_COUNT; mode++) {
        time->ns[mode] += ns[mode];
        time->recent_ns[mode] += (double)ns[mode];
    }
}

/* A function that calls itself is on the stack once, and so is its line (NULL: nobody asks for that). */
static void add_frame(struct gs_live_function *function, struct gs_live_line *line, const uint64_t ns[GS_MODE_COUNT],
                      uint64_t stamp)
{
    if (function->stamp != stamp)
        add_time(&function->total, ns);
    function->stamp = stamp;
    for (int mode = 0; line && line->stamp != stamp && mode < GS_MODE_COUNT; mode++)
        line->recent_ns[mode] += (double)ns[mode];
    if (line)
        line->stamp = stamp;
}

static void add_stack(struct gs_live *live, const struct gs_live_pending *pending)
{
    uint32_t thread = (uint32_t)pending->key.a, stack = (uint32_t)pending->key.b;
    const struct gs_live_thread *alive = gs_live_thread_of(live, thread);
    uint64_t stamp = ++live->stamp;
    for (int depth = 0; stack && depth < GS_LIVE_DEPTH; depth++) {
        struct gs_stack frame = gs_stacks_at(live->stacks, stack);
        struct gs_live_function *function = gs_live_function_at(live, frame.place);
        if (!function)
            return;
        if (depth == 0)
            add_time(&function->own, pending->ns);
        int32_t number = gs_live_line_of(live, gs_stacks_place_at(live->stacks, frame.place));
        add_frame(function, alive ? line_of(live, thread, function->serial, number) : NULL, pending->ns, stamp);
        stack = frame.caller;
    }
    struct gs_live_function *outermost = live->selection.threads && alive ? gs_live_thread_function(live, alive) : NULL;
    if (outermost)
        add_frame(outermost, line_of(live, thread, outermost->serial, 0), pending->ns, stamp);
}

void gs_live_time_flush(struct gs_live *live)
{
    for (uint32_t i = 0; i < live->pending.count; i++)
        add_stack(live, gs_ledger_at(&live->pending, i));
    gs_ledger_clear(&live->pending);
}

void gs_live_time_forget(struct gs_live *live)
{
    gs_live_time_flush(live);
    live->stacks_known++;
    if (live->function_room > 0)
        memset(live->function_of, 0, live->function_room * sizeof *live->function_of);
}

static void decay(double list[GS_MODE_COUNT], double factor)
{
    for (int mode = 0; mode < GS_MODE_COUNT; mode++)
        list[mode] *= factor;
}

void gs_live_time_decay(struct gs_live *live, double factor)
{
    gs_live_time_flush(live);
    live->recent_ns *= factor;
    for (uint32_t i = 0; i < live->functions.count; i++) {
        struct gs_live_function *function = gs_ledger_at(&live->functions, i);
        decay(function->own.recent_ns, factor);
        decay(function->total.recent_ns, factor);
    }
    for (uint32_t i = 0; i < live->lines.count; i++)
        decay(((struct gs_live_line *)gs_ledger_at(&live->lines, i))->recent_ns, factor);
}
