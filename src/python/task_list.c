/* Where tasks are kept: up to 3.11 in the WeakSet asyncio.tasks._all_tasks, later in _scheduled_tasks (tasks of other
 * implementations only, from 3.14 on) and the set _eager_tasks, and from 3.14 on in lists that the threads and, of
 * those that ended, the interpreters have (.AsyncioDebug, interpreter.asyncio_tasks_head). Sources:
 * Lib/asyncio/tasks.py, Modules/_asynciomodule.c, InternalDocs/asyncio.md (3.14). */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/sorted.h"
#include "python/modules.h"
#include "python/names_attribute.h"
#include "python/task_list.h"

enum {
    ENTRY_WORDS = 2, /* of a set: {key, hash} */
    ENTRIES = 512,   /* that are read at once */
    SET_MOST = 1 << 22,
    LIST_MOST = 1 << 20,
    TRIES = 4 /* a list that changes is walked again */
};

enum gs_status gs_task_list_add(struct gs_task_list *list, gs_addr task)
{
    if (list->count == GS_TASKS_MOST) {
        list->left_out++;
        return GS_OK;
    }
    if (!gs_room((void **)&list->at, &list->room, list->count + 1, sizeof *list->at))
        return GS_NO_MEMORY;
    list->at[list->count++] = task;
    return GS_OK;
}

static bool is_task(struct gs_awaits *awaits, gs_addr object)
{
    enum gs_awaitable kind = gs_awaitable_kind(awaits, object);
    return kind == GS_AWAITABLE_TASK || kind == GS_AWAITABLE_PURE_TASK;
}

/* ---- sets ---- */

/* What a set has: weak references to tasks of asyncio, these themselves, or objects that the caller looks at. */
enum how { WEAK, TASKS, ANY };

/* What a weak reference refers to, 0: to nothing any more, or it is none. */
static gs_addr referent(struct gs_awaits *awaits, gs_addr reference)
{
    struct gs_type type;
    gs_addr object;
    if (!gs_type_of(&awaits->types, awaits->layout, awaits->mem, reference, &type) ||
        !(gs_type_named(&type, awaits->mem, "weakref") || gs_type_named(&type, awaits->mem, "weakref.ReferenceType") ||
          gs_type_named(&type, awaits->mem, "KeyedRef")) ||
        gs_mem_read_addr(awaits->mem, reference + (gs_addr)awaits->layout->wr_object, &object))
        return 0;
    return object;
}

static enum gs_status add_entries(struct gs_awaits *awaits, const gs_addr *entries, size_t count, enum how how,
                                  struct gs_task_list *list)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        gs_addr task = entries[i * ENTRY_WORDS];
        if (task != 0 && how == WEAK)
            task = referent(awaits, task);
        if (task != 0 && (how == ANY || is_task(awaits, task)))
            status = gs_task_list_add(list, task);
    }
    return status;
}

/* Objects/setobject.c: a table of mask + 1 entries. */
struct set_head {
    gs_addr table;
    uint64_t mask, used;
};

static bool read_head(struct gs_awaits *awaits, gs_addr set, struct set_head *head)
{
    const struct gs_layout *layout = awaits->layout;
    struct gs_piece pieces[] = {{set + (gs_addr)layout->set_used, &head->used, sizeof head->used, false},
                                {set + (gs_addr)layout->set_mask, &head->mask, sizeof head->mask, false},
                                {set + (gs_addr)layout->set_table, &head->table, sizeof head->table, false}};
    return gs_mem_read_many(awaits->live, pieces, 3) == GS_OK && pieces[0].ok && pieces[1].ok && pieces[2].ok &&
           (head->mask & (head->mask + 1)) == 0 && head->mask < SET_MOST && head->used <= head->mask + 1;
}

/* One walk through the table; false: it was replaced meanwhile, or cannot be read. */
static bool walk_set(struct gs_awaits *awaits, gs_addr set, enum how how, struct gs_task_list *list,
                     enum gs_status *status)
{
    gs_addr entries[ENTRIES * ENTRY_WORDS];
    struct set_head head, now;
    *status = GS_OK;
    if (!read_head(awaits, set, &head))
        return false;
    for (uint64_t at = 0; at <= head.mask && *status == GS_OK; at += ENTRIES) {
        size_t count = head.mask + 1 - at < ENTRIES ? (size_t)(head.mask + 1 - at) : ENTRIES;
        if (gs_mem_read(awaits->live, head.table + at * ENTRY_WORDS * sizeof *entries, entries,
                        count * ENTRY_WORDS * sizeof *entries) ||
            !read_head(awaits, set, &now) || now.table != head.table || now.mask != head.mask)
            return false;
        *status = add_entries(awaits, entries, count, how, list);
    }
    return true;
}

static enum gs_status add_set(struct gs_awaits *awaits, gs_addr set, enum how how, struct gs_task_list *list)
{
    enum gs_status status = GS_OK;
    for (int i = 0; i < TRIES; i++) {
        size_t count = list->count, left_out = list->left_out;
        if (walk_set(awaits, set, how, list, &status))
            return status;
        if (i + 1 == TRIES)
            break;
        list->count = count;
        list->left_out = left_out;
    }
    list->partial = true;
    return status;
}

enum gs_status gs_task_list_set(struct gs_awaits *awaits, gs_addr set, struct gs_task_list *list)
{
    return add_set(awaits, set, ANY, list);
}

/* The globals of asyncio.tasks. False: it was not imported, which to find out all modules are looked through for. */
static bool open_globals(struct gs_awaits *awaits, gs_addr interpreter, struct gs_dict *globals)
{
    return gs_module_open(awaits->layout, awaits->mem, &awaits->types, interpreter, "asyncio.tasks", globals);
}

static gs_addr find_global(struct gs_awaits *awaits, const struct gs_dict *globals, const char *name)
{
    struct gs_dict dict = *globals;
    return gs_dict_find(&dict, &awaits->types, name);
}

/* _weakrefset.WeakSet keeps weak references in its set `data`. */
static enum gs_status add_weak_set(struct gs_awaits *awaits, const struct gs_dict *globals, const char *name,
                                   struct gs_task_list *list)
{
    gs_addr weak = find_global(awaits, globals, name), set = 0;
    if (weak != 0)
        set = gs_attribute_find(awaits->layout, awaits->mem, &awaits->types, weak, "data");
    return set != 0 ? add_set(awaits, set, WEAK, list) : GS_OK;
}

/* ---- lists ---- */

/* A ring of nodes {next, prev} within the tasks (Include/internal/pycore_llist.h): false where it broke off. */
static bool walk_list(struct gs_awaits *awaits, gs_addr head, struct gs_task_list *list, enum gs_status *status)
{
    gs_addr at, node = (gs_addr)awaits->layout->task_node;
    *status = GS_OK;
    if (gs_mem_read_addr(awaits->mem, head, &at))
        return true; /* it has no list */
    for (size_t i = 0; at != head && *status == GS_OK; i++) {
        if (at == 0 || i == LIST_MOST || !is_task(awaits, at - node))
            return at == 0 && i == 0; /* no list yet */
        *status = gs_task_list_add(list, at - node);
        if (gs_mem_read_addr(awaits->mem, at, &at))
            return false;
    }
    return true;
}

static enum gs_status add_list(struct gs_awaits *awaits, gs_addr head, struct gs_task_list *list)
{
    enum gs_status status = GS_OK;
    for (int i = 0; i < TRIES && status == GS_OK; i++) {
        size_t count = list->count, left_out = list->left_out;
        if (walk_list(awaits, head, list, &status))
            return status;
        if (i + 1 == TRIES)
            break; /* what was found is checked */
        list->count = count;
        list->left_out = left_out;
    }
    list->partial = true;
    return status;
}

/* The interpreter's own list, of tasks whose thread has ended, is where a ring is: debug builds have 8 bytes more
 * before it. 0: nowhere. */
static gs_addr list_of_ended(struct gs_awaits *awaits, gs_addr interpreter)
{
    for (gs_addr more = 0; awaits->layout->is_tasks_head != GS_ABSENT && more <= 8; more += 8) {
        gs_addr head = interpreter + (gs_addr)awaits->layout->is_tasks_head + more, ends[2], back, forth;
        if (gs_mem_read(awaits->mem, head, ends, sizeof ends) == GS_OK &&
            gs_mem_read_addr(awaits->mem, ends[0] + sizeof ends[0], &back) == GS_OK && back == head &&
            gs_mem_read_addr(awaits->mem, ends[1], &forth) == GS_OK && forth == head)
            return head;
    }
    return 0;
}

enum gs_status gs_task_list_read(struct gs_awaits *awaits, gs_addr interpreter, const struct gs_tasks_thread *threads,
                                 size_t thread_count, struct gs_task_list *list)
{
    const struct gs_layout *layout = awaits->layout;
    struct gs_dict globals;
    bool there = open_globals(awaits, interpreter, &globals);
    gs_addr eager = there ? find_global(awaits, &globals, "_eager_tasks") : 0;
    enum gs_status status = eager != 0 ? add_set(awaits, eager, TASKS, list) : GS_OK;
    static const char *const weak[] = {"_all_tasks", "_scheduled_tasks"};
    for (size_t i = 0; i < sizeof weak / sizeof *weak && status == GS_OK && there; i++)
        status = add_weak_set(awaits, &globals, weak[i], list);
    gs_addr ended = list_of_ended(awaits, interpreter);
    if (status == GS_OK && ended != 0 && layout->task_node != GS_ABSENT)
        status = add_list(awaits, ended, list);
    for (size_t i = 0; i < thread_count && status == GS_OK; i++) {
        if (threads[i].interpreter == interpreter && layout->ts_tasks_head != GS_ABSENT &&
            layout->task_node != GS_ABSENT)
            status = add_list(awaits, threads[i].tstate + (gs_addr)layout->ts_tasks_head, list);
    }
    return status;
}

GS_BY_VALUE(by_addr, gs_addr);

void gs_task_list_sort(struct gs_task_list *list)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, by_addr);
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->at[kept - 1] != list->at[i])
            list->at[kept++] = list->at[i];
    }
    list->count = kept;
}

/* ---- who runs ---- */

gs_addr gs_task_running_loop(struct gs_awaits *awaits, const struct gs_tasks_thread *thread)
{
    const struct gs_layout *layout = awaits->layout;
    struct gs_dict dict;
    gs_addr address, loop;
    if (layout->ts_running_loop != GS_ABSENT)
        return gs_mem_read_addr(awaits->mem, thread->tstate + (gs_addr)layout->ts_running_loop, &loop) ? 0 : loop;
    if (layout->ts_dict == GS_ABSENT ||
        gs_mem_read_addr(awaits->mem, thread->tstate + (gs_addr)layout->ts_dict, &address) || address == 0 ||
        !gs_dict_open(&dict, layout, awaits->mem, address))
        return 0;
    loop = gs_dict_find(&dict, &awaits->types, "__asyncio_running_event_loop__");
    /* Up to 3.11 in an object that knows the process, too: a child of fork runs none. */
    if (loop != 0 && layout->rl_loop != GS_ABSENT &&
        gs_mem_read_addr(awaits->mem, loop + (gs_addr)layout->rl_loop, &loop))
        return 0;
    return loop;
}

gs_addr gs_task_table(struct gs_awaits *awaits, gs_addr interpreter)
{
    struct gs_dict globals;
    return open_globals(awaits, interpreter, &globals) ? find_global(awaits, &globals, "_current_tasks") : 0;
}

gs_addr gs_task_current_of(struct gs_awaits *awaits, gs_addr tstate, gs_addr loop, gs_addr table)
{
    const struct gs_layout *layout = awaits->layout;
    struct gs_dict dict;
    gs_addr key, task = 0;
    if (layout->ts_running_task != GS_ABSENT &&
        gs_mem_read_addr(awaits->mem, tstate + (gs_addr)layout->ts_running_task, &task) == GS_OK && task != 0)
        return task;
    if (table == 0 || !gs_dict_open(&dict, layout, awaits->mem, table))
        return 0;
    while (gs_dict_next(&dict, &key, &task)) {
        if (key == loop)
            return task;
    }
    return 0;
}

gs_addr gs_task_current(struct gs_awaits *awaits, const struct gs_tasks_thread *thread, gs_addr loop)
{
    return gs_task_current_of(awaits, thread->tstate, loop, gs_task_table(awaits, thread->interpreter));
}
