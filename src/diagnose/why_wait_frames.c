/* What a thread waits for by the functions of the standard library that it is in. */
#include <string.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_wait_search.h"
#include "python/names_attribute.h"

gs_addr gs_wait_variable(const struct gs_wait_search *s, const struct gs_frame *frame, const char *name)
{
    struct gs_variable list[GS_WAIT_VARIABLES];
    size_t count;
    const struct gs_code *code = s->lookup->code(s->lookup->context, frame);
    if (!code || gs_locals_objects(s->python, s->mem, frame->frame, code, list, GS_WAIT_VARIABLES, &count) != GS_OK)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0)
            return list[i].object;
    }
    return 0;
}

/* Condition.wait sleeps on a lock of its own, `waiter`, and gives that of the condition back meanwhile. */
static bool is_notice(struct gs_wait_search *s, const struct gs_frame *frame, struct gs_wait *wait)
{
    struct gs_lock_object lock;
    gs_addr waiter = gs_wait_variable(s, frame, "waiter"), self = gs_wait_variable(s, frame, "self"), condition;
    if (waiter != 0 && gs_lock_read(s->layout, s->mem, &s->types, waiter, &lock) && !gs_wait_slept_on(s, &lock))
        return false; /* it has been notified, and takes the condition's lock again */
    wait->kind = GS_WAIT_NOTICE;
    if (self != 0 && gs_lock_behind(s->layout, s->mem, &s->types, self, true, &lock, &condition))
        wait->released = lock.word;
    return true;
}

static bool is_join(struct gs_wait_search *s, const struct gs_frame *frame, struct gs_wait *wait)
{
    gs_addr self = gs_wait_variable(s, frame, "self");
    const char *name = s->layout->thread_name_mangled ? "_Thread__ident" : "_ident";
    uint64_t ident = self ? gs_attribute_number(s->layout, s->mem, &s->types, self, name) : 0;
    if (ident == 0)
        return false;
    wait->kind = GS_WAIT_THREAD;
    wait->word = self;
    wait->owner = gs_wait_by_ident(s, ident);
    wait->owner_stated = true;
    return true;
}

/* importlib._bootstrap: class _ModuleLock, whose owner is an ident. */
static bool is_import(struct gs_wait_search *s, const struct gs_frame *frame, struct gs_wait *wait)
{
    gs_addr self = gs_wait_variable(s, frame, "self");
    uint64_t owner = self ? gs_attribute_number(s->layout, s->mem, &s->types, self, "owner") : 0;
    gs_addr name = self ? gs_attribute_find(s->layout, s->mem, &s->types, self, "name") : 0;
    if (name == 0)
        return false;
    if (gs_str_read(s->layout, s->mem, name, wait->name, sizeof wait->name) != GS_OK)
        wait->name[0] = '\0';
    wait->kind = GS_WAIT_IMPORT;
    wait->word = self;
    wait->owner = gs_wait_by_ident(s, owner);
    wait->owner_stated = true;
    wait->stale = owner != 0 && wait->owner == GS_NOBODY;
    return true;
}

/* queue.Queue waits for a notice on one of its conditions. */
static void tell_queue(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    static const struct {
        const char *function, *what;
    } rows[] = {{"get", "an item from"}, {"put", "room in"}, {"join", "the last item to be done of"}};
    const struct gs_frame *frame = &thread->frames[1];
    const char *file = s->layout->thread_name_mangled ? "Queue.py" : "queue.py";
    for (size_t i = 0; i < sizeof rows / sizeof *rows && thread->frame_count > 1; i++) {
        if (!gs_frame_is(s->lookup, frame, file, rows[i].function))
            continue;
        wait->kind = GS_WAIT_QUEUE;
        wait->what = rows[i].what;
        wait->word = gs_wait_variable(s, frame, "self");
        if (wait->word != 0 && thread->frame_count > 2 && thread->frames[2].kind == GS_FRAME_PYTHON)
            gs_wait_name_in_frame(s, &thread->frames[2], wait->word, wait->name);
    }
}

/* By the functions of the standard library that a thread is in. */
bool gs_wait_by_frames(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    for (uint32_t i = 0; i < thread->frame_count && i < GS_WAIT_FRAMES; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        if (i == 0 && gs_frame_is(s->lookup, frame, "importlib._bootstrap", "acquire"))
            return is_import(s, frame, wait);
        if (gs_frame_is(s->lookup, frame, "threading.py", "join") && is_join(s, frame, wait))
            return true;
        if (i == 0 && gs_frame_is(s->lookup, frame, "threading.py", "wait") && !is_notice(s, frame, wait))
            return false;
    }
    if (wait->kind == GS_WAIT_NOTICE)
        tell_queue(s, thread, wait);
    return wait->kind != GS_WAIT_NOTHING;
}
