/* The files of a module: its own, and the one with its debug information. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/isolated.h"
#include "base/watch.h"
#include "elf/file.h"
#include "elf/methods.h"
#include "elf/stubs.h"
#include "native/symbols.h"

void gs_module_symbols_free(struct gs_module_symbols *symbols)
{
    if (!symbols)
        return;
    gs_symtab_fini(&symbols->functions);
    gs_symtab_fini(&symbols->methods);
    gs_lines_close(symbols->lines);
    free(symbols);
}

struct question {
    const struct gs_target *target;
    const struct gs_map *map;
};

/* Reads the file from its beginning to where its end should be told. */
static void try_file(const void *context, void *result)
{
    const struct question *question = context;
    char bytes[4096];
    int fd = gs_target_open_file(question->target, question->map);
    bool *answered = result;
    *answered = fd >= 0 && pread(fd, bytes, sizeof bytes, 0) > 0;
}

/* From afar only when another process got an answer. */
static int open_module_file(const struct gs_native *native, const struct gs_module *module)
{
    const struct gs_target *target = native->target;
    struct question question = {target, &module->map};
    bool answered = false;
    int fd = gs_target_open_near_file(target, &module->map);
    if (fd >= 0 || target->postmortem || !module->map.inode)
        return fd;
    if (gs_isolated_run(try_file, &question, &answered, sizeof answered) != GS_ISOLATED_DONE || !answered)
        return -1;
    return gs_target_open_file(target, &module->map);
}

/* The file is the one whose beginning lies in memory, as far as that can be told. */
static bool is_it(const struct gs_module *module, int fd)
{
    uint8_t id[sizeof module->build_id];
    size_t len = gs_elf_build_id(fd, id, sizeof id);
    return !module->has_head || (len == module->build_id_len && memcmp(id, module->build_id, len) == 0);
}

/* Its own file, if that is the one; -1. */
static int open_own(const struct gs_native *native, const struct gs_module *module)
{
    int fd = open_module_file(native, module);
    if (fd < 0 || is_it(module, fd))
        return fd;
    close(fd);
    return -1;
}

static bool find_section(const struct gs_native *native, const struct gs_module *module, const char *name,
                         gs_addr *start, uint64_t *len)
{
    struct gs_elf_file *file = gs_elf_file_open(open_own(native, module));
    *start = file ? gs_elf_file_section(file, name, len) : 0;
    bool found = *start != 0;
    gs_elf_file_close(file);
    *start += module->bias;
    return found;
}

bool gs_module_section(const struct gs_native *native, const struct gs_module *module, const char *name, gs_addr *start,
                       uint64_t *len)
{
    struct gs_watch *watch = native->target->watch;
    if (!gs_watch_enter_spare(watch, "reading the sections of a file that it maps"))
        return false;
    bool found = find_section(native, module, name, start, len);
    gs_watch_leave(watch);
    return found;
}

enum { PACKED_MOST = 1 << 20 /* bytes: to unpack them takes 50 ms */ };

/* Takes the descriptor over. */
static struct gs_lines *open_lines(const struct gs_native *native, int fd)
{
    if (native->options.thorough || gs_elf_packed_debug(fd) <= PACKED_MOST)
        return gs_lines_open(fd);
    close(fd);
    return NULL;
}

/* The files of a module; -1: not to be had. */
struct files {
    int own, debug;
};

static struct files open_files(struct gs_native *native, const struct gs_module *module)
{
    int own = open_own(native, module);
    return (struct files){.own = own, .debug = gs_debug_file_open(native, module, own)};
}

/* What it exports begins a module (of 2.7 by the last), or is Python itself. */
static bool is_pythons(const struct gs_symtab *functions)
{
    static const char *const beginnings[] = {"PyInit_", "Py_", "init"};
    bool found = false;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings && !found; i++)
        found = gs_symtab_has_any(functions, beginnings[i]);
    return found;
}

static void read_files(struct gs_native *native, struct files *files, struct gs_module_symbols *symbols)
{
    if (files->own >= 0) {
        gs_symtab_add(&symbols->functions, files->own);
        gs_stubs_add(&symbols->functions, files->own);
    }
    if (files->debug >= 0) {
        gs_symtab_add(&symbols->functions, files->debug);
        symbols->lines = open_lines(native, files->debug);
    }
    if (files->own >= 0 && !gs_symtab_has_local(&symbols->functions))
        gs_methods_add(&symbols->methods, files->own, is_pythons(&symbols->functions));
    if (!symbols->lines && files->own >= 0)
        symbols->lines = open_lines(native, files->own);
    else if (files->own >= 0)
        close(files->own);
    gs_symtab_sort(&symbols->functions);
    gs_symtab_sort(&symbols->methods);
}

/* What has lines has all else, too. */
static int fetch(const struct gs_native *native, const struct gs_module *module)
{
    char path[4096];
    if (!native->options.debuginfod || !module->has_head || module->build_id_len == 0 ||
        !gs_debuginfod_fetch(module->build_id, module->build_id_len, path, sizeof path))
        return -1;
    return gs_debug_file_try(module, path);
}

struct gs_module_symbols *gs_module_symbols_new(struct gs_native *native, struct gs_module *module)
{
    static const char what[] = "reading the symbols of a file that it maps";
    struct gs_watch *watch = native->target->watch;
    struct gs_module_symbols *symbols = calloc(1, sizeof *symbols);
    if (!symbols || !gs_watch_enter_spare(watch, what))
        return symbols;
    struct files files = open_files(native, module);
    bool lacks = files.debug < 0 && !(files.own >= 0 && gs_elf_has_debug(files.own));
    gs_watch_leave(watch);
    if (lacks) /* may take long, and is no matter of the kernel's */
        files.debug = fetch(native, module);
    if (gs_watch_enter_spare(watch, what)) {
        read_files(native, &files, symbols);
        gs_watch_leave(watch);
    }
    return symbols;
}
