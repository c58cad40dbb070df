/* Names of C functions that Python calls, out of the tables that modules and types describe them with (PyMethodDef):
 * what a file without local symbols tells of them still. Hostile input. */
#ifndef GS_ELF_METHODS_H
#define GS_ELF_METHODS_H

#include "elf/symtab.h"

/* Adds the functions that the file's tables name, where they begin, as Python calls them: "time.sleep", "dict.update".
 * orphans: also those of which it is not told whose they are, as "sleep()"; other files than Python's have tables that
 * look like those. The descriptor stays the caller's. False: out of memory. */
bool gs_methods_add(struct gs_symtab *symtab, int fd, bool orphans);

#endif
