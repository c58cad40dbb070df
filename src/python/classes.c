/* Goes through the dicts of the classes for functions with the code. */
#include <stdio.h>
#include <string.h>

#include "python/classes.h"
#include "python/dict.h"

enum { CLASSES_MOST = 32, MEMBERS_MOST = 2000, FUNCTION_WORDS = 12, WRAPPED_WORDS = 3 };

struct search {
    const struct gs_layout *layout;
    struct gs_mem *mem;
    const struct gs_code *code;
    struct gs_types types;
    gs_addr function; /* that has the code, */
    gs_addr qualname; /* and its str; 0: it has none */
};

/* Where a function keeps its code and its qualified name (Include/funcobject.h): up to 3.9, and of 3.10. */
static bool is_function(struct search *s, gs_addr object)
{
    static const struct {
        size_t code, qualname;
    } generations[] = {{0, 11}, {4, 3}};
    struct gs_type type;
    gs_addr words[FUNCTION_WORDS];
    if (object == 0 || !gs_type_of(&s->types, s->layout, s->mem, object, &type) ||
        !gs_type_named(&type, s->mem, "function") ||
        gs_mem_read(s->mem, object + (gs_addr)s->layout->head_bytes, words, sizeof words))
        return false;
    for (size_t i = 0; i < sizeof generations / sizeof *generations; i++) {
        if (words[generations[i].code] == s->code->addr) {
            s->function = object;
            s->qualname = s->layout->uni_length == GS_ABSENT ? words[generations[i].qualname] : 0;
        }
    }
    return s->function != 0;
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
        if (!gs_type_of(&s->types, s->layout, s->mem, object, &type) ||
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

/* A class has a method under its name, but for a mangled one and for a lambda. */
static bool may_differ(const char *function)
{
    size_t len = strlen(function);
    return function[0] == '<' ||
           (len > 4 && memcmp(function, "__", 2) == 0 && memcmp(function + len - 2, "__", 2) != 0);
}

static bool defines_it(struct search *s, gs_addr class)
{
    struct gs_dict dict;
    gs_addr members, key, value;
    bool any = may_differ(s->code->function), found = false;
    if (gs_mem_read_addr(s->mem, class + (gs_addr)s->layout->tp_dict, &members) || members == 0 ||
        !gs_dict_open(&dict, s->layout, s->mem, members))
        return false;
    for (int i = 0; i < MEMBERS_MOST && !found && gs_dict_next(&dict, &key, &value); i++)
        found = (any || key == s->code->name_addr) && leads_to_it(s, value); /* names are interned */
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

static bool read_class(const struct search *s, gs_addr class, char name[GS_CLASS_NAME])
{
    char whole[GS_CLASS_NAME];
    gs_addr at;
    if (gs_mem_read_addr(s->mem, class + (gs_addr)s->layout->tp_name, &at) ||
        gs_mem_read_cstr(s->mem, at, whole, sizeof whole) || !whole[0])
        return false;
    const char *dot = strrchr(whole, '.');
    return snprintf(name, GS_CLASS_NAME, "%s.%s", dot ? dot + 1 : whole, s->code->function) < GS_CLASS_NAME;
}

/* A decorator may have given the function the name of another one. */
static bool read_qualname(const struct search *s, char name[GS_CLASS_NAME])
{
    if (gs_str_read(s->layout, s->mem, s->qualname, name, GS_CLASS_NAME) != GS_OK)
        return false;
    size_t whole = strlen(name), own = strlen(s->code->function);
    return whole > own && name[whole - own - 1] == '.' && strcmp(name + whole - own, s->code->function) == 0;
}

bool gs_class_of(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, const struct gs_code *code,
                 char qualname[GS_CLASS_NAME])
{
    struct search s = {.layout = layout, .mem = mem, .code = code};
    struct gs_type type;
    if (layout->tp_mro == GS_ABSENT || layout->tp_dict == GS_ABSENT ||
        !gs_type_of(&s.types, layout, mem, object, &type))
        return false;
    /* Of a method of a class that argument is the class; of a metaclass it is an instance of that. */
    gs_addr class = gs_type_has(&type, GS_TYPE_TYPE) ? find_in_mro(&s, object) : 0;
    if (class == 0)
        class = find_in_mro(&s, type.addr);
    return class != 0 && (s.qualname ? read_qualname(&s, qualname) : read_class(&s, class, qualname));
}
