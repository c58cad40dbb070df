/* The functions of ELF files by address: .symtab, .dynsym, and what .gnu_debugdata has packed. Hostile input. */
#ifndef GS_ELF_SYMTAB_H
#define GS_ELF_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gs_symbol {
    uint64_t addr, size; /* as the file has them; size 0: as far as the next one */
    uint32_t name;       /* where it stands in the names */
    bool local;
};

struct gs_symtab {
    struct gs_symbol *list; /* by address, once sorted */
    size_t count, room;
    char *names;
    size_t names_len, names_room;
};

void gs_symtab_fini(struct gs_symtab *symtab);
/* Adds what the file has; the descriptor stays the caller's. False: it is no ELF file, or out of memory. */
bool gs_symtab_add(struct gs_symtab *symtab, int fd);
/* Adds one; false: out of memory. */
bool gs_symtab_put(struct gs_symtab *symtab, uint64_t addr, uint64_t size, const char *name, bool local);
/* Functions are known that no other file may call: they were not stripped away. */
bool gs_symtab_has_local(const struct gs_symtab *symtab);
/* One of its names begins so. */
bool gs_symtab_has_any(const struct gs_symtab *symtab, const char *beginning);
/* After the last was added. */
void gs_symtab_sort(struct gs_symtab *symtab);
/* The function that has addr in it, NULL: none is known. */
const struct gs_symbol *gs_symtab_find(const struct gs_symtab *symtab, uint64_t addr);
const char *gs_symtab_name(const struct gs_symtab *symtab, const struct gs_symbol *symbol);

/* The build id that the file itself has, into id (at most `size` bytes); 0: none. */
size_t gs_elf_build_id(int fd, uint8_t *id, size_t size);
/* The name of the file with the debug information, as .gnu_debuglink has it, cut to fit; false: none. */
bool gs_elf_debug_link(int fd, char *name, size_t size);

/* It has debug information of its own. */
bool gs_elf_has_debug(int fd);
/* Bytes of debug information that are compressed in the file: it takes a while until it can be looked at. */
uint64_t gs_elf_packed_debug(int fd);

#endif
