/* The pairs of a dict of any Python, found by walking its table: no key is ever hashed. */
#ifndef GILSPY_PYTHON_DICT_H
#define GILSPY_PYTHON_DICT_H

#include "python/values_type.h"

enum { GS_DICT_LIMIT = 1 << 20 /* slots of one dict that are looked at */ };

/* A walk through one dict. Entries are read some at a time; what a resize meanwhile garbles ends the walk early or
 * yields pairs that are none, so users check what they follow. */
struct gs_dict {
    const struct gs_layout *layout;
    struct gs_mem *mem;
    gs_addr entries;
    gs_addr values; /* the array that holds the values of a dict with shared keys, or 0 */
    uint64_t count; /* slots */
    uint64_t next;  /* slot */
    uint64_t first; /* slot of the first entry in `bytes` */
    uint32_t have;  /* entries there */
    int32_t stride, key_at, value_at;
    uint8_t bytes[64 * 24];
    gs_addr split[64]; /* the values that belong to them */
};

/* object: a dict. */
bool gs_dict_open(struct gs_dict *dict, const struct gs_layout *layout, struct gs_mem *mem,
                  gs_addr object) GS_MUST_CHECK;
/* A table of shared keys (3.6 on) with the values of one instance. */
bool gs_dict_open_shared(struct gs_dict *dict, const struct gs_layout *layout, struct gs_mem *mem, gs_addr keys,
                         gs_addr values) GS_MUST_CHECK;
/* The next pair, neither being 0; false at the end. */
bool gs_dict_next(struct gs_dict *dict, gs_addr *key, gs_addr *value);
/* The value of the ASCII key `name` (at most 32 characters) among the pairs that are left, or 0. */
gs_addr gs_dict_find(struct gs_dict *dict, struct gs_types *types, const char *name);
/* The key, a str, of the value among the pairs that are left; false: there is none. */
bool gs_dict_name_of(struct gs_dict *dict, gs_addr value, char *name, size_t size);

#endif
