/* The few places where an unwind table reckons (DWARF 4, 2.5): procedure linkage tables, realigned stacks, signal
 * frames. */
#include <dwarf.h>

#include "native/native.h"
#include "native/pointer.h"

enum { DEPTH = 32, STEPS_MAX = 256, BYTES_MAX = 4096 };

struct machine {
    const struct gs_eval *eval;
    struct gs_cursor cursor;
    uint64_t stack[DEPTH];
    size_t depth;
    enum gs_eval_result result;
};

static void push(struct machine *m, uint64_t value)
{
    if (m->depth == DEPTH)
        m->result = GS_EVAL_BAD;
    else
        m->stack[m->depth++] = value;
}

static uint64_t pop(struct machine *m)
{
    if (m->depth == 0) {
        m->result = GS_EVAL_BAD;
        return 0;
    }
    return m->stack[--m->depth];
}

static void push_register(struct machine *m, uint64_t number, int64_t offset)
{
    if (number >= GS_ARCH_REGISTERS)
        m->result = GS_EVAL_BAD;
    else if (!(m->eval->registers->known >> number & 1))
        m->result = GS_EVAL_LOST;
    else
        push(m, m->eval->registers->value[number] + (uint64_t)offset);
}

static void dereference(struct machine *m)
{
    uint64_t addr = pop(m), word = 0;
    if (!gs_native_copy_word(m->eval->copy, addr, &word) &&
        gs_mem_read_addr(m->eval->native->text, addr, &word) != GS_OK)
        m->result = GS_EVAL_BAD;
    push(m, word);
}

static void reckon(struct machine *m, uint8_t op)
{
    uint64_t b = pop(m), a = pop(m);
    int64_t x = (int64_t)a, y = (int64_t)b;
    switch (op) {
    case DW_OP_and:
        push(m, a & b);
        break;
    case DW_OP_minus:
        push(m, a - b);
        break;
    case DW_OP_mul:
        push(m, a * b);
        break;
    case DW_OP_or:
        push(m, a | b);
        break;
    case DW_OP_plus:
        push(m, a + b);
        break;
    case DW_OP_shl:
        push(m, b < 64 ? a << b : 0);
        break;
    case DW_OP_shr:
        push(m, b < 64 ? a >> b : 0);
        break;
    case DW_OP_shra:
        push(m, (uint64_t)(x >> (b < 63 ? b : 63)));
        break;
    case DW_OP_xor:
        push(m, a ^ b);
        break;
    case DW_OP_eq:
        push(m, x == y);
        break;
    case DW_OP_ge:
        push(m, x >= y);
        break;
    case DW_OP_gt:
        push(m, x > y);
        break;
    case DW_OP_le:
        push(m, x <= y);
        break;
    case DW_OP_lt:
        push(m, x < y);
        break;
    case DW_OP_ne:
        push(m, x != y);
        break;
    default: /* what no compiler puts there, division among it */
        m->result = GS_EVAL_BAD;
    }
}

/* Operations with one operand or none on the stack. */
static bool shuffle(struct machine *m, uint8_t op)
{
    uint64_t a, b;
    switch (op) {
    case DW_OP_deref:
        dereference(m);
        return true;
    case DW_OP_dup:
        a = pop(m);
        push(m, a);
        push(m, a);
        return true;
    case DW_OP_drop:
        pop(m);
        return true;
    case DW_OP_swap:
        a = pop(m);
        b = pop(m);
        push(m, a);
        push(m, b);
        return true;
    case DW_OP_neg:
        push(m, -pop(m));
        return true;
    case DW_OP_not:
        push(m, ~pop(m));
        return true;
    case DW_OP_plus_uconst:
        push(m, pop(m) + gs_cursor_uleb(&m->cursor));
        return true;
    case DW_OP_nop:
        return true;
    default:
        return false;
    }
}

static bool constant(struct machine *m, uint8_t op)
{
    static const uint8_t bytes[] = {1, 1, 2, 2, 4, 4, 8, 8};
    if (op >= DW_OP_const1u && op <= DW_OP_const8s) /* unsigned and signed by turns */
        push(m, op & 1 ? (uint64_t)gs_cursor_signed(&m->cursor, bytes[op - DW_OP_const1u])
                       : gs_cursor_fixed(&m->cursor, bytes[op - DW_OP_const1u]));
    else if (op == DW_OP_constu)
        push(m, gs_cursor_uleb(&m->cursor));
    else if (op == DW_OP_consts)
        push(m, (uint64_t)gs_cursor_sleb(&m->cursor));
    else if (op == DW_OP_addr)
        push(m, gs_cursor_fixed(&m->cursor, 8));
    else if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
        push(m, (uint64_t)(op - DW_OP_lit0));
    else
        return false;
    return true;
}

enum gs_eval_result gs_native_expression(const struct gs_eval *eval, gs_addr addr, const uint64_t *first,
                                         uint64_t *value)
{
    struct machine m = {.eval = eval, .cursor = {.mem = eval->native->text, .at = addr, .end = addr + 10}};
    uint64_t len = gs_cursor_uleb(&m.cursor);
    m.cursor.end = m.cursor.at + (len < BYTES_MAX ? len : 0);
    if (first)
        push(&m, *first);
    /* There is no way back in what is understood of it: each step is a byte further on. */
    for (int i = 0; i < STEPS_MAX && m.cursor.at < m.cursor.end && !m.result && !m.cursor.failed; i++) {
        uint8_t op = gs_cursor_u8(&m.cursor);
        if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
            push_register(&m, (uint64_t)(op - DW_OP_breg0), gs_cursor_sleb(&m.cursor));
        else if (!constant(&m, op) && !shuffle(&m, op))
            reckon(&m, op);
    }
    *value = pop(&m);
    return m.cursor.failed || m.cursor.at != m.cursor.end ? (m.result ? m.result : GS_EVAL_BAD) : m.result;
}
