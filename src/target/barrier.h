/* Why a process may not be read, in words for the user. */
#ifndef GS_TARGET_BARRIER_H
#define GS_TARGET_BARRIER_H

#include "gilspy/target.h"

/* Fills err with what stands in the way of reading the process, and what to do. Returns GS_NOT_PERMITTED. */
enum gs_status gs_barrier_tell(const struct gs_target *target, struct gs_err *err);

#endif
