/* The parts of a repr in the making. */
#ifndef GILSPY_PYTHON_VALUES_H
#define GILSPY_PYTHON_VALUES_H

#include "gilspy/python.h"
#include "mem/metered.h"
#include "python/pystr.h"

enum {
    GS_REPR_READS = 200, /* of the target's memory for one value */
    GS_REPR_ITEMS = 5,   /* of one container */
    GS_REPR_DEPTH = 3    /* containers in one another that are opened */
};

struct gs_repr {
    const struct gs_layout *layout;
    struct gs_mem *mem;
    bool secrets;              /* are shown */
    struct gs_metered metered; /* bounds the work whatever the value looks like */
    uint64_t left;
    struct gs_types types;
    struct gs_utf8 out;
    gs_addr open[GS_REPR_DEPTH]; /* the containers around the value */
    unsigned depth;
};

/* values_text.c: str, bytes, and names. */
/* Adds text, or nothing when it does not fit. */
void gs_repr_ascii(struct gs_repr *repr, const char *text);
void gs_repr_unreadable(struct gs_repr *repr);
void gs_repr_text(struct gs_repr *repr, gs_addr object);
void gs_repr_bytes(struct gs_repr *repr, gs_addr object);
/* The object is text (str, bytes) that names a secret, or whose characters cannot be read. False when secrets are
 * shown. */
bool gs_repr_names_secret(struct gs_repr *repr, gs_addr object);
/* The last component of a dotted C string of the target. */
void gs_repr_type_name(struct gs_repr *repr, gs_addr name);

/* values_number.c */
void gs_repr_int(struct gs_repr *repr, const struct gs_type *type, gs_addr object);
void gs_repr_float(struct gs_repr *repr, gs_addr object);

#endif
