/* The layout of a version from the tables of python-offsets/. */
#include <stdio.h>

#include "python/layout_tables.h"

enum { LEVEL_ALPHA = 0xa, LEVEL_BETA = 0xb, LEVEL_CANDIDATE = 0xc };

const struct gs_layout_version *gs_layout_version_find(uint32_t version, uint32_t assume)
{
    const uint32_t level = version >> 4 & 0xf;
    /* A layout settles with the first release candidate. */
    const bool settled = level != LEVEL_ALPHA && level != LEVEL_BETA;
    for (size_t i = 0; settled && i < GS_LAYOUT_VERSIONS; i++)
        if (gs_layout_versions[i].version >> 16 == version >> 16)
            return &gs_layout_versions[i];
    return assume ? gs_layout_version_find(assume | 0xff00, 0) : NULL;
}

/* "3.14.0a3", or "3.14" when that is all that is known. */
static void version_text(uint32_t version, char *dst, size_t size)
{
    static const char *const levels[16] = {[LEVEL_ALPHA] = "a", [LEVEL_BETA] = "b", [LEVEL_CANDIDATE] = "rc"};
    const char *level = levels[version >> 4 & 0xf];
    const unsigned major = GS_VERSION_MAJOR(version), minor = GS_VERSION_MINOR(version);
    const unsigned micro = GS_VERSION_MICRO(version), serial = version & 0xf;
    if (micro == 0xff)
        snprintf(dst, size, "%u.%u", major, minor);
    else if (level)
        snprintf(dst, size, "%u.%u.%u%s%u", major, minor, micro, level, serial);
    else
        snprintf(dst, size, "%u.%u.%u", major, minor, micro);
}

/* What a user who wants to go on would assume: the latest known version that is not above this one. */
static uint32_t nearest(uint32_t version)
{
    uint32_t found = gs_layout_versions[0].version;
    for (size_t i = 1; i < GS_LAYOUT_VERSIONS; i++)
        if (gs_layout_versions[i].version >> 16 <= version >> 16)
            found = gs_layout_versions[i].version;
    return found;
}

static enum gs_status unknown(uint32_t version, struct gs_err *err)
{
    char text[32];
    version_text(version, text, sizeof text);
    const uint32_t like = nearest(version);
    gs_fail(err, GS_UNKNOWN_PYTHON, "CPython %s is not known to this gilspy", text);
    gs_err_todo(err, "it knows the releases of %s; --assume-python %u.%u reads this one with that layout, at your risk",
                gs_layout_known_versions(), (unsigned)GS_VERSION_MAJOR(like), (unsigned)GS_VERSION_MINOR(like));
    return GS_UNKNOWN_PYTHON;
}

enum gs_status gs_layout_from_table(struct gs_layout *layout, uint32_t version, uint32_t assume, struct gs_err *err)
{
    const struct gs_layout_version *table = gs_layout_version_find(version, assume);
    if (!table)
        return unknown(version, err);
    *layout = (struct gs_layout){.version = version, .head_bytes = 16};
    for (size_t i = 0; i < gs_layout_field_count; i++)
        *gs_layout_member(layout, gs_layout_fields[i].member) = GS_ABSENT;
    for (size_t i = 0; i < table->offset_count; i++)
        *gs_layout_member(layout, table->offsets[i].member) = table->offsets[i].value;
    for (size_t i = 0; i < gs_layout_fact_count; i++)
        *gs_layout_member(layout, gs_layout_facts[i].member) = gs_layout_facts[i].values[table - gs_layout_versions];
    /* Drift is that of the target's own version: an assumed one is taken without. */
    for (size_t i = 0; i < gs_layout_micro_count; i++) {
        const struct gs_layout_value *row = &gs_layout_micros[i];
        const int micro = GS_VERSION_MICRO(version);
        if (row->version == (version & 0xffff0000) && micro >= row->first_micro && micro <= row->last_micro)
            *gs_layout_member(layout, row->member) = row->value;
    }
    return GS_OK;
}

void gs_layout_set_head(struct gs_layout *layout, int32_t head_bytes)
{
    const int32_t more = head_bytes - layout->head_bytes;
    for (size_t i = 0; i < gs_layout_field_count; i++) {
        int32_t *offset = gs_layout_member(layout, gs_layout_fields[i].member);
        if (gs_layout_fields[i].in_object && *offset != GS_ABSENT)
            *offset += more;
    }
    layout->head_bytes = head_bytes;
}
