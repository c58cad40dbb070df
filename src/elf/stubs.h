/* The linker's stubs as symbols: "memcpy@plt", and "plt" for what only serves them. Hostile input. */
#ifndef GS_ELF_STUBS_H
#define GS_ELF_STUBS_H

#include "elf/symtab.h"

/* Adds those of the file; the descriptor stays the caller's. False: it is no ELF file, or out of memory. */
bool gs_stubs_add(struct gs_symtab *symtab, int fd);

#endif
