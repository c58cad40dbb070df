/* What must hold of a layout that was accepted. */
#ifndef TESTS_OFFSETS_H
#define TESTS_OFFSETS_H

#include <stdlib.h>

#include "python/layout_tables.h"

#define OFFSETS_AT UINT64_C(0x560000001000)

/* Aborts unless each offset is one that nobody can get lost with. */
static inline void offsets_check(const struct gs_layout *layout)
{
    enum { STRUCT_BYTES_MAX = 4 << 20 };
    struct gs_layout copy = *layout;
    for (size_t i = 0; i < gs_layout_field_count; i++) {
        int32_t offset = *gs_layout_member(&copy, gs_layout_fields[i].member);
        if (offset != GS_ABSENT && (offset < 0 || offset > STRUCT_BYTES_MAX))
            abort();
    }
    if (layout->head_bytes != 16 && layout->head_bytes != 32)
        abort();
}

#endif
