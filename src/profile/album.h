/* Memory that is given out piece by piece and taken back all at once: what a picture is made of. */
#ifndef GS_PROFILE_ALBUM_H
#define GS_PROFILE_ALBUM_H

#include "profile/live.h"

/* What was given out before is no longer valid. */
void gs_album_clear(struct gs_album *album);
/* Zeroed, of one byte at least; NULL: out of memory, and from then on always until it is cleared. */
void *gs_album_get(struct gs_album *album, size_t count, size_t size);
/* A copy of a string; "" when out of memory. */
const char *gs_album_copy(struct gs_album *album, const char *text);
/* Something was not to be had since it was cleared. */
bool gs_album_failed(const struct gs_album *album);
/* Where the picture itself is. */
struct gs_picture *gs_album_picture(struct gs_album *album);

#endif
