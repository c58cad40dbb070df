/* An instance keeps its attributes in a dict, or in an array of values whose keys its type knows: which of them, and
 * where, is the fact `attributes` of its Python and the flags of its type. */
#include "python/dict.h"
#include "python/names_attribute.h"

/* What was found: an array of values, or else a dict. */
struct storage {
    gs_addr values, dict;
};

/* A dict pointer in the object itself; that of a variable-sized object, counted from its end, is not looked for. */
static void in_object(struct gs_mem *mem, const struct gs_type *type, gs_addr object, struct storage *at)
{
    if (type->dict_offset <= 0 || gs_mem_read_addr(mem, object + (gs_addr)type->dict_offset, &at->dict))
        at->dict = 0;
}

static gs_addr before(const struct gs_layout *layout, gs_addr object)
{
    return object + (gs_addr)(int64_t)layout->managed_dict;
}

/* 3.11: the word before that of the dict points to the values. */
static void values_before(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, struct storage *at)
{
    gs_addr words[2];
    if (gs_mem_read(mem, before(layout, object) - sizeof words[0], words, sizeof words))
        return;
    at->values = words[0];
    at->dict = words[1];
}

/* 3.12: one word for both; that of values is odd, one below their address. */
static void tagged_before(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, struct storage *at)
{
    gs_addr word;
    if (gs_mem_read_addr(mem, before(layout, object), &word))
        return;
    if (word & 1)
        at->values = word + 1;
    else
        at->dict = word;
}

/* 3.13 on: the values lie behind the object while their `valid` byte is 1. */
static void inline_values(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_type *type,
                          gs_addr object, struct storage *at)
{
    uint8_t valid = 0;
    gs_addr values = object + (gs_addr)type->basic_size;
    if (gs_type_has(type, GS_TYPE_INLINE_VALUES) &&
        gs_mem_read(mem, values + (gs_addr)layout->dv_valid, &valid, sizeof valid) == GS_OK && valid == 1)
        at->values = values;
    else if (gs_mem_read_addr(mem, before(layout, object), &at->dict))
        at->dict = 0;
}

static struct storage find_storage(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_type *type,
                                   gs_addr object)
{
    struct storage at = {0};
    if (layout->attributes == GS_ATTR_DICTOFFSET || !gs_type_has(type, GS_TYPE_MANAGED_DICT))
        in_object(mem, type, object, &at);
    else if (layout->attributes == GS_ATTR_VALUES_BEFORE)
        values_before(layout, mem, object, &at);
    else if (layout->attributes == GS_ATTR_TAGGED_BEFORE)
        tagged_before(layout, mem, object, &at);
    else
        inline_values(layout, mem, type, object, &at);
    return at;
}

bool gs_attributes_open(struct gs_dict *dict, const struct gs_layout *layout, struct gs_mem *mem,
                        struct gs_types *types, gs_addr object)
{
    struct gs_type type;
    gs_addr keys;
    if (!gs_type_of(types, layout, mem, object, &type))
        return false;
    const struct storage at = find_storage(layout, mem, &type, object);
    if (at.values)
        return gs_mem_read_addr(mem, type.addr + (gs_addr)layout->ht_cached_keys, &keys) == GS_OK &&
               gs_dict_open_shared(dict, layout, mem, keys, at.values);
    return at.dict != 0 && gs_dict_open(dict, layout, mem, at.dict);
}

gs_addr gs_attribute_find(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                          const char *name)
{
    struct gs_dict dict;
    return gs_attributes_open(&dict, layout, mem, types, object) ? gs_dict_find(&dict, types, name) : 0;
}

bool gs_attribute_name_of(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                          gs_addr value, char *name, size_t size)
{
    struct gs_dict dict;
    return gs_attributes_open(&dict, layout, mem, types, object) && gs_dict_name_of(&dict, value, name, size);
}
