/* The names that threading gives to threads: modules["threading"]._active maps idents to Thread objects. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/sorted.h"
#include "gilspy/python.h"
#include "mem/metered.h"
#include "python/modules.h"
#include "python/names_attribute.h"
#include "python/values_int.h"

enum {
    MAX_NAMES = 1 << 17,
    MAX_NAME_BYTES = 256,
    MAX_RANKS = 256,    /* interpreters */
    MAX_READS = 4 << 20 /* from one reading of the first interpreter to the next */
};

struct entry {
    uint64_t ident;
    gs_addr interpreter; /* whose threading knows it, */
    size_t rank;         /* which was the how manieth to be asked: an ident may stand in several of them */
    char *name;
};

struct gs_names {
    struct gs_python *python;
    /* Thread objects, their dicts and names lie close together: one read of a page serves many. */
    struct gs_mem *pages;
    struct gs_metered modules, cache; /* python->mem and pages, for as many reads as are left for all interpreters */
    uint64_t left;
    struct gs_types types;
    struct entry *entries; /* by ident */
    size_t count, capacity;
    gs_addr asked[MAX_RANKS]; /* interpreters, in the order in which they were first asked */
    size_t asked_count;
};

struct gs_names *gs_names_new(struct gs_python *python)
{
    struct gs_names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    names->python = python;
    names->pages = gs_mem_cache_new(python->mem);
    if (!names->pages) {
        free(names);
        return NULL;
    }
    gs_metered_init(&names->modules, python->mem, &names->left);
    gs_metered_init(&names->cache, names->pages, &names->left);
    return names;
}

/* Leaves out the entries of one interpreter, or of all with 0. */
static void forget(struct gs_names *names, gs_addr interpreter)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (interpreter && names->entries[i].interpreter != interpreter)
            names->entries[kept++] = names->entries[i];
        else
            free(names->entries[i].name);
    }
    names->count = kept;
}

void gs_names_free(struct gs_names *names)
{
    if (!names)
        return;
    forget(names, 0);
    gs_mem_free(names->pages);
    free(names->entries);
    free(names);
}

static bool add(struct gs_names *names, struct entry entry)
{
    if (!gs_room((void **)&names->entries, &names->capacity, names->count + 1, sizeof *names->entries))
        return false;
    names->entries[names->count++] = entry;
    return true;
}

/* Opens threading._active. The modules are many, small and far apart: no whole pages of them. */
static bool open_active(struct gs_names *names, gs_addr interpreter, struct gs_dict *active)
{
    const struct gs_layout *layout = &names->python->layout;
    struct gs_dict dict;
    if (!gs_module_open(layout, &names->modules.mem, &names->types, interpreter, "threading", &dict))
        return false;
    gs_addr found = gs_dict_find(&dict, &names->types, "_active");
    return found != 0 && gs_dict_open(active, layout, &names->cache.mem, found);
}

static size_t rank_of(struct gs_names *names, gs_addr interpreter)
{
    size_t rank = 0;
    while (rank < names->asked_count && names->asked[rank] != interpreter)
        rank++;
    if (rank == names->asked_count && rank < MAX_RANKS)
        names->asked[names->asked_count++] = interpreter;
    return rank;
}

/* One pair of threading._active; anything that is not what it should be is left out. */
static bool add_thread(struct gs_names *names, gs_addr interpreter, gs_addr key, gs_addr thread)
{
    const struct gs_layout *layout = &names->python->layout;
    const char *attribute = layout->thread_name_mangled ? "_Thread__name" : "_name";
    struct gs_mem *mem = &names->cache.mem;
    struct gs_type type;
    struct gs_int ident;
    char name[MAX_NAME_BYTES];
    if (!gs_type_of(&names->types, layout, mem, key, &type) || gs_int_read(layout, mem, &type, key, &ident) ||
        ident.negative || ident.bits > 64)
        return true;
    gs_addr text = gs_attribute_find(layout, mem, &names->types, thread, attribute);
    if (text == 0 || gs_str_read(layout, mem, text, name, sizeof name))
        return true;
    struct entry entry = {ident.magnitude, interpreter, rank_of(names, interpreter), strdup(name)};
    if (entry.name && add(names, entry))
        return true;
    free(entry.name);
    return false;
}

GS_BY_BOTH(by_ident, struct entry, ident, rank);

void gs_names_refresh(struct gs_names *names, gs_addr interpreter)
{
    struct gs_dict active;
    gs_addr key, thread;
    size_t rank = rank_of(names, interpreter);
    gs_mem_cache_clear(names->pages);
    names->types = (struct gs_types){0};
    if (rank == 0)
        names->left = MAX_READS;
    /* A dict that cannot be opened just now says nothing against the names known before. */
    if (rank >= MAX_RANKS || !open_active(names, interpreter, &active))
        return;
    forget(names, names->count < MAX_NAMES ? interpreter : 0);
    while (names->count < MAX_NAMES && gs_dict_next(&active, &key, &thread)) {
        if (!add_thread(names, interpreter, key, thread))
            break;
    }
    if (names->count > 0)
        qsort(names->entries, names->count, sizeof *names->entries, by_ident);
    gs_mem_cache_clear(names->pages);
}

const char *gs_names_get(const struct gs_names *names, uint64_t ident)
{
    size_t found = GS_FIRST_NOT(i, names->count, names->entries[i].ident < ident);
    return found < names->count && names->entries[found].ident == ident ? names->entries[found].name : NULL;
}
