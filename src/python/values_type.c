/* Reads types and remembers the last few: most objects that are looked at together share one. */
#include <string.h>

#include "python/values_type.h"

static bool read_type(const struct gs_layout *layout, struct gs_mem *mem, struct gs_type *type)
{
    struct gs_piece pieces[] = {
        {type->addr + (gs_addr)layout->tp_name, &type->name, sizeof type->name, false},
        {type->addr + (gs_addr)layout->tp_basicsize, &type->basic_size, sizeof type->basic_size, false},
        {type->addr + (gs_addr)layout->tp_flags, &type->flags, sizeof type->flags, false},
        {type->addr + (gs_addr)layout->tp_dictoffset, &type->dict_offset, sizeof type->dict_offset, false},
    };
    enum { COUNT = sizeof pieces / sizeof pieces[0] };
    if (gs_mem_read_many(mem, pieces, COUNT))
        return false;
    for (size_t i = 0; i < COUNT; i++) {
        if (!pieces[i].ok)
            return false;
    }
    return true;
}

bool gs_type_get(struct gs_types *types, const struct gs_layout *layout, struct gs_mem *mem, gs_addr addr,
                 struct gs_type *type)
{
    enum { SLOTS = sizeof types->known / sizeof types->known[0] };
    if (addr == 0 || addr % 8 != 0)
        return false;
    for (size_t i = 0; i < SLOTS; i++) {
        if (types->known[i].addr == addr) {
            *type = types->known[i];
            return true;
        }
    }
    *type = (struct gs_type){.addr = addr};
    if (!read_type(layout, mem, type))
        return false;
    types->known[types->next++ % SLOTS] = *type;
    return true;
}

bool gs_type_of(struct gs_types *types, const struct gs_layout *layout, struct gs_mem *mem, gs_addr object,
                struct gs_type *type)
{
    gs_addr addr;
    if (object == 0 || gs_mem_read_addr(mem, object + (gs_addr)layout->ob_type, &addr))
        return false;
    return gs_type_get(types, layout, mem, addr, type);
}

bool gs_type_named_or(const struct gs_type *type, struct gs_mem *mem, const char *name, bool unreadable)
{
    char text[32];
    if (gs_mem_read_cstr(mem, type->name, text, sizeof text) != GS_OK)
        return unreadable;
    return strcmp(text, name) == 0;
}

bool gs_type_named(const struct gs_type *type, struct gs_mem *mem, const char *name)
{
    return gs_type_named_or(type, mem, name, false);
}
