/* Python's integers of any size, as a number where 64 bits suffice. */
#ifndef GILSPY_PYTHON_VALUES_INT_H
#define GILSPY_PYTHON_VALUES_INT_H

#include "python/values_type.h"

struct gs_int {
    bool negative;
    uint64_t magnitude; /* meaningless when bits > 64 */
    uint64_t bits;      /* length of the magnitude */
};

/* A type of integers, bool among them. */
bool gs_int_is(const struct gs_layout *layout, const struct gs_type *type);
/* object: an instance of type. GS_LOST when it is no integer. */
enum gs_status gs_int_read(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_type *type,
                           gs_addr object, struct gs_int *value) GS_MUST_CHECK;

#endif
