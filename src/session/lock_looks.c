/* Waits of the diagnosis, as samples have them. */
#include <stdlib.h>

#include "base/room.h"
#include "session/lock_looks.h"
#include "session/why_lookup.h"

static enum gs_lock_kind kind_of(const struct gs_wait *wait)
{
    switch (wait->kind) {
    case GS_WAIT_LOCK:
        return wait->recursive ? GS_LOCK_RLOCK : GS_LOCK_LOCK;
    case GS_WAIT_OBJECT:
        return wait->object ? GS_LOCK_OBJECT : GS_LOCK_PYMUTEX;
    case GS_WAIT_MUTEX:
        return GS_LOCK_PTHREAD;
    case GS_WAIT_SHARED:
        return GS_LOCK_OTHER;
    default:
        return GS_LOCK_NONE;
    }
}

/* The `with` block of the holder, or where it is now. */
static void find_place(const struct gs_why_lookup *lookup, const struct gs_snapshot *snapshot,
                       const struct gs_wait *wait, struct gs_place *place)
{
    const struct gs_thread *owner = wait->owner != GS_NOBODY ? &snapshot->threads[wait->owner] : NULL;
    if (owner && !wait->owner_stated && wait->kind == GS_WAIT_LOCK) {
        if (!lookup->place(lookup->context, &wait->with, place))
            *place = (struct gs_place){.function = ""};
        return;
    }
    for (uint32_t i = 0; owner && i < owner->frame_count; i++) {
        if (owner->frames[i].kind == GS_FRAME_PYTHON && lookup->place(lookup->context, &owner->frames[i], place))
            return;
    }
    *place = (struct gs_place){.function = ""};
}

enum gs_status gs_lock_finder_tell(struct gs_lock_finder *finder, const struct gs_waits *waits,
                                   struct gs_attach *attach, const struct gs_snapshot *snapshot,
                                   struct gs_lock_looks *looks)
{
    struct gs_why_lookup lookup = gs_why_lookup_of(attach);
    if (!gs_room((void **)&finder->looks.list, &finder->room, waits->count + 1, sizeof *finder->looks.list))
        return GS_NO_MEMORY;
    finder->looks.count = 0;
    for (size_t i = 0; i < waits->count; i++) {
        const struct gs_lock_wait *asleep = &snapshot->threads[i].lock;
        const struct gs_wait *wait = &waits->list[i];
        bool stands = wait->kind != GS_WAIT_NOTHING && wait->kind != GS_WAIT_GIL && wait->kind != GS_WAIT_CALL &&
                      (wait->word == asleep->word || !gs_wait_is_lock(wait));
        if (!stands || asleep->word == 0)
            continue; /* it has gone on since */
        struct gs_lock_look *look = &finder->looks.list[finder->looks.count++];
        *look = (struct gs_lock_look){.number = asleep->number,
                                      .word = asleep->word,
                                      .object = wait->object,
                                      .kind = kind_of(wait),
                                      .type = wait->type,
                                      .name = wait->name,
                                      .holder = wait->owner_tid > 0 ? wait->owner_tid : wait->outsider};
        find_place(&lookup, snapshot, wait, &look->held_in);
    }
    *looks = finder->looks;
    return GS_OK;
}

enum gs_status gs_lock_finder_look(struct gs_lock_finder *finder, struct gs_attach *attach,
                                   const struct gs_snapshot *snapshot, struct gs_lock_looks *looks)
{
    struct gs_why_lookup lookup = gs_why_lookup_of(attach);
    gs_waits_fini(&finder->waits);
    enum gs_status status = gs_waits_find(&finder->waits, attach->target, attach->python, snapshot, &lookup);
    return status ? status : gs_lock_finder_tell(finder, &finder->waits, attach, snapshot, looks);
}

void gs_lock_finder_fini(struct gs_lock_finder *finder)
{
    gs_waits_fini(&finder->waits);
    free(finder->looks.list);
}
