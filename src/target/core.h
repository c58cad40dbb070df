/* A target out of a core file: the parts of its making, for the sources of this folder. */
#ifndef GS_TARGET_CORE_H
#define GS_TARGET_CORE_H

#include "gilspy/target.h"
#include "mem/core.h"

/* target->maps: the mapped files, and what else the core knows of. False when out of memory. */
bool gs_core_maps(struct gs_target *target, const struct gs_core *core, const struct gs_core_files *files);

/* target->command: from the stack, where the kernel put it, else what the kernel noted of it. False when out of
 * memory. */
bool gs_core_command(struct gs_target *target, const struct gs_core *core);

#endif
