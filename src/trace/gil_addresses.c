/* From the layout to the addresses. Sources: Python/ceval_gil.h (3.2 to 3.11), ceval_gil.c (3.12 on): take_gil reads
 * gil->interval each time it is to wait, and stores 1 to gil->locked; drop_gil stores 0, both under gil->mutex. 2.7:
 * Python/pystate.c, PyThreadState_Swap stores to _PyThreadState_Current while the GIL is had; nptl/sem_waitcommon.c
 * adds to the semaphore when it begins to wait. Without a GIL, from 3.13 on: stop_the_world and start_the_world in
 * Python/pystate.c store to `requested`; gc_collect_main in Python/gc_free_threading.c exchanges `collecting`. */
#include "python/gil.h"
#include "sample/collector.h"
#include "trace/gil_addresses.h"

enum { INTERPRETERS_MOST = 1024, SEMAPHORE_BYTES = 8 };

static bool has_gil(const struct gs_gil_addresses *addresses, gs_addr owner)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (addresses->list[i].owner == owner)
            return true;
    }
    return false;
}

/* A watched address must be a multiple of its length. */
static bool fits(gs_addr addr, uint8_t len)
{
    return addr && addr % len == 0;
}

static void add_address(struct gs_gil_addresses *addresses, const struct gs_gil_place *place, int64_t interpreter)
{
    struct gs_gil_address address = {.interpreter = interpreter};
    if (fits(place->locked.addr, 4)) {
        address.owner = place->locked.addr;
        address.owner_len = 4;
    } else if (fits(place->current.addr, 8)) {
        address.owner = place->current.addr;
        address.owner_len = 8;
        address.pointer = true;
    }
    if (!address.owner || has_gil(addresses, address.owner))
        return;
    if (fits(place->interval.addr, 8)) {
        address.wait = place->interval.addr;
        address.wait_len = 8;
        address.wait_reads = true;
    } else if (fits(place->semaphore.addr, SEMAPHORE_BYTES)) {
        address.wait = place->semaphore.addr;
        address.wait_len = SEMAPHORE_BYTES;
    }
    if (addresses->count == GS_ADDRESSES_MOST)
        addresses->left_out++;
    else
        addresses->list[addresses->count++] = address;
}

static void add_world(struct gs_gil_addresses *addresses, const struct gs_python *python, gs_addr world,
                      gs_addr collecting, int64_t interpreter)
{
    uint8_t requested;
    gs_addr at = world + (gs_addr)python->layout.sw_requested;
    if (gs_mem_read(python->mem, at, &requested, sizeof requested) || requested > 1)
        return;
    if (addresses->count == GS_ADDRESSES_MOST - 1) { /* one register is for `collecting` */
        addresses->left_out++;
        return;
    }
    addresses->list[addresses->count++] =
        (struct gs_gil_address){.owner = at,
                                .owner_len = 1,
                                .wait = fits(collecting, 4) && !GS_ARCH_WATCH_BEFORE ? collecting : 0,
                                .wait_len = 4,
                                .world = true,
                                .interpreter = interpreter};
}

/* Those of the main interpreter, or of all others. */
static enum gs_status add_interpreters(struct gs_gil_addresses *addresses, const struct gs_python *python, bool main)
{
    const struct gs_layout *layout = &python->layout;
    gs_addr interpreter = 0, next = 0;
    enum gs_status status = gs_mem_read_addr(python->mem, python->at.interp_head, &interpreter);
    for (int i = 0; interpreter && status == GS_OK && i < INTERPRETERS_MOST; i++) {
        uint64_t id = 0;
        gs_addr collecting =
            !main || layout->is_gc_collecting == GS_ABSENT ? 0 : interpreter + (gs_addr)layout->is_gc_collecting;
        status = gs_mem_read(python->mem, interpreter + (gs_addr)layout->is_id, &id, sizeof id);
        if (!status)
            status = gs_mem_read_addr(python->mem, interpreter + (gs_addr)layout->is_next, &next);
        if (!status && main == (id == 0))
            add_world(addresses, python, interpreter + (gs_addr)layout->is_stop_world, collecting, (int64_t)id);
        interpreter = next;
    }
    return status;
}

static enum gs_status add_worlds(struct gs_gil_addresses *addresses, const struct gs_python *python)
{
    add_world(addresses, python, python->at.runtime + (gs_addr)python->layout.rt_stop_world, 0, -1);
    enum gs_status status = add_interpreters(addresses, python, true);
    return status ? status : add_interpreters(addresses, python, false);
}

/* 3.12 on: each interpreter points to the one that it uses. */
static enum gs_status walk_interpreters(struct gs_gil_addresses *addresses, const struct gs_python *python, bool *off)
{
    const struct gs_layout *layout = &python->layout;
    gs_addr interpreter = 0, next, gil;
    enum gs_status status = gs_mem_read_addr(python->mem, python->at.interp_head, &interpreter);
    for (int i = 0; interpreter && status == GS_OK && i < INTERPRETERS_MOST; i++) {
        struct gs_gil_place place;
        struct gs_gil_addresses one = {0};
        uint64_t id = 0;
        status = gs_mem_read_addr(python->mem, interpreter + (gs_addr)layout->is_next, &next);
        if (!status)
            status = gs_mem_read_addr(python->mem, interpreter + (gs_addr)layout->is_gil, &gil);
        if (!status)
            status = gs_mem_read(python->mem, interpreter + (gs_addr)layout->is_id, &id, sizeof id);
        if (status)
            return status;
        uint32_t enabled = 1;
        bool placed = gs_gil_place(python, gil, &place);
        if (placed && place.enabled.addr && gs_mem_read_u32(python->mem, place.enabled.addr, &enabled) == GS_OK &&
            !enabled) {
            *off = true;
        } else if (placed && id == 0) { /* the newest comes first in the list: the main one is put before it */
            add_address(&one, &place, 0);
            for (size_t k = 0; k < addresses->count && one.count < GS_ADDRESSES_MOST; k++) {
                if (addresses->list[k].owner != one.list[0].owner)
                    one.list[one.count++] = addresses->list[k];
            }
            one.left_out =
                addresses->left_out + (addresses->count == GS_ADDRESSES_MOST && one.count == GS_ADDRESSES_MOST);
            *addresses = one;
        } else if (placed) {
            add_address(addresses, &place, (int64_t)id);
        }
        interpreter = next;
    }
    return status;
}

enum gs_status gs_gil_addresses_find(struct gs_gil_addresses *addresses, const struct gs_python *python,
                                     struct gs_err *err)
{
    struct gs_gil_place place;
    enum gs_status status = GS_OK;
    bool off = false;
    *addresses = (struct gs_gil_addresses){0};
    if (python->layout.gil_home == GS_GIL_INTERPRETER)
        status = walk_interpreters(addresses, python, &off);
    else if (gs_gil_place(python, 0, &place))
        add_address(addresses, &place, 0);
    addresses->none = !status && off && addresses->count == 0;
    if (GS_ARCH_WATCH_BEFORE && addresses->list[0].pointer) {
        gs_fail(err, GS_FAILED,
                "cannot trace process %d: the lock that is its GIL cannot be watched on " GS_ARCH_NAME
                ", where that would keep its threads from getting on",
                (int)python->target->pid);
        gs_err_todo(err, "Sample it, which works: gilspy stat -p %d", (int)python->target->pid);
        return GS_FAILED;
    }
    if (addresses->none && gs_stop_world_known(&python->layout))
        status = add_worlds(addresses, python);
    if (status)
        return gs_fail(err, status, "cannot trace process %d: %s", (int)python->target->pid, gs_status_text(status));
    addresses->waits = addresses->none || addresses->count <= GS_ADDRESSES_MOST / 2;
    for (size_t i = 0; i < addresses->count && !addresses->waits; i++)
        addresses->list[i].wait = 0;
    if (addresses->count == 0 && !addresses->none)
        return gs_fail(err, GS_FAILED, "cannot trace process %d: this Python does not tell where its GIL is",
                       (int)python->target->pid);
    return GS_OK;
}
