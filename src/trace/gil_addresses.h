/* Which words of a Python are to be watched: those that change hands with each GIL; where there is none, those of its
 * stopped worlds and of its collectors. */
#ifndef GS_TRACE_GIL_ADDRESSES_H
#define GS_TRACE_GIL_ADDRESSES_H

#include "arch/arch.h"
#include "gilspy/python.h"
#include "trace/perf.h"

enum { GS_ADDRESSES_MOST = GS_ARCH_WATCHES };

/* One GIL; or with `world` a struct _stoptheworld_state, `owner` being its `requested`, and the main interpreter's also
 * the `collecting` of its collector, as `wait`. */
struct gs_gil_address {
    gs_addr owner; /* stored to when it is taken and when it is dropped */
    uint8_t owner_len;
    bool pointer; /* what is stored there is whose it is, 0: nobody's (2.7); otherwise 1 or 0 */
    gs_addr wait; /* touched when somebody begins to wait, and while it waits; 0: not known, or not watched */
    uint8_t wait_len;
    bool wait_reads; /* by reading it (3.x); otherwise by adding to it (2.7) */
    bool world;
    int64_t interpreter; /* id of the first that has it; of a world: -1, the runtime's */
};

struct gs_gil_addresses {
    struct gs_gil_address list[GS_ADDRESSES_MOST]; /* the main interpreter's first */
    size_t count;
    size_t left_out; /* for which there are not enough debug registers */
    bool waits;      /* their waits, or collections, are watched too */
    bool none;       /* free-threaded, and runs without a GIL: all of them are worlds */
};

/* How many of them are GILs. */
static inline size_t gs_gil_addresses_gils(const struct gs_gil_addresses *addresses)
{
    return addresses->none ? 0 : addresses->count;
}

/* What is stored there is told by registers. */
static inline bool gs_gil_addresses_take_registers(const struct gs_gil_addresses *addresses)
{
    return GS_ARCH_WATCH_BEFORE || addresses->list[0].pointer;
}

/* GS_UNREADABLE, GS_GONE; GS_FAILED with err filled: this build does not tell where its GIL is, or the
 * words would be ones that cannot be watched on this processor. */
enum gs_status gs_gil_addresses_find(struct gs_gil_addresses *addresses, const struct gs_python *python,
                                     struct gs_err *err) GS_MUST_CHECK;

#endif
