/* Time of the live model, charged to what each thread did in it. */
#ifndef GS_PROFILE_LIVE_CHARGE_H
#define GS_PROFILE_LIVE_CHARGE_H

#include "profile/live_code.h"

/* A sample's threads: time is charged to what changed, the rest has to wait for gs_live_settle. False: no memory. */
bool gs_live_charge(struct gs_live_code *code, struct gs_live_process *process, const struct gs_sample *sample);
/* All time so far is charged: before sums are looked at, decay, or are begun anew. */
void gs_live_settle(struct gs_live_code *code);

#endif
