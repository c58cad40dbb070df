/* The parts of a repr in the making. */
#ifndef GILSPY_PYTHON_VALUES_H
#define GILSPY_PYTHON_VALUES_H

#include "gilspy/python.h"
#include "mem/metered.h"
#include "python/pystr.h"

enum { GS_REPR_DEEPEST = 8 /* containers in one another that are ever opened */, GS_REPR_NAME = 128 /* bytes */ };

/* How much of one value is shown. */
struct gs_repr_bounds {
    uint64_t reads;       /* of the target's memory */
    uint64_t items;       /* of one container */
    unsigned depth;       /* containers in one another that are opened, GS_REPR_DEEPEST at most */
    unsigned instances;   /* and so many instances, with their attributes */
    size_t alone, inside; /* characters of a string that is the value, or is in one */
};

struct gs_repr {
    const struct gs_layout *layout;
    struct gs_mem *mem;
    bool secrets; /* are shown */
    struct gs_repr_bounds bounds;
    struct gs_metered metered; /* bounds the work whatever the value looks like */
    uint64_t left;
    struct gs_types types;
    struct gs_utf8 out;
    gs_addr open[GS_REPR_DEEPEST]; /* the containers around the value */
    unsigned depth, instances;
};

/* Writes into dst, cut to `size` bytes; brief: as gs_value_repr does, else all that `size` has room for. */
void gs_repr_init(struct gs_repr *repr, const struct gs_layout *layout, struct gs_mem *mem, bool secrets, bool brief,
                  char *dst, size_t size);
void gs_repr_value(struct gs_repr *repr, gs_addr object);

/* values_text.c: str, bytes, and names. */
/* Adds text, or nothing when it does not fit. */
void gs_repr_ascii(struct gs_repr *repr, const char *text);
void gs_repr_unreadable(struct gs_repr *repr);
void gs_repr_text(struct gs_repr *repr, gs_addr object);
void gs_repr_bytes(struct gs_repr *repr, gs_addr object);
/* The object is text (str, bytes) that names a secret, or whose characters cannot be read. False when secrets are
 * shown. */
bool gs_repr_names_secret(struct gs_repr *repr, gs_addr object);
/* A name of the target, escaped. */
void gs_repr_name(struct gs_repr *repr, const char *name);
/* The last component of a dotted C string of the target. */
void gs_repr_type_name(struct gs_repr *repr, gs_addr name);

/* values_number.c */
void gs_repr_int(struct gs_repr *repr, const struct gs_type *type, gs_addr object);
void gs_repr_float(struct gs_repr *repr, gs_addr object);

#endif
