/* Memory that is given out piece by piece and taken back all at once: what a picture is made of. */
#ifndef GS_PROFILE_ARENA_H
#define GS_PROFILE_ARENA_H

#include "profile/live.h"

/* What was given out before is no longer valid. */
void gs_arena_clear(struct gs_arena *arena);
/* Zeroed, of one byte at least; NULL: out of memory, and from then on always until it is cleared. */
void *gs_arena_get(struct gs_arena *arena, size_t count, size_t size);
/* A copy of a string; "" when out of memory. */
const char *gs_arena_copy(struct gs_arena *arena, const char *text);
/* Something was not to be had since it was cleared. */
bool gs_arena_failed(const struct gs_arena *arena);
/* Where the picture itself is. */
struct gs_picture *gs_arena_picture(struct gs_arena *arena);

#endif
