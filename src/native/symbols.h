/* What the files of one module say: names of functions, lines of the source. */
#ifndef GS_NATIVE_SYMBOLS_H
#define GS_NATIVE_SYMBOLS_H

#include "elf/symtab.h"
#include "native/native.h"

struct gs_lines; /* of debug information */

struct gs_module_symbols {
    struct gs_symtab functions;
    struct gs_symtab methods; /* what Python calls them; of a file without local symbols, by where they begin */
    struct gs_lines *lines;   /* NULL: there are none */
};

/* Opens the module's files and reads the symbols; NULL: nothing is to be had. */
struct gs_module_symbols *gs_module_symbols_new(struct gs_native *native, struct gs_module *module);

/* Where a section of the module lies in the target's memory; false: the file is not to be had, or has none. */
bool gs_module_section(const struct gs_native *native, const struct gs_module *module, const char *name, gs_addr *start,
                       uint64_t *len);

/* ---- debug_files.c ---- */

/* A descriptor of the file that has the debug information of the module whose own is fd (-1: not to be had); -1: there
 * is none. It is the one that belongs to it: both have the same build id. */
int gs_debug_file_open(struct gs_native *native, const struct gs_module *module, int fd);

/* That file, if it is the one that belongs to the module; -1. */
int gs_debug_file_try(const struct gs_module *module, const char *path);

/* The file that shares debug information with the one that fd is, and is named in it (.gnu_debugaltlink); -1: it is not
 * there. Whether it belongs to it is for the caller to see. */
int gs_debug_file_shared(int fd, const char *name);

/* ---- debuginfod.c ---- */

/* Asks the servers, and waits up to two minutes for them; path: of the file that was fetched. */
bool gs_debuginfod_fetch(const uint8_t *build_id, size_t len, char *path, size_t size);

/* ---- lines.c ---- */

/* Takes the descriptor over. NULL: it has no debug information. */
struct gs_lines *gs_lines_open(int fd);
void gs_lines_close(struct gs_lines *lines);
/* Where addr, as the file has it, comes from; false: that is not told. file stays until lines are closed. */
bool gs_lines_find(struct gs_lines *lines, uint64_t addr, const char **file, int *line);

/* ---- demangle.c ---- */

/* The name as its programmer wrote it (C++, Rust, Cython) into dst, cut to fit; as it is where it is no mangled one. */
void gs_demangle(const char *name, char *dst, size_t size);

#endif
