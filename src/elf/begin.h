/* ELF files by libelf, read and never mapped: what a target maps may be cut short, or replaced, while it is looked at,
 * and to touch a mapping behind its end kills. */
#ifndef GS_ELF_BEGIN_H
#define GS_ELF_BEGIN_H

#include <libelf.h>

/* NULL: it is no regular file with ELF for 64 bits in it, or more of its symbols, strings or debug information would be
 * read than any program has: a sparse file claims what it likes. The descriptor stays the caller's and must stay open;
 * end with elf_end. */
Elf *gs_elf_begin(int fd);

#endif
