/* Each worker takes the next thing by a counter in memory that all share, says so, and sends the result: so the parent
 * knows at what a worker was that died or is late, and begins another one for the rest. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "base/least.h"
#include "base/room.h"

enum { CHUNK = 65536, WORKERS_MOST = 64 };
#define NOTHING   SIZE_MAX /* in place of a thing: none is worked on */
#define BEGINNING SIZE_MAX /* in place of a length: it is begun */

struct head {
    size_t thing, len;
};

struct worker {
    struct gs_isolated_child child;
    size_t thing;
    uint64_t began_ns;
    char *bytes; /* received, and not done yet */
    size_t len, room;
    bool open;
};

struct workers {
    const struct gs_parallel_work *work;
    atomic_size_t *next; /* shared with the children */
    bool *told;          /* of each thing */
    struct worker list[WORKERS_MOST];
    size_t count;
};

/* ---- in a child ---- */

static bool do_one(const struct gs_parallel_work *work, size_t i, int out)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&bytes, &len);
    struct head head = {.thing = i, .len = BEGINNING};
    if (!stream || !gs_isolated_write(out, &head, sizeof head))
        return false;
    work->work(work->context, i, stream);
    bool whole = fclose(stream) == 0;
    head.len = len;
    whole = whole && gs_isolated_write(out, &head, sizeof head) && gs_isolated_write(out, bytes, len);
    free(bytes);
    return whole;
}

static void be_worker(const void *context, int out)
{
    const struct workers *workers = context;
    size_t i;
    while ((i = atomic_fetch_add(workers->next, 1)) < workers->work->count && do_one(workers->work, i, out))
        ;
}

/* ---- in the parent ---- */

static bool any_left(const struct workers *workers)
{
    return atomic_load(workers->next) < workers->work->count;
}

static bool begin(struct workers *workers, struct worker *worker)
{
    worker->thing = NOTHING;
    worker->len = 0;
    worker->began_ns = gs_clock_ns();
    worker->open = gs_isolated_begin(&worker->child, be_worker, workers);
    return worker->open;
}

static void end(struct worker *worker)
{
    if (worker->open)
        gs_isolated_end(&worker->child);
    worker->open = false;
}

static enum gs_status tell(const struct workers *workers, size_t i, enum gs_isolated outcome, const char *bytes,
                           size_t len)
{
    if (workers->told[i])
        return GS_OK;
    workers->told[i] = true;
    return workers->work->done(workers->work->result, i, outcome, bytes, len);
}

/* The worker does not go on; another one does, with what is left. */
static enum gs_status replace(struct workers *workers, struct worker *worker, enum gs_isolated outcome)
{
    size_t thing = worker->thing;
    end(worker);
    enum gs_status status = GS_OK;
    if (thing != NOTHING)
        status = tell(workers, thing, outcome, "", 0);
    if (!status && any_left(workers) && !begin(workers, worker))
        status = GS_FAILED;
    return status;
}

/* What was received whole: GS_LOST where the child sends nonsense. */
static enum gs_status take(const struct workers *workers, struct worker *worker)
{
    size_t at = 0;
    enum gs_status status = GS_OK;
    struct head head;
    while (!status && worker->len - at >= sizeof head) {
        memcpy(&head, worker->bytes + at, sizeof head);
        bool begins = head.len == BEGINNING;
        if (head.thing >= workers->work->count || (!begins && head.thing != worker->thing))
            return GS_LOST;
        if (!begins && worker->len - at - sizeof head < head.len)
            break;
        at += sizeof head;
        worker->thing = begins ? head.thing : NOTHING;
        worker->began_ns = gs_clock_ns();
        if (begins)
            continue;
        char *result = worker->bytes + at, behind = result[head.len];
        result[head.len] = '\0';
        status = tell(workers, head.thing, GS_ISOLATED_DONE, result, head.len);
        result[head.len] = behind;
        at += head.len;
    }
    memmove(worker->bytes, worker->bytes + at, worker->len - at);
    worker->len -= at;
    return status;
}

static enum gs_status receive(struct workers *workers, struct worker *worker)
{
    if (!gs_room((void **)&worker->bytes, &worker->room, worker->len + CHUNK + 1, 1))
        return GS_NO_MEMORY;
    ssize_t got = read(worker->child.in, worker->bytes + worker->len, CHUNK);
    if (got < 0 && errno == EINTR)
        return GS_OK;
    worker->len += got > 0 ? (size_t)got : 0;
    enum gs_status status = got > 0 ? take(workers, worker) : GS_LOST;
    return status == GS_LOST ? replace(workers, worker, GS_ISOLATED_FAILED) : status;
}

/* One wait for all of them, and what came of it. *open: whether there is any. */
static enum gs_status step(struct workers *workers, bool *open)
{
    struct pollfd ready[WORKERS_MOST];
    uint64_t now_ns = gs_clock_ns(), due_ns = UINT64_MAX;
    *open = false;
    for (size_t i = 0; i < workers->count; i++) {
        const struct worker *worker = &workers->list[i];
        ready[i] = (struct pollfd){.fd = worker->open ? worker->child.in : -1, .events = POLLIN};
        *open = *open || worker->open;
        if (worker->open)
            due_ns = gs_least(due_ns, worker->began_ns + workers->work->patience_ns);
    }
    int wait_ms = due_ns > now_ns ? (int)gs_least((due_ns - now_ns) / 1000000 + 1, INT32_MAX) : 0;
    if (!*open || (poll(ready, workers->count, wait_ms) < 0 && errno == EINTR))
        return GS_OK;
    now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < workers->count && !status; i++) {
        struct worker *worker = &workers->list[i];
        if (worker->open && ready[i].revents)
            status = receive(workers, worker);
        else if (worker->open && now_ns - worker->began_ns >= workers->work->patience_ns)
            status = replace(workers, worker, GS_ISOLATED_LATE);
    }
    return status;
}

static enum gs_status run(struct workers *workers)
{
    enum gs_status status = GS_OK;
    bool open = true;
    for (size_t i = 0; i < workers->count; i++) {
        if (!begin(workers, &workers->list[i]) && i == 0)
            return GS_FAILED;
    }
    while (!status && open)
        status = step(workers, &open);
    for (size_t i = 0; i < workers->work->count && !status; i++) /* a worker died before it could say what it takes */
        status = tell(workers, i, GS_ISOLATED_FAILED, "", 0);
    return status;
}

enum gs_status gs_parallel_run(const struct gs_parallel_work *work)
{
    struct workers workers = {.work = work, .count = gs_least(gs_least(work->workers, WORKERS_MOST), work->count)};
    if (work->count == 0)
        return GS_OK;
    workers.told = calloc(work->count, sizeof *workers.told);
    workers.next = mmap(NULL, sizeof *workers.next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    enum gs_status status = workers.told && workers.next != MAP_FAILED ? run(&workers) : GS_NO_MEMORY;
    for (size_t i = 0; i < workers.count; i++) {
        end(&workers.list[i]);
        free(workers.list[i].bytes);
    }
    if (workers.next != MAP_FAILED)
        munmap(workers.next, sizeof *workers.next);
    free(workers.told);
    return status;
}
