/* Whether memory ran out, anywhere in this program: much goes on without what it could not keep, and says so here. */
#ifndef GS_BASE_MEMORY_H
#define GS_BASE_MEMORY_H

#include <stdbool.h>

/* Some allocation of ours has failed so far (not those inside libraries). */
bool gs_memory_short(void);

#endif
