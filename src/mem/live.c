/* A live process: one process_vm_readv per scattered read, no stop, no attachment. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/watch.h"
#include "gilspy/mem.h"

enum {
    PAGE = 4096,
    JOIN_BYTES = 2048 /* a range of the target costs as much as so many bytes; and no page lies whole in between */
};

static const char step[] = "reading its memory";

struct live {
    struct gs_mem mem;
    pid_t pid;
    struct gs_watch *watch;
    pid_t (*heir)(void *context, pid_t ended);
    void *context;
    struct iovec local[IOV_MAX], remote[IOV_MAX];
    uint8_t between[JOIN_BYTES]; /* what lies between pieces that are read as one range */
};

/* What one system call reads: this many pieces, in so many ranges of the target, to so many places here. */
struct batch {
    size_t pieces, remotes, locals;
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

/* process_vm_readv, by another thread of the process if the one by which it was reached has ended. */
static ssize_t read_vector(struct live *live, const struct batch *batch, gs_addr addr, size_t len)
{
    enum { HEIRS_MOST = 4 }; /* those may be about to end, too */
    for (int i = 0;; i++) {
        gs_watch_enter(live->watch, step, addr, len);
        ssize_t got = process_vm_readv(live->pid, live->local, batch->locals, live->remote, batch->remotes, 0);
        int failure = errno;
        gs_watch_leave(live->watch);
        bool ended = got < 0 && failure == ESRCH && live->heir && i < HEIRS_MOST;
        pid_t heir = ended ? live->heir(live->context, live->pid) : 0;
        errno = failure;
        if (heir <= 0)
            return got;
        live->pid = heir;
    }
}

static enum gs_status read_once(struct live *live, gs_addr addr, void *dst, size_t len)
{
    static const struct batch one = {1, 1, 1};
    live->local[0] = (struct iovec){dst, len};
    live->remote[0] = (struct iovec){(void *)(uintptr_t)addr, len};
    ssize_t got = read_vector(live, &one, addr, len);
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

/* How far behind the piece before, in bytes, a piece begins. */
static gs_addr gap_before(const struct gs_piece *piece)
{
    return piece->addr - (piece[-1].addr + piece[-1].len);
}

/* Pieces that lie close behind each other become one range. Their order stays. */
static struct batch gather(struct live *live, struct gs_piece *pieces, size_t count)
{
    struct batch batch = {0};
    for (; batch.pieces < count && batch.locals + 2 <= IOV_MAX; batch.pieces++) {
        struct gs_piece *piece = &pieces[batch.pieces];
        gs_addr gap = batch.pieces > 0 ? gap_before(piece) : UINT64_MAX;
        piece->ok = false;
        if (gap <= JOIN_BYTES) {
            if (gap > 0)
                live->local[batch.locals++] = (struct iovec){live->between, gap};
            live->remote[batch.remotes - 1].iov_len += gap + piece->len;
        } else {
            live->remote[batch.remotes++] = (struct iovec){(void *)(uintptr_t)piece->addr, piece->len};
        }
        live->local[batch.locals++] = (struct iovec){piece->dst, piece->len};
    }
    return batch;
}

/* Marks as read the pieces that the first `got` bytes fill; returns how many they are. */
static size_t mark_read(struct gs_piece *pieces, size_t count, size_t got)
{
    size_t i = 0;
    for (; i < count; i++) {
        gs_addr gap = i > 0 ? gap_before(&pieces[i]) : UINT64_MAX;
        size_t bytes = (gap <= JOIN_BYTES ? gap : 0) + pieces[i].len;
        if (got < bytes)
            break;
        got -= bytes;
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
        struct batch batch = gather(live, pieces, count);
        ssize_t got = read_vector(live, &batch, pieces[0].addr, pieces[0].len);
        size_t done = 0;
        if (got < 0) {
            enum gs_status status = from_errno();
            if (status != GS_UNREADABLE)
                return status;
        } else {
            done = mark_read(pieces, batch.pieces, (size_t)got);
        }
        if (done < batch.pieces)
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
    live->heir = NULL;
    return &live->mem;
}

void gs_mem_live_heir(struct gs_mem *mem, pid_t (*heir)(void *context, pid_t ended), void *context)
{
    struct live *live = (struct live *)mem;
    live->heir = heir;
    live->context = context;
}
