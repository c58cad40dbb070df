/* Goes through the dicts of the classes. Where a function keeps its code differs by version (Include/funcobject.h): a
 * word of it that is the address of the frame's code object can be nothing else. */
#include <stdio.h>
#include <string.h>

#include "python/classes.h"
#include "python/dict.h"
#include "python/held.h"

enum { CLASSES_MOST = 32, MEMBERS_MOST = 2000, FUNCTION_WORDS = 6, WRAPPED_WORDS = 3, TYPE_NAME = 256 };

struct search {
    const struct gs_layout *layout;
    struct gs_mem *mem;
    struct gs_types *types;
    gs_addr code;
};

static bool is_function(struct search *s, gs_addr object)
{
    struct gs_type type;
    gs_addr words[FUNCTION_WORDS];
    if (object == 0 || !gs_type_of(s->types, s->layout, s->mem, object, &type) ||
        !gs_type_named(&type, s->mem, "function") ||
        gs_mem_read(s->mem, object + (gs_addr)s->layout->head_bytes, words, sizeof words))
        return false;
    for (size_t i = 0; i < FUNCTION_WORDS; i++) {
        if (words[i] == s->code)
            return true;
    }
    return false;
}

/* It itself, or what it wraps: Objects/funcobject.c (cm_callable, sm_callable), Objects/descrobject.c (prop_get,
 * prop_set, prop_del). */
static bool leads_to_it(struct search *s, gs_addr object)
{
    static const struct {
        const char *name;
        size_t words;
    } wrappers[] = {{"classmethod", 1}, {"staticmethod", 1}, {"property", WRAPPED_WORDS}};
    struct gs_type type;
    gs_addr words[WRAPPED_WORDS];
    if (is_function(s, object))
        return true;
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        if (!gs_type_of(s->types, s->layout, s->mem, object, &type) ||
            !gs_type_named(&type, s->mem, wrappers[i].name) ||
            gs_mem_read(s->mem, object + (gs_addr)s->layout->head_bytes, words, wrappers[i].words * sizeof *words))
            continue;
        for (size_t w = 0; w < wrappers[i].words; w++) {
            if (is_function(s, words[w]))
                return true;
        }
    }
    return false;
}

static bool defines_it(struct search *s, gs_addr class)
{
    struct gs_dict dict;
    gs_addr members, key, value;
    bool found = false;
    if (gs_mem_read_addr(s->mem, class + (gs_addr)s->layout->tp_dict, &members) || members == 0 ||
        !gs_dict_open(&dict, s->layout, s->mem, members))
        return false;
    for (int i = 0; i < MEMBERS_MOST && !found && gs_dict_next(&dict, &key, &value); i++)
        found = leads_to_it(s, value);
    return found;
}

/* The class among the bases of `class` and itself; 0: none of them. */
static gs_addr find_in_mro(struct search *s, gs_addr class)
{
    gs_addr mro, classes[CLASSES_MOST];
    uint64_t count;
    if (gs_mem_read_addr(s->mem, class + (gs_addr)s->layout->tp_mro, &mro) || mro == 0 ||
        gs_mem_read_addr(s->mem, mro + (gs_addr)s->layout->ob_size, &count))
        return 0;
    count = count < CLASSES_MOST ? count : CLASSES_MOST;
    if (gs_mem_read(s->mem, mro + (gs_addr)s->layout->tuple_items, classes, count * sizeof *classes))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (classes[i] != 0 && defines_it(s, classes[i]))
            return classes[i];
    }
    return 0;
}

static bool read_name(const struct search *s, gs_addr class, char name[GS_CLASS_NAME])
{
    char whole[TYPE_NAME];
    gs_addr at;
    if (gs_mem_read_addr(s->mem, class + (gs_addr)s->layout->tp_name, &at) ||
        gs_mem_read_cstr(s->mem, at, whole, sizeof whole) || !whole[0])
        return false;
    const char *dot = strrchr(whole, '.');
    return snprintf(name, GS_CLASS_NAME, "%s", dot ? dot + 1 : whole) < GS_CLASS_NAME;
}

bool gs_class_of(const struct gs_python *python, struct gs_mem *mem, struct gs_types *types, gs_addr frame,
                 const struct gs_code *code, char name[GS_CLASS_NAME])
{
    struct search s = {&python->layout, mem, types, code->addr};
    struct gs_variable first;
    struct gs_type type;
    size_t count;
    if (code->arg_count < 1 || s.layout->tp_mro == GS_ABSENT || s.layout->tp_dict == GS_ABSENT ||
        gs_locals_objects(python, mem, frame, code, &first, 1, &count) != GS_OK || count == 0 ||
        (strcmp(first.name, "self") != 0 && strcmp(first.name, "cls") != 0) ||
        !gs_type_of(types, s.layout, mem, first.object, &type))
        return false;
    /* Of a method of a class that argument is the class; of a metaclass it is an instance of that. */
    gs_addr class = gs_type_has(&type, GS_TYPE_TYPE) ? find_in_mro(&s, first.object) : 0;
    if (class == 0)
        class = find_in_mro(&s, type.addr);
    return class != 0 && read_name(&s, class, name);
}
