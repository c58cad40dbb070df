/* The maps of a process out of its core. The kernel lists all memory as segments, gdb only what it dumped; both list
 * the mapped files: these come first, and the rest of the segments fills the space between. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "target/core.h"

static bool add(struct gs_target *target, const struct gs_core *core, gs_addr start, gs_addr end,
                const struct gs_core_segment *segment, const struct gs_core_file *file, uint64_t inode)
{
    gs_addr code = gs_core_aux(core, AT_SYSINFO_EHDR); /* which the kernel maps into each process */
    bool is_vdso = segment && code && segment->start == code;
    struct gs_map *map = &target->maps[target->map_count];
    *map = (struct gs_map){.start = start,
                           .end = end,
                           .readable = !segment || segment->readable || segment->dumped > 0,
                           .writable = segment && segment->writable,
                           /* What gdb left out because it stands in a file may be code. */
                           .executable = segment ? segment->executable : file != NULL,
                           .file_offset = file ? file->offset : 0,
                           .inode = inode,
                           .deleted = file && file->deleted,
                           .path = strdup(file      ? file->path
                                          : is_vdso ? "[vdso]"
                                                    : "")};
    if (!map->path)
        return false;
    target->map_count++;
    return true;
}

/* The parts of a segment that are of no file; *next is the first file that ends behind it. */
static bool add_segment(struct gs_target *target, const struct gs_core *core, const struct gs_core_segment *segment,
                        size_t *next)
{
    gs_addr at = segment->start;
    bool enough = true;
    while (*next < core->file_count && core->files[*next].end <= at)
        ++*next;
    for (size_t i = *next; i < core->file_count && core->files[i].start < segment->end && enough; i++) {
        const struct gs_core_file *file = &core->files[i];
        if (file->start > at)
            enough = add(target, core, at, file->start, segment, NULL, 0);
        at = file->end;
    }
    return enough && (at >= segment->end || add(target, core, at, segment->end, segment, NULL, 0));
}

GS_BY(by_start, struct gs_map, start);

bool gs_core_maps(struct gs_target *target, const struct gs_core *core, const struct gs_core_files *files)
{
    bool enough = true;
    size_t next = 0;
    /* Each file splits one segment at most. */
    target->maps = calloc(core->segment_count + 2 * core->file_count + 1, sizeof *target->maps);
    if (!target->maps)
        return false;
    for (size_t i = 0; i < core->file_count && enough; i++) {
        const struct gs_core_file *file = &core->files[i];
        enough = add(target, core, file->start, file->end, gs_core_segment_at(core, file->start), file,
                     gs_core_files_number(files, file) + 1);
    }
    for (size_t i = 0; i < core->segment_count && enough; i++)
        enough = add_segment(target, core, &core->segments[i], &next);
    if (target->map_count > 0)
        qsort(target->maps, target->map_count, sizeof *target->maps, by_start);
    return enough;
}
