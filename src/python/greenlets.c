/* A greenlet that is suspended keeps its Python frames, and a copy of that part of its C stack which others overwrote:
 * from 3.12 on some links between its frames lie there.
 *
 * Where its fields lie differs by the version of greenlet, of Python and of the build, and there is no debug
 * information to ask. But each field that is needed is found by what it must be: see find_layout. Sources:
 * src/greenlet/greenlet.h (1.0 to 3.5), greenlet_greenlet.hpp (2.0 to 3.1.0), TGreenlet.hpp, TThreadState.hpp,
 * TStackState.cpp, TPythonState.cpp (3.1.1 to 3.5), greenlet.c (1.0, 1.1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "mem/metered.h"
#include "python/field.h"
#include "python/gc_lists.h"
#include "python/greenlet_links.h"
#include "python/greenlets.h"
#include "python/modules.h"
#include "python/names_attribute.h"
#include "python/task_list.h"
#include "python/task_words.h"

enum {
    AGAIN = 8,              /* readings of one that does not hold still */
    SCAN_READS = 1 << 22,   /* of the collector's lists: so many objects */
    FRAME_MOST = 512,       /* bytes of a frame's head */
    LINEAGE_MOST = 1 << 12, /* parents one above the other */
    KINDS = 256,
    BASES_MOST = 32,
    STEPS_MOST = 1 << 24
};

#define MAIN_STOP UINT64_MAX /* stack_stop of a main greenlet */

/* What the words of its stack's state are, from `start` on. */
enum { START, STOP, COPY, SAVED, PREVIOUS, WORDS };

/* Offsets of a version of greenlet. Those of 1.x, which has all in the object, are the same for every Python. */
struct layout {
    bool split;      /* 2.0 on: the state lies apart, at `pimpl` */
    bool self_first; /* 3.1.1 on: it begins with a reference back */
    int32_t start, top, parent;
    int32_t thread; /* 2.0 on: of a main greenlet's thread state; 1.x: of the thread's dict */
};

enum { PIMPL = 32, PIMPL_SIZE = 40, HEAD_1 = 16, PARENT_1 = 56, RUN_INFO_1 = 64, TOP_1 = 72 };

/* AWAITED: no greenlet, but what greenlets of gevent wait for. WORKER: of gevent's pool of native threads, each of
 * which has one that runs all. */
enum kind { NO_GREENLET, AWAITED, PLAIN, HUB, GEVENT, EVENTLET, WORKER };

struct greenlet {
    gs_addr addr, words[WORDS], top, parent, info; /* info: 1.x: the dict of its thread */
    enum kind kind;
    uint32_t thread; /* index, of the question; UINT32_MAX: not known */
    uint32_t main;   /* index of the main greenlet above it, likewise */
    uint32_t task;   /* index of its row, GS_NO_TASK: none */
};

struct reading {
    const struct gs_tasks_question *question;
    struct gs_awaits *awaits;
    struct gs_mem *pages;
    struct gs_task_rows *rows;
    gs_addr base; /* greenlet.greenlet */
    struct {
        gs_addr type;
        enum kind kind;
    } kinds[KINDS];
    struct gs_task_list list, awaited;
    bool no_memory;
    struct layout layout;
    struct greenlet *all; /* in the order of their addresses */
    size_t count;
    uint64_t steps; /* from parent to parent */
    struct gs_chain chain, again;
};

static void forget(struct reading *r)
{
    gs_awaits_forget(r->awaits, r->pages);
}

/* ---- which there are ---- */

static enum kind kind_by_name(const char *name)
{
    static const struct {
        const char *name;
        enum kind kind;
    } known[] = {{"Hub", HUB},
                 {"WaitOperationsGreenlet", HUB},
                 {"Greenlet", GEVENT},
                 {"GreenThread", EVENTLET},
                 {"_WorkerGreenlet", WORKER}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(dot ? dot + 1 : name, known[i].name) == 0)
            return known[i].kind;
    }
    return PLAIN;
}

static enum kind find_kind(struct reading *r, gs_addr at)
{
    struct gs_type type;
    enum kind kind = PLAIN;
    bool awaited = false;
    char name[64];
    for (int i = 0; i < BASES_MOST && at != 0; i++) {
        if (at == r->base)
            return kind;
        if (!gs_type_get(&r->awaits->types, r->awaits->layout, r->awaits->mem, at, &type) ||
            gs_mem_read_cstr(r->awaits->mem, type.name, name, sizeof name))
            break;
        awaited |= gs_greenlet_awaited(name) != GS_AWAIT_NOTHING;
        if (kind == PLAIN)
            kind = kind_by_name(name);
        if (gs_mem_read_addr(r->awaits->mem, at + (gs_addr)r->awaits->layout->tp_base, &at))
            break;
    }
    return awaited ? AWAITED : NO_GREENLET;
}

static enum kind kind_of(struct reading *r, gs_addr type)
{
    size_t slot = (size_t)(type >> 4) % KINDS;
    if (r->kinds[slot].type != type) {
        r->kinds[slot].kind = find_kind(r, type);
        r->kinds[slot].type = type;
    }
    return r->kinds[slot].kind;
}

static bool take_object(void *context, gs_addr object, gs_addr type)
{
    struct reading *r = context;
    enum kind kind = type != 0 ? kind_of(r, type) : NO_GREENLET;
    if (kind == NO_GREENLET)
        return true;
    r->no_memory = gs_task_list_add(kind == AWAITED ? &r->awaited : &r->list, object) != GS_OK;
    return !r->no_memory;
}

/* The class greenlet.greenlet of an interpreter; 0: it has not imported that. */
static gs_addr find_base(struct reading *r, gs_addr interpreter)
{
    struct gs_dict dict;
    if (!gs_module_open(r->awaits->layout, r->awaits->mem, &r->awaits->types, interpreter, "greenlet", &dict))
        return 0;
    return gs_dict_find(&dict, &r->awaits->types, "greenlet");
}

static enum gs_status scan(struct reading *r, gs_addr interpreter)
{
    uint64_t left = SCAN_READS;
    struct gs_metered metered;
    gs_metered_init(&metered, r->pages, &left);
    memset(r->kinds, 0, sizeof r->kinds);
    r->list.count = r->awaited.count = 0;
    r->list.partial |= !gs_gc_walk(r->awaits->layout, &metered.mem, r->pages, r->question->python->at.runtime,
                                   interpreter, take_object, r);
    gs_task_list_sort(&r->list);
    gs_task_list_sort(&r->awaited);
    return r->no_memory ? GS_NO_MEMORY : GS_OK;
}

/* ---- the layout ---- */

static gs_addr word_at(struct reading *r, gs_addr at)
{
    gs_addr word;
    return gs_mem_read_addr(r->awaits->mem, at, &word) == GS_OK ? word : 0;
}

/* A main greenlet's stack ends nowhere (stack_stop is -1), and its thread's state, a struct of its own, begins with a
 * reference back to it: by these its fields are told from all others. What lies between them is the same everywhere. */
static bool find_split(struct reading *r, gs_addr addr, struct layout *layout)
{
    enum { STOP_LEAST = 48, STOP_MOST = 96, THREAD_LEAST = 112, THREAD_MOST = 256 };
    gs_addr state = word_at(r, addr + PIMPL);
    int32_t stop = STOP_LEAST, thread = THREAD_LEAST;
    if (state == 0)
        return false;
    layout->self_first = word_at(r, state + 8) == addr;
    while (stop <= STOP_MOST && word_at(r, state + (gs_addr)stop) != MAIN_STOP)
        stop += 8;
    while (thread <= THREAD_MOST && word_at(r, word_at(r, state + (gs_addr)thread)) != addr)
        thread += 8;
    if (stop > STOP_MOST || thread > THREAD_MOST)
        return false;
    layout->split = true;
    layout->start = stop - 8;
    layout->top = layout->start + 8 * WORDS + 8; /* behind the context */
    layout->thread = thread;
    layout->parent = thread + (layout->self_first ? 8 : 16);
    return layout->self_first || word_at(r, state + (gs_addr)thread - 8) == addr;
}

static bool find_layout(struct reading *r)
{
    struct gs_type type;
    if (r->awaits->layout->free_threaded || r->awaits->layout->head_bytes != HEAD_1 ||
        !gs_type_get(&r->awaits->types, r->awaits->layout, r->awaits->mem, r->base, &type))
        return false;
    if (type.basic_size > PIMPL_SIZE) {
        r->layout = (struct layout){.start = HEAD_1, .top = TOP_1, .parent = PARENT_1, .thread = RUN_INFO_1};
        return type.basic_size > TOP_1;
    }
    for (size_t i = 0; i < r->list.count && type.basic_size == PIMPL_SIZE; i++) {
        if (find_split(r, r->list.at[i], &r->layout))
            return true;
    }
    return false;
}

/* ---- one greenlet ---- */

/* Where its state is; 0: it is none any more. */
static gs_addr state_of(struct reading *r, gs_addr addr)
{
    uint32_t references;
    if (gs_mem_read_u32(r->awaits->mem, addr, &references) || references == 0)
        return 0;
    if (!r->layout.split)
        return addr;
    gs_addr state = word_at(r, addr + PIMPL);
    gs_addr self = state + (r->layout.self_first ? 8 : (gs_addr)r->layout.thread - 8);
    return state != 0 && word_at(r, self) == addr ? state : 0;
}

static bool read_greenlet(struct reading *r, gs_addr addr, struct greenlet *g)
{
    gs_addr type = word_at(r, addr + (gs_addr)r->awaits->layout->ob_type), state = state_of(r, addr);
    *g = (struct greenlet){
        .addr = addr, .kind = kind_of(r, type), .thread = UINT32_MAX, .main = UINT32_MAX, .task = GS_NO_TASK};
    if (state == 0 || g->kind <= AWAITED ||
        gs_mem_read(r->awaits->mem, state + (gs_addr)r->layout.start, g->words, sizeof g->words) ||
        gs_mem_read_addr(r->awaits->mem, state + (gs_addr)r->layout.top, &g->top))
        return false;
    if (g->words[STOP] != MAIN_STOP)
        g->parent = word_at(r, state + (gs_addr)r->layout.parent);
    if (!r->layout.split || g->words[STOP] == MAIN_STOP)
        g->info = word_at(r, state + (gs_addr)r->layout.thread);
    return true;
}

static bool is_main(const struct greenlet *g)
{
    return g->words[STOP] == MAIN_STOP;
}

/* Reads what was at `addr` while this greenlet ran. */
static bool read_then(struct reading *r, const struct greenlet *g, gs_addr addr, void *bytes, size_t len)
{
    gs_addr at = addr - g->words[START];
    if (at < g->words[SAVED]) {
        if (len > g->words[SAVED] - at)
            return false;
        addr = g->words[COPY] + at;
    }
    return gs_mem_read(r->awaits->mem, addr, bytes, len) == GS_OK;
}

/* One frame into *frame, and the next one outwards; *shown: it is one of Python. */
static bool read_frame(struct reading *r, const struct greenlet *g, gs_addr addr, gs_addr *next, struct gs_frame *frame,
                       bool *shown)
{
    enum { OWNED_BY_GENERATOR = 1 }; /* enum _frameowner */
    const struct gs_layout *layout = r->awaits->layout;
    const bool object = layout->if_code == GS_ABSENT; /* up to 3.10 */
    uint8_t bytes[FRAME_MOST];
    const int32_t len = object ? layout->fo_localsplus : layout->if_localsplus;
    enum gs_status why;
    if (len > FRAME_MOST || !read_then(r, g, addr, bytes, (size_t)len))
        return false;
    *next = gs_get_addr(bytes, object ? layout->fo_back : layout->if_previous);
    *shown = object || bytes[layout->if_owner] < layout->owner_shim;
    if (!*shown)
        return true;
    *frame = (struct gs_frame){.frame = addr, .kind = GS_FRAME_PYTHON, .entry = true};
    frame->code = gs_get_addr(bytes, object ? layout->fo_code : layout->if_code);
    frame->code &= ~(gs_addr)(uint32_t)layout->ref_tag_mask;
    const struct gs_code *code = gs_codes_get(r->awaits->codes, frame->code, &why);
    if (!code)
        return false;
    *shown = !code->trampoline;
    if (!object)
        return bytes[layout->if_owner] <= OWNED_BY_GENERATOR &&
               gs_frame_instruction(layout, r->awaits->codes, code, bytes, &frame->instr);
    int64_t lasti = (int32_t)gs_get_u32(bytes, layout->fo_lasti);
    frame->instr = lasti < 0 ? -1 : (int32_t)lasti * layout->lasti_unit;
    return lasti >= -1 && lasti * layout->lasti_unit < code->code_bytes;
}

/* The frames from `frame` outwards into a chain, which has the outermost first. GS_NO_MEMORY. */
static enum gs_status read_frames(struct reading *r, const struct greenlet *g, gs_addr frame, struct gs_chain *chain)
{
    gs_addr mark = 0;
    *chain = (struct gs_chain){.frames = chain->frames, .room = chain->room};
    for (size_t depth = 0; frame != 0 && !chain->torn; depth++) {
        struct gs_frame one;
        bool shown = false;
        chain->torn = frame == mark || depth == GS_FRAME_LIMIT;
        if ((depth & (depth - 1)) == 0)
            mark = frame;
        if (chain->torn || !read_frame(r, g, frame, &frame, &one, &shown))
            chain->torn = true;
        else if (shown && !gs_chain_add(chain, one))
            return GS_NO_MEMORY;
    }
    for (size_t i = 0; i < chain->count / 2; i++) {
        struct gs_frame other = chain->frames[i];
        chain->frames[i] = chain->frames[chain->count - 1 - i];
        chain->frames[chain->count - 1 - i] = other;
    }
    return GS_OK;
}

/* The frame in which it was suspended, 0: in none, it runs C code alone. */
static gs_addr innermost_of(struct reading *r, const struct greenlet *g)
{
    const struct gs_layout *layout = r->awaits->layout;
    if (layout->if_code == GS_ABSENT || g->top == 0)
        return g->top;
    return layout->fo_frame != GS_ABSENT ? word_at(r, g->top + (gs_addr)layout->fo_frame) : 0;
}

static bool same(const struct greenlet *a, const struct greenlet *b)
{
    return memcmp(a->words, b->words, sizeof a->words) == 0 && a->top == b->top && a->parent == b->parent;
}

/* One without frames runs C code alone, or it runs now; 1.x: which of both is not known. */
static bool may_run(struct reading *r, const struct greenlet *g)
{
    return g->words[START] != 0 && g->top == 0 && (!r->layout.split || word_at(r, r->all[g->main].info + 8) == g->addr);
}

/* Reads one and its frames until two readings, with nothing remembered in between, agree; else the chain is torn. */
static enum gs_status read_patiently(struct reading *r, struct greenlet *g, bool *there)
{
    enum gs_status status = GS_OK;
    bool agree = false;
    for (int i = 0; i < AGAIN && status == GS_OK && !agree; i++) {
        struct greenlet second;
        forget(r);
        *there = read_greenlet(r, g->addr, &second);
        if (!*there)
            break;
        second.thread = g->thread;
        second.main = g->main;
        *g = second;
        status = read_frames(r, g, innermost_of(r, g), &r->chain);
        r->chain.torn |= may_run(r, g);
        forget(r);
        *there = read_greenlet(r, g->addr, &second);
        if (status == GS_OK && *there)
            status = read_frames(r, &second, innermost_of(r, &second), &r->again);
        agree = status == GS_OK && *there && same(g, &second) && !may_run(r, g) && gs_chain_same(&r->chain, &r->again);
    }
    r->chain.torn |= !agree;
    return status;
}

/* ---- whose they are ---- */

static uint32_t find_greenlet(const struct reading *r, gs_addr addr)
{
    size_t found = GS_FIRST_NOT(i, r->count, r->all[i].addr < addr);
    return found < r->count && r->all[found].addr == addr ? (uint32_t)found : UINT32_MAX;
}

/* A circle, and what leads into one, has none. */
static uint32_t find_main(struct reading *r, uint32_t at)
{
    for (int i = 0; i < LINEAGE_MOST && at != UINT32_MAX && r->steps < STEPS_MOST; i++, r->steps++) {
        if (is_main(&r->all[at]) || r->all[at].main != UINT32_MAX)
            return is_main(&r->all[at]) ? at : r->all[at].main;
        at = find_greenlet(r, r->all[at].parent);
    }
    return UINT32_MAX;
}

/* The thread on whose C stack this address is. A thread's ident is the address of the C library's struct of it, which
 * lies above the stack in the same piece of memory (glibc, musl); the stack of the first one lies above all. */
static uint32_t thread_at(const struct gs_tasks_question *question, gs_addr interpreter, gs_addr stack)
{
    uint32_t found = UINT32_MAX;
    for (size_t i = 0; i < question->thread_count; i++) {
        const struct gs_tasks_thread *thread = &question->threads[i];
        if (!thread->main && thread->ident - stack < (gs_addr)1 << 47 &&
            (found == UINT32_MAX || thread->ident < question->threads[found].ident))
            found = (uint32_t)i;
    }
    for (size_t i = 0; i < question->thread_count; i++) {
        const struct gs_tasks_thread *thread = &question->threads[i];
        if (thread->interpreter == interpreter &&
            (found == UINT32_MAX ? thread->main : thread->ident == question->threads[found].ident))
            return (uint32_t)i;
    }
    return UINT32_MAX;
}

static uint32_t thread_with(struct reading *r, gs_addr dict)
{
    const struct gs_layout *layout = r->awaits->layout;
    for (size_t i = 0; i < r->question->thread_count && layout->ts_dict != GS_ABSENT && dict != 0; i++) {
        if (word_at(r, r->question->threads[i].tstate + (gs_addr)layout->ts_dict) == dict)
            return (uint32_t)i;
    }
    return UINT32_MAX;
}

/* The thread of each main greenlet, by those whose stacks begin on its own; 1.x: by the dict of the thread. */
static void find_threads(struct reading *r, gs_addr interpreter)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct greenlet *g = &r->all[i];
        g->main = find_main(r, i);
        if (g->main == UINT32_MAX)
            continue;
        struct greenlet *above = &r->all[g->main];
        if (!r->layout.split)
            above->thread = thread_with(r, above->info);
        else if (above->info != 0 && word_at(r, above->info) == above->addr && g->words[STOP] != 0 && !is_main(g))
            above->thread = thread_at(r->question, interpreter, g->words[STOP]);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->all[i].main != UINT32_MAX)
            r->all[i].thread = r->all[r->all[i].main].thread;
    }
}

/* The greenlet that runs in the thread of a main one, 0: not known. 1.x: that which has no frame of its own now. */
static gs_addr current_of(struct reading *r, uint32_t main)
{
    gs_addr current = 0;
    if (r->layout.split)
        return word_at(r, r->all[main].info + 8);
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->all[i].main != main || r->all[i].words[START] == 0 || r->all[i].top != 0)
            continue;
        if (current != 0)
            return 0;
        current = r->all[i].addr;
    }
    return current;
}

/* ---- what they are shown as ---- */

/* eventlet's hub is a greenlet like any other, which runs a function of its own. */
static bool is_loop(struct reading *r, const struct gs_frame *outermost)
{
    static const char tail[] = "/eventlet/hubs/hub.py";
    const struct gs_code *code = outermost ? gs_codes_find(r->awaits->codes, outermost->code) : NULL;
    size_t len = code ? strlen(code->file) : 0;
    return len >= sizeof tail - 1 && strcmp(code->file + len - (sizeof tail - 1), tail) == 0 &&
           strcmp(code->function, "run") == 0;
}

/* The function that one which has not begun will run, 0: not known. */
static gs_addr function_of(struct reading *r, const struct greenlet *g)
{
    gs_addr function = gs_task_attribute(r->awaits, g->addr, "_run"); /* gevent's */
    struct gs_type type;
    if (function == 0)
        function = r->layout.split ? word_at(r, state_of(r, g->addr) + (gs_addr)r->layout.parent - 8) : g->info;
    return function != 0 && gs_type_of(&r->awaits->types, r->awaits->layout, r->awaits->mem, function, &type) &&
                   gs_type_named(&type, r->awaits->mem, "function")
               ? function
               : 0;
}

static bool read_text(struct gs_awaits *awaits, gs_addr object, char name[GS_TASK_NAME])
{
    bool ok =
        object != 0 && gs_str_read(awaits->layout, awaits->mem, object, name, GS_TASK_NAME) == GS_OK && name[0] != '\0';
    if (!ok)
        name[0] = '\0';
    return ok;
}

/* Whether a function may give a greenlet its name: not one of its library, or of the standard one. */
static bool names_it(const struct gs_code *code)
{
    const char *python = code ? strstr(code->file, "/lib/python") : NULL;
    return code && !strstr(code->file, "/gevent/") && !strstr(code->file, "/eventlet/") &&
           (!python || strstr(python, "-packages/"));
}

static void name_after(const struct gs_code *code, char name[GS_TASK_NAME])
{
    if (code)
        snprintf(name, GS_TASK_NAME, "%s", code->qualname ? code->qualname : code->function);
}

/* The name that it was given; else its outermost function that is not a library's, or its outermost one. */
static void read_name(struct reading *r, const struct greenlet *g, const struct gs_frame *frames, size_t count,
                      char name[GS_TASK_NAME])
{
    const struct gs_code *code = NULL;
    if (read_text(r->awaits, gs_task_attribute(r->awaits, g->addr, "name"), name))
        return;
    gs_addr function = g->words[STOP] == 0 ? function_of(r, g) : 0;
    if (function != 0 && read_text(r->awaits, word_at(r, function + (gs_addr)r->awaits->layout->fn_name), name))
        return;
    for (size_t i = 0; i < count && !names_it(code) && !is_main(g); i++)
        code = gs_codes_find(r->awaits->codes, frames[i].code);
    if (is_main(g))
        snprintf(name, GS_TASK_NAME, "main");
    else
        name_after(names_it(code) || count == 0 ? code : gs_codes_find(r->awaits->codes, frames[0].code), name);
}

void gs_greenlet_name(struct gs_awaits *awaits, gs_addr greenlet, const struct gs_frame *frames, uint32_t count,
                      char name[GS_TASK_NAME])
{
    const struct gs_code *code = NULL, *outermost = NULL;
    if (read_text(awaits, gs_task_attribute(awaits, greenlet, "name"), name))
        return;
    for (uint32_t i = count; i > 0 && !names_it(code); i--) {
        code = frames[i - 1].kind == GS_FRAME_PYTHON ? gs_codes_find(awaits->codes, frames[i - 1].code) : NULL;
        outermost = outermost ? outermost : code;
    }
    name_after(names_it(code) ? code : outermost, name);
}

/* What one waits for of which nothing else is known. */
static const char its_start[] = "its start", its_switch[] = "a switch to it";

/* Adds the greenlet with the frames of r->chain. */
static bool add(struct reading *r, struct greenlet *g, enum gs_task_state state)
{
    struct gs_members members = {.count = 0};
    struct gs_async_task *task = gs_task_rows_add(r->rows, (struct gs_async_task){.addr = g->addr,
                                                                                  .loop = r->all[g->main].addr,
                                                                                  .state = state,
                                                                                  .torn = r->chain.torn,
                                                                                  .holder = GS_NO_TASK});
    if (!task)
        return false;
    g->task = (uint32_t)(r->rows->tasks->task_count - 1);
    read_name(r, g, r->chain.frames, r->chain.torn ? 0 : r->chain.count, task->name);
    if (state == GS_TASK_WAITS && !task->torn)
        gs_task_wait(r->awaits, &r->chain, 0, r->question->now_s, &task->await, &members);
    if (state == GS_TASK_WAITS && !task->torn && strcmp(task->await.words, "something") == 0)
        snprintf(task->await.words, sizeof task->await.words, "%s", g->words[STOP] == 0 ? its_start : its_switch);
    return gs_task_rows_chain(r->rows, task, &r->chain);
}

/* The frames of the thread, which was looked at the moment before, if it runs what it ran then: its outermost frame is
 * the same. */
static enum gs_status take_thread(struct reading *r, const struct greenlet *g, const struct gs_tasks_thread *thread)
{
    struct greenlet now;
    static const struct greenlet here = {0};
    const struct gs_layout *layout = r->awaits->layout;
    const int32_t field = layout->ts_frame != GS_ABSENT    ? layout->ts_frame
                          : layout->ts_cframe != GS_ABSENT ? layout->ts_cframe
                                                           : layout->ts_current_frame;
    forget(r);
    gs_addr frame = word_at(r, thread->tstate + (gs_addr)field);
    if (field == layout->ts_cframe && frame != 0)
        frame = word_at(r, frame + (gs_addr)layout->cf_current_frame);
    enum gs_status status = read_frames(r, &here, frame, &r->chain);
    const struct gs_frame *last = thread->frame_count > 0 ? &thread->frames[thread->frame_count - 1] : NULL;
    forget(r);
    r->chain.torn |= !read_greenlet(r, g->addr, &now) || now.top != 0 ||
                     (r->layout.split && word_at(r, r->all[g->main].info + 8) != g->addr);
    r->chain.torn |= !last || r->chain.count == 0 || last->frame != r->chain.frames[0].frame ||
                     last->code != r->chain.frames[0].code;
    r->chain.count = 0;
    for (size_t i = thread->frame_count; i > 0 && !r->chain.torn && status == GS_OK; i--)
        status = gs_chain_add(&r->chain, thread->frames[i - 1]) ? GS_OK : GS_NO_MEMORY;
    return status;
}

/* What one that has not begun does: it is ready when it is in its hub's list of calls; those of plain greenlets and of
 * gevent's wait for somebody to start them else. */
static enum gs_task_state state_before(struct reading *r, const struct greenlet *g)
{
    struct gs_type type;
    if (g->kind == EVENTLET)
        return GS_TASK_READY;
    if (g->kind != GEVENT || !gs_type_of(&r->awaits->types, r->awaits->layout, r->awaits->mem, g->addr, &type))
        return GS_TASK_WAITS;
    for (gs_addr at = PIMPL_SIZE; at + 8 <= (gs_addr)type.basic_size && at < FRAME_MOST; at += 8) {
        gs_addr object = word_at(r, g->addr + at);
        struct gs_type other;
        char name[64];
        if (object == 0 || !gs_type_of(&r->awaits->types, r->awaits->layout, r->awaits->mem, object, &other) ||
            gs_mem_read_cstr(r->awaits->mem, other.name, name, sizeof name))
            continue;
        const char *dot = strrchr(name, '.');
        if (strcmp(dot ? dot + 1 : name, "callback") == 0)
            return GS_TASK_READY;
    }
    return GS_TASK_WAITS;
}

/* Adds a greenlet, unless it is a hub, which is its thread's loop. */
static enum gs_status add_greenlet(struct reading *r, struct greenlet *g, struct gs_event_loop *loop, bool runs)
{
    bool there = true;
    enum gs_status status = runs ? take_thread(r, g, &r->question->threads[g->thread]) : read_patiently(r, g, &there);
    const bool begun = g->words[START] != 0, ended = !begun && g->words[STOP] != 0;
    if (status != GS_OK || !there || (ended && !runs))
        return status;
    bool hub = g->kind == HUB;
    if (!hub && r->chain.count > 0 && is_loop(r, &r->chain.frames[0])) {
        hub = true;
        loop->kind = GS_LOOP_EVENTLET;
    }
    if (hub) {
        loop->hub = g->addr;
        return GS_OK;
    }
    if (runs)
        loop->current = g->addr;
    if (!begun)
        r->chain.count = 0;
    return add(r, g, runs ? GS_TASK_RUNNING : begun ? GS_TASK_WAITS : state_before(r, g)) ? GS_OK : GS_NO_MEMORY;
}

/* ---- what they wait for in compiled code ---- */

struct link {
    struct reading *r;
    gs_addr waited;
    const char *name; /* of its class */
    enum gs_await_kind kind;
    bool no_memory;
};

/* Takes what `object`, if it is a greenlet, waits for, unless its frames have told that. */
static void take_link(void *context, gs_addr object, bool put)
{
    struct link *link = context;
    uint32_t at = find_greenlet(link->r, object);
    if (at == UINT32_MAX || link->r->all[at].task == GS_NO_TASK)
        return;
    struct gs_async_task *task = &link->r->rows->tasks->tasks[link->r->all[at].task];
    if (strcmp(task->await.words, its_switch) != 0)
        return;
    task->await.kind = link->kind;
    task->await.object = link->waited;
    if (link->kind == GS_AWAIT_TASK)
        link->no_memory |= !gs_task_rows_edge(link->r->rows, link->waited, link->r->all[at].task);
    snprintf(task->await.words, sizeof task->await.words, "%s%s",
             link->kind != GS_AWAIT_QUEUE ? ""
             : put                        ? "put into a full "
                                          : "get from an empty ",
             link->name);
}

/* The name of the class of an object of gevent, or of the base of it that is gevent's; what it is. */
static enum gs_await_kind awaited_kind(struct reading *r, gs_addr object, char *name, size_t size)
{
    gs_addr at = word_at(r, object + (gs_addr)r->awaits->layout->ob_type);
    struct gs_type type;
    char whole[64];
    for (int i = 0; i < BASES_MOST && at != 0; i++) {
        if (!gs_type_get(&r->awaits->types, r->awaits->layout, r->awaits->mem, at, &type) ||
            gs_mem_read_cstr(r->awaits->mem, type.name, whole, sizeof whole))
            break;
        enum gs_await_kind kind = gs_greenlet_awaited(whole);
        if (kind != GS_AWAIT_NOTHING) {
            snprintf(name, size, "%s", strrchr(whole, '.') + 1);
            return kind;
        }
        at = word_at(r, at + (gs_addr)r->awaits->layout->tp_base);
    }
    return GS_AWAIT_NOTHING;
}

static bool read_links(struct reading *r)
{
    char name[64] = "";
    struct link link = {.r = r, .name = name};
    forget(r);
    for (size_t i = 0; i < r->awaited.count && !link.no_memory; i++) {
        link.waited = r->awaited.at[i];
        link.kind = awaited_kind(r, link.waited, name, sizeof name);
        if (link.kind != GS_AWAIT_NOTHING)
            gs_greenlet_links(r->awaits, link.waited, take_link, &link);
    }
    name[0] = '\0';
    link.kind = GS_AWAIT_TASK;
    for (size_t i = 0; i < r->count && !link.no_memory; i++) {
        link.waited = r->all[i].addr;
        if (r->all[i].kind == GEVENT && r->all[i].task != GS_NO_TASK)
            gs_greenlet_links(r->awaits, link.waited, take_link, &link);
    }
    return !link.no_memory;
}

/* A greenlet hands over to its parent when it ends. */
static bool add_parents(struct reading *r)
{
    bool ok = true;
    for (size_t i = 0; i < r->count && ok; i++) {
        uint32_t parent = r->all[i].task != GS_NO_TASK ? find_greenlet(r, r->all[i].parent) : UINT32_MAX;
        if (parent != UINT32_MAX && r->all[parent].task != GS_NO_TASK)
            ok = gs_task_rows_edge(r->rows, r->all[i].addr, r->all[parent].task);
    }
    return ok;
}

static enum gs_loop_kind loop_kind(enum kind kind, enum gs_loop_kind before)
{
    return kind == HUB || kind == GEVENT ? GS_LOOP_GEVENT : kind == EVENTLET ? GS_LOOP_EVENTLET : before;
}

/* Those that belong to one main greenlet, which is alone where nobody in its thread uses others. */
static enum gs_status add_family(struct reading *r, uint32_t main)
{
    struct gs_tasks *tasks = r->rows->tasks;
    enum gs_status status = GS_OK;
    size_t members = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->all[i].main == main && r->all[i].kind == WORKER)
            return GS_OK;
        members += r->all[i].main == main;
    }
    if (members < 2 || tasks->loop_count == GS_EVENT_LOOPS_MOST)
        return GS_OK;
    struct gs_event_loop *loop = &tasks->loops[tasks->loop_count++];
    *loop = (struct gs_event_loop){.kind = GS_LOOP_GREENLET,
                                   .addr = r->all[main].addr,
                                   .tstate = r->question->threads[r->all[main].thread].tstate,
                                   .current_at = r->layout.split ? r->all[main].info + 8 : 0,
                                   .running = GS_NO_TASK};
    const gs_addr current = current_of(r, main);
    for (size_t i = 0; i < r->count && status == GS_OK; i++) {
        if (r->all[i].main != main)
            continue;
        loop->kind = loop_kind(r->all[i].kind, loop->kind);
        status = add_greenlet(r, &r->all[i], loop, r->all[i].addr == current);
    }
    return status;
}

static bool read_all(struct reading *r)
{
    forget(r);
    r->count = 0;
    r->all = calloc(r->list.count + 1, sizeof *r->all);
    for (size_t i = 0; r->all && i < r->list.count; i++)
        r->count += read_greenlet(r, r->list.at[i], &r->all[r->count]);
    return r->all != NULL;
}

static enum gs_status add_interpreter(struct reading *r, gs_addr interpreter)
{
    struct gs_tasks *tasks = r->rows->tasks;
    enum gs_status status = scan(r, interpreter);
    tasks->partial |= r->list.partial;
    tasks->left_out += r->list.left_out;
    tasks->unknown |= r->awaits->layout->free_threaded;
    if (status != GS_OK || r->list.count == 0)
        return status;
    forget(r);
    if (!find_layout(r)) {
        tasks->unknown = true;
        tasks->left_out += r->list.count;
        return GS_OK;
    }
    if (!read_all(r))
        return GS_NO_MEMORY;
    find_threads(r, interpreter);
    for (uint32_t i = 0; i < r->count && status == GS_OK; i++) {
        if (r->all[i].thread == UINT32_MAX)
            tasks->left_out += r->all[i].words[START] != 0 && !is_main(&r->all[i]);
        else if (is_main(&r->all[i]))
            status = add_family(r, i);
    }
    if (status == GS_OK && !(add_parents(r) && read_links(r)))
        status = GS_NO_MEMORY;
    free(r->all);
    return status;
}

enum gs_status gs_greenlets_read(const struct gs_tasks_question *question, struct gs_awaits *awaits,
                                 struct gs_mem *pages, struct gs_task_rows *rows)
{
    struct reading *r = calloc(1, sizeof *r);
    enum gs_status status = GS_OK;
    if (!r)
        return GS_NO_MEMORY;
    *r = (struct reading){.question = question, .awaits = awaits, .pages = pages, .rows = rows};
    for (size_t i = 0; i < question->thread_count && status == GS_OK; i++) {
        const gs_addr interpreter = question->threads[i].interpreter;
        bool known = awaits->layout->tp_base == GS_ABSENT;
        for (size_t k = 0; k < i && !known; k++)
            known = question->threads[k].interpreter == interpreter;
        forget(r);
        r->base = known ? 0 : find_base(r, interpreter);
        if (r->base != 0)
            status = add_interpreter(r, interpreter);
    }
    free(r->list.at);
    free(r->awaited.at);
    free(r->chain.frames);
    free(r->again.frames);
    free(r);
    return status;
}
