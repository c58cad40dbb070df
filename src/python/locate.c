/* Which of the mapped files holds the runtime, and where in it: first by the tables of the dynamic linker in memory,
 * then by what only the file has, last by what its data looks like. Symbols by version: cpython's Python/pylifecycle.c
 * (_PyRuntime, 3.7 on; in a section .PyRuntime from 3.10 on), Python/pystate.c (_PyThreadState_Current, 2.7 and 3.6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/isolated.h"
#include "base/watch.h"
#include "elf/file.h"
#include "python/engine.h"
#include "python/locate.h"
#include "python/scan.h"

/* ---- what only the file of an image tells: .symtab and the section headers ----
 *
 * It is looked into in a process of its own: its mount may not answer, and then nothing helps that who asked is killed.
 */

/* The symbols that may be of use: SYMBOL(name). */
#define GS_SYMBOLS(SYMBOL)                                                                                             \
    SYMBOL(_PyRuntime)                                                                                                 \
    SYMBOL(_PyThreadState_Current)                                                                                     \
    SYMBOL(interp_head)                                                                                                \
    SYMBOL(interpreter_lock)                                                                                           \
    SYMBOL(gil_locked)                                                                                                 \
    SYMBOL(gil_last_holder)                                                                                            \
    SYMBOL(gil_switch_number)                                                                                          \
    SYMBOL(gil_interval)                                                                                               \
    SYMBOL(gil_cond)                                                                                                   \
    SYMBOL(gil_mutex)                                                                                                  \
    SYMBOL(switch_cond)                                                                                                \
    SYMBOL(switch_mutex)                                                                                               \
    SYMBOL(gil_drop_request)                                                                                           \
    SYMBOL(import_lock)                                                                                                \
    SYMBOL(import_lock_thread)

enum gs_symbol {
#define SYMBOL(name) GS_SYMBOL_##name,
    GS_SYMBOLS(SYMBOL)
#undef SYMBOL
        GS_SYMBOL_COUNT
};

struct gs_symbols {
    uint64_t values[GS_SYMBOL_COUNT]; /* as the file has them, 0: not defined there */
    uint64_t runtime_section;         /* address of .PyRuntime (3.10 on), 0: there is none */
};

struct question {
    const struct gs_target *target;
    const struct gs_map *map;
};

/* Takes fd over. */
static void look_up(int fd, struct gs_symbols *symbols)
{
    static const char *const names[] = {
#define SYMBOL(name) #name,
        GS_SYMBOLS(SYMBOL)
#undef SYMBOL
    };
    struct gs_elf_file *file = gs_elf_file_open(fd);
    if (!file)
        return;
    gs_elf_file_symbols(file, names, symbols->values, GS_SYMBOL_COUNT);
    symbols->runtime_section = gs_elf_file_section(file, ".PyRuntime", NULL);
    gs_elf_file_close(file);
}

static void ask(const void *context, void *result)
{
    const struct question *question = context;
    look_up(gs_target_open_file(question->target, question->map), result);
}

/* False: the file has to be asked for from afar. The memory of a core is read from the same files, which are open here.
 * Even the disk of this machine may not answer. */
static bool read_here(struct gs_symbols *symbols, const struct gs_target *target, const struct gs_map *map)
{
    if (!gs_watch_enter_spare(target->watch, "reading the symbols of a file that it maps"))
        return true;
    int fd = gs_target_open_near_file(target, map);
    if (fd >= 0)
        look_up(fd, symbols);
    gs_watch_leave(target->watch);
    return fd >= 0 || target->postmortem;
}

/* Reads them from the file behind a map. All 0 when there is no such file any more, or it does not answer: then
 * python->note says so. */
static void read_symbols(struct gs_symbols *symbols, struct gs_python *python, const struct gs_map *map)
{
    struct question question = {python->target, map};
    *symbols = (struct gs_symbols){0};
    if (read_here(symbols, python->target, map))
        return;
    enum gs_isolated outcome = gs_isolated_run(ask, &question, symbols, sizeof *symbols);
    if (outcome == GS_ISOLATED_DONE)
        return;
    *symbols = (struct gs_symbols){0};
    if (outcome == GS_ISOLATED_LATE && !python->note &&
        asprintf(&python->note,
                 "the kernel does not answer: opening %s, which process %d maps. Going on without its symbols",
                 map->path, (int)python->target->pid) < 0)
        python->note = NULL;
}

/* ---- where a Python lies ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The map at which the image of python->library begins. */
static const struct gs_map *first_map(const struct gs_target *target, gs_addr base)
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
    struct gs_symbols symbols;
    read_symbols(&symbols, python, map);
    uint64_t runtime = symbols.runtime_section ? symbols.runtime_section : symbols.values[GS_SYMBOL__PyRuntime];
    uint64_t current = symbols.values[GS_SYMBOL__PyThreadState_Current];
    python->at.runtime = runtime ? image->bias + runtime : 0;
    python->at.current = current && !runtime ? image->bias + current : 0;
    return runtime || current;
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

/* No interpreter was found. Where a library that should have one is mapped, its file was overwritten: the process sees
 * that, and will not live long. */
static enum gs_status refuse(const struct gs_target *target, struct gs_err *err)
{
    const char *engine = gs_python_engine(target);
    if (engine) {
        gs_fail(err, GS_NOT_PYTHON, "process %d (%s) runs %s, and only CPython can be read", (int)target->pid,
                base_name(target->exe), engine);
        return GS_NOT_PYTHON;
    }
    for (size_t i = 0; i < target->map_count; i++) {
        const struct gs_map *map = &target->maps[i];
        if (!map->inode || rank_of(target, map) != RANK_LIBPYTHON)
            continue;
        gs_fail(err, GS_NOT_PYTHON, "process %d (%s) maps %s, but no interpreter is found in it", (int)target->pid,
                base_name(target->exe), map->path);
        gs_err_todo(err, "Was the file overwritten while it ran?");
        return GS_NOT_PYTHON;
    }
    gs_fail(err, GS_NOT_PYTHON, "process %d (%s) is not a CPython process: no interpreter is mapped in it",
            (int)target->pid, base_name(target->exe));
    gs_err_todo(err, "gilspy ps lists those that are");
    return GS_NOT_PYTHON;
}

enum gs_status gs_locate(struct gs_python *python, struct gs_image *image, uint32_t assume, struct gs_err *err)
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
    enum gs_status status = gs_scan_process(python, image, assume, err);
    if (status != GS_NOT_PYTHON) {
        python->at.data_start = image->data_start;
        python->at.data_end = image->data_end;
        return status;
    }
    return refuse(target, err);
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
    const struct {
        enum gs_symbol symbol;
        gs_addr *place;
    } wanted[] = {{GS_SYMBOL_interp_head, &at->interp_head},
                  {GS_SYMBOL_interpreter_lock, &at->interpreter_lock},
                  {GS_SYMBOL_gil_locked, &at->gil_locked},
                  {GS_SYMBOL_gil_last_holder, &at->gil_last_holder},
                  {GS_SYMBOL_gil_switch_number, &at->gil_switch_number},
                  {GS_SYMBOL_gil_interval, &at->gil_interval},
                  {GS_SYMBOL_gil_cond, &at->gil_cond},
                  {GS_SYMBOL_gil_mutex, &at->gil_mutex},
                  {GS_SYMBOL_switch_cond, &at->gil_switch_cond},
                  {GS_SYMBOL_switch_mutex, &at->gil_switch_mutex},
                  {GS_SYMBOL_gil_drop_request, &at->gil_drop_request},
                  {GS_SYMBOL_import_lock, &at->import_lock},
                  {GS_SYMBOL_import_lock_thread, &at->import_lock_thread}};
    struct gs_symbols symbols;
    const struct gs_map *map = first_map(python->target, image->base);
    if (!map)
        return;
    read_symbols(&symbols, python, map);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        uint64_t value = symbols.values[wanted[i].symbol];
        *wanted[i].place = value ? image->bias + value : 0;
    }
}

/* The same of one that is 0 or 1. */
static gs_addr flag_of(struct gs_python *python, const struct gs_image *image, const char *function)
{
    uint32_t value;
    gs_addr variable = variable_of(python, image, function);
    return variable && gs_mem_read_u32(python->mem, variable, &value) == GS_OK && value <= 1 ? variable : 0;
}

/* PyGC_Collect begins with a look at `collecting` (Modules/gcmodule.c of 2.7 and 3.6); Py_IsInitialized returns what
 * Py_Finalize sets to 0 before it clears the modules (Python/pythonrun.c of 2.7, pylifecycle.c of 3.6). */
static void locate_conditions(struct gs_python *python, const struct gs_image *image)
{
    const struct gs_layout *layout = &python->layout;
    if (layout->is_gc_collecting == GS_ABSENT && layout->rt_gc_collecting == GS_ABSENT)
        python->at.collecting = flag_of(python, image, "PyGC_Collect");
    if (layout->rt_finalizing == GS_ABSENT)
        python->at.initialized = flag_of(python, image, "Py_IsInitialized");
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
    locate_conditions(python, image);
}
