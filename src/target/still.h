/* The answers of a process that runs no more, for the sources of this folder. */
#ifndef GS_TARGET_STILL_H
#define GS_TARGET_STILL_H

#include "arch/arch.h"
#include "gilspy/target.h"

/* A copy of the list, which the caller frees. */
enum gs_status gs_still_tasks(const struct gs_still *still, struct gs_task **tasks, size_t *count) GS_MUST_CHECK;
void gs_still_activity(const struct gs_still *still, pid_t tid, struct gs_activity *activity);
/* NULL: not known. */
const struct gs_arch_registers *gs_still_registers(const struct gs_still *still, pid_t tid);
void gs_still_free(struct gs_still *still);

#endif
