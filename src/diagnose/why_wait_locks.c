/* What a thread waits for by the functions of the standard library that it is in, and by the locks of Python: which,
 * what the program calls it, and who has it, which of a Lock is seen only where `with` took it. */
#include <stdio.h>
#include <string.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_wait_search.h"
#include "python/dict.h"
#include "python/names_attribute.h"

enum { FRAMES_SEARCHED = 200 /* of one thread, for `with` blocks */ };

static bool slept_on(const struct gs_wait_search *s, const struct gs_lock_object *lock)
{
    return lock->word != 0 && (lock->word == s->semaphore || lock->word == s->mutex);
}

uint32_t gs_wait_by_ident(const struct gs_wait_search *s, uint64_t ident)
{
    for (uint32_t i = 0; i < s->snapshot->thread_count && ident != 0; i++) {
        if (s->snapshot->threads[i].ident == ident)
            return i;
    }
    return GS_NOBODY;
}

/* Keeps the lock with this word that an object leads to: an RLock of Python code rather than the Lock inside it. True:
 * no better one can be found. */
static bool take_lock(struct gs_wait_search *s, gs_addr object, struct gs_lock_object *best)
{
    struct gs_lock_object lock;
    gs_addr wrapper;
    if (object == 0 || !gs_lock_behind(s->layout, s->mem, &s->types, object, true, &lock, &wrapper) ||
        !slept_on(s, &lock))
        return false;
    *best = lock;
    return lock.recursive || s->layout->rl_word != GS_ABSENT;
}

/* The lock with this word among those that the frame refers to. */
static bool find_in_frame(struct gs_wait_search *s, const struct gs_frame *frame, struct gs_lock_object *lock)
{
    struct gs_held held;
    struct gs_variable list[GS_WAIT_VARIABLES];
    size_t count;
    const struct gs_code *code = s->lookup->code(s->lookup->context, frame);
    if (!code)
        return false;
    if (gs_held_read(s->python, s->mem, frame->frame, code, frame->instr, &held) == GS_OK) {
        for (size_t i = 0; i < held.count; i++) {
            if (take_lock(s, held.slots[i], lock))
                return true;
        }
    }
    if (gs_locals_objects(s->python, s->mem, frame->frame, code, list, GS_WAIT_VARIABLES, &count) != GS_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (take_lock(s, list[i].object, lock))
            return true;
    }
    return lock->object != 0;
}

static bool name_in_frame(struct gs_wait_search *s, const struct gs_frame *frame, gs_addr object,
                          char name[GS_WAIT_NAME])
{
    struct gs_variable list[GS_WAIT_VARIABLES];
    struct gs_dict dict;
    char own[GS_HELD_NAME];
    size_t count;
    const struct gs_code *code = s->lookup->code(s->lookup->context, frame);
    if (!code || gs_locals_objects(s->python, s->mem, frame->frame, code, list, GS_WAIT_VARIABLES, &count) != GS_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (list[i].object == object && strcmp(list[i].name, "self") != 0) {
            snprintf(name, GS_WAIT_NAME, "%.47s", list[i].name);
            return true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (gs_attribute_name_of(s->layout, s->mem, &s->types, list[i].object, object, own, sizeof own)) {
            snprintf(name, GS_WAIT_NAME, "%.47s.%.47s", list[i].name, own);
            return true;
        }
    }
    gs_addr globals = gs_frame_globals(s->layout, s->mem, frame->frame);
    return globals != 0 &&
           ((gs_dict_open(&dict, s->layout, s->mem, globals) && gs_dict_name_of(&dict, object, name, GS_WAIT_NAME)) ||
            gs_wait_name_by_global(s, code, globals, object, name));
}

/* _queue.SimpleQueue waits for its own lock (Modules/_queuemodule.c: struct simplequeueobject, whose first field that
 * is), from 3.13 on for a word inside it. */
static bool is_simple_queue(struct gs_wait_search *s, gs_addr object)
{
    enum { WORDS_BYTES = 64 };
    struct gs_type type;
    gs_addr self = object ? gs_method_self(s->layout, s->mem, &s->types, object) : 0, lock;
    if (self == 0 || !gs_type_of(&s->types, s->layout, s->mem, self, &type) ||
        !gs_type_named(&type, s->mem, "_queue.SimpleQueue"))
        return false;
    return (s->parked != 0 && s->parked - self < WORDS_BYTES) ||
           (s->semaphore != 0 && gs_mem_read_addr(s->mem, self + (gs_addr)s->layout->head_bytes, &lock) == GS_OK &&
            lock == s->semaphore);
}

bool gs_wait_by_simple_queue(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    struct gs_held held;
    struct gs_variable list[GS_WAIT_VARIABLES];
    size_t count;
    const struct gs_frame *frame = thread->frames;
    if (thread->frame_count == 0 || frame->kind != GS_FRAME_PYTHON)
        return false;
    const struct gs_code *code = s->lookup->code(s->lookup->context, frame);
    gs_addr queue = 0;
    if (code && gs_held_read(s->python, s->mem, frame->frame, code, frame->instr, &held) == GS_OK) {
        for (size_t i = 0; i < held.count && !queue; i++)
            queue = is_simple_queue(s, held.slots[i]) ? held.slots[i] : 0;
    }
    if (code && !queue &&
        gs_locals_objects(s->python, s->mem, frame->frame, code, list, GS_WAIT_VARIABLES, &count) == GS_OK) {
        for (size_t i = 0; i < count && !queue; i++)
            queue = is_simple_queue(s, list[i].object) ? list[i].object : 0;
    }
    if (!queue)
        return false;
    wait->kind = GS_WAIT_QUEUE;
    wait->what = "an item from";
    wait->word = gs_method_self(s->layout, s->mem, &s->types, queue);
    name_in_frame(s, frame, wait->word, wait->name);
    return true;
}

void gs_wait_name(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    for (uint32_t i = 0, tried = 0; i < thread->frame_count && tried < GS_WAIT_FRAMES && !wait->name[0]; i++) {
        if (thread->frames[i].kind != GS_FRAME_PYTHON)
            continue;
        tried++;
        name_in_frame(s, &thread->frames[i], wait->object, wait->name);
    }
}

bool gs_wait_by_lock(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    struct gs_lock_object lock = {0};
    bool found = gs_lock_around(s->layout, s->mem, &s->types, s->mutex, &lock);
    if (!found)
        lock = (struct gs_lock_object){0};
    for (uint32_t i = 0; i < thread->frame_count && i < GS_WAIT_FRAMES && !found; i++)
        found = thread->frames[i].kind == GS_FRAME_PYTHON && find_in_frame(s, &thread->frames[i], &lock);
    if (!found)
        return false;
    wait->kind = GS_WAIT_LOCK;
    wait->word = lock.word;
    wait->object = lock.object;
    wait->recursive = lock.recursive;
    wait->locked = lock.locked;
    if (lock.recursive && lock.owner != 0) {
        wait->owner = gs_wait_by_ident(s, lock.owner);
        wait->owner_stated = true;
        wait->owner_ident = lock.owner;
        wait->stale = wait->owner == GS_NOBODY;
    }
    gs_wait_name(s, thread, wait);
    return true;
}

/* ---- who has a Lock ---- */

/* The exit method of a `with` block stays on the stack of its frame while the block runs. */
static void credit(struct gs_wait_search *s, uint32_t holder, const struct gs_frame *frame, gs_addr word)
{
    const struct gs_wait *own = &s->waits->list[holder];
    if (own->kind == GS_WAIT_NOTICE && own->released == word)
        return;
    for (size_t i = 0; i < s->waits->count; i++) {
        struct gs_wait *wait = &s->waits->list[i];
        if (wait->kind != GS_WAIT_LOCK || wait->word != word || wait->owner_stated)
            continue;
        wait->ambiguous |= wait->owner != GS_NOBODY && wait->owner != holder;
        wait->owner = holder;
        wait->with = *frame;
    }
}

static void search_frame(struct gs_wait_search *s, uint32_t holder, const struct gs_frame *frame)
{
    struct gs_held held;
    struct gs_lock_object lock;
    gs_addr wrapper;
    const struct gs_code *code = frame->kind == GS_FRAME_PYTHON ? s->lookup->code(s->lookup->context, frame) : NULL;
    if (!code || gs_held_read(s->python, s->mem, frame->frame, code, frame->instr, &held) != GS_OK)
        return;
    for (size_t i = 0; i < held.sure; i++) {
        if (held.slots[i] != 0 && gs_lock_behind(s->layout, s->mem, &s->types, held.slots[i], true, &lock, &wrapper) &&
            lock.locked)
            credit(s, holder, frame, lock.word);
    }
}

void gs_wait_find_holders(struct gs_wait_search *s)
{
    bool any = false;
    for (size_t i = 0; i < s->waits->count; i++)
        any |= s->waits->list[i].kind == GS_WAIT_LOCK && !s->waits->list[i].owner_stated;
    for (uint32_t i = 0; i < s->snapshot->thread_count && any; i++) {
        const struct gs_thread *thread = &s->snapshot->threads[i];
        for (uint32_t f = 0; f < thread->frame_count && f < FRAMES_SEARCHED; f++)
            search_frame(s, i, &thread->frames[f]);
    }
    for (size_t i = 0; i < s->waits->count; i++) {
        if (s->waits->list[i].ambiguous)
            s->waits->list[i].owner = GS_NOBODY;
    }
}

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
    if (waiter != 0 && gs_lock_read(s->layout, s->mem, &s->types, waiter, &lock) && !slept_on(s, &lock))
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

/* The main thread at its end takes a lock of each thread that is no daemon, which is free when that has ended (3.8 to
 * 3.12: Lib/threading.py, _shutdown_locks). Whose it is the frame does not tell. */
static bool is_shutdown(struct gs_wait *wait)
{
    wait->kind = GS_WAIT_THREAD;
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
            name_in_frame(s, &thread->frames[2], wait->word, wait->name);
    }
}

/* By the functions of the standard library that a thread is in. */
bool gs_wait_by_frames(struct gs_wait_search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    for (uint32_t i = 0; i < thread->frame_count && i < GS_WAIT_FRAMES; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        if (i == 0 && gs_frame_is(s->lookup, frame, "importlib._bootstrap", "acquire"))
            return is_import(s, frame, wait);
        if (i == 0 && gs_frame_is(s->lookup, frame, "threading.py", "_shutdown"))
            return is_shutdown(wait);
        if (gs_frame_is(s->lookup, frame, "threading.py", "join") && is_join(s, frame, wait))
            return true;
        if (i == 0 && gs_frame_is(s->lookup, frame, "threading.py", "wait") && !is_notice(s, frame, wait))
            return false;
    }
    if (wait->kind == GS_WAIT_NOTICE)
        tell_queue(s, thread, wait);
    return wait->kind != GS_WAIT_NOTHING;
}
