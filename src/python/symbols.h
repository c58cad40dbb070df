/* What only the file of an image tells: .symtab and the section headers. */
#ifndef GS_PYTHON_SYMBOLS_H
#define GS_PYTHON_SYMBOLS_H

#include "gilspy/python.h"

/* The symbols that may be of use: SYMBOL(name). */
#define GS_SYMBOLS(SYMBOL)                                                                                             \
    SYMBOL(_PyRuntime)                                                                                                 \
    SYMBOL(_PyThreadState_Current)                                                                                     \
    SYMBOL(interp_head)                                                                                                \
    SYMBOL(interpreter_lock)                                                                                           \
    SYMBOL(gil_locked)                                                                                                 \
    SYMBOL(gil_last_holder)                                                                                            \
    SYMBOL(gil_switch_number)                                                                                          \
    SYMBOL(gil_interval)                                                                                               \
    SYMBOL(gil_cond)                                                                                                   \
    SYMBOL(gil_mutex)                                                                                                  \
    SYMBOL(switch_cond)                                                                                                \
    SYMBOL(switch_mutex)                                                                                               \
    SYMBOL(gil_drop_request)                                                                                           \
    SYMBOL(import_lock)                                                                                                \
    SYMBOL(import_lock_thread)

enum gs_symbol {
#define SYMBOL(name) GS_SYMBOL_##name,
    GS_SYMBOLS(SYMBOL)
#undef SYMBOL
        GS_SYMBOL_COUNT
};

struct gs_symbols {
    uint64_t values[GS_SYMBOL_COUNT]; /* as the file has them, 0: not defined there */
    uint64_t runtime_section;         /* address of .PyRuntime (3.10 on), 0: there is none */
};

/* Reads them from the file behind a map. All 0 when there is no such file any more, or it does not answer: then
 * python->note says so. */
void gs_symbols_read(struct gs_symbols *symbols, struct gs_python *python, const struct gs_map *map);

#endif
