/* A bounded repr of any object: which kind it is, containers, and those kinds that need no more than a name. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "python/awaits.h"
#include "base/secret.h"
#include "python/dict.h"
#include "python/names_attribute.h"
#include "python/values.h"
#include "python/values_int.h"

static void repr_none(struct gs_repr *repr, gs_addr object)
{
    (void)object;
    gs_repr_ascii(repr, "None");
}

static void repr_ellipsis(struct gs_repr *repr, gs_addr object)
{
    (void)object;
    gs_repr_ascii(repr, "Ellipsis");
}

static void repr_module(struct gs_repr *repr, gs_addr object)
{
    struct gs_dict dict;
    gs_addr address, name = 0;
    if (gs_mem_read_addr(repr->mem, object + (gs_addr)repr->layout->mod_dict, &address) == GS_OK && address != 0 &&
        gs_dict_open(&dict, repr->layout, repr->mem, address))
        name = gs_dict_find(&dict, &repr->types, "__name__");
    gs_repr_ascii(repr, "<module");
    if (name) {
        gs_repr_ascii(repr, " ");
        gs_repr_text(repr, name);
    }
    gs_repr_ascii(repr, ">");
}

static void repr_function(struct gs_repr *repr, gs_addr object)
{
    gs_addr name;
    if (gs_mem_read_addr(repr->mem, object + (gs_addr)repr->layout->fn_name, &name) != GS_OK) {
        gs_repr_unreadable(repr);
        return;
    }
    gs_repr_ascii(repr, "<function ");
    gs_repr_text(repr, name);
    gs_repr_ascii(repr, ">");
}

/* ---- containers: the first few items, not too deep, and not round in circles ---- */

static void repr_object(struct gs_repr *repr, gs_addr object);

/* Enters a container. False when nothing of it is to be shown: it is around us already, or there are too many. */
static bool enter(struct gs_repr *repr, gs_addr object)
{
    bool seen = repr->depth == repr->bounds.depth;
    for (unsigned i = 0; i < repr->depth && !seen; i++)
        seen = repr->open[i] == object;
    if (seen) {
        gs_repr_ascii(repr, "...");
        return false;
    }
    repr->open[repr->depth++] = object;
    return true;
}

static void leave(struct gs_repr *repr)
{
    repr->depth--;
}

static void put_separator(struct gs_repr *repr, uint64_t index)
{
    if (index > 0)
        gs_repr_ascii(repr, ", ");
}

static void put_value(struct gs_repr *repr, gs_addr object, bool hide)
{
    if (hide)
        gs_repr_ascii(repr, GS_SECRET_HIDDEN);
    else
        repr_object(repr, object);
}

/* `size` items whose addresses stand in an array. */
static void put_array(struct gs_repr *repr, gs_addr items, uint64_t size)
{
    enum { AT_ONCE = 64 };
    gs_addr shown[AT_ONCE];
    uint64_t most = size < repr->bounds.items ? size : repr->bounds.items;
    bool hide = false;
    for (uint64_t i = 0; i < most && !repr->out.full; i++) {
        uint64_t left = most - i;
        size_t count = left < AT_ONCE ? (size_t)left : AT_ONCE;
        if (i % AT_ONCE == 0 && gs_mem_read(repr->mem, items + i * sizeof shown[0], shown, count * sizeof shown[0])) {
            gs_repr_unreadable(repr);
            return;
        }
        if (size == 2 && i == 0)
            hide = gs_repr_names_secret(repr, shown[0]); /* a header, an item of a dict */
        put_separator(repr, i);
        put_value(repr, shown[i % AT_ONCE], hide && i == 1);
    }
    if (size > most)
        gs_repr_ascii(repr, ", ...");
}

/* ob_size; false when it is none. */
static bool read_size(struct gs_repr *repr, gs_addr object, uint64_t *size)
{
    return gs_mem_read_addr(repr->mem, object + (gs_addr)repr->layout->ob_size, size) == GS_OK && *size <= INT64_MAX;
}

static void repr_tuple(struct gs_repr *repr, gs_addr object)
{
    uint64_t size;
    gs_repr_ascii(repr, "(");
    if (enter(repr, object)) {
        if (!read_size(repr, object, &size)) {
            gs_repr_unreadable(repr);
        } else {
            put_array(repr, object + (gs_addr)repr->layout->tuple_items, size);
            if (size == 1)
                gs_repr_ascii(repr, ",");
        }
        leave(repr);
    }
    gs_repr_ascii(repr, ")");
}

static void repr_list(struct gs_repr *repr, gs_addr object)
{
    uint64_t size;
    gs_addr items;
    gs_repr_ascii(repr, "[");
    if (enter(repr, object)) {
        if (!read_size(repr, object, &size) ||
            gs_mem_read_addr(repr->mem, object + (gs_addr)repr->layout->list_items, &items))
            gs_repr_unreadable(repr);
        else
            put_array(repr, items, size);
        leave(repr);
    }
    gs_repr_ascii(repr, "]");
}

static void put_pairs(struct gs_repr *repr, struct gs_dict *dict)
{
    gs_addr key, value;
    for (uint64_t i = 0; !repr->out.full && gs_dict_next(dict, &key, &value); i++) {
        put_separator(repr, i);
        if (i == repr->bounds.items) {
            gs_repr_ascii(repr, "...");
            return;
        }
        repr_object(repr, key);
        gs_repr_ascii(repr, ": ");
        put_value(repr, value, gs_repr_names_secret(repr, key));
    }
}

static void repr_dict(struct gs_repr *repr, gs_addr object)
{
    struct gs_dict dict;
    gs_repr_ascii(repr, "{");
    if (enter(repr, object)) {
        if (gs_dict_open(&dict, repr->layout, repr->mem, object))
            put_pairs(repr, &dict);
        else
            gs_repr_unreadable(repr);
        leave(repr);
    }
    gs_repr_ascii(repr, "}");
}

/* Slots of a set's table: {key, hash}; {hash, key} in the Pythons whose dicts have slots too. */
struct slots {
    gs_addr table;
    uint64_t count, used;
    size_t key_at, hash_at; /* in words */
    gs_addr dummy;          /* what stands for a removed item, once met */
};

static bool open_set(struct gs_repr *repr, gs_addr object, struct slots *slots)
{
    const struct gs_layout *layout = repr->layout;
    uint64_t mask;
    if (gs_mem_read_addr(repr->mem, object + (gs_addr)layout->set_table, &slots->table) ||
        gs_mem_read_addr(repr->mem, object + (gs_addr)layout->set_mask, &mask) ||
        gs_mem_read_addr(repr->mem, object + (gs_addr)layout->set_used, &slots->used))
        return false;
    slots->key_at = layout->dict_table != GS_ABSENT;
    slots->hash_at = 1 - slots->key_at;
    slots->dummy = 0;
    slots->count = mask < GS_DICT_LIMIT ? mask + 1 : GS_DICT_LIMIT;
    return (mask & (mask + 1)) == 0;
}

/* Nothing there, or a removed item: that has hash -1, but in 2.7 the hash it had, and a str of this text as key. */
static bool is_vacant(struct gs_repr *repr, struct slots *slots, const uint64_t words[2])
{
    char text[16];
    gs_addr key = words[slots->key_at];
    if (key == 0 || key == slots->dummy || words[slots->hash_at] == UINT64_MAX)
        return true;
    if (slots->key_at == 0 || gs_str_read(repr->layout, repr->mem, key, text, sizeof text) ||
        strcmp(text, "<dummy key>") != 0)
        return false;
    slots->dummy = key;
    return true;
}

static void put_slots(struct gs_repr *repr, struct slots *slots)
{
    enum { AT_ONCE = 64 };
    uint64_t words[AT_ONCE][2], shown = 0;
    for (uint64_t first = 0; first < slots->count && shown < slots->used && !repr->out.full; first += AT_ONCE) {
        uint64_t left = slots->count - first;
        size_t count = left < AT_ONCE ? (size_t)left : AT_ONCE;
        if (gs_mem_read(repr->mem, slots->table + first * sizeof words[0], words, count * sizeof words[0])) {
            gs_repr_unreadable(repr);
            return;
        }
        for (size_t i = 0; i < count && shown < slots->used; i++) {
            if (is_vacant(repr, slots, words[i]))
                continue;
            put_separator(repr, shown);
            if (shown == repr->bounds.items) {
                gs_repr_ascii(repr, "...");
                return;
            }
            repr_object(repr, words[i][slots->key_at]);
            shown++;
        }
    }
}

static void repr_set(struct gs_repr *repr, gs_addr object)
{
    struct slots slots;
    if (!open_set(repr, object, &slots)) {
        gs_repr_unreadable(repr);
        return;
    }
    if (slots.used == 0) {
        gs_repr_ascii(repr, "set()");
        return;
    }
    gs_repr_ascii(repr, "{");
    if (enter(repr, object)) {
        put_slots(repr, &slots);
        leave(repr);
    }
    gs_repr_ascii(repr, "}");
}

static void repr_frozenset(struct gs_repr *repr, gs_addr object)
{
    struct slots slots;
    if (!open_set(repr, object, &slots)) {
        gs_repr_unreadable(repr);
        return;
    }
    gs_repr_ascii(repr, "frozenset(");
    if (slots.used > 0)
        repr_set(repr, object);
    gs_repr_ascii(repr, ")");
}

/* ---- any object ---- */

/* Types that no flag marks. */
static const struct {
    const char *name;
    void (*repr)(struct gs_repr *repr, gs_addr object);
} named[] = {
    {"NoneType", repr_none},       {"float", gs_repr_float},    {"set", repr_set},           {"module", repr_module},
    {"frozenset", repr_frozenset}, {"ellipsis", repr_ellipsis}, {"function", repr_function},
};

/* "name=value, name=value" */
static void put_attributes(struct gs_repr *repr, struct gs_dict *dict)
{
    char name[GS_REPR_NAME];
    gs_addr key, value;
    bool any = false;
    while (!repr->out.full && gs_dict_next(dict, &key, &value)) {
        if (gs_str_read(repr->layout, repr->mem, key, name, sizeof name))
            continue;
        put_separator(repr, any);
        any = true;
        gs_repr_name(repr, name);
        gs_repr_ascii(repr, "=");
        put_value(repr, value, gs_repr_names_secret(repr, key));
    }
}

/* "Order(id=7, state='new')". False: it has no attributes, or they are not wanted here. */
static bool put_instance(struct gs_repr *repr, const struct gs_type *type, gs_addr object)
{
    struct gs_dict dict;
    if (repr->instances >= repr->bounds.instances || repr->depth == repr->bounds.depth ||
        !gs_type_has(type, GS_TYPE_HEAP) || !gs_attributes_open(&dict, repr->layout, repr->mem, &repr->types, object))
        return false;
    gs_repr_type_name(repr, type->name);
    gs_repr_ascii(repr, "(");
    if (enter(repr, object)) {
        repr->instances++;
        put_attributes(repr, &dict);
        repr->instances--;
        leave(repr);
    }
    gs_repr_ascii(repr, ")");
    return true;
}

/* ", in lines (report.py:12)": where a generator or coroutine that does not run stands. */
static void put_place(struct gs_repr *repr, gs_addr object)
{
    struct gs_python python = {.layout = *repr->layout, .mem = repr->mem};
    struct gs_awaits awaits = {.layout = repr->layout, .mem = repr->mem, .live = repr->mem};
    struct gs_frame frame;
    char line[16];
    if (gs_awaitable_kind(&awaits, object) != GS_AWAITABLE_GENERATOR || !(awaits.codes = gs_codes_new(&python)))
        return;
    const struct gs_code *code =
        gs_coroutine_frame(&awaits, object, &frame) ? gs_codes_find(awaits.codes, frame.code) : NULL;
    if (code) {
        const char *slash = strrchr(code->file, '/');
        snprintf(line, sizeof line, ":%d)", gs_code_line(repr->layout, code, frame.instr));
        gs_repr_ascii(repr, ", in ");
        gs_repr_name(repr, code->function);
        gs_repr_ascii(repr, " (");
        gs_repr_name(repr, slash ? slash + 1 : code->file);
        gs_repr_ascii(repr, line);
    }
    gs_codes_free(awaits.codes);
}

static void repr_named(struct gs_repr *repr, const struct gs_type *type, gs_addr object)
{
    char name[32], address[32];
    /* Classes of the user's own may be named like that too. */
    if (!gs_type_has(type, GS_TYPE_HEAP)) {
        if (gs_mem_read_cstr(repr->mem, type->name, name, sizeof name)) {
            gs_repr_unreadable(repr);
            return;
        }
        for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
            if (strcmp(name, named[i].name) == 0) {
                named[i].repr(repr, object);
                return;
            }
        }
    }
    if (put_instance(repr, type, object))
        return;
    snprintf(address, sizeof address, " object at 0x%" PRIx64, object);
    gs_repr_ascii(repr, "<");
    gs_repr_type_name(repr, type->name);
    gs_repr_ascii(repr, address);
    put_place(repr, object);
    gs_repr_ascii(repr, ">");
}

static void repr_type(struct gs_repr *repr, gs_addr object)
{
    struct gs_type type;
    if (!gs_type_get(&repr->types, repr->layout, repr->mem, object, &type)) {
        gs_repr_unreadable(repr);
        return;
    }
    gs_repr_ascii(repr, "<class '");
    gs_repr_type_name(repr, type.name);
    gs_repr_ascii(repr, "'>");
}

static void repr_object(struct gs_repr *repr, gs_addr object)
{
    struct gs_type type;
    if (repr->out.full)
        return;
    if (!gs_type_of(&repr->types, repr->layout, repr->mem, object, &type))
        gs_repr_unreadable(repr);
    else if (gs_type_has(&type, GS_TYPE_UNICODE))
        gs_repr_text(repr, object);
    else if (gs_type_has(&type, GS_TYPE_BYTES))
        gs_repr_bytes(repr, object);
    else if (gs_int_is(repr->layout, &type))
        gs_repr_int(repr, &type, object);
    else if (gs_type_has(&type, GS_TYPE_TUPLE))
        repr_tuple(repr, object);
    else if (gs_type_has(&type, GS_TYPE_LIST))
        repr_list(repr, object);
    else if (gs_type_has(&type, GS_TYPE_DICT))
        repr_dict(repr, object);
    else if (gs_type_has(&type, GS_TYPE_TYPE))
        repr_type(repr, object);
    else
        repr_named(repr, &type, object);
}

static const char cut[] = "...";

void gs_repr_init(struct gs_repr *repr, const struct gs_layout *layout, struct gs_mem *mem, bool secrets, bool brief,
                  char *dst, size_t size)
{
    enum { READS_OF_BYTE = 4 };
    *repr = (struct gs_repr){.layout = layout, .secrets = secrets};
    if (brief)
        repr->bounds = (struct gs_repr_bounds){.reads = 200, .items = 5, .depth = 3, .alone = 200, .inside = 40};
    else
        repr->bounds = (struct gs_repr_bounds){.reads = 200 + READS_OF_BYTE * (uint64_t)size,
                                               .items = size,
                                               .depth = GS_REPR_DEEPEST,
                                               .instances = 2,
                                               .alone = size,
                                               .inside = size};
    repr->left = repr->bounds.reads;
    gs_metered_init(&repr->metered, mem, &repr->left);
    repr->mem = &repr->metered.mem;
    repr->out = (struct gs_utf8){dst, size - (sizeof cut - 1), 0, false};
    dst[0] = '\0';
}

void gs_repr_value(struct gs_repr *repr, gs_addr object)
{
    repr_object(repr, object);
    if (repr->out.full)
        memcpy(repr->out.dst + repr->out.len, cut, sizeof cut);
}

void gs_value_repr(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, bool secrets,
                   char dst[GS_REPR_MAX])
{
    struct gs_repr repr;
    gs_repr_init(&repr, layout, mem, secrets, true, dst, GS_REPR_MAX);
    gs_repr_value(&repr, object);
}
