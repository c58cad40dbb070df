/* Growing by doubling: however long a list gets, each element is moved a few times at most. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/room.h"

enum { FIRST = 16 };

bool gs_room_grow(void **list, size_t *room, size_t need, size_t size)
{
    size_t more = *room ? *room : FIRST;
    while (more < need && more <= SIZE_MAX / 2)
        more *= 2;
    void *grown = more >= need && more <= SIZE_MAX / size ? realloc(*list, more * size) : NULL;
    if (!grown)
        return false;
    *list = grown;
    *room = more;
    return true;
}

bool gs_room_grow_zeroed(void **list, size_t *room, size_t need, size_t size)
{
    size_t before = *room;
    if (!gs_room_grow(list, room, need, size))
        return false;
    memset((char *)*list + before * size, 0, (*room - before) * size);
    return true;
}
