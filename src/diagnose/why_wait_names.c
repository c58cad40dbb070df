/* Who may have a Lock that no `with` block shows: a thread whose code names it. Who is the only one but for those who
 * wait for it most likely has it. */
#include <stdio.h>
#include <string.h>

#include "diagnose/why_wait_search.h"
#include "python/dict.h"
#include "python/names_attribute.h"

enum { GLOBALS_MOST = 500, FRAMES_SEARCHED = 50, CODE_BYTES = 256, NAMES_MOST = 256, NAME_MOST = GS_WAIT_NAME };

/* The tuple of strings has that one. */
static bool has_name(struct gs_wait_search *s, gs_addr tuple, const char *name)
{
    gs_addr items[NAMES_MOST], at = tuple + (gs_addr)s->layout->head_bytes;
    uint64_t count;
    char one[NAME_MOST];
    struct gs_type type;
    if (!gs_type_of(&s->types, s->layout, s->mem, tuple, &type) || !gs_type_has(&type, GS_TYPE_TUPLE) ||
        gs_mem_read(s->mem, at, &count, sizeof count) || count == 0 || count > NAMES_MOST ||
        !gs_type_named(&type, s->mem, "tuple"))
        return false;
    /* The items follow the count; from 3.14 on its hash is in between. */
    for (gs_addr gap = 8; gap <= 16; gap += 8) {
        if (gs_mem_read(s->mem, at + gap, items, count * sizeof *items))
            return false;
        for (uint64_t i = 0; i < count; i++) {
            if (items[i] > CODE_BYTES && gs_str_read(s->layout, s->mem, items[i], one, sizeof one) == GS_OK &&
                strcmp(one, name) == 0)
                return true;
        }
    }
    return false;
}

/* Whichever of a code object's tuples has its names: where that is no version's table tells. */
static bool code_names(struct gs_wait_search *s, const struct gs_code *code, const char *name)
{
    gs_addr words[CODE_BYTES / sizeof(gs_addr)];
    if (gs_mem_read(s->mem, code->addr, words, sizeof words))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i] > CODE_BYTES && words[i] % sizeof(gs_addr) == 0 && has_name(s, words[i], name))
            return true;
    }
    return false;
}

bool gs_wait_name_by_global(struct gs_wait_search *s, const struct gs_code *code, gs_addr globals, gs_addr object,
                            char name[GS_WAIT_NAME])
{
    struct gs_dict dict;
    gs_addr key, value;
    char own[GS_HELD_NAME], outer[GS_HELD_NAME];
    if (!gs_dict_open(&dict, s->layout, s->mem, globals))
        return false;
    for (int i = 0; i < GLOBALS_MOST && gs_dict_next(&dict, &key, &value); i++) {
        if (!gs_attribute_name_of(s->layout, s->mem, &s->types, value, object, own, sizeof own) ||
            gs_str_read(s->layout, s->mem, key, outer, sizeof outer) != GS_OK || !code_names(s, code, outer))
            continue;
        snprintf(name, GS_WAIT_NAME, "%.47s.%.47s", outer, own);
        return true;
    }
    return false;
}

static bool refers(struct gs_wait_search *s, const struct gs_frame *frame, gs_addr object)
{
    struct gs_variable list[GS_WAIT_VARIABLES];
    struct gs_dict dict;
    char name[NAME_MOST];
    size_t count;
    const struct gs_code *code = frame->kind == GS_FRAME_PYTHON ? s->lookup->code(s->lookup->context, frame) : NULL;
    if (!code)
        return false;
    if (gs_locals_objects(s->python, s->mem, frame->frame, code, list, GS_WAIT_VARIABLES, &count) != GS_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].object == object)
            return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (gs_attribute_name_of(s->layout, s->mem, &s->types, list[i].object, object, name, sizeof name) &&
            code_names(s, code, name))
            return true;
    }
    gs_addr globals = gs_frame_globals(s->layout, s->mem, frame->frame);
    return globals != 0 && gs_dict_open(&dict, s->layout, s->mem, globals) &&
           gs_dict_name_of(&dict, object, name, sizeof name) && code_names(s, code, name);
}

static bool thread_refers(struct gs_wait_search *s, const struct gs_thread *thread, gs_addr object)
{
    for (uint32_t i = 0; i < thread->frame_count && i < FRAMES_SEARCHED; i++) {
        if (refers(s, &thread->frames[i], object))
            return true;
    }
    return false;
}

static bool is_ownerless(const struct gs_wait *wait)
{
    return wait->kind == GS_WAIT_LOCK && wait->object != 0 && wait->locked && !wait->owner_stated && !wait->ambiguous &&
           wait->owner == GS_NOBODY;
}

/* Whoever waits for the end of a thread that waits for such a lock: if it has one of them, that is a deadlock just as
 * well. Most often it is the main thread, whose module defines them. */
static bool waits_behind(const struct gs_wait_search *s, const struct gs_wait *its)
{
    return its->kind == GS_WAIT_THREAD && its->owner != GS_NOBODY && is_ownerless(&s->waits->list[its->owner]);
}

static uint32_t only_referrer(struct gs_wait_search *s, const struct gs_wait *wait)
{
    uint32_t found = GS_NOBODY;
    for (uint32_t i = 0; i < s->snapshot->thread_count; i++) {
        const struct gs_wait *its = &s->waits->list[i];
        if ((its->kind == GS_WAIT_LOCK && its->word == wait->word) || waits_behind(s, its) ||
            !thread_refers(s, &s->snapshot->threads[i], wait->object))
            continue;
        if (found != GS_NOBODY)
            return GS_NOBODY;
        found = i;
    }
    return found;
}

void gs_wait_find_referrers(struct gs_wait_search *s)
{
    const struct gs_wait *first = NULL;
    bool several = false;
    for (size_t i = 0; i < s->waits->count; i++) {
        const struct gs_wait *wait = &s->waits->list[i];
        if (!is_ownerless(wait))
            continue;
        several |= first && first->word != wait->word;
        first = wait;
    }
    for (size_t i = 0; i < s->waits->count && several; i++) {
        struct gs_wait *wait = &s->waits->list[i];
        if (is_ownerless(wait))
            wait->referrer = only_referrer(s, wait);
    }
}
