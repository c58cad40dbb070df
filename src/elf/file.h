/* What only an ELF file on disk has: .symtab and the section headers. */
#ifndef GS_ELF_FILE_H
#define GS_ELF_FILE_H

#include <stddef.h>
#include <stdint.h>

struct gs_elf_file;

/* Takes the descriptor over. NULL when it is no ELF file that can be read. */
struct gs_elf_file *gs_elf_file_open(int fd);
void gs_elf_file_close(struct gs_elf_file *file);

/* The address of a section as the file has it, and its length (may be NULL); 0 when there is none. */
uint64_t gs_elf_file_section(const struct gs_elf_file *file, const char *name, uint64_t *len);

/* Looks `count` names up in .symtab: values[i] is the address as the file has it, 0 where not defined there. Returns
 * how many were found. */
size_t gs_elf_file_symbols(const struct gs_elf_file *file, const char *const names[], uint64_t values[], size_t count);

#endif
