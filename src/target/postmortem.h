/* The answers of a process that runs no more, for the sources of this folder. */
#ifndef GS_TARGET_POSTMORTEM_H
#define GS_TARGET_POSTMORTEM_H

#include "arch/arch.h"
#include "gilspy/target.h"

/* A copy of the list, which the caller frees. */
enum gs_status gs_postmortem_tasks(const struct gs_postmortem *postmortem, struct gs_task **tasks,
                                   size_t *count) GS_MUST_CHECK;
void gs_postmortem_activity(const struct gs_postmortem *postmortem, pid_t tid, struct gs_activity *activity);
/* NULL: not known. */
const struct gs_arch_registers *gs_postmortem_registers(const struct gs_postmortem *postmortem, pid_t tid);
void gs_postmortem_free(struct gs_postmortem *postmortem);

#endif
