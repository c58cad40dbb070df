/* The tables of dicts: 2.7's slots, 3.6's indices with entries behind them, 3.11's with entries of two sizes. */
#include <string.h>

#include "gilspy/python.h"
#include "python/dict.h"

enum { WORD = 8, MAX_NAME = 32 };

/* 2.7: {hash, key, value} slots, some empty. */
static bool open_slots(struct gs_dict *dict, gs_addr object)
{
    uint64_t mask;
    if (gs_mem_read_addr(dict->mem, object + (gs_addr)dict->layout->dict_mask, &mask) ||
        gs_mem_read_addr(dict->mem, object + (gs_addr)dict->layout->dict_table, &dict->entries))
        return false;
    if ((mask & (mask + 1)) != 0)
        return false;
    dict->count = mask < GS_DICT_LIMIT ? mask + 1 : GS_DICT_LIMIT;
    return true;
}

/* What a keys object says of itself. */
struct keys_head {
    uint64_t entry_count, size; /* size: 3.6-3.10 */
    uint8_t log2_size, log2_index_bytes, kind;
};

static bool read_keys_head(const struct gs_dict *dict, gs_addr keys, struct keys_head *head)
{
    const struct gs_layout *layout = dict->layout;
    const struct {
        int32_t field;
        void *dst;
        uint32_t len;
    } wanted[] = {{layout->dk_nentries, &head->entry_count, 8},
                  {layout->dk_size, &head->size, 8},
                  {layout->dk_log2_size, &head->log2_size, 1},
                  {layout->dk_log2_index_bytes, &head->log2_index_bytes, 1},
                  {layout->dk_kind, &head->kind, 1}};
    struct gs_piece pieces[sizeof wanted / sizeof wanted[0]];
    size_t count = 0;
    *head = (struct keys_head){0};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (wanted[i].field != GS_ABSENT)
            pieces[count++] = (struct gs_piece){keys + (gs_addr)wanted[i].field, wanted[i].dst, wanted[i].len, false};
    }
    if (gs_mem_read_many(dict->mem, pieces, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!pieces[i].ok)
            return false;
    }
    return true;
}

/* 3.6 on: a table of indices, then the entries in order of insertion. */
static bool open_keys(struct gs_dict *dict, gs_addr keys)
{
    struct keys_head head;
    uint64_t index_bytes;
    if (keys == 0 || !read_keys_head(dict, keys, &head))
        return false;
    if (dict->layout->dk_size != GS_ABSENT) {
        if (head.size == 0 || (head.size & (head.size - 1)) != 0 || head.size > UINT64_C(1) << 40)
            return false;
        index_bytes = head.size * (head.size <= 0xff ? 1 : head.size <= 0xffff ? 2 : head.size <= 0xffffffff ? 4 : 8);
    } else {
        if (head.log2_size > 40 || head.log2_index_bytes > 43 || head.kind > 2)
            return false;
        head.size = UINT64_C(1) << head.log2_size;
        index_bytes = UINT64_C(1) << head.log2_index_bytes;
        /* DICT_KEYS_GENERAL keeps the hash with each entry; the two kinds of string keys do not. */
        if (head.kind != 0) {
            dict->stride = 2 * WORD;
            dict->key_at = 0;
            dict->value_at = WORD;
        }
    }
    if (head.entry_count > head.size)
        return false;
    dict->entries = keys + (gs_addr)dict->layout->dk_indices + index_bytes;
    dict->count = head.entry_count < GS_DICT_LIMIT ? head.entry_count : GS_DICT_LIMIT;
    return true;
}

static void start(struct gs_dict *dict, const struct gs_layout *layout, struct gs_mem *mem)
{
    dict->layout = layout;
    dict->mem = mem;
    dict->values = 0;
    dict->count = dict->next = dict->first = 0;
    dict->have = 0;
    dict->stride = 3 * WORD;
    dict->key_at = WORD;
    dict->value_at = 2 * WORD;
}

bool gs_dict_open_shared(struct gs_dict *dict, const struct gs_layout *layout, struct gs_mem *mem, gs_addr keys,
                         gs_addr values)
{
    start(dict, layout, mem);
    dict->values = values + (gs_addr)(layout->dv_values == GS_ABSENT ? 0 : layout->dv_values);
    return values != 0 && open_keys(dict, keys);
}

bool gs_dict_open(struct gs_dict *dict, const struct gs_layout *layout, struct gs_mem *mem, gs_addr object)
{
    gs_addr keys, values;
    start(dict, layout, mem);
    if (layout->dict_table != GS_ABSENT)
        return open_slots(dict, object);
    if (gs_mem_read_addr(mem, object + (gs_addr)layout->dict_keys, &keys) ||
        gs_mem_read_addr(mem, object + (gs_addr)layout->dict_values, &values))
        return false;
    return values ? gs_dict_open_shared(dict, layout, mem, keys, values) : open_keys(dict, keys);
}

/* Reads the entries from dict->next on. */
static bool refill(struct gs_dict *dict)
{
    enum { AT_ONCE = sizeof dict->split / sizeof dict->split[0] };
    uint64_t left = dict->count - dict->next;
    uint32_t count = left < AT_ONCE ? (uint32_t)left : AT_ONCE;
    dict->first = dict->next;
    dict->have = 0;
    if (count == 0 || gs_mem_read(dict->mem, dict->entries + dict->next * (uint64_t)dict->stride, dict->bytes,
                                  count * (size_t)dict->stride))
        return false;
    if (dict->values &&
        gs_mem_read(dict->mem, dict->values + dict->next * WORD, dict->split, count * sizeof dict->split[0]))
        return false;
    dict->have = count;
    return true;
}

bool gs_dict_next(struct gs_dict *dict, gs_addr *key, gs_addr *value)
{
    while (dict->next < dict->count) {
        if (dict->next - dict->first >= dict->have && !refill(dict))
            break;
        size_t i = (size_t)(dict->next++ - dict->first);
        const uint8_t *entry = dict->bytes + i * (size_t)dict->stride;
        memcpy(key, entry + dict->key_at, sizeof *key);
        memcpy(value, entry + dict->value_at, sizeof *value);
        if (dict->values)
            *value = dict->split[i];
        if (*key != 0 && *value != 0)
            return true;
    }
    dict->next = dict->count;
    return false;
}

/* How an ASCII string of a known length is stored. */
struct wanted {
    const char *name;
    size_t len;
    int32_t length_at, data_at;
    size_t bytes; /* of the whole object */
    uint64_t flag;
};

static struct wanted want(const struct gs_layout *layout, const char *name)
{
    bool two = layout->str_length == GS_ABSENT;
    struct wanted w = {.name = name, .len = strlen(name)};
    w.length_at = two ? layout->ob_size : layout->str_length;
    w.data_at = two ? layout->bytes_data : layout->str_ascii_data;
    w.bytes = (size_t)w.data_at + w.len;
    w.flag = two ? GS_TYPE_BYTES : GS_TYPE_UNICODE;
    return w;
}

static bool matches(const struct gs_dict *dict, struct gs_types *types, const struct wanted *w, const uint8_t *object)
{
    uint64_t length;
    gs_addr addr;
    struct gs_type type;
    memcpy(&length, object + w->length_at, sizeof length);
    memcpy(&addr, object + dict->layout->ob_type, sizeof addr);
    return length == w->len && memcmp(object + w->data_at, w->name, w->len) == 0 &&
           gs_type_get(types, dict->layout, dict->mem, addr, &type) && gs_type_has(&type, w->flag);
}

gs_addr gs_dict_find(struct gs_dict *dict, struct gs_types *types, const char *name)
{
    enum { BATCH = 64, OBJECT = 128 };
    uint8_t objects[BATCH][OBJECT];
    gs_addr values[BATCH], key;
    struct gs_piece pieces[BATCH];
    const struct wanted w = want(dict->layout, name);
    if (w.len > MAX_NAME || w.bytes > OBJECT)
        return 0;
    for (;;) {
        size_t count = 0;
        while (count < BATCH && gs_dict_next(dict, &key, &values[count])) {
            pieces[count] = (struct gs_piece){key, objects[count], (uint32_t)w.bytes, false};
            count++;
        }
        if (count == 0 || gs_mem_read_many(dict->mem, pieces, count))
            return 0;
        for (size_t i = 0; i < count; i++) {
            if (pieces[i].ok && matches(dict, types, &w, objects[i]))
                return values[i];
        }
    }
}

bool gs_dict_name_of(struct gs_dict *dict, gs_addr value, char *name, size_t size)
{
    gs_addr key, other;
    while (gs_dict_next(dict, &key, &other)) {
        if (other == value && gs_str_read(dict->layout, dict->mem, key, name, size) == GS_OK)
            return true;
    }
    return false;
}
