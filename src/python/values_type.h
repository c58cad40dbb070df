/* What the type of an object says: read once, then known by its address. */
#ifndef GILSPY_PYTHON_VALUES_TYPE_H
#define GILSPY_PYTHON_VALUES_TYPE_H

#include "gilspy/layout.h"

/* tp_flags bits: Include/object.h (Py_TPFLAGS_...). */
#define GS_TYPE_INLINE_VALUES (UINT64_C(1) << 2)
#define GS_TYPE_MANAGED_DICT  (UINT64_C(1) << 4)
#define GS_TYPE_HEAP          (UINT64_C(1) << 9)
#define GS_TYPE_INT           (UINT64_C(1) << 23) /* 2.7 only: another meaning from 3.12 on */
#define GS_TYPE_LONG          (UINT64_C(1) << 24)
#define GS_TYPE_LIST          (UINT64_C(1) << 25)
#define GS_TYPE_TUPLE         (UINT64_C(1) << 26)
#define GS_TYPE_BYTES         (UINT64_C(1) << 27) /* 2.7: str */
#define GS_TYPE_UNICODE       (UINT64_C(1) << 28)
#define GS_TYPE_DICT          (UINT64_C(1) << 29)
#define GS_TYPE_TYPE          (UINT64_C(1) << 31)

struct gs_type {
    gs_addr addr;
    gs_addr name; /* of its tp_name, a C string */
    uint64_t flags;
    int64_t basic_size, dict_offset;
};

/* The types met lately. Zeroed memory is an empty set; types that may die must not outlive one reading in it. */
struct gs_types {
    struct gs_type known[8];
    unsigned next;
};

/* False when there is no readable type at addr. */
bool gs_type_get(struct gs_types *types, const struct gs_layout *layout, struct gs_mem *mem, gs_addr addr,
                 struct gs_type *type) GS_MUST_CHECK;
/* The type of the object at addr. */
bool gs_type_of(struct gs_types *types, const struct gs_layout *layout, struct gs_mem *mem, gs_addr object,
                struct gs_type *type) GS_MUST_CHECK;
bool gs_type_named(const struct gs_type *type, struct gs_mem *mem, const char *name);
/* The same; `unreadable` where its name cannot be read. */
bool gs_type_named_or(const struct gs_type *type, struct gs_mem *mem, const char *name, bool unreadable);
/* The type has at least one of the flags. */
static inline bool gs_type_has(const struct gs_type *type, uint64_t flags)
{
    return (type->flags & flags) != 0;
}

#endif
