/* The tables of python-offsets/, made constant data: a new Python is a few lines more here. */
#include "python/layout_tables.h"

#define MEMBER(id)   offsetof(struct gs_layout, id)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Width and kind of each field by name, for the rows that are generated without them. */
enum {
    width_head_bytes = 0,
#define FIELD(id, kind, width, struct_name, paths) width_##id = width,
#include "../../python-offsets/fields.def"
#undef FIELD
};

enum { RAW, RAW_SIZE, OBJ, OBJ_SIZE };
const struct gs_layout_field gs_layout_fields[] = {
#define FIELD(id, kind, width, struct_name, paths) {MEMBER(id), width, (kind) == OBJ || (kind) == OBJ_SIZE},
#include "../../python-offsets/fields.def"
#undef FIELD
};
const size_t gs_layout_field_count = COUNT(gs_layout_fields);

const struct gs_layout_fact gs_layout_facts[] = {
#define FACT(id, ...) {MEMBER(id), {__VA_ARGS__}},
#include "../../python-offsets/facts.def"
#undef FACT
};
const size_t gs_layout_fact_count = COUNT(gs_layout_facts);

const struct gs_layout_value gs_layout_micros[] = {
#define MICRO(major, minor, first, last, id, value) {MEMBER(id), first, last, GS_VERSION(major, minor), value},
#include "../../python-offsets/micro.def"
#include "machine.def" /* python-offsets/aarch64, and so on: the last word */
#undef MICRO
};
const size_t gs_layout_micro_count = COUNT(gs_layout_micros);

const struct gs_layout_value gs_layout_free_threaded[] = {
#define FREE_THREADED_MICRO(major, minor, first, last, id, value)                                                      \
    {MEMBER(id), first, last, GS_VERSION(major, minor), value},
#define FREE_THREADED(major, minor, id, value) FREE_THREADED_MICRO(major, minor, 0, 255, id, value)
#include "../../python-offsets/free-threaded.def"
#undef FREE_THREADED
#undef FREE_THREADED_MICRO
};
const size_t gs_layout_free_threaded_count = COUNT(gs_layout_free_threaded);

const struct gs_neighbours gs_layout_neighbours[] = {
#define MOVES_WITH(id, neighbour) {MEMBER(id), MEMBER(neighbour)},
#include "../../python-offsets/neighbours.def"
#undef MOVES_WITH
};
const size_t gs_layout_neighbour_count = COUNT(gs_layout_neighbours);

/* Each table is included for its OFFSET rows, and from 3.13 on a second time for the others. */
#define OFFSET(id, value) {MEMBER(id), 0, 255, 0, value},
#define SELF_SIZE(bytes)
#define SELF(id, at, size_at)
#define SELF_THREADED(id, at, size_at)
#define SELF_SUM(id, at, other, size_at)
#define SELF_DIFF(id, at, other, size_at)
static const struct gs_layout_value offsets_2_7[] = {
#include "../../python-offsets/cpython-2.7.def"
};
static const struct gs_layout_value offsets_3_6[] = {
#include "../../python-offsets/cpython-3.6.def"
};
static const struct gs_layout_value offsets_3_7[] = {
#include "../../python-offsets/cpython-3.7.def"
};
static const struct gs_layout_value offsets_3_8[] = {
#include "../../python-offsets/cpython-3.8.def"
};
static const struct gs_layout_value offsets_3_9[] = {
#include "../../python-offsets/cpython-3.9.def"
};
static const struct gs_layout_value offsets_3_10[] = {
#include "../../python-offsets/cpython-3.10.def"
};
static const struct gs_layout_value offsets_3_11[] = {
#include "../../python-offsets/cpython-3.11.def"
};
static const struct gs_layout_value offsets_3_12[] = {
#include "../../python-offsets/cpython-3.12.def"
};
static const struct gs_layout_value offsets_3_13[] = {
#include "../../python-offsets/cpython-3.13.def"
};
static const struct gs_layout_value offsets_3_14[] = {
#include "../../python-offsets/cpython-3.14.def"
};
static const struct gs_layout_value offsets_3_15[] = {
#include "../../python-offsets/cpython-3.15.def"
};
#undef OFFSET
#undef SELF
#undef SELF_THREADED
#undef SELF_SUM
#undef SELF_DIFF

#define OFFSET(id, value)
#define SELF(id, at, size_at)             {#id, MEMBER(id), width_##id, GS_SELF, at, 0, size_at},
#define SELF_THREADED(id, at, size_at)    {#id, MEMBER(id), width_##id, GS_SELF_THREADED, at, 0, size_at},
#define SELF_SUM(id, at, other, size_at)  {#id, MEMBER(id), width_##id, GS_SELF_SUM, at, other, size_at},
#define SELF_DIFF(id, at, other, size_at) {#id, MEMBER(id), width_##id, GS_SELF_DIFF, at, other, size_at},
static const struct gs_self_row self_3_13[] = {
#include "../../python-offsets/cpython-3.13.def"
};
static const struct gs_self_row self_3_14[] = {
#include "../../python-offsets/cpython-3.14.def"
};
static const struct gs_self_row self_3_15[] = {
#include "../../python-offsets/cpython-3.15.def"
};
#undef SELF_SIZE
#undef SELF
#undef SELF_THREADED
#undef SELF_SUM
#undef SELF_DIFF

#define SELF_SIZE(bytes) bytes
#define SELF(id, at, size_at)
#define SELF_THREADED(id, at, size_at)
#define SELF_SUM(id, at, other, size_at)
#define SELF_DIFF(id, at, other, size_at)
enum {
    self_bytes_3_13 =
#include "../../python-offsets/cpython-3.13.def"
        ,
    self_bytes_3_14 =
#include "../../python-offsets/cpython-3.14.def"
        ,
    self_bytes_3_15 =
#include "../../python-offsets/cpython-3.15.def"
        ,
};

#define TABLE(major, minor)                                                                                            \
    {                                                                                                                  \
        GS_VERSION(major, minor), offsets_##major##_##minor, COUNT(offsets_##major##_##minor), NULL, 0, 0              \
    }
#define SELF_TABLE(major, minor)                                                                                       \
    {                                                                                                                  \
        GS_VERSION(major, minor), offsets_##major##_##minor, COUNT(offsets_##major##_##minor), self_##major##_##minor, \
            COUNT(self_##major##_##minor), self_bytes_##major##_##minor                                                \
    }
/* In the order of the columns of facts.def. */
const struct gs_layout_version gs_layout_versions[GS_LAYOUT_VERSIONS] = {
    TABLE(2, 7),  TABLE(3, 6),  TABLE(3, 7),       TABLE(3, 8),       TABLE(3, 9),       TABLE(3, 10),
    TABLE(3, 11), TABLE(3, 12), SELF_TABLE(3, 13), SELF_TABLE(3, 14), SELF_TABLE(3, 15),
};

const char *gs_layout_known_versions(void)
{
    return "2.7, 3.6-3.15";
}
