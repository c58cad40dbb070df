/* What depends on the processor, in one place: x86-64 now. */
#ifndef GS_ARCH_ARCH_H
#define GS_ARCH_ARCH_H

#include <stddef.h>

#include "gilspy/mem.h"

/* The address of the first variable that the machine code at `at` names, 0 when there is none in it: what tiny
 * functions that only load or store one static variable tell about a stripped program. */
gs_addr gs_arch_first_variable(const uint8_t *code, size_t len, gs_addr at);

#endif
