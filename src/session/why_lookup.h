/* Names for the rules of why, out of a process that is held. */
#ifndef GS_SESSION_WHY_LOOKUP_H
#define GS_SESSION_WHY_LOOKUP_H

#include "diagnose/why.h"
#include "session/attach.h"

/* Of attach->snapshot. */
struct gs_why_lookup gs_why_lookup_of(struct gs_attach *attach);

#endif
