/* A slot's offset stands in the descriptor that the class's dict has under its name: Include/descrobject.h. */
#include "python/dict.h"
#include "python/slots.h"

enum { BASES_MOST = 16, SLOT_OFFSET_MOST = 4096 };

/* The offset of the slot in instances of this very class; 0: it is none of its. */
static gs_addr slot_of(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr type,
                       const char *name)
{
    struct gs_dict dict;
    struct gs_type kind;
    gs_addr address, descriptor, member, offset;
    if (gs_mem_read_addr(mem, type + (gs_addr)layout->tp_dict, &address) || address == 0 ||
        !gs_dict_open(&dict, layout, mem, address))
        return 0;
    descriptor = gs_dict_find(&dict, types, name);
    if (descriptor == 0 || !gs_type_of(types, layout, mem, descriptor, &kind) ||
        !gs_type_named(&kind, mem, "member_descriptor") ||
        gs_mem_read_addr(mem, descriptor + (gs_addr)layout->descr_member, &member) ||
        gs_mem_read_addr(mem, member + (gs_addr)layout->member_offset, &offset))
        return 0;
    return offset < SLOT_OFFSET_MOST ? offset : 0;
}

gs_addr gs_slot_find(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                     const char *name)
{
    struct gs_type type;
    gs_addr value;
    if (layout->tp_dict == GS_ABSENT || layout->descr_member == GS_ABSENT || layout->member_offset == GS_ABSENT ||
        !gs_type_of(types, layout, mem, object, &type))
        return 0;
    gs_addr at = type.addr;
    for (int i = 0; i < BASES_MOST && at != 0; i++) {
        gs_addr offset = slot_of(layout, mem, types, at, name);
        if (offset != 0)
            return gs_mem_read_addr(mem, object + offset, &value) ? 0 : value;
        if (gs_mem_read_addr(mem, at + (gs_addr)layout->tp_base, &at))
            return 0;
    }
    return 0;
}
