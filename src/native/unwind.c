/* From frame to frame over a copy of the stack, as far as each step can be checked. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "native/native.h"

enum {
    SIGNALS_MAX = 8,      /* frames below which another stack may lie */
    FRAME_MAX = 256 << 10 /* bytes in which a frame's end is looked for */
};

struct walk {
    struct gs_native *native;
    const struct gs_native_copy *copy;
    struct gs_native_stack *stack;
    struct gs_arch_registers registers;
    bool exact_pc; /* it is where the thread stands, and not behind a call */
    bool inferred;
    bool above_record; /* the stack pointer is only known to lie above a frame record */
    int signals;
};

static bool known(const struct walk *walk, unsigned reg)
{
    return reg < GS_ARCH_REGISTERS && walk->registers.known >> reg & 1;
}

static enum gs_eval_result find_cfa(const struct walk *walk, const struct gs_row *row, gs_addr *cfa)
{
    if (row->cfa_rule == GS_RULE_IS_EXPR) {
        struct gs_eval eval = {walk->native, walk->copy, &walk->registers};
        return gs_native_expression(&eval, (gs_addr)row->cfa_value, NULL, cfa);
    }
    if (row->cfa_rule != GS_RULE_REGISTER)
        return GS_EVAL_BAD;
    /* Where the frame record lies in the frame its rule tells: the frame pointer points to it. */
    if (walk->above_record && row->cfa_register == GS_ARCH_SP) {
        if (row->rule[GS_ARCH_BP] != GS_RULE_AT)
            return GS_EVAL_LOST;
        *cfa = walk->registers.value[GS_ARCH_BP] - (uint64_t)row->value[GS_ARCH_BP];
        return GS_EVAL_OK;
    }
    if (!known(walk, row->cfa_register))
        return GS_EVAL_LOST;
    *cfa = walk->registers.value[row->cfa_register] + (uint64_t)row->cfa_value;
    return GS_EVAL_OK;
}

/* One register of the caller. */
static enum gs_eval_result recover(const struct walk *walk, const struct gs_row *row, gs_addr cfa, unsigned reg,
                                   uint64_t *value)
{
    struct gs_eval eval = {walk->native, walk->copy, &walk->registers};
    enum gs_eval_result result = GS_EVAL_OK;
    int64_t operand = row->value[reg];
    switch (row->rule[reg]) {
    case GS_RULE_AT:
        return gs_native_copy_word(walk->copy, cfa + (uint64_t)operand, value) ? GS_EVAL_OK : GS_EVAL_BAD;
    case GS_RULE_IS:
        *value = cfa + (uint64_t)operand;
        return GS_EVAL_OK;
    case GS_RULE_REGISTER:
        if ((uint64_t)operand >= GS_ARCH_REGISTERS || !known(walk, (unsigned)operand))
            return GS_EVAL_LOST;
        *value = walk->registers.value[operand];
        return GS_EVAL_OK;
    case GS_RULE_AT_EXPR:
    case GS_RULE_IS_EXPR:
        result = gs_native_expression(&eval, (gs_addr)operand, &cfa, value);
        if (!result && row->rule[reg] == GS_RULE_AT_EXPR && !gs_native_copy_word(walk->copy, *value, value))
            result = GS_EVAL_BAD;
        return result;
    default: /* it is as it was, if a function has to leave it so */
        *value = walk->registers.value[reg];
        return row->rule[reg] == GS_RULE_SAME && known(walk, reg) && (GS_ARCH_PRESERVED >> reg & 1) ? GS_EVAL_OK
                                                                                                    : GS_EVAL_LOST;
    }
}

/* Past the copy's end there may be more; elsewhere there is nothing to be found. */
static enum gs_native_end beyond(const struct walk *walk, gs_addr addr)
{
    const struct gs_native_copy *copy = walk->copy;
    bool second = walk->registers.value[GS_ARCH_SP] - copy->second.addr < copy->second.len;
    const struct gs_native_stretch *now = second ? &copy->second : &copy->first;
    return !now->whole && addr >= now->addr + now->len - 16 ? GS_NATIVE_CUT : GS_NATIVE_DAMAGED;
}

/* Behind a signal that was handled on a stack of its own, which is not the one that was copied. */
static bool is_elsewhere(const struct walk *walk)
{
    uint64_t word;
    gs_addr sp = walk->registers.value[GS_ARCH_SP];
    return walk->exact_pc && known(walk, GS_ARCH_SP) && !walk->copy->second_sp &&
           !gs_native_copy_word(walk->copy, sp, &word) && gs_native_is_mapped(walk->native, sp);
}

/* Registers become those of the caller, whose frame begins at cfa. */
static enum gs_native_end go_to_caller(struct walk *walk, const struct gs_row *row, gs_addr cfa)
{
    struct gs_arch_registers next = {0};
    for (unsigned reg = 0; reg < GS_ARCH_REGISTERS; reg++) {
        uint64_t value = cfa;
        bool plain_sp = reg == GS_ARCH_SP && row->rule[reg] == GS_RULE_SAME;
        enum gs_eval_result result = plain_sp ? GS_EVAL_OK : recover(walk, row, cfa, reg, &value);
        if (reg == GS_ARCH_RETURN && row->rule[reg] == GS_RULE_LOST)
            return GS_NATIVE_WHOLE; /* so the outermost function is marked */
        if (reg == GS_ARCH_RETURN && result != GS_EVAL_OK)
            return result == GS_EVAL_LOST && reg != GS_ARCH_PC ? GS_NATIVE_REGISTER : beyond(walk, cfa);
        if (result != GS_EVAL_OK)
            continue;
        next.value[reg] = value;
        next.known |= GS_ARCH_BIT(reg);
    }
    next.value[GS_ARCH_PC] = gs_arch_code_address(next.value[GS_ARCH_RETURN]);
    if (!row->signal)
        next.known &= ~GS_ARCH_BIT(GS_ARCH_RETURN); /* the call has overwritten it */
    next.known |= GS_ARCH_BIT(GS_ARCH_PC);
    walk->registers = next;
    walk->above_record = false;
    walk->exact_pc = row->signal;
    if (next.value[GS_ARCH_PC] == 0)
        return GS_NATIVE_WHOLE;
    return GS_NATIVE_NOT_YET;
}

static bool read_return_address(const struct walk *walk, gs_addr at, gs_addr *pc)
{
    uint64_t stored;
    if (!gs_native_copy_word(walk->copy, at, &stored))
        return false;
    *pc = gs_arch_code_address(stored);
    return true;
}

/* Without rules: code that was made while the program runs, and keeps to the frame pointer if we are lucky. */
static bool follow_frame_pointer(struct walk *walk)
{
    gs_addr sp = walk->registers.value[GS_ARCH_SP], at = walk->registers.value[GS_ARCH_BP], callee;
    uint64_t bp, pc;
    uint8_t before[GS_ARCH_CALL_BYTES];
    if (!known(walk, GS_ARCH_BP) || at % 8 != 0 || at < sp || !gs_native_copy_word(walk->copy, at, &bp) ||
        !read_return_address(walk, at + 8, &pc) || !gs_native_module(walk->native, pc) ||
        gs_mem_read(walk->native->text, pc - sizeof before, before, sizeof before) != GS_OK ||
        !gs_arch_is_call(before, pc, &callee))
        return false;
    walk->registers = (struct gs_arch_registers){.known = GS_ARCH_BIT(GS_ARCH_BP) | GS_ARCH_BIT(GS_ARCH_SP) |
                                                          GS_ARCH_BIT(GS_ARCH_PC)};
    walk->registers.value[GS_ARCH_BP] = bp;
    walk->registers.value[GS_ARCH_SP] = at + 16;
    walk->registers.value[GS_ARCH_PC] = pc;
    walk->exact_pc = false;
    walk->above_record = !GS_ARCH_RECORD_IS_TOP;
    walk->inferred = true;
    return true;
}

/* Where the stack has the registers of whom a signal interrupted, if its handler returns to pc; 0: it does not. */
static gs_addr find_interrupted(const struct walk *walk, gs_addr pc)
{
    uint8_t code[GS_ARCH_SIGNAL_BYTES];
    if (walk->above_record || !gs_native_module(walk->native, pc) ||
        gs_mem_read(walk->native->text, pc, code, sizeof code) != GS_OK)
        return 0;
    return gs_arch_signal_registers(code, walk->registers.value[GS_ARCH_SP]);
}

static enum gs_native_end go_to_interrupted(struct walk *walk, gs_addr at)
{
    struct gs_arch_registers next = {.known = GS_ARCH_BIT(GS_ARCH_REGISTERS) - 1};
    for (unsigned reg = 0; reg < GS_ARCH_REGISTERS; reg++) {
        if (!gs_native_copy_word(walk->copy, at + gs_arch_signal_place(reg) * sizeof *next.value, &next.value[reg]))
            return beyond(walk, at + sizeof next.value);
    }
    walk->registers = next;
    walk->exact_pc = true;
    return GS_NATIVE_NOT_YET;
}

static bool add(struct walk *walk, gs_addr pc, gs_addr start, gs_addr cfa)
{
    struct gs_native_stack *stack = walk->stack;
    if (stack->count >= GS_NATIVE_FRAMES_MAX ||
        !gs_room((void **)&stack->frames, &stack->room, stack->count + 1, sizeof *stack->frames))
        return false;
    stack->frames[stack->count++] =
        (struct gs_native_frame){.pc = pc, .cfa = cfa, .start = start, .inferred = walk->inferred};
    return true;
}

/* ---- a register that is not known ----
 *
 * The kernel does not tell the frame pointer of a sleeping thread, by which functions with frame pointers, alloca or
 * variable-length arrays find their frame. It points to where they saved their caller's, and behind that lies the
 * return address. */

/* How well a return address fits a function: it calls just that, or something that is told only when it runs. What
 * calls another function might have come here by a jump of that one, but is rather left over from an earlier call. */
enum fit { FITS, MAY_FIT, NO_FIT };

/* Where the linkage table's entry at `callee` jumps to; callee itself where that is none. */
static gs_addr destination(struct gs_native *native, gs_addr callee)
{
    uint8_t stub[GS_ARCH_STUB_BYTES];
    gs_addr word, place;
    if (gs_native_module(native, callee) && gs_mem_read(native->text, callee, stub, sizeof stub) == GS_OK &&
        (word = gs_arch_stub_word(stub, callee)) && gs_mem_read_addr(native->target->mem, word, &place) == GS_OK)
        return place;
    return callee;
}

static enum fit fit_of(struct gs_native *native, gs_addr back, gs_addr start)
{
    uint8_t before[GS_ARCH_CALL_BYTES];
    gs_addr callee;
    struct gs_module *module = gs_native_module(native, back - 1);
    if (!module || back - module->start < sizeof before ||
        gs_mem_read(native->text, back - sizeof before, before, sizeof before) != GS_OK ||
        !gs_arch_is_call(before, back, &callee))
        return NO_FIT;
    if (!callee)
        return MAY_FIT;
    return callee == start || destination(native, callee) == start ? FITS : NO_FIT;
}

/* Looks from *slot on for a return address that the function which starts at `start` may have been called with, while
 * its stack pointer is sp. sure: it lies behind a call of just that function; else behind one of which it is told only
 * when it runs what it calls. False: there are no more of them. */
static bool guess(struct gs_native *native, const struct gs_native_copy *copy, gs_addr sp, gs_addr start, bool sure,
                  gs_addr *slot)
{
    uint64_t back;
    for (; *slot - sp < FRAME_MAX && gs_native_copy_word(copy, *slot, &back); *slot += 8) {
        /* Whoever calls by the rules has aligned the stack to 16 bytes. */
        if (!sure && (*slot + 8) % 16 != 0)
            continue;
        if (fit_of(native, gs_arch_code_address(back), start) == (sure ? FITS : MAY_FIT))
            return true;
    }
    return false;
}

static enum gs_native_end follow(struct walk *walk, bool guessing);

/* What comes of it if the return address lies in `slot`, and the frame so ends behind that. */
static enum gs_native_end try_guess(struct walk *walk, const struct walk *before, size_t frames, gs_addr slot,
                                    int64_t offset)
{
    bool unsure = walk->stack->frames[frames - 1].inferred;
    *walk = *before;
    walk->stack->count = frames - 1; /* where it stands is known, only its end is not */
    walk->registers.value[GS_ARCH_BP] = gs_arch_frame_pointer(slot, offset);
    walk->registers.known |= GS_ARCH_BIT(GS_ARCH_BP);
    walk->inferred = true;
    enum gs_native_end end = follow(walk, true);
    walk->stack->frames[frames - 1].inferred = unsure;
    return end;
}

/* The frame pointer is not known, and this frame is found by it: each likely value is tried, until one leads to the
 * outermost function. */
static enum gs_native_end try_guesses(struct walk *walk, const struct gs_row *row)
{
    enum { GUESSES = 12, USUAL = 16 /* the saved frame pointer and the return address */ };
    int64_t offset = row->cfa_rule == GS_RULE_REGISTER ? row->cfa_value : USUAL;
    gs_addr sp = walk->registers.value[GS_ARCH_SP], start = row->start;
    size_t frames = walk->stack->count;
    struct walk before = *walk;
    bool cut = false;
    if (row->cfa_rule == GS_RULE_REGISTER && row->cfa_register != GS_ARCH_BP)
        return GS_NATIVE_REGISTER;
    for (int sure = 1; sure >= 0; sure--) {
        gs_addr slot = sp;
        for (int i = 0; i < GUESSES && guess(walk->native, walk->copy, sp, start, sure, &slot); i++) {
            enum gs_native_end end = try_guess(walk, &before, frames, slot, offset);
            if (end == GS_NATIVE_WHOLE)
                return end;
            cut |= end == GS_NATIVE_CUT;
            slot += 8;
        }
    }
    *walk = before;
    walk->stack->count = frames;
    return cut ? GS_NATIVE_CUT : GS_NATIVE_REGISTER; /* with more of the stack one of them may lead on */
}

static enum gs_native_end follow(struct walk *walk, bool guessing)
{
    for (;;) {
        gs_addr sp = walk->registers.value[GS_ARCH_SP], pc = walk->registers.value[GS_ARCH_PC], cfa = 0;
        gs_addr at = walk->exact_pc ? pc : pc - 1;
        const struct gs_row *row = gs_native_row(walk->native, at);
        enum gs_eval_result result = row->found ? find_cfa(walk, row, &cfa) : GS_EVAL_BAD;
        gs_addr interrupted = row->found ? 0 : find_interrupted(walk, pc);
        if (interrupted)
            at = pc;
        bool there = gs_native_module(walk->native, at) != NULL;
        if (!there && walk->stack->count > 0)
            return beyond(walk, sp);
        if (!add(walk, at, row->start, cfa))
            return GS_NATIVE_CUT;
        if (!row->found && !interrupted) {
            if (!follow_frame_pointer(walk))
                return GS_NATIVE_UNKNOWN;
            walk->stack->frames[walk->stack->count - 1].cfa = walk->registers.value[GS_ARCH_SP];
            continue;
        }
        if (result == GS_EVAL_LOST)
            return guessing || known(walk, GS_ARCH_BP) ? GS_NATIVE_REGISTER : try_guesses(walk, row);
        enum gs_native_end end = interrupted ? go_to_interrupted(walk, interrupted)
                                 : result    ? GS_NATIVE_DAMAGED
                                             : go_to_caller(walk, row, cfa);
        if (end != GS_NATIVE_NOT_YET)
            return end;
        if (is_elsewhere(walk)) {
            walk->stack->second_sp = walk->registers.value[GS_ARCH_SP];
            return GS_NATIVE_CUT;
        }
        /* Each frame lies above the one that it called, unless a signal came in on a stack of its own. */
        bool above = walk->registers.value[GS_ARCH_SP] > sp;
        if (walk->stack->count == 1) /* may have taken its return address off the stack */
            above |= walk->registers.value[GS_ARCH_SP] == sp;
        if (!above && !(walk->exact_pc && walk->signals++ < SIGNALS_MAX))
            return GS_NATIVE_DAMAGED;
    }
}

void gs_native_unwind(struct gs_native *native, const struct gs_native_copy *copy, struct gs_native_stack *stack)
{
    struct walk walk = {.native = native, .copy = copy, .stack = stack, .registers = copy->registers, .exact_pc = true};
    const uint64_t needed = GS_ARCH_BIT(GS_ARCH_SP) | GS_ARCH_BIT(GS_ARCH_PC);
    stack->count = 0;
    stack->second_sp = 0;
    stack->end = (copy->registers.known & needed) == needed ? follow(&walk, false) : GS_NATIVE_HIDDEN;
}
