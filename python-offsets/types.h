/* The struct types in a file's debug information, by name. */
#ifndef PYTHON_OFFSETS_TYPES_H
#define PYTHON_OFFSETS_TYPES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

struct types {
    void *structs, *typedefs; /* search trees: the first complete one of each name */
};

/* Indexes the types at the top level of every unit; C has no others. */
void types_index(struct types *types, Dwarf *dwarf);
/* The struct of this name or behind the typedef of this name. */
bool types_find(const struct types *types, const char *name, Dwarf_Die *found);
/* The member "a.b.c" from the struct `type` on: its offset there and its type. */
bool types_path(const struct types *types, const Dwarf_Die *type, const char *path, uint64_t *offset, Dwarf_Die *found);

#endif
