/* Lists that grow. */
#ifndef GS_BASE_ROOM_H
#define GS_BASE_ROOM_H

#include <stdbool.h>
#include <stddef.h>

/* Both for gs_room and gs_room_zeroed alone. */
bool gs_room_grow(void **list, size_t *room, size_t need, size_t size);
bool gs_room_grow_zeroed(void **list, size_t *room, size_t need, size_t size);

/* Makes room in *list (malloc'ed, or NULL) for `need` elements of `size` bytes, twice as much as before and more;
 * *room: for how many there is some. False when out of memory: then everything is as it was. */
static inline bool gs_room(void **list, size_t *room, size_t need, size_t size)
{
    return need <= *room || gs_room_grow(list, room, need, size);
}

/* The same, and all that is not in use yet is 0. */
static inline bool gs_room_zeroed(void **list, size_t *room, size_t need, size_t size)
{
    return need <= *room || gs_room_grow_zeroed(list, room, need, size);
}

#endif
