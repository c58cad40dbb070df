/* Whether what lies at an address can be an interpreter or a runtime.
 *
 * Two structs that point to each other are not enough: in the pools of obmalloc there are dozens that seem to (3.11).
 * What no chance makes: a list of thread states that all point to their interpreter and of which one is a thread of the
 * kernel, and a dict of modules with `sys` in it. */
#include <stdlib.h>
#include <string.h>

#include "python/dict.h"
#include "python/scan.h"

enum {
    TRIES = 4, /* the lists may change while they are walked */
    THREADS_MAX = 100000,
    INTERPRETERS_MAX = 1024,
    IDENTS_MAX = 64, /* threads that are looked for in the kernel's list */
    TSTATE_BYTES = 512,
    PTHREAD_BYTES = 1024, /* of the C library's thread: its id is in there */
    MODULES_EFFORT = 64,  /* reads that looking for the modules may take; a thread state takes one */
    INTERVAL_MAX_US = 1000000000
};

bool gs_scan_mapped(const struct gs_scan *scan, gs_addr addr)
{
    if (addr < 4096 || addr % 8 != 0)
        return false;
    const struct gs_map *map = gs_target_map_at(scan->python->target, addr);
    return map && map->readable && map->writable;
}

static bool is_task(const struct gs_scan *scan, uint64_t tid)
{
    for (size_t i = 0; i < scan->task_count; i++) {
        if ((uint64_t)scan->tasks[i].ns_tid == tid)
            return true;
    }
    return false;
}

static bool spend(struct gs_scan *scan, uint64_t effort)
{
    bool enough = scan->effort_left >= effort;
    scan->effort_left -= enough ? effort : scan->effort_left;
    return enough;
}

/* By the id that Python noted (3.11 on), or the one in the C library's own struct, whose address is the ident. */
static bool is_thread(const struct gs_scan *scan, uint64_t ident, uint64_t native)
{
    uint32_t words[PTHREAD_BYTES / 4];
    if (native && is_task(scan, native))
        return true;
    if (gs_mem_read(scan->python->mem, ident, words, sizeof words))
        return false;
    for (size_t i = 0; i < PTHREAD_BYTES / 4; i++) {
        if (words[i] && is_task(scan, words[i]))
            return true;
    }
    return false;
}

/* What one thread state says. */
struct tstate {
    uint64_t interp, prev, next, ident, native;
};

static bool read_tstate(const struct gs_scan *scan, gs_addr addr, struct tstate *tstate)
{
    const struct gs_layout *layout = &scan->layout;
    const struct {
        int32_t at;
        uint64_t *value;
    } fields[] = {{layout->ts_interp, &tstate->interp},
                  {layout->ts_prev, &tstate->prev},
                  {layout->ts_next, &tstate->next},
                  {layout->ts_thread_id, &tstate->ident},
                  {layout->ts_native_thread_id, &tstate->native}};
    enum { COUNT = sizeof fields / sizeof *fields };
    uint8_t bytes[TSTATE_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < COUNT; i++)
        len = fields[i].at >= 0 && (size_t)fields[i].at + 8 > len ? (size_t)fields[i].at + 8 : len;
    if (len > sizeof bytes || gs_mem_read(scan->python->mem, addr, bytes, len))
        return false;
    *tstate = (struct tstate){0};
    for (size_t i = 0; i < COUNT; i++) {
        if (fields[i].at >= 0)
            memcpy(fields[i].value, bytes + fields[i].at, 8);
    }
    return true;
}

/* The whole list of the interpreter's threads; *oldest: the ident of its last. A list that comes back to where it was
 * (Brent's way of telling: the mark moves to each number that is a power of two) is none. */
static bool has_threads(struct gs_scan *scan, gs_addr interp, uint64_t *oldest)
{
    gs_addr at, before = 0, mark = 0;
    bool known = false;
    if (gs_mem_read_addr(scan->python->mem, interp + (gs_addr)scan->layout.is_threads_head, &at) || at == 0)
        return false;
    for (size_t n = 0; at; n++) {
        struct tstate tstate;
        if (n == THREADS_MAX || at == mark || !spend(scan, 1) || !gs_scan_mapped(scan, at) ||
            !read_tstate(scan, at, &tstate) || tstate.interp != interp ||
            (scan->layout.ts_prev != GS_ABSENT && tstate.prev != before))
            return false;
        known = known || (n < IDENTS_MAX && is_thread(scan, tstate.ident, tstate.native));
        *oldest = tstate.ident;
        mark = (n & (n - 1)) == 0 ? at : mark;
        before = at;
        at = tstate.next;
    }
    return known;
}

/* The dict of modules, with heads of either size: that of the layout as it came, then the other. */
static bool has_modules(struct gs_scan *scan, gs_addr interp)
{
    struct gs_mem *mem = scan->python->mem;
    bool core = scan->python->target->postmortem; /* it has the names of types only in the program's file */
    gs_addr modules;
    if (gs_mem_read_addr(mem, interp + (gs_addr)scan->layout.is_modules, &modules) || !gs_scan_mapped(scan, modules))
        return false;
    for (int i = 0; i < 2; i++) {
        struct gs_types types = {0};
        struct gs_type type;
        struct gs_dict dict;
        if (gs_type_of(&types, &scan->layout, mem, modules, &type) && gs_type_has(&type, GS_TYPE_DICT) &&
            gs_type_named_or(&type, mem, "dict", core) && gs_dict_open(&dict, &scan->layout, mem, modules) &&
            gs_dict_find(&dict, &types, "sys") != 0)
            return true;
        gs_layout_set_head(&scan->layout, scan->layout.head_bytes == 16 ? 32 : 16);
    }
    return false;
}

/* The interpreters behind it have threads too, or will get them; the last is the main one. */
static bool leads_to_main(struct gs_scan *scan, gs_addr interp)
{
    gs_addr at = interp;
    for (size_t n = 0; n < INTERPRETERS_MAX && gs_scan_mapped(scan, at); n++) {
        scan->main_interp = at;
        if (gs_mem_read_addr(scan->python->mem, at + (gs_addr)scan->layout.is_next, &at))
            return false;
        if (at == 0)
            return true;
    }
    return false;
}

bool gs_scan_is_interpreter(struct gs_scan *scan, gs_addr addr)
{
    uint64_t oldest;
    if (!gs_scan_mapped(scan, addr))
        return false;
    for (int i = 0; i < TRIES && spend(scan, MODULES_EFFORT); i++) {
        if (has_modules(scan, addr) && has_threads(scan, addr, &oldest) && leads_to_main(scan, addr) &&
            has_threads(scan, scan->main_interp, &scan->main_thread))
            return true;
    }
    return false;
}

bool gs_scan_is_runtime(const struct gs_scan *scan, gs_addr runtime, gs_addr interp)
{
    const struct gs_layout *layout = &scan->layout;
    struct gs_mem *mem = scan->python->mem;
    gs_addr head, first, gil = runtime + (gs_addr)layout->rt_gil;
    uint64_t interval, holder;
    uint32_t locked;
    if (gs_mem_read_addr(mem, runtime + (gs_addr)layout->rt_interpreters_head, &head) || head != interp ||
        gs_mem_read_addr(mem, runtime + (gs_addr)layout->rt_interpreters_main, &first) || first != scan->main_interp)
        return false;
    if (layout->gil_home == GS_GIL_INTERPRETER && gs_mem_read_addr(mem, first + (gs_addr)layout->is_gil, &gil))
        return false;
    return gs_mem_read(mem, gil + (gs_addr)layout->gil_interval, &interval, sizeof interval) == GS_OK &&
           interval - 1 < INTERVAL_MAX_US &&
           gs_mem_read_u32(mem, gil + (gs_addr)layout->gil_locked, &locked) == GS_OK && locked + 1 <= 2 &&
           gs_mem_read_addr(mem, gil + (gs_addr)layout->gil_last_holder, &holder) == GS_OK && holder % 8 == 0;
}
