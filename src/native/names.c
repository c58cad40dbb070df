/* Names by address, each found once. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include "base/room.h"
#include "native/symbols.h"

enum { NAME_BYTES = 512, NAMES_MAX = 1 << 18, STRING_KEPT = 4096 };

struct gs_name_slot {
    gs_addr pc; /* 0: empty */
    struct gs_native_name *name;
};

static const struct gs_native_name nameless = {.function = "<no memory>", .module = "[unknown]", .path = ""};

/* A copy that stays. */
static const char *keep(struct gs_native *native, const char *text)
{
    if (!gs_room((void **)&native->strings, &native->string_room, native->string_count + 1, sizeof *native->strings))
        return NULL;
    char *copy = strndup(text, STRING_KEPT);
    if (copy)
        native->strings[native->string_count++] = copy;
    return copy;
}

static size_t slot_of(const struct gs_native *native, gs_addr pc)
{
    size_t mask = native->name_room - 1, i = (size_t)(pc * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;
    while (native->names[i].pc && native->names[i].pc != pc)
        i = (i + 1) & mask;
    return i;
}

static bool grow(struct gs_native *native)
{
    size_t room = native->name_room ? 2 * native->name_room : 256;
    struct gs_name_slot *old = native->names, *grown = calloc(room, sizeof *grown);
    size_t old_room = native->name_room;
    if (!grown)
        return false;
    native->names = grown;
    native->name_room = room;
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].pc)
            native->names[slot_of(native, old[i].pc)] = old[i];
    }
    free(old);
    return true;
}

void gs_native_names_forget(struct gs_native *native)
{
    if (native->names)
        memset(native->names, 0, native->name_room * sizeof *native->names);
    native->name_count = 0;
    native->generation++;
}

uint64_t gs_native_generation(const struct gs_native *native)
{
    return native->generation;
}

static void name_symbol(struct gs_native *native, struct gs_module *module, gs_addr pc, struct gs_native_name *name)
{
    char text[NAME_BYTES];
    uint64_t at = pc - module->bias;
    const struct gs_symbol *symbol = gs_symtab_find(&module->symbols->functions, at);
    const char *file;
    int line;
    if (symbol) {
        gs_demangle(gs_symtab_name(&module->symbols->functions, symbol), text, sizeof text);
        name->function = keep(native, text);
        name->has_symbol = name->function != NULL;
    }
    if (module->symbols->lines && gs_lines_find(module->symbols->lines, at, &file, &line)) {
        name->file = keep(native, file);
        name->line = name->file ? line : 0;
    }
}

static struct gs_native_name *make(struct gs_native *native, gs_addr pc)
{
    char text[NAME_BYTES];
    struct gs_module *module = gs_native_module(native, pc);
    struct gs_native_name *name = calloc(1, sizeof *name);
    if (!name ||
        !gs_room((void **)&native->strings, &native->string_room, native->string_count + 1, sizeof *native->strings)) {
        free(name);
        return NULL;
    }
    native->strings[native->string_count++] = (char *)name; /* freed with them */
    name->module = module ? keep(native, module->name) : "[unknown]";
    name->path = module && module->map.inode ? keep(native, module->map.path) : "";
    if (module && module->has_head && !module->named) {
        module->named = true;
        module->symbols = gs_module_symbols_new(native, module);
    }
    if (module && module->symbols)
        name_symbol(native, module, pc, name);
    if (!name->function) {
        bool placed = module && module->has_head;
        snprintf(text, sizeof text, "%s+0x%llx", name->module ? name->module : "[unknown]",
                 (unsigned long long)(placed ? pc - module->bias : pc));
        name->function = keep(native, text);
    }
    return name->function && name->module && name->path ? name : NULL;
}

const struct gs_native_name *gs_native_name(struct gs_native *native, gs_addr pc)
{
    if (native->name_count >= NAMES_MAX)
        gs_native_names_forget(native);
    if (!pc || (2 * native->name_count >= native->name_room && !grow(native)))
        return &nameless;
    size_t i = slot_of(native, pc);
    if (native->names[i].pc)
        return native->names[i].name;
    struct gs_native_name *name = make(native, pc);
    if (!name)
        return &nameless;
    native->names[i] = (struct gs_name_slot){pc, name};
    native->name_count++;
    return name;
}
