/* The engine of C stacks: what its parts know of each other.
 *
 * A stack's way: copy.c copies registers and stack of one thread; unwind.c goes from frame to frame over the copy, by
 * the rules that rules.c finds in the unwind tables (.eh_frame_hdr and .eh_frame, as they lie in the target's memory)
 * and evaluates; names.c names what was found, out of the modules'
 * symbols. Modules are the ELF images that the target maps (modules.c). */
#ifndef GS_NATIVE_NATIVE_H
#define GS_NATIVE_NATIVE_H

#include "base/ids.h"
#include "arch/arch.h"
#include "gilspy/native.h"

enum {
    GS_NATIVE_COPY_BYTES = 32 << 10,   /* of a stack that are copied at first: 68 frames of C take 8 KiB */
    GS_NATIVE_COPY_MOST = 1 << 20,     /* while its thread is stopped, */
    GS_NATIVE_COPY_SLEEPER = 16 << 20, /* and while it sleeps */
    GS_ROWS = 1 << 12,                 /* places in the code whose rules are remembered */
    GS_MAPS_MISS_NS = 100000000        /* the maps are read again so often where there is code that is not known */
};

/* ---- copies ---- */

struct gs_native_stretch {
    gs_addr addr; /* where bytes were */
    uint8_t *bytes;
    size_t len, room;
    bool whole; /* the stack's memory ends where the copy does */
};

/* Registers of a thread and its stack, of one moment; and of a second stack, if it handles a signal on the first. */
struct gs_native_copy {
    struct gs_arch_registers registers;
    gs_addr second_sp; /* from where on that is copied, 0: there is none */
    struct gs_native_stretch first, second;
};

void gs_native_copy_fini(struct gs_native_copy *copy);
/* Room for so many bytes of each. */
bool gs_native_copy_reserve(struct gs_native_copy *copy, size_t bytes);
/* Copies the stack above registers.sp, at most `bytes` (reserved before) of it, and of the second. Allocates nothing.
 * False: there is no stack where that register points. */
bool gs_native_copy_take(struct gs_native *native, struct gs_native_copy *copy, size_t bytes);
/* It is known of a stack that ended as GS_NATIVE_CUT what more of it to copy: *bytes grows by this factor, or the
 * second stack is known now. False: there is no more of it. */
bool gs_native_copy_more(struct gs_native_copy *copy, const struct gs_native_stack *stack, size_t factor,
                         size_t *bytes);
/* The word at addr; false: it is not in the copy. */
bool gs_native_copy_word(const struct gs_native_copy *copy, gs_addr addr, uint64_t *word);

/* Follows the stack: stack->frames and its end are filled (the list grows; without memory it ends as GS_NATIVE_CUT). */
void gs_native_unwind(struct gs_native *native, const struct gs_native_copy *copy, struct gs_native_stack *stack);

/* ---- modules ---- */

/* A function and the description of how it is unwound. */
struct gs_described {
    gs_addr start, fde;
};

struct gs_module {
    gs_addr start, end; /* of its code */
    gs_addr bias;       /* what to add to an address of the file */
    gs_addr header;     /* of its .eh_frame_hdr, 0: it has none that can be used */
    gs_addr table;      /* sorted pairs of offsets from header: function, its description */
    uint32_t table_count;
    bool made; /* without a header: places are the descriptions of .eh_frame, sorted here, if there are any */
    struct gs_described *described; /* owned */
    size_t described_count, described_room;
    struct gs_map map; /* of the beginning of the file; path is owned */
    const char *name;  /* in map.path, behind the last slash */
    bool has_head;
    uint8_t build_id[64];
    size_t build_id_len;
    bool named; /* its files were opened, if they are to be had */
    struct gs_module_symbols *symbols;
};

/* The module whose code is at pc, NULL: none. Reads the maps again, now and then, when pc is in none that is known. */
struct gs_module *gs_native_module(struct gs_native *native, gs_addr pc);
/* There is memory at addr, as far as the maps are known; they are read again, now and then, when there is none. */
bool gs_native_is_mapped(struct gs_native *native, gs_addr addr);
/* Reads the maps again when that was not done for long. */
void gs_modules_refresh(struct gs_native *native);
void gs_modules_free(struct gs_native *native);

/* ---- rules ---- */

enum gs_rule { GS_RULE_SAME, GS_RULE_LOST, GS_RULE_AT, GS_RULE_IS, GS_RULE_REGISTER, GS_RULE_AT_EXPR, GS_RULE_IS_EXPR };

/* How to find the caller's registers from one place in the code. */
struct gs_row {
    gs_addr pc; /* 0: empty */
    gs_addr start;
    bool found, signal; /* signal: what it returns to was interrupted, and is no call */
    bool cold;          /* a piece of a function that does not begin as one does */
    uint8_t cfa_rule;   /* GS_RULE_REGISTER or GS_RULE_IS_EXPR */
    uint8_t cfa_register;
    int64_t cfa_value; /* offset, or address of the expression */
    uint8_t rule[GS_ARCH_REGISTERS];
    int64_t value[GS_ARCH_REGISTERS]; /* offset from the cfa, number of a register, or address of an expression */
};

/* The rules at pc; found is false where there are none. Holds until the next call. */
const struct gs_row *gs_native_row(struct gs_native *native, gs_addr pc);

/* What is needed of a stack to evaluate a rule. */
struct gs_eval {
    struct gs_native *native;
    const struct gs_native_copy *copy;
    const struct gs_arch_registers *registers;
};
enum gs_eval_result { GS_EVAL_OK, GS_EVAL_LOST /* it needs a register that is not known */, GS_EVAL_BAD };
/* Evaluates the DWARF expression at addr (its length stands before it). first: what is on its stack, NULL: nothing. */
enum gs_eval_result gs_native_expression(const struct gs_eval *eval, gs_addr addr, const uint64_t *first,
                                         uint64_t *value);

/* ---- the engine ---- */

struct gs_native {
    struct gs_target *target;
    struct gs_native_options options;
    struct gs_mem *text; /* pages of code and tables, which do not change */
    struct gs_module **modules;
    size_t module_count, module_room;
    struct gs_module *last; /* found */
    uint64_t refreshed_ns;  /* when the maps were read */
    struct gs_row *rows;    /* GS_ROWS, by pc */
    struct gs_ids name_at;  /* index of a name by its pc */
    struct gs_name_slot *names;
    size_t name_count, name_room;
    uint64_t unloaded;       /* how often modules went, */
    uint64_t named_unloaded; /* as of when names were last forgotten */
    uint64_t generation;     /* of names */
    char **strings;          /* those of names, */
    size_t string_count, string_room;
    char **left; /* and those of names that are forgotten, which somebody may still look at */
    size_t left_count, left_room;
};

/* To be called between samples: takes notice of code that was loaded or unloaded since. Names that were forgotten
 * before are freed. */
void gs_native_refresh(struct gs_native *native);

/* Names of code that is there no more are forgotten when the next one is asked for; their strings stay until this. */
void gs_native_names_release(struct gs_native *native);
void gs_native_names_free(struct gs_native *native);
void gs_module_symbols_free(struct gs_module_symbols *symbols);

#endif
