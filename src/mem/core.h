/* The memory of a process as its core has it, completed from the files that it had mapped. */
#ifndef GS_MEM_CORE_H
#define GS_MEM_CORE_H

#include "gilspy/mem.h"
#include "mem/core_files.h"

/* Neither core nor files are owned. NULL when out of memory. */
struct gs_mem *gs_mem_core_new(const struct gs_core *core, struct gs_core_files *files);

#endif
