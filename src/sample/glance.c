/* The words of the GILs and nothing else: neither the kernel nor a thread's memory is asked, and what the reader knows
 * stays as it is, but for who had the GIL. */
#include "sample/reader.h"

static bool glance_at(struct gs_reader *reader, const struct gs_lock *lock, struct gs_gil *gil)
{
    uint8_t bytes[GS_GIL_BYTES];
    struct gs_piece pieces[GS_GIL_WINDOWS];
    struct gs_gil_words words;
    size_t count = gs_gil_pieces(&lock->place, bytes, pieces);
    if (gs_mem_read_many(reader->python->mem, pieces, count) != GS_OK ||
        !gs_gil_decode(&lock->place, bytes, pieces, &words))
        return false;
    if (lock == reader->locks)
        gs_follow_note(reader, &words);
    const struct gs_member *holder = words.locked ? gs_list_find(reader, words.holder) : NULL;
    *gil = (struct gs_gil){.state = gs_lock_state(&words),
                           .holder = holder && !words.hidden ? holder->tid : 0,
                           .has_switches = words.has_switches,
                           .switches = words.switches};
    return true;
}

enum gs_status gs_reader_glance(struct gs_reader *reader, struct gs_gil *gils, size_t room, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < reader->lock_count && i < room; i++) {
        if (!glance_at(reader, &reader->locks[i], &gils[i]))
            return GS_LOST;
        *count = i + 1;
    }
    return *count > 0 ? GS_OK : GS_LOST;
}
