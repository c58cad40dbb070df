/* The locks other than GILs that threads of the live model wait for, as long as samples tell of them. */
#ifndef GS_PROFILE_LIVE_LOCKS_H
#define GS_PROFILE_LIVE_LOCKS_H

#include "gil/lock_account.h"
#include "profile/live_table.h"

/* False: out of memory. */
bool gs_live_lock_sample(const struct gs_live_table *table, struct gs_live_process *process,
                         const struct gs_sample *sample);
void gs_live_lock_reset(struct gs_live_process *process);

#endif
