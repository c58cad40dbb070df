/* A live process: one process_vm_readv per scattered read, no stop, no attachment. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/watch.h"
#include "gilspy/mem.h"

enum { PAGE = 4096 };

static const char step[] = "reading its memory";

struct live {
    struct gs_mem mem;
    pid_t pid;
    struct gs_watch *watch;
    struct iovec local[IOV_MAX], remote[IOV_MAX];
};

static enum gs_status from_errno(void)
{
    switch (errno) {
    case ESRCH:
        return GS_GONE;
    case EPERM:
    case EACCES:
    case ENOSYS: /* what a seccomp filter answers where it does not say EPERM */
        return GS_NOT_PERMITTED;
    case ENOMEM:
        return GS_NO_MEMORY;
    default:
        return GS_UNREADABLE;
    }
}

static enum gs_status read_once(struct live *live, gs_addr addr, void *dst, size_t len)
{
    struct iovec local = {dst, len}, remote = {(void *)(uintptr_t)addr, len};
    gs_watch_enter(live->watch, step, addr, len);
    ssize_t got = process_vm_readv(live->pid, &local, 1, &remote, 1, 0);
    gs_watch_leave(live->watch);
    if (got == (ssize_t)len)
        return GS_OK;
    return got < 0 ? from_errno() : GS_UNREADABLE;
}

/* Page by page: one of them did not come. */
static enum gs_status read_pages(struct live *live, gs_addr addr, uint8_t *dst, size_t len)
{
    while (len > 0) {
        size_t part = PAGE - addr % PAGE < len ? PAGE - addr % PAGE : len;
        if (gs_watch_avoids(live->watch, addr & ~(gs_addr)(PAGE - 1), PAGE))
            return GS_UNREADABLE;
        enum gs_status status = read_once(live, addr, dst, part);
        if (status)
            return status;
        addr += part;
        dst += part;
        len -= part;
    }
    return GS_OK;
}

static enum gs_status live_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    struct live *live = (struct live *)mem;
    if (gs_watch_careful(live->watch))
        return read_pages(live, addr, dst, len);
    return read_once(live, addr, dst, len);
}

/* Marks as read the pieces that the first `got` bytes fill; returns how many they are. */
static size_t mark_read(struct gs_piece *pieces, size_t count, size_t got)
{
    size_t i = 0;
    for (; i < count && got >= pieces[i].len; i++) {
        got -= pieces[i].len;
        pieces[i].ok = true;
    }
    return i;
}

static enum gs_status read_one_by_one(struct live *live, struct gs_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum gs_status status = read_pages(live, pieces[i].addr, pieces[i].dst, pieces[i].len);
        pieces[i].ok = status == GS_OK;
        if (status != GS_OK && status != GS_UNREADABLE)
            return status;
    }
    return GS_OK;
}

/* The kernel stops at the first piece that is not mapped: that one is left out and the read goes on behind it. */
static enum gs_status live_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    struct live *live = (struct live *)mem;
    if (gs_watch_careful(live->watch))
        return read_one_by_one(live, pieces, count);
    while (count > 0) {
        size_t n = count < IOV_MAX ? count : IOV_MAX;
        for (size_t i = 0; i < n; i++) {
            pieces[i].ok = false;
            live->local[i] = (struct iovec){pieces[i].dst, pieces[i].len};
            live->remote[i] = (struct iovec){(void *)(uintptr_t)pieces[i].addr, pieces[i].len};
        }
        gs_watch_enter(live->watch, step, pieces[0].addr, pieces[0].len);
        ssize_t got = process_vm_readv(live->pid, live->local, n, live->remote, n, 0);
        gs_watch_leave(live->watch);
        size_t done = 0;
        if (got < 0) {
            enum gs_status status = from_errno();
            if (status != GS_UNREADABLE)
                return status;
        } else {
            done = mark_read(pieces, n, (size_t)got);
        }
        if (done < n)
            done++; /* the piece that failed */
        pieces += done;
        count -= done;
    }
    return GS_OK;
}

static void live_free(struct gs_mem *mem)
{
    free(mem);
}

static const struct gs_mem_ops live_ops = {live_read, live_read_many, live_free};

struct gs_mem *gs_mem_live_new(pid_t pid, struct gs_watch *watch)
{
    struct live *live = malloc(sizeof *live);
    if (!live)
        return NULL;
    live->mem.ops = &live_ops;
    live->pid = pid;
    live->watch = watch;
    return &live->mem;
}
