/* The layout that a Python from 3.13 on describes itself: _Py_DebugOffsets, at the start of _PyRuntime.
 *
 * The table is read once and each value that is used is checked once, against the size of its struct as the same table
 * tells it; from then on the layout is as good as one of ours. What it lacks comes from the version's table. */
#include <inttypes.h>
#include <string.h>

#include "python/layout_tables.h"

enum { VERSION_AT = 8, FREE_THREADED_AT = 16, START_BYTES = 24 };
enum { STRUCT_BYTES_MAX = 4 << 20, GIL_MOVE_MAX = 64 };

struct self {
    uint64_t words[GS_SELF_BYTES_MAX / sizeof(uint64_t)];
    bool free_threaded;
};

static uint64_t word_at(const struct self *self, uint16_t at)
{
    return self->words[at / sizeof(uint64_t)];
}

static enum gs_status implausible(const char *what, uint64_t value, struct gs_err *err)
{
    gs_fail(err, GS_FAILED, "the table of offsets of this Python (_Py_DebugOffsets) is implausible: %s is %" PRIu64,
            what, value);
    gs_err_todo(err, "the process may have overwritten its memory, or it is another build of CPython than known");
    return GS_FAILED;
}

/* One entry as an offset or size into *value. */
static enum gs_status row_read(const struct self *self, const struct gs_self_row *row, int32_t *value,
                               struct gs_err *err)
{
    const uint64_t size = word_at(self, row->size_at);
    const uint64_t at = word_at(self, row->at);
    const uint64_t other = row->kind == GS_SELF_SUM || row->kind == GS_SELF_DIFF ? word_at(self, row->other) : 0;
    if (size >= STRUCT_BYTES_MAX)
        return implausible("a size", size, err);
    if (at > size || other > size || (row->kind == GS_SELF_DIFF && other > at))
        return implausible(row->name, at > size ? at : other, err);
    const uint64_t offset = row->kind == GS_SELF_DIFF ? at - other : at + other;
    const uint64_t end = row->kind == GS_SELF_DIFF ? at + row->width : offset + row->width;
    if (end > size || (row->width == 0 && offset == 0) || (row->width > 1 && offset % row->width != 0))
        return implausible(row->name, offset, err);
    *value = (int32_t)offset;
    return GS_OK;
}

static const struct gs_layout_field *field_of(uint16_t member)
{
    for (size_t i = 0; i < gs_layout_field_count; i++)
        if (gs_layout_fields[i].member == member)
            return &gs_layout_fields[i];
    return NULL;
}

static bool is_offered(const struct gs_layout_version *table, uint16_t member)
{
    for (size_t i = 0; i < table->self_count; i++)
        if (table->self[i].member == member)
            return true;
    return false;
}

/* Grows the objects of the version's table to what the target says. */
static enum gs_status head_take(struct gs_layout *layout, const struct self *self,
                                const struct gs_layout_version *table, struct gs_err *err)
{
    for (size_t i = 0; i < table->self_count; i++) {
        int32_t head;
        if (table->self[i].member != offsetof(struct gs_layout, head_bytes))
            continue;
        enum gs_status status = row_read(self, &table->self[i], &head, err);
        if (status != GS_OK)
            return status;
        if (head != 32 && (head != 16 || self->free_threaded))
            return implausible("the size of PyObject", (uint64_t)head, err);
        gs_layout_set_head(layout, head);
    }
    return GS_OK;
}

static enum gs_status rows_take(struct gs_layout *layout, const struct self *self,
                                const struct gs_layout_version *table, struct gs_err *err)
{
    for (size_t i = 0; i < table->self_count; i++) {
        const struct gs_self_row *row = &table->self[i];
        if (row->kind == GS_SELF_THREADED && !self->free_threaded)
            continue;
        enum gs_status status = row_read(self, row, gs_layout_member(layout, row->member), err);
        if (status != GS_OK)
            return status;
    }
    return GS_OK;
}

/* Moves what the target does not offer along with what stands beside it. `old` is the layout before rows_take. */
static enum gs_status neighbours_move(struct gs_layout *layout, struct gs_layout *old,
                                      const struct gs_layout_version *table, struct gs_err *err)
{
    for (size_t i = 0; i < gs_layout_neighbour_count; i++) {
        const uint16_t member = gs_layout_neighbours[i].member, neighbour = gs_layout_neighbours[i].neighbour;
        const struct gs_layout_field *field = field_of(member);
        int32_t *offset = gs_layout_member(layout, member);
        const int32_t beside = *gs_layout_member(old, neighbour);
        if (*offset == GS_ABSENT || beside == GS_ABSENT || !field || is_offered(table, member))
            continue;
        *offset += *gs_layout_member(layout, neighbour) - beside;
        const int32_t align = field->width > 8 ? 8 : field->width ? field->width : 1;
        if (*offset < 0 || *offset >= STRUCT_BYTES_MAX || *offset % align != 0)
            return implausible("a distance between two fields", (uint64_t)(int64_t)*offset, err);
    }
    return GS_OK;
}

/* Both offsets into the lock that the target offers must agree on where it begins. */
static enum gs_status gil_check(const struct gs_layout *layout, const struct gs_layout *old, struct gs_err *err)
{
    const int32_t moved = layout->gil_locked - old->gil_locked;
    if (moved != layout->gil_last_holder - old->gil_last_holder || moved < 0 || moved > GIL_MOVE_MAX)
        return implausible("gil_locked", (uint64_t)layout->gil_locked, err);
    return GS_OK;
}

static enum gs_status self_take(struct gs_layout *layout, const struct self *self,
                                const struct gs_layout_version *table, struct gs_err *err)
{
    layout->self_described = true;
    layout->free_threaded = self->free_threaded;
    for (size_t i = 0; i < gs_layout_free_threaded_count && self->free_threaded; i++) {
        const struct gs_layout_value *row = &gs_layout_free_threaded[i];
        const int micro = (int)GS_VERSION_MICRO(layout->version);
        if (row->version == table->version && micro >= row->first_micro && micro <= row->last_micro)
            *gs_layout_member(layout, row->member) = row->value;
    }
    enum gs_status status = head_take(layout, self, table, err);
    struct gs_layout old = *layout;
    if (status == GS_OK)
        status = rows_take(layout, self, table, err);
    if (status == GS_OK)
        status = gil_check(layout, &old, err);
    if (status == GS_OK)
        status = neighbours_move(layout, &old, table, err);
    return status;
}

/* The first three entries, which are the same in every version. */
static enum gs_status start_read(struct gs_mem *mem, gs_addr runtime, uint32_t *version, struct gs_err *err)
{
    uint64_t words[START_BYTES / sizeof(uint64_t)];
    enum gs_status status = gs_mem_read(mem, runtime, words, sizeof words);
    if (status != GS_OK)
        return gs_fail(err, status, "_PyRuntime at 0x%" PRIx64 ": %s", runtime, gs_status_text(status));
    if (memcmp(words, GS_COOKIE, sizeof(uint64_t)) != 0)
        return gs_fail(err, GS_NOT_PYTHON, "at 0x%" PRIx64 " there is no _Py_DebugOffsets", runtime);
    if (words[VERSION_AT / sizeof(uint64_t)] > UINT32_MAX)
        return implausible("its version", words[VERSION_AT / sizeof(uint64_t)], err);
    *version = (uint32_t)words[VERSION_AT / sizeof(uint64_t)];
    return GS_OK;
}

enum gs_status gs_layout_from_target(struct gs_layout *layout, struct gs_mem *mem, gs_addr runtime, uint32_t assume,
                                     struct gs_err *err)
{
    uint32_t version = 0;
    enum gs_status status = start_read(mem, runtime, &version, err);
    if (status == GS_OK)
        status = gs_layout_from_table(layout, version, assume, err);
    const struct gs_layout_version *table = status == GS_OK ? gs_layout_version_find(version, assume) : NULL;
    if (!table || !table->self)
        return status;
    struct self self;
    status = gs_mem_read(mem, runtime, self.words, table->self_bytes);
    if (status != GS_OK)
        return gs_fail(err, status, "_PyRuntime at 0x%" PRIx64 ": %s", runtime, gs_status_text(status));
    const uint64_t free_threaded = word_at(&self, FREE_THREADED_AT);
    if (word_at(&self, VERSION_AT) != version || free_threaded > 1)
        return implausible("free_threaded", free_threaded, err);
    self.free_threaded = free_threaded == 1;
    return self_take(layout, &self, table, err);
}
