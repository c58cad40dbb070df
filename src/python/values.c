/* A bounded repr of any object: which kind it is, and those kinds that need no more than a name. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "python/dict.h"
#include "python/values.h"
#include "python/values_int.h"

void gs_repr_ascii(struct gs_repr *repr, const char *text)
{
    /* All of it or nothing: a cut must not fall into an escape. */
    if (repr->out.size - repr->out.len <= strlen(text))
        repr->out.full = true;
    for (; *text; text++)
        gs_utf8_put(&repr->out, (uint8_t)*text);
}

void gs_repr_unreadable(struct gs_repr *repr)
{
    gs_repr_ascii(repr, repr->left > 0 ? "<unreadable>" : "...");
}

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

/* Types that no flag marks. */
static const struct {
    const char *name;
    void (*repr)(struct gs_repr *repr, gs_addr object);
} named[] = {
    {"NoneType", repr_none},          {"float", gs_repr_float},    {"set", gs_repr_set},        {"module", repr_module},
    {"frozenset", gs_repr_frozenset}, {"ellipsis", repr_ellipsis}, {"function", repr_function},
};

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
    snprintf(address, sizeof address, " object at 0x%" PRIx64 ">", object);
    gs_repr_ascii(repr, "<");
    gs_repr_type_name(repr, type->name);
    gs_repr_ascii(repr, address);
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

void gs_repr_object(struct gs_repr *repr, gs_addr object)
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
        gs_repr_tuple(repr, object);
    else if (gs_type_has(&type, GS_TYPE_LIST))
        gs_repr_list(repr, object);
    else if (gs_type_has(&type, GS_TYPE_DICT))
        gs_repr_dict(repr, object);
    else if (gs_type_has(&type, GS_TYPE_TYPE))
        repr_type(repr, object);
    else
        repr_named(repr, &type, object);
}

void gs_value_repr(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, bool secrets,
                   char dst[GS_REPR_MAX])
{
    static const char cut[] = "...";
    struct gs_repr repr = {.layout = layout, .secrets = secrets, .left = GS_REPR_READS};
    gs_metered_init(&repr.metered, mem, &repr.left);
    repr.mem = &repr.metered.mem;
    repr.out = (struct gs_utf8){dst, GS_REPR_MAX - (sizeof cut - 1), 0, false};
    dst[0] = '\0';
    gs_repr_object(&repr, object);
    if (repr.out.full)
        memcpy(dst + repr.out.len, cut, sizeof cut);
}
