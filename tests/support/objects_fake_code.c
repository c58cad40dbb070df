/* Lays out code objects. */
#include <string.h>

#include "support/objects_fake.h"
#include "support/unit.h"

enum { KIND_LOCAL = 0x20, KIND_CELL = 0x40, KIND_FREE = 0x80 };

static void put32(struct objects *o, gs_addr code, int32_t field, int32_t value)
{
    if (field != GS_ABSENT)
        objects_put32(o, code + (gs_addr)field, (uint32_t)value);
}

static void put64(struct objects *o, gs_addr code, int32_t field, uint64_t value)
{
    if (field != GS_ABSENT)
        objects_put64(o, code + (gs_addr)field, value);
}

/* The names of one kind of variable. */
static size_t add_names(struct objects *o, const char *const *names, uint8_t kind, gs_addr *strings, uint8_t *kinds)
{
    size_t count = 0;
    for (; count < 4 && names[count]; count++) {
        strings[count] = objects_str(o, names[count]);
        kinds[count] = kind;
    }
    return count;
}

static void put_variables(struct objects *o, gs_addr code, const struct objects_code *template)
{
    gs_addr strings[12];
    uint8_t kinds[12];
    size_t locals = add_names(o, template->locals, KIND_LOCAL, strings, kinds);
    size_t cells = add_names(o, template->cells, KIND_CELL, strings + locals, kinds + locals);
    size_t frees = add_names(o, template->frees, KIND_FREE, strings + locals + cells, kinds + locals + cells);
    size_t all = locals + cells + frees;
    put32(o, code, o->layout.co_nlocals, (int32_t)locals);
    put32(o, code, o->layout.co_nlocalsplus, (int32_t)all);
    put64(o, code, o->layout.co_varnames, objects_tuple(o, strings, locals));
    put64(o, code, o->layout.co_cellvars, objects_tuple(o, strings + locals, cells));
    put64(o, code, o->layout.co_freevars, objects_tuple(o, strings + locals + cells, frees));
    put64(o, code, o->layout.co_localsplusnames, objects_tuple(o, strings, all));
    put64(o, code, o->layout.co_localspluskinds, objects_bytes(o, kinds, all));
}

gs_addr objects_code(struct objects *o, const struct objects_code *template)
{
    static const uint8_t bytecode[256];
    char qualname[128] = "Class.";
    assert_true(template->code_bytes <= sizeof bytecode);
    strncat(qualname, template->name, sizeof qualname - 8);
    gs_addr code = objects_new(o, objects_type(o, "code"), 256 + template->code_bytes);
    /* In 3.11 on the size counts code units of two bytes. */
    put64(o, code, o->layout.ob_size, o->layout.co_code == GS_ABSENT ? template->code_bytes / 2 : 0);
    put64(o, code, o->layout.co_code, objects_bytes(o, bytecode, template->code_bytes));
    put64(o, code, o->layout.co_name, objects_str(o, template->name));
    put64(o, code, o->layout.co_qualname, objects_str(o, qualname));
    put64(o, code, o->layout.co_filename, objects_str(o, template->file));
    put64(o, code, o->layout.co_linetable, objects_bytes(o, template->lines, template->line_bytes));
    put32(o, code, o->layout.co_argcount, template->args);
    put32(o, code, o->layout.co_kwonlyargcount, template->keyword_args);
    put32(o, code, o->layout.co_flags, template->flags);
    put32(o, code, o->layout.co_firstlineno, template->first_line);
    put32(o, code, o->layout.co_stacksize, template->stack);
    put32(o, code, o->layout.co_framesize, template->frame);
    put_variables(o, code, template);
    return code;
}
