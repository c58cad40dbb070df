/* From an interpreter to the dict of one of its modules. */
#include "python/modules.h"

bool gs_module_open(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr interpreter,
                    const char *name, struct gs_dict *dict)
{
    gs_addr address;
    if (gs_mem_read_addr(mem, interpreter + (gs_addr)layout->is_modules, &address) ||
        !gs_dict_open(dict, layout, mem, address))
        return false;
    gs_addr module = gs_dict_find(dict, types, name);
    return module != 0 && gs_mem_read_addr(mem, module + (gs_addr)layout->mod_dict, &address) == GS_OK &&
           gs_dict_open(dict, layout, mem, address);
}
