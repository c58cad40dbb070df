/* Which other processes have the same memory. */
#ifndef GS_TARGET_SHARERS_H
#define GS_TARGET_SHARERS_H

#include "gilspy/target.h"

/* The processes that map the file, or the anonymous shared memory, in which the address of the target lies: how many
 * were found, at most `room`. Those that we may not look at are missing. */
size_t gs_target_sharers(const struct gs_target *target, gs_addr addr, pid_t *pids, size_t room);

#endif
