/* Names by address, each found once. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include "base/room.h"
#include "base/watch.h"
#include "native/symbols.h"

/* Of the names in polars, whose code is Rust, one of eight takes more than 512 bytes, and none 8000. */
enum { NAME_BYTES = 1 << 13, NAMES_MAX = 1 << 18 };

struct gs_name_slot {
    struct gs_native_name *name;
    bool placed; /* its line was looked for */
};

static const struct gs_native_name nameless = {.function = "<no memory>", .module = "[unknown]", .path = ""};

/* A copy that stays. */
static const char *keep(struct gs_native *native, const char *text)
{
    if (!gs_room((void **)&native->strings, &native->string_room, native->string_count + 1, sizeof *native->strings))
        return NULL;
    char *copy = strndup(text, NAME_BYTES);
    if (copy)
        native->strings[native->string_count++] = copy;
    return copy;
}

/* Without memory for the list they stay where they are. */
static void leave_strings(struct gs_native *native)
{
    size_t count = native->left_count + native->string_count;
    if (!gs_room((void **)&native->left, &native->left_room, count + 1, sizeof *native->left))
        return;
    for (size_t i = 0; i < native->string_count; i++)
        native->left[native->left_count++] = native->strings[i];
    native->string_count = 0;
}

void gs_native_names_release(struct gs_native *native)
{
    for (size_t i = 0; i < native->left_count; i++)
        free(native->left[i]);
    native->left_count = 0;
}

/* Those of code that is there no more, or too many. */
static void forget(struct gs_native *native)
{
    leave_strings(native);
    gs_ids_clear(&native->name_at);
    native->name_count = 0;
    native->generation++;
    native->named_unloaded = native->unloaded;
}

void gs_native_names_free(struct gs_native *native)
{
    for (size_t i = 0; i < native->string_count; i++)
        free(native->strings[i]);
    free(native->strings);
    gs_native_names_release(native);
    free(native->left);
    free(native->names);
    gs_ids_fini(&native->name_at);
}

uint64_t gs_native_generation(const struct gs_native *native)
{
    return native->generation + (native->named_unloaded != native->unloaded);
}

/* Its unwind information tells where a function begins and ends. NULL: that one is not called from Python. */
static const char *keep_method(struct gs_native *native, const struct gs_module *module, gs_addr pc)
{
    const struct gs_symtab *methods = &module->symbols->methods;
    const struct gs_row *row = gs_native_row(native, pc);
    gs_addr start = row->found ? row->start - module->bias : 0;
    const struct gs_symbol *method = start ? gs_symtab_find(methods, start) : NULL;
    return method && method->addr == start ? keep(native, gs_symtab_name(methods, method)) : NULL;
}

static void name_symbol(struct gs_native *native, struct gs_module *module, gs_addr pc, struct gs_native_name *name)
{
    char text[NAME_BYTES];
    const struct gs_symbol *symbol = gs_symtab_find(&module->symbols->functions, pc - module->bias);
    if (symbol) {
        gs_demangle(gs_symtab_name(&module->symbols->functions, symbol), text, sizeof text);
        name->function = keep(native, text);
    } else if (module->symbols->methods.count > 0) {
        name->function = keep_method(native, module, pc);
    }
    name->has_symbol = name->function != NULL;
}

static void find_line(struct gs_native *native, gs_addr pc, struct gs_native_name *name)
{
    struct gs_module *module = gs_native_module(native, pc);
    const char *file;
    int line;
    if (!module || !module->symbols || !module->symbols->lines ||
        !gs_watch_enter_spare(native->target->watch, "reading the debug information of a file that it maps"))
        return;
    if (gs_lines_find(module->symbols->lines, pc - module->bias, &file, &line)) {
        name->file = keep(native, file);
        name->line = name->file ? line : 0;
    }
    gs_watch_leave(native->target->watch);
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

/* NULL: out of memory. */
static struct gs_name_slot *look_up(struct gs_native *native, gs_addr pc)
{
    if (native->name_count >= NAMES_MAX || native->named_unloaded != native->unloaded)
        forget(native);
    uint32_t at = gs_ids_find(&native->name_at, pc);
    if (at != GS_IDS_NONE)
        return &native->names[at];
    if (!pc || !gs_room((void **)&native->names, &native->name_room, native->name_count + 1, sizeof *native->names))
        return NULL;
    struct gs_native_name *name = make(native, pc);
    if (!name || !gs_ids_set(&native->name_at, pc, (uint32_t)native->name_count))
        return NULL;
    native->names[native->name_count] = (struct gs_name_slot){.name = name};
    return &native->names[native->name_count++];
}

const struct gs_native_name *gs_native_name(struct gs_native *native, gs_addr pc)
{
    const struct gs_name_slot *slot = look_up(native, pc);
    return slot ? slot->name : &nameless;
}

const struct gs_native_name *gs_native_place(struct gs_native *native, gs_addr pc)
{
    struct gs_name_slot *slot = look_up(native, pc);
    if (!slot)
        return &nameless;
    if (!slot->placed) {
        slot->placed = true;
        find_line(native, pc, slot->name);
    }
    return slot->name;
}
