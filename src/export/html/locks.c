/* Cells of equal length, of which two become one when there are too many. */
#include <stdlib.h>

#include "export/html/locks.h"

enum { FIRST_CELL_NS = 1000000 };

void gs_locks_init(struct gs_locks *locks)
{
    *locks = (struct gs_locks){.cell_ns = FIRST_CELL_NS};
}

void gs_locks_fini(struct gs_locks *locks)
{
    for (size_t i = 0; i < locks->count; i++)
        free(locks->list[i]);
}

static void halve(struct gs_html_lock *lock)
{
    for (size_t i = 0; i < GS_LOCK_CELLS / 2; i++)
        lock->cell_ns[i] = lock->cell_ns[2 * i] + lock->cell_ns[2 * i + 1];
    for (size_t i = GS_LOCK_CELLS / 2; i < GS_LOCK_CELLS; i++)
        lock->cell_ns[i] = 0;
}

const struct gs_html_lock *gs_locks_find(const struct gs_locks *locks, uint32_t process, uint8_t lock)
{
    for (size_t i = 0; i < locks->count; i++) {
        if (locks->list[i]->process == process && locks->list[i]->lock == lock)
            return locks->list[i];
    }
    return NULL;
}

static struct gs_html_lock *find_or_add(struct gs_locks *locks, uint32_t process, uint8_t number)
{
    struct gs_html_lock *lock = (struct gs_html_lock *)gs_locks_find(locks, process, number);
    if (lock || !(lock = calloc(1, sizeof *lock)))
        return lock;
    lock->process = process;
    lock->lock = number;
    return locks->list[locks->count++] = lock;
}

bool gs_locks_add(struct gs_locks *locks, uint32_t process, uint8_t number, uint64_t begin_ns, uint64_t end_ns)
{
    if (locks->count == GS_GILS_MOST && !gs_locks_find(locks, process, number)) {
        locks->left_out = true;
        return true;
    }
    struct gs_html_lock *lock = find_or_add(locks, process, number);
    if (!lock)
        return false;
    while (end_ns / locks->cell_ns >= GS_LOCK_CELLS) {
        for (size_t i = 0; i < locks->count; i++)
            halve(locks->list[i]);
        locks->cell_ns *= 2;
    }
    while (begin_ns < end_ns) {
        uint64_t cell = begin_ns / locks->cell_ns, next_ns = (cell + 1) * locks->cell_ns;
        uint64_t ns = (next_ns < end_ns ? next_ns : end_ns) - begin_ns;
        lock->cell_ns[cell] += ns;
        lock->contended_ns += ns;
        begin_ns += ns;
    }
    return true;
}

uint64_t gs_locks_ns(const struct gs_locks *locks, const struct gs_html_lock *lock, uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t sum_ns = 0;
    for (uint64_t cell = begin_ns / locks->cell_ns; cell < GS_LOCK_CELLS && cell * locks->cell_ns < end_ns; cell++) {
        uint64_t from_ns = cell * locks->cell_ns, to_ns = from_ns + locks->cell_ns;
        from_ns = from_ns > begin_ns ? from_ns : begin_ns;
        to_ns = to_ns < end_ns ? to_ns : end_ns;
        sum_ns += (uint64_t)((double)lock->cell_ns[cell] * ((double)(to_ns - from_ns) / (double)locks->cell_ns));
    }
    return sum_ns;
}
