/* The rules by which one frame leads to its caller's, from the tables that compilers leave for exceptions
 * (.eh_frame_hdr and .eh_frame: Linux Standard Base, Exception Frames; their instructions: DWARF 4, 6.4).
 *
 * libunwind and libdw could read them, too. The first divides by what the tables of a hostile target say, and guesses
 * without a word where they end; the second wants files, where we have memory. */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "base/sorted.h"
#include "native/native.h"
#include "native/pointer.h"
#include "native/symbols.h"

enum {
    ENTRY_MAX = 1 << 20,    /* bytes of one description, */
    SECTION_MAX = 64 << 20, /* and of all of an image without a sorted table */
    REMEMBERED = 8,         /* states put aside, one within the other */
    STEPS_MAX = 1 << 16,    /* instructions of one description */
    OPERAND = 0x3f          /* bits of an instruction, where the others tell which it is */
};

/* How to get from one place to the next while the instructions are run. */
struct program {
    struct gs_native *native;
    struct gs_cursor cursor;
    struct gs_row row, initial, aside[REMEMBERED];
    size_t aside_count;
    gs_addr at, wanted; /* the rules at `at` are row; those at wanted are looked for */
    uint64_t code_unit;
    int64_t data_unit;
    uint8_t pointer_encoding;
};

/* What both kinds of description begin with. */
struct description {
    gs_addr fde, cie; /* behind the length of each */
    gs_addr fde_end, cie_end;
    gs_addr start, len;         /* of the code */
    gs_addr fde_code, cie_code; /* their instructions */
    bool signal, augmented;
    uint8_t pointer_encoding;
    uint64_t code_unit;
    int64_t data_unit;
};

static struct gs_cursor open_entry(struct gs_native *native, gs_addr at)
{
    struct gs_cursor cursor = {.mem = native->text, .at = at, .end = at + 12};
    uint64_t len = gs_cursor_fixed(&cursor, 4);
    if (len == 0xffffffff)
        len = gs_cursor_fixed(&cursor, 8);
    cursor.failed |= len == 0 || len > ENTRY_MAX || cursor.at + len < cursor.at;
    cursor.end = cursor.at + len;
    return cursor;
}

/* What holds for many functions. */
static bool read_cie(struct gs_native *native, struct description *d, gs_addr at)
{
    char letters[8] = "";
    struct gs_cursor cursor = open_entry(native, at);
    if (gs_cursor_fixed(&cursor, 4) != 0)
        return false;
    uint8_t version = gs_cursor_u8(&cursor);
    for (size_t i = 0; i < sizeof letters; i++) {
        letters[i] = (char)gs_cursor_u8(&cursor);
        if (!letters[i])
            break;
        if (i + 1 == sizeof letters)
            return false;
    }
    if (version == 4)
        gs_cursor_skip(&cursor, 2); /* sizes of addresses and segments */
    d->code_unit = gs_cursor_uleb(&cursor);
    d->data_unit = gs_cursor_sleb(&cursor);
    uint64_t column = version == 1 ? gs_cursor_u8(&cursor) : gs_cursor_uleb(&cursor);
    if (cursor.failed || column != GS_ARCH_RETURN || (*letters && *letters != 'z'))
        return false;
    d->augmented = *letters == 'z';
    uint64_t len = d->augmented ? gs_cursor_uleb(&cursor) : 0;
    gs_addr from = cursor.at;
    for (const char *letter = letters + 1; d->augmented && *letter; letter++) {
        if (*letter == 'R')
            d->pointer_encoding = gs_cursor_u8(&cursor);
        else if (*letter == 'P')
            gs_cursor_pointer(&cursor, gs_cursor_u8(&cursor) & (uint8_t)~DW_EH_PE_indirect, 0);
        else if (*letter == 'L')
            gs_cursor_skip(&cursor, 1);
        else if (*letter == 'S')
            d->signal = true;
    }
    if (d->augmented)
        cursor.at = from;
    gs_cursor_skip(&cursor, len);
    d->cie_code = cursor.at;
    d->cie_end = cursor.end;
    return !cursor.failed;
}

static bool read_fde(struct gs_native *native, struct description *d, gs_addr at)
{
    *d = (struct description){0};
    struct gs_cursor cursor = open_entry(native, at);
    gs_addr back_from = cursor.at;
    uint64_t back = gs_cursor_fixed(&cursor, 4);
    if (cursor.failed || back == 0 || !read_cie(native, d, back_from - back))
        return false;
    d->start = gs_cursor_pointer(&cursor, d->pointer_encoding, 0);
    d->len = gs_cursor_pointer(&cursor, d->pointer_encoding & 0x0f, 0);
    if (d->augmented)
        gs_cursor_skip(&cursor, gs_cursor_uleb(&cursor));
    d->fde_code = cursor.at;
    d->fde_end = cursor.end;
    return !cursor.failed;
}

GS_BY(by_start, struct gs_described, start);

/* The linker left no sorted table (static programs, and those of musl-gcc): the descriptions in .eh_frame are listed
 * once. Only the file tells where that section is. */
static void list_described(struct gs_native *native, struct gs_module *module)
{
    struct description d;
    gs_addr at;
    uint64_t len;
    module->made = true;
    if (!module->has_head || !gs_module_section(native, module, ".eh_frame", &at, &len))
        return;
    for (gs_addr end = at + gs_least(len, SECTION_MAX); at < end;) {
        struct gs_cursor entry = open_entry(native, at);
        if (entry.failed)
            break; /* the last one has no length */
        if (read_fde(native, &d, at) && d.len > 0) {
            if (!gs_room((void **)&module->described, &module->described_room, module->described_count + 1,
                         sizeof *module->described))
                break;
            module->described[module->described_count++] = (struct gs_described){d.start, at};
        }
        at = entry.end;
    }
    if (module->described_count > 0)
        qsort(module->described, module->described_count, sizeof *module->described, by_start);
}

static bool find_described(struct gs_native *native, struct gs_module *module, gs_addr pc, struct description *d)
{
    if (!module->made)
        list_described(native, module);
    size_t above = GS_FIRST_NOT(i, module->described_count, module->described[i].start <= pc);
    return above > 0 && read_fde(native, d, module->described[above - 1].fde) && pc - d->start < d->len;
}

static bool read_pair(struct gs_native *native, const struct gs_module *module, uint32_t index, int32_t pair[2])
{
    return gs_mem_read(native->text, module->table + 8 * (gs_addr)index, pair, 8) == GS_OK;
}

/* The description of the function that pc is in. */
static bool find_description(struct gs_native *native, gs_addr pc, struct description *d)
{
    struct gs_module *module = gs_native_module(native, pc);
    int32_t pair[2];
    if (!module)
        return false;
    if (!module->header)
        return find_described(native, module, pc, d);
    uint32_t low = 0, high = module->table_count;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (!read_pair(native, module, mid, pair))
            return false;
        if (module->header + (gs_addr)(int64_t)pair[0] <= pc)
            low = mid;
        else
            high = mid;
    }
    return read_pair(native, module, low, pair) && read_fde(native, d, module->header + (gs_addr)(int64_t)pair[1]) &&
           pc - d->start < d->len;
}

static bool set(struct program *p, uint64_t reg, enum gs_rule rule, int64_t value)
{
    if (reg < GS_ARCH_REGISTERS) { /* others are of no use for getting on */
        p->row.rule[reg] = (uint8_t)rule;
        p->row.value[reg] = value;
    }
    return !p->cursor.failed;
}

static bool set_block(struct program *p, uint64_t reg, enum gs_rule rule)
{
    gs_addr block = p->cursor.at;
    gs_cursor_skip(&p->cursor, gs_cursor_uleb(&p->cursor));
    return set(p, reg, rule, (int64_t)block);
}

static bool restore(struct program *p, uint64_t reg)
{
    return reg >= GS_ARCH_REGISTERS || set(p, reg, p->initial.rule[reg], p->initial.value[reg]);
}

static bool set_cfa(struct program *p, uint64_t reg, int64_t offset)
{
    p->row.cfa_rule = GS_RULE_REGISTER;
    p->row.cfa_register = (uint8_t)reg;
    p->row.cfa_value = offset;
    return reg < GS_ARCH_REGISTERS && !p->cursor.failed;
}

static bool set_cfa_expression(struct program *p)
{
    p->row.cfa_rule = GS_RULE_IS_EXPR;
    p->row.cfa_value = (int64_t)p->cursor.at;
    gs_cursor_skip(&p->cursor, gs_cursor_uleb(&p->cursor));
    return !p->cursor.failed;
}

static bool advance(struct program *p, uint64_t units)
{
    p->at += units * p->code_unit;
    return !p->cursor.failed;
}

static int64_t scaled(const struct program *p, int64_t value)
{
    return (int64_t)((uint64_t)value * (uint64_t)p->data_unit);
}

static bool put_aside(struct program *p)
{
    if (p->aside_count == REMEMBERED)
        return false;
    p->aside[p->aside_count++] = p->row;
    return true;
}

static bool take_back(struct program *p)
{
    if (p->aside_count == 0)
        return false;
    p->row = p->aside[--p->aside_count];
    return true;
}

/* The instructions whose operands stand behind them (DWARF 4, 7.23). */
static bool run_extended(struct program *p, uint8_t op)
{
    struct gs_cursor *c = &p->cursor;
    uint64_t reg;
    switch (op) {
    case DW_CFA_nop:
        return true;
    case DW_CFA_set_loc:
        p->at = gs_cursor_pointer(c, p->pointer_encoding, 0);
        return !c->failed;
    case DW_CFA_advance_loc1:
        return advance(p, gs_cursor_u8(c));
    case DW_CFA_advance_loc2:
        return advance(p, gs_cursor_fixed(c, 2));
    case DW_CFA_advance_loc4:
        return advance(p, gs_cursor_fixed(c, 4));
    case DW_CFA_offset_extended:
        reg = gs_cursor_uleb(c);
        return set(p, reg, GS_RULE_AT, scaled(p, (int64_t)gs_cursor_uleb(c)));
    case DW_CFA_restore_extended:
        return restore(p, gs_cursor_uleb(c));
    case DW_CFA_undefined:
        return set(p, gs_cursor_uleb(c), GS_RULE_LOST, 0);
    case DW_CFA_same_value:
        return set(p, gs_cursor_uleb(c), GS_RULE_SAME, 0);
    case DW_CFA_register:
        reg = gs_cursor_uleb(c);
        return set(p, reg, GS_RULE_REGISTER, (int64_t)gs_cursor_uleb(c));
    case DW_CFA_remember_state:
        return put_aside(p);
    case DW_CFA_restore_state:
        return take_back(p);
    case DW_CFA_def_cfa:
        reg = gs_cursor_uleb(c);
        return set_cfa(p, reg, (int64_t)gs_cursor_uleb(c));
    case DW_CFA_def_cfa_register:
        return set_cfa(p, gs_cursor_uleb(c), p->row.cfa_value);
    case DW_CFA_def_cfa_offset:
        return set_cfa(p, p->row.cfa_register, (int64_t)gs_cursor_uleb(c));
    case DW_CFA_def_cfa_expression:
        return set_cfa_expression(p);
    case DW_CFA_expression:
        return set_block(p, gs_cursor_uleb(c), GS_RULE_AT_EXPR);
    case DW_CFA_offset_extended_sf:
        reg = gs_cursor_uleb(c);
        return set(p, reg, GS_RULE_AT, scaled(p, gs_cursor_sleb(c)));
    case DW_CFA_def_cfa_sf:
        reg = gs_cursor_uleb(c);
        return set_cfa(p, reg, scaled(p, gs_cursor_sleb(c)));
    case DW_CFA_def_cfa_offset_sf:
        return set_cfa(p, p->row.cfa_register, scaled(p, gs_cursor_sleb(c)));
    case DW_CFA_val_offset:
        reg = gs_cursor_uleb(c);
        return set(p, reg, GS_RULE_IS, scaled(p, (int64_t)gs_cursor_uleb(c)));
    case DW_CFA_val_offset_sf:
        reg = gs_cursor_uleb(c);
        return set(p, reg, GS_RULE_IS, scaled(p, gs_cursor_sleb(c)));
    case DW_CFA_val_expression:
        return set_block(p, gs_cursor_uleb(c), GS_RULE_IS_EXPR);
    case DW_CFA_GNU_args_size:
        gs_cursor_uleb(c);
        return !c->failed;
    case DW_CFA_GNU_negative_offset_extended:
        reg = gs_cursor_uleb(c);
        return set(p, reg, GS_RULE_AT, scaled(p, (int64_t)(0 - gs_cursor_uleb(c))));
    default:
        return gs_arch_is_own_cfa(op);
    }
}

/* Runs instructions until the rules at p->wanted are known, or to their end. */
static bool run(struct program *p, gs_addr from, gs_addr end)
{
    p->cursor = (struct gs_cursor){.mem = p->native->text, .at = from, .end = end};
    for (int step = 0; p->cursor.at < end && p->at <= p->wanted; step++) {
        uint8_t op = gs_cursor_u8(&p->cursor), low = op & OPERAND;
        bool ok;
        if (step == STEPS_MAX)
            return false;
        if ((op & ~OPERAND) == DW_CFA_advance_loc)
            ok = advance(p, low);
        else if ((op & ~OPERAND) == DW_CFA_offset)
            ok = set(p, low, GS_RULE_AT, scaled(p, (int64_t)gs_cursor_uleb(&p->cursor)));
        else if ((op & ~OPERAND) == DW_CFA_restore)
            ok = restore(p, low);
        else
            ok = run_extended(p, op);
        if (!ok)
            return false;
    }
    return true;
}

static void find_row(struct gs_native *native, gs_addr pc, struct gs_row *row)
{
    struct description d;
    struct program p = {.native = native};
    *row = (struct gs_row){.pc = pc};
    if (!find_description(native, pc, &d))
        return;
    p.code_unit = d.code_unit;
    p.data_unit = d.data_unit;
    p.pointer_encoding = d.pointer_encoding;
    /* Where no rule is set a function leaves a register as it is, or does not care. */
    p.at = p.wanted = 0;
    if (!run(&p, d.cie_code, d.cie_end))
        return;
    p.initial = p.row;
    p.at = d.start;
    p.wanted = d.start;
    struct program head = p;
    bool ordinary = run(&head, d.fde_code, d.fde_end) && head.row.cfa_rule == GS_RULE_REGISTER &&
                    head.row.cfa_register == GS_ARCH_SP && head.row.cfa_value == GS_ARCH_CALL_CFA;
    p.wanted = pc;
    if (!run(&p, d.fde_code, d.fde_end))
        return;
    *row = p.row;
    row->pc = pc;
    row->start = d.start;
    row->signal = d.signal;
    row->cold = !ordinary;
    row->found = true;
}

const struct gs_row *gs_native_row(struct gs_native *native, gs_addr pc)
{
    struct gs_row *row = &native->rows[(pc * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
    _Static_assert(GS_ROWS == 1 << 12, "as many as the bits above");
    if (row->pc != pc || !pc)
        find_row(native, pc, row);
    return row;
}
