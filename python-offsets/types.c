/* Finds structs and their members in debug information, whichever unit has them whole. */
#include <dwarf.h>
#include <err.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

struct named {
    const char *name;
    Dwarf_Die die;
};

static int named_compare(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void named_add(void **tree, const char *name, const Dwarf_Die *die)
{
    struct named key = {.name = name};
    if (!name || tfind(&key, tree, named_compare))
        return;
    struct named *entry = malloc(sizeof *entry);
    if (!entry)
        err(1, "cannot index the types");
    *entry = (struct named){name, *die};
    if (!tsearch(entry, tree, named_compare))
        err(1, "cannot index the types");
}

static bool is_declaration(Dwarf_Die *die)
{
    Dwarf_Attribute attr;
    bool flag = false;
    return dwarf_attr(die, DW_AT_declaration, &attr) && dwarf_formflag(&attr, &flag) == 0 && flag;
}

void types_index(struct types *types, Dwarf *dwarf)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die top, die;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &top, NULL) == 0) {
        if (dwarf_child(&top, &die) != 0)
            continue;
        do {
            int tag = dwarf_tag(&die);
            if (tag == DW_TAG_structure_type && !is_declaration(&die))
                named_add(&types->structs, dwarf_diename(&die), &die);
            else if (tag == DW_TAG_typedef)
                named_add(&types->typedefs, dwarf_diename(&die), &die);
        } while (dwarf_siblingof(&die, &die) == 0);
    }
}

/* The struct or union behind typedefs and qualifiers; one that this unit only declares is taken from another. */
static bool type_complete(const struct types *types, Dwarf_Die *type, Dwarf_Die *found)
{
    if (dwarf_peel_type(type, found) != 0)
        return false;
    if (!is_declaration(found))
        return true;
    struct named key = {.name = dwarf_diename(found)};
    struct named **entry = key.name ? tfind(&key, &types->structs, named_compare) : NULL;
    if (entry)
        *found = (*entry)->die;
    return entry != NULL;
}

bool types_find(const struct types *types, const char *name, Dwarf_Die *found)
{
    struct named key = {.name = name};
    struct named **entry = tfind(&key, &types->structs, named_compare);
    if (entry) {
        *found = (*entry)->die;
        return true;
    }
    entry = tfind(&key, &types->typedefs, named_compare);
    return entry && type_complete(types, &(*entry)->die, found);
}

static uint64_t member_offset(Dwarf_Die *member)
{
    Dwarf_Attribute attr;
    Dwarf_Word value;
    if (dwarf_attr(member, DW_AT_data_member_location, &attr) && dwarf_formudata(&attr, &value) == 0)
        return value;
    if (dwarf_attr(member, DW_AT_data_bit_offset, &attr) && dwarf_formudata(&attr, &value) == 0)
        return value / 8;
    return 0; /* in a union */
}

/* A member by name, looked for in anonymous structs and unions too. */
static bool member_find(const struct types *types, Dwarf_Die *type, const char *name, uint64_t *offset,
                        Dwarf_Die *member_type)
{
    Dwarf_Die member;
    if (dwarf_child(type, &member) != 0)
        return false;
    do {
        Dwarf_Attribute attr;
        Dwarf_Die inner;
        if (dwarf_tag(&member) != DW_TAG_member || !dwarf_formref_die(dwarf_attr(&member, DW_AT_type, &attr), &inner))
            continue;
        const char *member_name = dwarf_diename(&member);
        uint64_t here = *offset + member_offset(&member);
        if (member_name && strcmp(member_name, name) == 0) {
            *offset = here;
            *member_type = inner;
            return true;
        }
        Dwarf_Die whole;
        if (!member_name && type_complete(types, &inner, &whole) &&
            member_find(types, &whole, name, &here, member_type)) {
            *offset = here;
            return true;
        }
    } while (dwarf_siblingof(&member, &member) == 0);
    return false;
}

bool types_path(const struct types *types, const Dwarf_Die *type, const char *path, uint64_t *offset, Dwarf_Die *found)
{
    char *copy = strdup(path), *save = NULL;
    if (!copy)
        err(1, "cannot follow %s", path);
    *offset = 0;
    *found = *type;
    bool ok = true;
    for (char *name = strtok_r(copy, ".", &save); ok && name; name = strtok_r(NULL, ".", &save)) {
        Dwarf_Die whole;
        ok = type_complete(types, found, &whole) && member_find(types, &whole, name, offset, found);
    }
    free(copy);
    return ok;
}
