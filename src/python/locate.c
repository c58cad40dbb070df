/* Which of the mapped files holds the runtime, and where in it: first by the tables of the dynamic linker in memory,
 * then by what only the file has. Symbols by version: cpython's Python/pylifecycle.c (_PyRuntime, 3.7 on; in a
 * section .PyRuntime from 3.10 on), Python/pystate.c (_PyThreadState_Current, 2.7 and 3.6). */
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "elf/file.h"
#include "python/locate.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const struct gs_map *gs_locate_first_map(const struct gs_target *target, gs_addr base)
{
    const struct gs_map *map = gs_target_map_at(target, base);
    return map && map->start == base ? map : NULL;
}

/* The order in which files are tried: libpython, the program, whatever else may embed a Python. */
enum { RANK_LIBPYTHON, RANK_PROGRAM, RANK_OTHER, RANKS };

static int rank_of(const struct gs_target *target, const struct gs_map *map)
{
    if (strncmp(base_name(map->path), "libpython", 9) == 0)
        return RANK_LIBPYTHON;
    return strcmp(map->path, target->exe) == 0 ? RANK_PROGRAM : RANK_OTHER;
}

static bool open_by_symbol(struct gs_python *python, struct gs_image *image)
{
    python->at.runtime = gs_image_symbol(image, "_PyRuntime");
    if (!python->at.runtime)
        python->at.current = gs_image_symbol(image, "_PyThreadState_Current");
    return python->at.runtime || python->at.current;
}

/* Programs that were linked without exporting their symbols still have a section (3.10 on) or .symtab. */
static bool open_by_file(struct gs_python *python, struct gs_image *image, const struct gs_map *map)
{
    static const char *const names[] = {"_PyRuntime", "_PyThreadState_Current"};
    uint64_t values[2];
    struct gs_elf_file *file = gs_elf_file_open(gs_target_open_file(python->target, map));
    if (!file)
        return false;
    uint64_t section = gs_elf_file_section(file, ".PyRuntime");
    if (section) {
        python->at.runtime = image->bias + section;
    } else if (gs_elf_file_symbols(file, names, values, 2)) {
        python->at.runtime = values[0] ? image->bias + values[0] : 0;
        python->at.current = values[1] ? image->bias + values[1] : 0;
    }
    gs_elf_file_close(file);
    return python->at.runtime || python->at.current;
}

static bool try_map(struct gs_python *python, struct gs_image *image, const struct gs_map *map, int rank)
{
    if (map->file_offset != 0 || !map->inode || !map->readable || rank_of(python->target, map) != rank ||
        gs_image_open(image, python->mem, map->start))
        return false;
    if (!open_by_symbol(python, image) && (rank == RANK_OTHER || !open_by_file(python, image, map)))
        return false;
    python->library = strdup(map->path);
    return python->library != NULL;
}

enum gs_status gs_locate(struct gs_python *python, struct gs_image *image, struct gs_err *err)
{
    const struct gs_target *target = python->target;
    for (int rank = 0; rank < RANKS; rank++) {
        for (size_t i = 0; i < target->map_count; i++) {
            if (!try_map(python, image, &target->maps[i], rank))
                continue;
            python->at.data_start = image->data_start;
            python->at.data_end = image->data_end;
            python->code_type = gs_image_symbol(image, "PyCode_Type");
            return GS_OK;
        }
    }
    gs_fail(err, GS_NOT_PYTHON, "process %d (%s) is not a CPython process: no interpreter is mapped in it",
            (int)target->pid, base_name(target->exe));
    gs_err_todo(err, "gilspy ps lists those that are");
    return GS_NOT_PYTHON;
}

/* The variable that a tiny exported function loads or stores. */
static gs_addr variable_of(struct gs_python *python, const struct gs_image *image, const char *function)
{
    uint8_t code[32];
    gs_addr at = gs_image_symbol(image, function);
    if (!at || gs_mem_read(python->mem, at, code, sizeof code))
        return 0;
    gs_addr variable = gs_arch_first_variable(code, sizeof code, at);
    return variable - image->data_start < image->data_end - image->data_start ? variable : 0;
}

static void read_symtab(struct gs_python *python, const struct gs_image *image)
{
    struct gs_anchors *at = &python->at;
    static const char *const names[] = {"interp_head",       "interpreter_lock", "gil_locked",      "gil_last_holder",
                                        "gil_switch_number", "gil_interval",     "gil_cond",        "gil_mutex",
                                        "switch_cond",       "switch_mutex",     "gil_drop_request"};
    gs_addr *const places[] = {&at->interp_head,      &at->interpreter_lock,  &at->gil_locked,
                               &at->gil_last_holder,  &at->gil_switch_number, &at->gil_interval,
                               &at->gil_cond,         &at->gil_mutex,         &at->gil_switch_cond,
                               &at->gil_switch_mutex, &at->gil_drop_request};
    enum { COUNT = sizeof names / sizeof *names };
    uint64_t values[COUNT];
    const struct gs_map *map = gs_locate_first_map(python->target, image->base);
    struct gs_elf_file *file = map ? gs_elf_file_open(gs_target_open_file(python->target, map)) : NULL;
    if (!file)
        return;
    gs_elf_file_symbols(file, names, values, COUNT);
    gs_elf_file_close(file);
    for (size_t i = 0; i < COUNT; i++)
        *places[i] = values[i] ? image->bias + values[i] : 0;
}

void gs_locate_statics(struct gs_python *python, const struct gs_image *image)
{
    struct gs_anchors *at = &python->at;
    read_symtab(python, image);
    if (!at->interp_head)
        at->interp_head = variable_of(python, image, "PyInterpreterState_Head");
    gs_addr lock = variable_of(python, image, "PyEval_ThreadsInitialized");
    if (python->layout.gil_home == GS_GIL_SEMAPHORE && !at->interpreter_lock)
        at->interpreter_lock = lock;
    if (python->layout.gil_home == GS_GIL_STATICS && !at->gil_locked)
        at->gil_locked = lock;
    if (python->layout.gil_home == GS_GIL_STATICS && !at->gil_interval)
        at->gil_interval = variable_of(python, image, "_PyEval_SetSwitchInterval");
}
