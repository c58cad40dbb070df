/* What a thread that sleeps waits for: told by the futex that it sleeps on, the Python functions that it is in, and the
 * locks that its frames refer to. Who has a Lock is seen only where `with` took it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "diagnose/why_frames.h"
#include "diagnose/why_waits.h"
#include "mem/metered.h"
#include "python/dict.h"
#include "python/held.h"
#include "python/locks.h"
#include "python/names_attribute.h"

enum {
    FRAMES_ASKED = 4,      /* of one thread, from the innermost on, for the lock that it waits for */
    FRAMES_SEARCHED = 200, /* of one thread, for `with` blocks */
    READS = 400000,
    VARIABLES = 64,
    OP_MASK = 127, /* FUTEX_CMD_MASK without the flags: include/uapi/linux/futex.h */
    OP_WAIT = 0,
    OP_WAIT_BITSET = 9,
    FLAG_PRIVATE = 128,
    MUTEX_CONTENDED = 2, /* glibc: nptl/lowlevellock.h */
    MUTEX_BYTES = 24
};

struct search {
    const struct gs_target *target;
    const struct gs_python *python;
    const struct gs_layout *layout;
    const struct gs_snapshot *snapshot;
    const struct gs_why_lookup *lookup;
    struct gs_metered metered;
    struct gs_mem *mem;
    uint64_t left;
    struct gs_types types;
    struct gs_waits *waits;
    /* What the thread that is looked at sleeps on, if that is a lock of Python's: a semaphore, or a PyMutex. */
    gs_addr semaphore, mutex;
};

static bool is_slept_on(const struct search *s, const struct gs_lock_object *lock)
{
    return lock->word != 0 && (lock->word == s->semaphore || lock->word == s->mutex);
}

uint32_t gs_waits_next(const struct gs_waits *waits, uint32_t thread)
{
    return thread < waits->count ? waits->list[thread].owner : GS_NOBODY;
}

void gs_waits_fini(struct gs_waits *waits)
{
    free(waits->list);
    *waits = (struct gs_waits){0};
}

static uint32_t by_ident(const struct search *s, uint64_t ident)
{
    for (uint32_t i = 0; i < s->snapshot->thread_count && ident != 0; i++) {
        if (s->snapshot->threads[i].ident == ident)
            return i;
    }
    return GS_NOBODY;
}

/* ---- the Python functions that wait ---- */

static gs_addr variable(const struct search *s, const struct gs_frame *frame, const char *name)
{
    struct gs_variable list[VARIABLES];
    size_t count;
    const struct gs_code *code = s->lookup->code(s->lookup->context, frame);
    if (!code || gs_locals_objects(s->python, s->mem, frame->frame, code, list, VARIABLES, &count) != GS_OK)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0)
            return list[i].object;
    }
    return 0;
}

/* Condition.wait sleeps on a lock of its own, `waiter`, and gives that of the condition back meanwhile. */
static bool is_notice(struct search *s, const struct gs_frame *frame, struct gs_wait *wait)
{
    struct gs_lock_object lock;
    gs_addr waiter = variable(s, frame, "waiter"), self = variable(s, frame, "self"), condition;
    if (waiter != 0 && gs_lock_read(s->layout, s->mem, &s->types, waiter, &lock) && !is_slept_on(s, &lock))
        return false; /* it has been notified, and takes the condition's lock again */
    wait->kind = GS_WAIT_NOTICE;
    if (self != 0 && gs_lock_behind(s->layout, s->mem, &s->types, self, true, &lock, &condition))
        wait->released = lock.word;
    return true;
}

static bool is_join(struct search *s, const struct gs_frame *frame, struct gs_wait *wait)
{
    gs_addr self = variable(s, frame, "self");
    const char *name = s->layout->thread_name_mangled ? "_Thread__ident" : "_ident";
    uint64_t ident = self ? gs_attribute_number(s->layout, s->mem, &s->types, self, name) : 0;
    if (ident == 0)
        return false;
    wait->kind = GS_WAIT_THREAD;
    wait->word = self;
    wait->owner = by_ident(s, ident);
    wait->owner_stated = true;
    return true;
}

/* importlib._bootstrap: class _ModuleLock, whose owner is an ident. */
static bool is_import(struct search *s, const struct gs_frame *frame, struct gs_wait *wait)
{
    gs_addr self = variable(s, frame, "self");
    uint64_t owner = self ? gs_attribute_number(s->layout, s->mem, &s->types, self, "owner") : 0;
    gs_addr name = self ? gs_attribute_find(s->layout, s->mem, &s->types, self, "name") : 0;
    if (name == 0)
        return false;
    if (gs_str_read(s->layout, s->mem, name, wait->name, sizeof wait->name) != GS_OK)
        wait->name[0] = '\0';
    wait->kind = GS_WAIT_IMPORT;
    wait->word = self;
    wait->owner = by_ident(s, owner);
    wait->owner_stated = true;
    wait->stale = owner != 0 && wait->owner == GS_NOBODY;
    return true;
}

/* By the functions of the standard library that a thread is in. */
static bool by_frames(struct search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    for (uint32_t i = 0; i < thread->frame_count && i < FRAMES_ASKED; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        if (i == 0 && gs_frame_is(s->lookup, frame, "importlib._bootstrap", "acquire"))
            return is_import(s, frame, wait);
        if (gs_frame_is(s->lookup, frame, "threading.py", "join") && is_join(s, frame, wait))
            return true;
        if (i == 0 && gs_frame_is(s->lookup, frame, "threading.py", "wait") && !is_notice(s, frame, wait))
            return false;
    }
    return wait->kind != GS_WAIT_NOTHING;
}

/* ---- locks ---- */

/* Keeps the lock with this word that an object leads to: an RLock of Python code rather than the Lock inside it. True:
 * no better one can be found. */
static bool take_lock(struct search *s, gs_addr object, struct gs_lock_object *best)
{
    struct gs_lock_object lock;
    gs_addr wrapper;
    if (object == 0 || !gs_lock_behind(s->layout, s->mem, &s->types, object, true, &lock, &wrapper) ||
        !is_slept_on(s, &lock))
        return false;
    *best = lock;
    return lock.recursive || s->layout->rl_word != GS_ABSENT;
}

/* The lock with this word among those that the frame refers to. */
static bool find_in_frame(struct search *s, const struct gs_frame *frame, struct gs_lock_object *lock)
{
    struct gs_held held;
    struct gs_variable list[VARIABLES];
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
    if (gs_locals_objects(s->python, s->mem, frame->frame, code, list, VARIABLES, &count) != GS_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (take_lock(s, list[i].object, lock))
            return true;
    }
    return lock->object != 0;
}

/* What the program calls the lock: a variable, an attribute of one, a global of the module. */
static bool name_in_frame(struct search *s, const struct gs_frame *frame, gs_addr object, char name[GS_WAIT_NAME])
{
    struct gs_variable list[VARIABLES];
    struct gs_dict dict;
    char own[GS_HELD_NAME];
    size_t count;
    const struct gs_code *code = s->lookup->code(s->lookup->context, frame);
    if (!code || gs_locals_objects(s->python, s->mem, frame->frame, code, list, VARIABLES, &count) != GS_OK)
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
    return globals != 0 && gs_dict_open(&dict, s->layout, s->mem, globals) &&
           gs_dict_name_of(&dict, object, name, GS_WAIT_NAME);
}

static bool by_lock(struct search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    struct gs_lock_object lock = {0};
    bool found = gs_lock_around(s->layout, s->mem, &s->types, s->mutex, &lock);
    if (!found)
        lock = (struct gs_lock_object){0};
    for (uint32_t i = 0; i < thread->frame_count && i < FRAMES_ASKED && !found; i++)
        found = thread->frames[i].kind == GS_FRAME_PYTHON && find_in_frame(s, &thread->frames[i], &lock);
    if (!found)
        return false;
    wait->kind = GS_WAIT_LOCK;
    wait->word = lock.word;
    wait->object = lock.object;
    wait->recursive = lock.recursive;
    wait->locked = lock.locked;
    if (lock.recursive && lock.owner != 0) {
        wait->owner = by_ident(s, lock.owner);
        wait->owner_stated = true;
        wait->stale = wait->owner == GS_NOBODY;
    }
    for (uint32_t i = 0, tried = 0; i < thread->frame_count && tried < FRAMES_ASKED && !wait->name[0]; i++) {
        if (thread->frames[i].kind != GS_FRAME_PYTHON)
            continue;
        tried++;
        name_in_frame(s, &thread->frames[i], lock.object, wait->name);
    }
    return true;
}

/* glibc's pthread_mutex_t: a word that is 2 while somebody waits, a count, the owner's tid (nptl/pthreadP.h). */
static bool by_mutex(struct search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    uint32_t words[MUTEX_BYTES / 4];
    const struct gs_snapshot *snapshot = s->snapshot;
    if (s->python->foreign_libc || (activity->args[1] & OP_MASK) != OP_WAIT || activity->args[2] != MUTEX_CONTENDED ||
        gs_mem_read(s->mem, activity->args[0], words, sizeof words) || words[0] != MUTEX_CONTENDED || words[2] == 0)
        return false;
    for (uint32_t i = 0; i < snapshot->thread_count && wait->owner == GS_NOBODY; i++) {
        if (snapshot->threads[i].ns_tid == (pid_t)words[2])
            wait->owner = i;
    }
    struct gs_task *tasks = NULL;
    size_t count = 0;
    if (wait->owner == GS_NOBODY && gs_target_tasks(s->target, &tasks, &count) == GS_OK) {
        for (size_t i = 0; i < count; i++)
            wait->outsider = tasks[i].ns_tid == (pid_t)words[2] ? tasks[i].tid : wait->outsider;
    }
    free(tasks);
    if (wait->owner == GS_NOBODY && wait->outsider == 0)
        return false;
    wait->kind = GS_WAIT_MUTEX;
    wait->word = activity->args[0];
    wait->owner_stated = true;
    return true;
}

/* pthread_join sleeps on the tid in the other's struct pthread until the kernel clears it (glibc: nptl). */
static bool by_end(struct search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    uint32_t tid;
    if (s->python->foreign_libc || activity->args[2] == 0 || gs_mem_read_u32(s->mem, activity->args[0], &tid) ||
        tid != activity->args[2])
        return false;
    for (uint32_t i = 0; i < s->snapshot->thread_count; i++) {
        if (s->snapshot->threads[i].ns_tid == (pid_t)tid && tid > MUTEX_CONTENDED) {
            wait->kind = GS_WAIT_THREAD;
            wait->word = activity->args[0];
            wait->owner = i;
            wait->owner_stated = true;
            return true;
        }
    }
    return false;
}

/* 2.7: one lock for all imports. */
static bool by_import_lock(struct search *s, struct gs_wait *wait)
{
    gs_addr lock;
    uint64_t owner;
    if (s->python->at.import_lock == 0 || s->python->at.import_lock_thread == 0 ||
        gs_mem_read_addr(s->mem, s->python->at.import_lock, &lock) || lock == 0 || lock != s->semaphore ||
        gs_mem_read_addr(s->mem, s->python->at.import_lock_thread, &owner))
        return false;
    wait->kind = GS_WAIT_IMPORT;
    wait->owner = by_ident(s, owner);
    wait->owner_stated = true;
    return true;
}

static bool by_shared(const struct search *s, const struct gs_activity *activity, struct gs_wait *wait)
{
    const struct gs_map *map = gs_target_map_at(s->target, activity->args[0]);
    if (activity->args[1] & FLAG_PRIVATE)
        return false;
    wait->kind = GS_WAIT_SHARED;
    wait->word = activity->args[0];
    snprintf(wait->name, sizeof wait->name, "%.99s", map ? map->path : "");
    return true;
}

static void read_futex(struct search *s, const struct gs_thread *thread, struct gs_wait *wait)
{
    const struct gs_activity *activity = &thread->activity;
    unsigned op = activity->args[1] & OP_MASK;
    s->semaphore = op == OP_WAIT || op == OP_WAIT_BITSET ? activity->args[0] : 0;
    s->mutex = s->semaphore ? gs_lock_parked(s->layout, s->mem, s->semaphore) : 0;
    if (by_frames(s, thread, wait) || by_mutex(s, activity, wait) || by_end(s, activity, wait) ||
        by_import_lock(s, wait) || by_shared(s, activity, wait) || by_lock(s, thread, wait))
        return;
    wait->kind = GS_WAIT_FUTEX;
    wait->word = activity->args[0];
}

static void read_wait(struct search *s, uint32_t index)
{
    const struct gs_thread *thread = &s->snapshot->threads[index];
    struct gs_wait *wait = &s->waits->list[index];
    const struct gs_gil *gil = &s->snapshot->gils[s->snapshot->interpreters[thread->interpreter].gil];
    *wait = (struct gs_wait){.owner = GS_NOBODY};
    if (thread->gil == GS_WAITS) {
        wait->kind = GS_WAIT_GIL;
        wait->owner_stated = true;
        for (uint32_t i = 0; i < s->snapshot->thread_count && gil->holder > 0; i++) {
            if (s->snapshot->threads[i].tid == gil->holder)
                wait->owner = i;
        }
    } else if (thread->activity.run == GS_RUN_SYSCALL && thread->activity.number == SYS_futex) {
        read_futex(s, thread, wait);
    } else if (thread->activity.run == GS_RUN_SYSCALL) {
        wait->kind = GS_WAIT_CALL;
    }
}

/* ---- who has a Lock ---- */

/* The exit method of a `with` block stays on the stack of its frame while the block runs. */
static void credit(struct search *s, uint32_t holder, const struct gs_frame *frame, gs_addr word)
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

static void search_frame(struct search *s, uint32_t holder, const struct gs_frame *frame)
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

static void search_holders(struct search *s)
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

enum gs_status gs_waits_read(struct gs_waits *waits, const struct gs_target *target, const struct gs_python *python,
                             const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup)
{
    struct search s = {.target = target,
                       .python = python,
                       .layout = &python->layout,
                       .snapshot = snapshot,
                       .lookup = lookup,
                       .left = READS,
                       .waits = waits};
    *waits = (struct gs_waits){calloc(snapshot->thread_count + 1, sizeof *waits->list), snapshot->thread_count};
    if (!waits->list)
        return GS_NO_MEMORY;
    gs_metered_init(&s.metered, python->mem, &s.left);
    s.mem = &s.metered.mem;
    for (uint32_t i = 0; i < snapshot->thread_count; i++)
        read_wait(&s, i);
    search_holders(&s);
    for (size_t i = 0; i < waits->count; i++) {
        struct gs_wait *wait = &waits->list[i];
        wait->tid = snapshot->threads[i].tid;
        if (target->still || !gs_target_ran_ns(target, wait->tid, &wait->ran_ns))
            wait->ran_ns = 0;
        wait->owner_tid = wait->owner != GS_NOBODY ? snapshot->threads[wait->owner].tid : 0;
    }
    return GS_OK;
}
