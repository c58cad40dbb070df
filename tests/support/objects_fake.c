/* Lays out types, strings, numbers and containers as the layout of a version says. */
#include <string.h>

#include "python/values_type.h"
#include "support/mem_fake.h"
#include "support/objects_fake.h"
#include "support/unit.h"

const uint32_t objects_versions[] = {GS_VERSION(2, 7),  GS_VERSION(3, 6),  GS_VERSION(3, 7),  GS_VERSION(3, 8),
                                     GS_VERSION(3, 9),  GS_VERSION(3, 10), GS_VERSION(3, 11), GS_VERSION(3, 12),
                                     GS_VERSION(3, 13), GS_VERSION(3, 14), GS_VERSION(3, 15)};
const size_t objects_version_count = sizeof objects_versions / sizeof objects_versions[0];

void objects_init(struct objects *o, uint32_t version)
{
    struct gs_err err;
    memset(o, 0, sizeof *o);
    assert_int_equal(gs_layout_from_table(&o->layout, version | 0xfff0, 0, &err), GS_OK);
    o->mem = mem_fake_new();
    mem_fake_map(o->mem, OBJECTS_ARENA, OBJECTS_ARENA_BYTES);
    o->next = OBJECTS_ARENA + 64;
}

void objects_fini(struct objects *o)
{
    gs_mem_free(o->mem);
}

gs_addr objects_alloc(struct objects *o, size_t bytes)
{
    gs_addr addr = o->next;
    o->next += (bytes + 31) / 16 * 16;
    assert_true(o->next < OBJECTS_ARENA + OBJECTS_ARENA_BYTES);
    return addr;
}

void objects_put8(struct objects *o, gs_addr addr, uint8_t value)
{
    *(uint8_t *)mem_fake_at(o->mem, addr, 1) = value;
}

void objects_put64(struct objects *o, gs_addr addr, uint64_t value)
{
    mem_fake_put64(o->mem, addr, value);
}

void objects_put32(struct objects *o, gs_addr addr, uint32_t value)
{
    mem_fake_put32(o->mem, addr, value);
}

static void put_bytes(struct objects *o, gs_addr addr, const void *bytes, size_t len)
{
    memcpy(mem_fake_at(o->mem, addr, len), bytes, len);
}

static gs_addr field(gs_addr object, int32_t offset)
{
    assert_true(offset >= 0);
    return object + (gs_addr)offset;
}

gs_addr objects_class(struct objects *o, const char *name, uint64_t flags)
{
    gs_addr type = objects_alloc(o, 1000), text = objects_alloc(o, strlen(name) + 64);
    put_bytes(o, text, name, strlen(name));
    objects_put64(o, field(type, o->layout.tp_name), text);
    objects_put64(o, field(type, o->layout.tp_flags), flags);
    return type;
}

gs_addr objects_type(struct objects *o, const char *name)
{
    static const struct {
        const char *name;
        uint64_t flags;
    } known[] = {{"str", GS_TYPE_UNICODE}, {"unicode", GS_TYPE_UNICODE}, {"bytes", GS_TYPE_BYTES},
                 {"int", GS_TYPE_LONG},    {"long", GS_TYPE_LONG},       {"bool", GS_TYPE_LONG},
                 {"tuple", GS_TYPE_TUPLE}, {"list", GS_TYPE_LIST},       {"dict", GS_TYPE_DICT},
                 {"type", GS_TYPE_TYPE}};
    size_t i = 0;
    for (; i < OBJECTS_TYPES && o->types[i].name; i++) {
        if (strcmp(o->types[i].name, name) == 0)
            return o->types[i].addr;
    }
    assert_true(i < OBJECTS_TYPES);
    bool two = o->layout.str_length == GS_ABSENT;
    uint64_t flags = 0;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (strcmp(known[k].name, name) == 0)
            flags = known[k].flags;
    }
    if (two && strcmp(name, "str") == 0)
        flags = GS_TYPE_BYTES;
    if (two && (strcmp(name, "int") == 0 || strcmp(name, "bool") == 0))
        flags = GS_TYPE_INT;
    o->types[i].name = name;
    o->types[i].addr = objects_class(o, name, flags);
    return o->types[i].addr;
}

gs_addr objects_new(struct objects *o, gs_addr type, size_t bytes)
{
    gs_addr object = objects_alloc(o, (size_t)o->layout.head_bytes + bytes);
    objects_put64(o, field(object, o->layout.ob_type), type);
    return object;
}

static void put_unit(struct objects *o, gs_addr addr, unsigned unit_bytes, uint32_t unit)
{
    put_bytes(o, addr, &unit, unit_bytes);
}

gs_addr objects_wide(struct objects *o, unsigned unit_bytes, const uint32_t *points, size_t count)
{
    gs_addr object = objects_new(o, objects_type(o, "str"), 96 + count * unit_bytes);
    objects_put64(o, field(object, o->layout.str_length), count);
    objects_put32(o, field(object, o->layout.str_state), (unit_bytes | 8u) << o->layout.str_kind_shift);
    for (size_t i = 0; i < count; i++)
        put_unit(o, field(object, o->layout.str_compact_data) + i * unit_bytes, unit_bytes, points[i]);
    return object;
}

gs_addr objects_bytes(struct objects *o, const void *bytes, size_t len)
{
    bool two = o->layout.str_length == GS_ABSENT;
    gs_addr object = objects_new(o, objects_type(o, two ? "str" : "bytes"), 32 + len);
    objects_put64(o, field(object, o->layout.ob_size), len);
    put_bytes(o, field(object, o->layout.bytes_data), bytes, len);
    return object;
}

gs_addr objects_str(struct objects *o, const char *ascii)
{
    size_t len = strlen(ascii);
    if (o->layout.str_length == GS_ABSENT)
        return objects_bytes(o, ascii, len);
    gs_addr object = objects_new(o, objects_type(o, "str"), 64 + len);
    objects_put64(o, field(object, o->layout.str_length), len);
    /* kind 1, compact, ascii */
    objects_put32(o, field(object, o->layout.str_state), (1u | 8u | 16u) << o->layout.str_kind_shift);
    put_bytes(o, field(object, o->layout.str_ascii_data), ascii, len);
    return object;
}

gs_addr objects_long(struct objects *o, bool negative, const uint32_t *digits, size_t count)
{
    bool two = o->layout.int_value != GS_ABSENT;
    gs_addr object = objects_new(o, objects_type(o, two ? "long" : "int"), 32 + 4 * count);
    if (o->layout.long_tag != GS_ABSENT)
        objects_put64(o, field(object, o->layout.long_tag), count << 3 | (count == 0 ? 1 : negative ? 2 : 0));
    else
        objects_put64(o, field(object, o->layout.ob_size), negative ? 0 - (uint64_t)count : count);
    for (size_t i = 0; i < count; i++)
        objects_put32(o, field(object, o->layout.long_digits) + 4 * i, digits[i]);
    return object;
}

gs_addr objects_int(struct objects *o, int64_t value)
{
    if (o->layout.int_value != GS_ABSENT) {
        gs_addr object = objects_new(o, objects_type(o, "int"), 8);
        objects_put64(o, field(object, o->layout.int_value), (uint64_t)value);
        return object;
    }
    uint32_t digits[3];
    size_t count = 0;
    for (uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value; rest; rest >>= 30)
        digits[count++] = rest & 0x3fffffff;
    return objects_long(o, value < 0, digits, count);
}

gs_addr objects_tuple(struct objects *o, const gs_addr *items, size_t count)
{
    gs_addr object = objects_new(o, objects_type(o, "tuple"), 32 + 8 * count);
    objects_put64(o, field(object, o->layout.ob_size), count);
    for (size_t i = 0; i < count; i++)
        objects_put64(o, field(object, o->layout.tuple_items) + 8 * i, items[i]);
    return object;
}

gs_addr objects_list(struct objects *o, const gs_addr *items, size_t count)
{
    gs_addr object = objects_new(o, objects_type(o, "list"), 32), array = objects_alloc(o, 8 * count);
    objects_put64(o, field(object, o->layout.ob_size), count);
    objects_put64(o, field(object, o->layout.list_items), array);
    for (size_t i = 0; i < count; i++)
        objects_put64(o, array + 8 * i, items[i]);
    return object;
}

gs_addr objects_keys(struct objects *o, const gs_addr *pairs, size_t count, bool string_keys)
{
    /* 64 slots, indices of one byte: enough for every test. */
    enum { SLOTS = 64 };
    assert_true(count <= SLOTS);
    gs_addr keys = objects_alloc(o, 64 + SLOTS + count * 24);
    bool hashes = o->layout.dk_kind == GS_ABSENT || !string_keys;
    if (o->layout.dk_size != GS_ABSENT) {
        objects_put64(o, field(keys, o->layout.dk_size), SLOTS);
    } else {
        objects_put8(o, field(keys, o->layout.dk_log2_size), 6);
        objects_put8(o, field(keys, o->layout.dk_log2_index_bytes), 6);
        objects_put8(o, field(keys, o->layout.dk_kind), string_keys);
    }
    objects_put64(o, field(keys, o->layout.dk_nentries), count);
    gs_addr entry = field(keys, o->layout.dk_indices) + SLOTS;
    for (size_t i = 0; i < count; i++, entry += hashes ? 24 : 16) {
        objects_put64(o, entry + (hashes ? 8 : 0), pairs[2 * i]);
        objects_put64(o, entry + (hashes ? 16 : 8), pairs[2 * i + 1]);
    }
    return keys;
}

gs_addr objects_dict(struct objects *o, const gs_addr *pairs, size_t count)
{
    gs_addr object = objects_new(o, objects_type(o, "dict"), 64);
    objects_put64(o, field(object, o->layout.dict_used), count);
    if (o->layout.dict_table == GS_ABSENT) {
        objects_put64(o, field(object, o->layout.dict_keys), objects_keys(o, pairs, count, false));
        return object;
    }
    /* Every other slot of 2.7's table stays empty, and one holds a removed key. */
    size_t slots = 8;
    while (slots < 2 * count + 2)
        slots *= 2;
    gs_addr table = objects_alloc(o, slots * 24);
    objects_put64(o, field(object, o->layout.dict_mask), slots - 1);
    objects_put64(o, field(object, o->layout.dict_table), table);
    for (size_t i = 0; i < count; i++) {
        objects_put64(o, table + (2 * i + 1) * 24 + 8, pairs[2 * i]);
        objects_put64(o, table + (2 * i + 1) * 24 + 16, pairs[2 * i + 1]);
    }
    objects_put64(o, table + 2 * count * 24 + 8, objects_str(o, "removed"));
    return object;
}
