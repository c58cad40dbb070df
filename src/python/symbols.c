/* Looking into the file behind an image, in a process of its own: its mount may not answer, and then nothing helps that
 * who asked is killed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/apart.h"
#include "base/watch.h"
#include "elf/file.h"
#include "python/symbols.h"

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
    return fd >= 0 || target->still;
}

void gs_symbols_read(struct gs_symbols *symbols, struct gs_python *python, const struct gs_map *map)
{
    struct question question = {python->target, map};
    *symbols = (struct gs_symbols){0};
    if (read_here(symbols, python->target, map))
        return;
    enum gs_apart outcome = gs_apart_run(ask, &question, symbols, sizeof *symbols);
    if (outcome == GS_APART_DONE)
        return;
    *symbols = (struct gs_symbols){0};
    if (outcome == GS_APART_LATE && !python->note &&
        asprintf(&python->note,
                 "the kernel does not answer: opening %s, which process %d maps. Going on without its symbols",
                 map->path, (int)python->target->pid) < 0)
        python->note = NULL;
}
