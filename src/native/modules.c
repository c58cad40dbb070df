/* The ELF images whose code a target maps, and where each has its unwind table. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/room.h"
#include "elf/head.h"
#include "native/native.h"
#include "native/pointer.h"

enum {
    MODULES_MAX = 1 << 14,
    REFRESH_NS = 1000000000, /* the maps are looked at again so often */
    TABLE_MAX = 1 << 24,     /* functions of one module */
    TABLE_OFFSETS = 0x3b     /* DW_EH_PE_datarel | DW_EH_PE_sdata4: pairs that can be searched */
};

static void free_module(struct gs_module *module)
{
    gs_module_symbols_free(module->symbols);
    free(module->described);
    free(module->map.path);
    free(module);
}

/* The header of .eh_frame_hdr (Linux Standard Base, Exception Frames): version, the encodings of what follows, and
 * then the address of .eh_frame and the number of functions. */
static void find_table(struct gs_native *native, struct gs_module *module, gs_addr header)
{
    struct gs_cursor cursor = {.mem = native->text, .at = header, .end = header + 64};
    uint8_t version = gs_cursor_u8(&cursor), frame = gs_cursor_u8(&cursor), count = gs_cursor_u8(&cursor),
            table = gs_cursor_u8(&cursor);
    gs_cursor_pointer(&cursor, frame, header);
    uint64_t functions = gs_cursor_pointer(&cursor, count, header);
    if (cursor.failed || version != 1 || table != TABLE_OFFSETS || functions == 0 || functions > TABLE_MAX)
        return;
    module->header = header;
    module->table = cursor.at;
    module->table_count = (uint32_t)functions;
}

/* The notes may lie far behind the beginning of the image. */
static void read_notes(struct gs_native *native, struct gs_elf_head *head, gs_addr bias)
{
    uint8_t notes[1024];
    struct gs_bytes bytes;
    for (size_t i = 0; i < head->segment_count && head->build_id_len == 0; i++) {
        const Elf64_Phdr *segment = &head->segments[i];
        size_t len = segment->p_memsz < sizeof notes ? segment->p_memsz : sizeof notes;
        if (segment->p_type != PT_NOTE || gs_mem_read(native->text, bias + segment->p_vaddr, notes, len))
            continue;
        gs_bytes_of_memory(&bytes, notes, len);
        gs_elf_head_read_notes(head, &bytes, 0, segment);
    }
}

static void read_head(struct gs_native *native, struct gs_module *module)
{
    uint8_t page[4096];
    struct gs_bytes bytes;
    struct gs_elf_head head;
    if (module->map.file_offset != 0 || gs_mem_read(native->text, module->map.start, page, sizeof page))
        return;
    gs_bytes_of_memory(&bytes, page, sizeof page);
    if (!gs_elf_head_read(&head, &bytes))
        return;
    module->has_head = true;
    bool placed = false;
    for (size_t i = 0; i < head.segment_count && !placed; i++) {
        const Elf64_Phdr *segment = &head.segments[i];
        placed = segment->p_type == PT_LOAD;
        if (placed)
            module->bias = module->map.start - (segment->p_vaddr - segment->p_vaddr % 4096);
    }
    if (placed)
        read_notes(native, &head, module->bias);
    memcpy(module->build_id, head.build_id, head.build_id_len);
    module->build_id_len = head.build_id_len;
    for (size_t i = 0; i < head.segment_count && placed; i++) {
        if (head.segments[i].p_type == PT_GNU_EH_FRAME)
            find_table(native, module, module->bias + head.segments[i].p_vaddr);
    }
}

static bool same_file(const struct gs_map *a, const struct gs_map *b)
{
    return a->inode == b->inode && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
           strcmp(a->path, b->path) == 0;
}

/* The map in which the image begins that maps[index] is a part of. */
static size_t first_map(const struct gs_target *target, size_t index)
{
    const struct gs_map *maps = target->maps;
    size_t first = index;
    for (size_t i = index; i-- > 0;) {
        /* Between the parts of one image there may be memory without a file. */
        if (same_file(&maps[i], &maps[index]) && maps[i].file_offset <= maps[first].file_offset)
            first = i;
        else if (maps[i].inode)
            break;
        if (maps[first].file_offset == 0)
            break;
    }
    return first;
}

static struct gs_module *new_module(struct gs_native *native, const struct gs_map *code)
{
    const struct gs_target *target = native->target;
    size_t index = (size_t)(code - target->maps), first = code->inode ? first_map(target, index) : index;
    if (native->module_count >= MODULES_MAX ||
        !gs_room((void **)&native->modules, &native->module_room, native->module_count + 1, sizeof *native->modules))
        return NULL;
    struct gs_module *module = calloc(1, sizeof *module);
    char *path = strdup(code->path);
    if (!module || !path) {
        free(module);
        free(path);
        return NULL;
    }
    module->start = code->start;
    module->end = code->end;
    module->map = target->maps[first];
    module->map.path = path;
    const char *slash = strrchr(path, '/');
    module->name = slash ? slash + 1 : *path ? path : "[unknown]";
    /* Memory without a file may be code that the program writes and rewrites: nothing of it is believed. */
    if (code->inode || strcmp(code->path, "[vdso]") == 0)
        read_head(native, module);
    native->modules[native->module_count++] = module;
    return module;
}

static struct gs_module *find(struct gs_native *native, gs_addr pc)
{
    if (native->last && pc - native->last->start < native->last->end - native->last->start)
        return native->last;
    for (size_t i = 0; i < native->module_count; i++) {
        struct gs_module *module = native->modules[i];
        if (pc - module->start < module->end - module->start)
            return native->last = module;
    }
    const struct gs_map *map = gs_target_map_at(native->target, pc);
    return map && map->executable ? native->last = new_module(native, map) : NULL;
}

/* It is mapped where it was, still. */
static bool stands(const struct gs_native *native, const struct gs_module *module)
{
    const struct gs_map *map = gs_target_map_at(native->target, module->start);
    return map && map->executable && map->start == module->start && map->end == module->end &&
           same_file(map, &module->map);
}

static void read_maps(struct gs_native *native)
{
    struct gs_err err;
    size_t kept = 0;
    native->refreshed_ns = gs_clock_ns();
    if (native->target->postmortem || gs_target_refresh_maps(native->target, &err) != GS_OK)
        return;
    for (size_t i = 0; i < native->module_count; i++) {
        if (stands(native, native->modules[i]))
            native->modules[kept++] = native->modules[i];
        else
            free_module(native->modules[i]);
    }
    if (kept == native->module_count)
        return;
    native->module_count = kept;
    native->last = NULL;
    gs_mem_cache_clear(native->text);
    memset(native->rows, 0, GS_ROWS * sizeof *native->rows);
    native->unloaded++;
}

struct gs_module *gs_native_module(struct gs_native *native, gs_addr pc)
{
    struct gs_module *module = find(native, pc);
    if (module || native->target->postmortem || gs_clock_ns() - native->refreshed_ns < GS_MAPS_MISS_NS)
        return module;
    read_maps(native);
    return find(native, pc);
}

bool gs_native_is_mapped(struct gs_native *native, gs_addr addr)
{
    if (!gs_target_map_at(native->target, addr) && gs_clock_ns() - native->refreshed_ns >= GS_MAPS_MISS_NS)
        read_maps(native);
    return gs_target_map_at(native->target, addr) != NULL;
}

void gs_modules_refresh(struct gs_native *native)
{
    if (gs_clock_ns() - native->refreshed_ns >= REFRESH_NS)
        read_maps(native);
}

void gs_modules_free(struct gs_native *native)
{
    for (size_t i = 0; i < native->module_count; i++)
        free_module(native->modules[i]);
    free(native->modules);
}
