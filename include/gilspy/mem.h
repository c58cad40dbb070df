/* The memory of a target behind one interface: a live process, a cached view of one, a test's bytes. */
#ifndef GILSPY_MEM_H
#define GILSPY_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/status.h"

/* An address in the target: never a pointer of ours. */
typedef uint64_t gs_addr;

/* One piece of a scattered read. `ok` is set by the read: true when all of `len` bytes arrived. */
struct gs_piece {
    gs_addr addr;
    void *dst;
    uint32_t len;
    bool ok;
};

struct gs_mem;

/* A back end. Both return GS_OK, GS_UNREADABLE (nothing is mapped there), GS_GONE, GS_NOT_PERMITTED. */
struct gs_mem_ops {
    enum gs_status (*read)(struct gs_mem *mem, gs_addr addr, void *dst, size_t len);
    /* Reads the pieces in order, as close in time as the back end can; one that is not mapped has ok false and does
     * not fail the call. */
    enum gs_status (*read_many)(struct gs_mem *mem, struct gs_piece *pieces, size_t count);
    void (*free)(struct gs_mem *mem);
};

struct gs_mem {
    const struct gs_mem_ops *ops;
};

enum gs_status gs_mem_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len) GS_MUST_CHECK;
enum gs_status gs_mem_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count) GS_MUST_CHECK;
enum gs_status gs_mem_read_addr(struct gs_mem *mem, gs_addr addr, gs_addr *value) GS_MUST_CHECK;
enum gs_status gs_mem_read_u32(struct gs_mem *mem, gs_addr addr, uint32_t *value) GS_MUST_CHECK;
/* A NUL-terminated string of less than `size` bytes; a longer one is cut and still terminated. */
enum gs_status gs_mem_read_cstr(struct gs_mem *mem, gs_addr addr, char *dst, size_t size) GS_MUST_CHECK;
void gs_mem_free(struct gs_mem *mem);

struct gs_watch;

/* A live process by pid. Reads never stop it. They may wait for ever where the kernel does (a page that never comes):
 * watch (not owned, may be NULL) is told of each. NULL when out of memory. */
struct gs_mem *gs_mem_live_new(pid_t pid, struct gs_watch *watch);
/* Of such a memory: when the thread `pid` has ended, heir tells another one of the process by which to read on; 0:
 * there is none. */
void gs_mem_live_heir(struct gs_mem *mem, pid_t (*heir)(void *context, pid_t ended), void *context);

/* A view of `below` (not owned) that keeps the pages it read until gs_mem_cache_clear: for decoding many small objects
 * that lie close together, where all may be as old as the last clear. */
struct gs_mem *gs_mem_cache_new(struct gs_mem *below);
void gs_mem_cache_clear(struct gs_mem *cache);

#endif
