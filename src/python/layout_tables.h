/* The tables of python-offsets/ as constant data, for layout.c and layout_self.c only. */
#ifndef PYTHON_LAYOUT_TABLES_H
#define PYTHON_LAYOUT_TABLES_H

#include <stddef.h>

#include "gilspy/layout.h"

/* The first 8 bytes of _Py_DebugOffsets. */
#define GS_COOKIE "xdebugpy"

/* A member of struct gs_layout is named by its offset there. */
struct gs_layout_value {
    uint16_t member;
    int16_t first_micro, last_micro; /* the micro versions that it applies to */
    uint32_t version;                /* GS_VERSION(x, y) of the rows that carry one */
    int32_t value;
};

struct gs_layout_field {
    uint16_t member;
    uint16_t width; /* bytes read there */
    bool in_object; /* moves with the object head */
};

/* How an entry of _Py_DebugOffsets becomes an offset. */
enum gs_self_kind {
    GS_SELF,          /* as it is */
    GS_SELF_THREADED, /* as it is, in free-threaded builds only */
    GS_SELF_SUM,      /* two entries add up */
    GS_SELF_DIFF      /* the first minus the second */
};

struct gs_self_row {
    const char *name;
    uint16_t member;
    uint16_t width;              /* bytes read at the offset; 0 when it is a size */
    uint8_t kind;                /* enum gs_self_kind */
    uint16_t at, other, size_at; /* bytes from the start of _Py_DebugOffsets */
};

struct gs_neighbours {
    uint16_t member, neighbour;
};

struct gs_layout_version {
    uint32_t version; /* GS_VERSION(x, y) */
    const struct gs_layout_value *offsets;
    size_t offset_count;
    const struct gs_self_row *self; /* NULL before 3.13 */
    size_t self_count;
    size_t self_bytes; /* size of _Py_DebugOffsets */
};

enum { GS_LAYOUT_VERSIONS = 11, GS_SELF_BYTES_MAX = 4096 };

extern const struct gs_layout_version gs_layout_versions[GS_LAYOUT_VERSIONS];
extern const struct gs_layout_field gs_layout_fields[];
extern const size_t gs_layout_field_count;
/* One row per fact, one column per version. */
struct gs_layout_fact {
    uint16_t member;
    int16_t values[GS_LAYOUT_VERSIONS];
};
extern const struct gs_layout_fact gs_layout_facts[];
extern const size_t gs_layout_fact_count;
extern const struct gs_layout_value gs_layout_micros[];
extern const size_t gs_layout_micro_count;
extern const struct gs_layout_value gs_layout_free_threaded[];
extern const size_t gs_layout_free_threaded_count;
extern const struct gs_neighbours gs_layout_neighbours[];
extern const size_t gs_layout_neighbour_count;

/* The row of a version, or of the assumed one; NULL when neither has one. */
const struct gs_layout_version *gs_layout_version_find(uint32_t version, uint32_t assume);

static inline int32_t *gs_layout_member(struct gs_layout *layout, uint16_t member)
{
    return (int32_t *)(void *)((char *)layout + member);
}

#endif
