/* A gs_mem that lets the test act between the pieces of a scattered read: what a running target does to us. */
#ifndef TESTS_MEM_SCRIPT_H
#define TESTS_MEM_SCRIPT_H

#include "gilspy/mem.h"

/* Called before each piece is read, and once behind the last one of each call (piece is NULL then). call: number of
 * the scattered read since the script was set, from 0. index: of the piece. */
typedef void mem_script(void *context, size_t call, size_t index, const struct gs_piece *piece);

/* A view of below, which is owned. */
struct gs_mem *mem_script_new(struct gs_mem *below);
/* NULL: nothing happens any more. */
void mem_script_set(struct gs_mem *mem, mem_script *script, void *context);
/* How many scattered reads there were since the script was set. */
size_t mem_script_calls(const struct gs_mem *mem);

#endif
