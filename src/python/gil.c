/* The GIL of each generation. Sources: 2.7 Python/thread_pthread.h (a sem_t), 3.6 Python/ceval_gil.h (static
 * variables), 3.7 on struct _gil_runtime_state of Include/internal/gil.h (pycore_gil.h), which from 3.12 on each
 * interpreter points to (PyInterpreterState.ceval.gil). The heads of glibc's types: sysdeps/x86/nptl and
 * sysdeps/nptl/bits/struct_mutex.h, internaltypes.h (struct new_sem: value in the low, waiters in the high half). */
#include <string.h>
#include <sys/syscall.h>

#include "arch/arch.h"
#include "base/futex.h"
#include "python/gil.h"

enum {
    MUTEX_OWNER = 8,  /* pthread_mutex_t.__data.__owner */
    MUTEX_USERS = 12, /* pthread_mutex_t.__data.__nusers: waiters on a condition variable count too */
    COND_BYTES = 48,
    MUTEX_BYTES = GS_ARCH_MUTEX_BYTES,
    SEM_BYTES = 32,
    SEM_WAITERS = 4
};

/* Makes [addr, addr + len) part of a reading: joined to a window close by, or as a window of its own. Words must be
 * added window by window, each from its lowest address up. */
static struct gs_gil_field_place add_word(struct gs_gil_place *place, gs_addr addr, uint32_t len)
{
    struct gs_gil_field_place none = {0, 0};
    size_t last = place->window_count - 1;
    uint32_t used = place->window_count ? place->windows[last].at + place->windows[last].len : 0;
    if (!addr)
        return none;
    for (size_t i = 0; i < place->window_count; i++) {
        gs_addr from = addr - place->windows[i].addr;
        if (from < place->windows[i].len && len <= place->windows[i].len - from)
            return (struct gs_gil_field_place){addr, place->windows[i].at + (uint32_t)from};
    }
    if (place->window_count == GS_GIL_WINDOWS || used + len > GS_GIL_BYTES)
        return none;
    place->windows[place->window_count].addr = addr;
    place->windows[place->window_count].len = len;
    place->windows[place->window_count++].at = used;
    return (struct gs_gil_field_place){addr, used};
}

/* current: up to 3.11 the word that points to the running thread state, which lies close behind; 0 from 3.12 on. */
static void place_struct(const struct gs_layout *layout, gs_addr gil, gs_addr current, struct gs_gil_place *place)
{
    uint32_t len = (uint32_t)layout->gil_size;
    if (current - gil < GS_GIL_BYTES / 2)
        len = (uint32_t)(current - gil) + 8;
    add_word(place, gil, len);
    place->current = add_word(place, current, 8);
    place->locked = add_word(place, gil + (gs_addr)layout->gil_locked, 4);
    place->last_holder = add_word(place, gil + (gs_addr)layout->gil_last_holder, 8);
    place->switch_number = add_word(place, gil + (gs_addr)layout->gil_switch_number, 8);
    place->interval = add_word(place, gil + (gs_addr)layout->gil_interval, 8);
    if (layout->free_threaded && layout->gil_enabled != GS_ABSENT)
        place->enabled = add_word(place, gil + (gs_addr)layout->gil_enabled, 4);
    place->cond = add_word(place, gil + (gs_addr)layout->gil_cond, COND_BYTES);
    place->mutex = add_word(place, gil + (gs_addr)layout->gil_mutex, MUTEX_BYTES);
    place->switch_cond = add_word(place, gil + (gs_addr)layout->gil_switch_cond, COND_BYTES);
    place->switch_mutex = add_word(place, gil + (gs_addr)layout->gil_switch_mutex, MUTEX_BYTES);
}

/* Opens a window over those of the variables that lie within WINDOW bytes of `around`. */
static void add_window(struct gs_gil_place *place, const gs_addr *addrs, const uint32_t *lens, size_t count,
                       gs_addr around)
{
    enum { WINDOW = 384 };
    gs_addr low = around, high = around;
    for (size_t i = 0; around && i < count; i++) {
        gs_addr new_low = addrs[i] < low ? addrs[i] : low, end = addrs[i] + lens[i], new_high = end > high ? end : high;
        if (addrs[i] && new_high - new_low <= WINDOW) {
            low = new_low;
            high = new_high;
        }
    }
    if (high > low)
        add_word(place, low, (uint32_t)(high - low));
}

/* 3.6: the initialised variables lie in .data, the others in .bss. */
static void place_statics(const struct gs_anchors *at, struct gs_gil_place *place)
{
    const gs_addr addrs[] = {at->current,      at->gil_locked, at->gil_last_holder, at->gil_switch_number,
                             at->gil_interval, at->gil_mutex,  at->gil_switch_mutex};
    static const uint32_t lens[] = {8, 4, 8, 8, 8, MUTEX_BYTES, MUTEX_BYTES};
    struct gs_gil_field_place *const places[] = {&place->current,       &place->locked,   &place->last_holder,
                                                 &place->switch_number, &place->interval, &place->mutex,
                                                 &place->switch_mutex};
    enum { COUNT = sizeof lens / sizeof *lens };
    add_window(place, addrs, lens, COUNT, at->gil_locked);
    add_window(place, addrs, lens, COUNT, at->gil_mutex ? at->gil_mutex : at->current);
    for (size_t i = 0; i < COUNT; i++)
        *places[i] = add_word(place, addrs[i], lens[i]);
    /* Only slept on, never read. */
    place->cond.addr = at->gil_cond;
    place->switch_cond.addr = at->gil_switch_cond;
    if (!at->gil_cond) {
        place->data_start = at->data_start;
        place->data_end = at->data_end;
    }
}

bool gs_gil_place(const struct gs_python *python, gs_addr gil, struct gs_gil_place *place)
{
    const struct gs_layout *layout = &python->layout;
    const struct gs_anchors *at = &python->at;
    *place = (struct gs_gil_place){.foreign = python->foreign_libc};
    gs_addr semaphore = 0;
    switch (layout->gil_home) {
    case GS_GIL_SEMAPHORE:
        place->hidden = !at->current;
        place->blind = !at->interpreter_lock;
        place->current = add_word(place, at->current, 8);
        if (at->interpreter_lock && gs_mem_read_addr(python->mem, at->interpreter_lock, &semaphore) == GS_OK)
            place->semaphore = add_word(place, semaphore, 8);
        return true;
    case GS_GIL_STATICS:
        place->lazy = true;
        place->hidden = !at->current && !(at->gil_locked && at->gil_last_holder);
        place_statics(at, place);
        place->listed = python->foreign_libc && place->cond.addr && place->switch_cond.addr;
        place->blind = python->foreign_libc && !place->listed;
        return true;
    case GS_GIL_RUNTIME:
        gil = at->runtime + (gs_addr)layout->rt_gil;
        break;
    }
    place->listed = python->foreign_libc;
    if (!gil || layout->gil_size <= 0 || layout->gil_size > GS_GIL_BYTES)
        return false;
    place_struct(layout, gil, layout->gil_home == GS_GIL_RUNTIME ? at->current : 0, place);
    return true;
}

size_t gs_gil_pieces(const struct gs_gil_place *place, uint8_t *bytes, struct gs_piece pieces[GS_GIL_WINDOWS])
{
    for (size_t i = 0; i < place->window_count; i++)
        pieces[i] =
            (struct gs_piece){place->windows[i].addr, bytes + place->windows[i].at, place->windows[i].len, false};
    return place->window_count;
}

static uint64_t get64(const uint8_t *bytes, const struct gs_gil_field_place *word)
{
    uint64_t value = 0;
    if (word->addr)
        memcpy(&value, bytes + word->at, sizeof value);
    return value;
}

static uint32_t get32(const uint8_t *bytes, const struct gs_gil_field_place *word, uint32_t offset)
{
    uint32_t value = 0;
    if (word->addr)
        memcpy(&value, bytes + word->at + offset, sizeof value);
    return value;
}

static void decode_users(const struct gs_gil_place *place, const uint8_t *bytes, struct gs_gil_fields *fields)
{
    if (place->semaphore.addr) { /* musl: the same words (sem_t in src/thread/sem_timedwait.c) */
        fields->has_users = true;
        fields->cond_users = get32(bytes, &place->semaphore, SEM_WAITERS);
    } else if (place->mutex.addr && !place->foreign) {
        fields->has_users = true;
        fields->mutex_owner = get32(bytes, &place->mutex, MUTEX_OWNER);
        fields->cond_users = get32(bytes, &place->mutex, MUTEX_USERS);
        fields->switch_users = get32(bytes, &place->switch_mutex, MUTEX_USERS);
    }
}

bool gs_gil_decode(const struct gs_gil_place *place, const uint8_t *bytes, const struct gs_piece *pieces,
                   struct gs_gil_fields *fields)
{
    *fields = (struct gs_gil_fields){.exists = true, .enabled = true};
    for (size_t i = 0; i < place->window_count; i++) {
        if (!pieces[i].ok)
            return false;
    }
    int32_t locked = (int32_t)get32(bytes, &place->locked, 0);
    gs_addr current = get64(bytes, &place->current);
    bool told = place->locked.addr && place->last_holder.addr;
    if (!told || (place->lazy && locked < 0)) {
        /* 2.7, stripped 3.6, and 3.6 before its first thread: whoever is current has it. */
        fields->locked = current != 0;
        fields->last_holder = current;
    } else {
        fields->exists = locked >= 0;
        fields->locked = locked == 1;
        fields->last_holder = get64(bytes, &place->last_holder);
        fields->has_switches = place->switch_number.addr != 0;
    }
    if (fields->locked)
        fields->holder = current ? current : fields->last_holder;
    fields->switches = get64(bytes, &place->switch_number);
    fields->interval_us = get64(bytes, &place->interval);
    if (place->enabled.addr)
        fields->enabled = get32(bytes, &place->enabled, 0) != 0;
    if (place->hidden)
        fields->exists = fields->locked = false;
    fields->hidden = place->hidden;
    decode_users(place, bytes, fields);
    return true;
}

bool gs_gil_read(const struct gs_gil_place *place, struct gs_mem *mem, struct gs_gil_fields *fields)
{
    uint8_t bytes[GS_GIL_BYTES];
    struct gs_piece pieces[GS_GIL_WINDOWS];
    size_t count = gs_gil_pieces(place, bytes, pieces);
    return gs_mem_read_many(mem, pieces, count) == GS_OK && gs_gil_decode(place, bytes, pieces, fields);
}

bool gs_gil_same(const struct gs_gil_fields *a, const struct gs_gil_fields *b)
{
    return a->locked == b->locked && a->last_holder == b->last_holder && a->switches == b->switches;
}

static bool within(gs_addr addr, const struct gs_gil_field_place *word, uint32_t len)
{
    return word->addr && addr - word->addr < len;
}

/* musl's pthread_cond_timedwait: struct waiter, whose word `barrier` it sleeps on while that is 2. */
static bool may_be_listed(const struct gs_activity *activity)
{
    return activity->args[0] % 8 == 4 && activity->args[2] == 2;
}

enum gs_gil_futex gs_gil_futex(const struct gs_gil_place *place, const struct gs_activity *activity)
{
    /* A wait that a tracer or a stop interrupted goes on as restart_syscall, its arguments still in the registers. */
    if (activity->run != GS_RUN_SYSCALL || (activity->number != SYS_futex && activity->number != SYS_restart_syscall))
        return GS_FUTEX_OTHER;
    gs_addr addr = activity->args[0];
    if (!gs_futex_waits(activity->args[1]))
        return GS_FUTEX_OTHER;
    if (within(addr, &place->semaphore, SEM_BYTES) || within(addr, &place->cond, COND_BYTES))
        return GS_FUTEX_COND;
    if (within(addr, &place->mutex, MUTEX_BYTES))
        return GS_FUTEX_MUTEX;
    if (within(addr, &place->switch_cond, COND_BYTES) || within(addr, &place->switch_mutex, MUTEX_BYTES))
        return GS_FUTEX_SWITCH;
    if (place->data_start && addr - place->data_start < place->data_end - place->data_start)
        return GS_FUTEX_COND;
    return place->blind || (place->listed && may_be_listed(activity)) ? GS_FUTEX_PERHAPS : GS_FUTEX_OTHER;
}
