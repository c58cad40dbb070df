/* Each lane takes the next thing by a counter in memory that all share, says so, and sends the result: so the parent
 * knows at what a lane was that died or is late, and begins another one for the rest. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lanes.h"
#include "base/least.h"
#include "base/room.h"

enum { CHUNK = 65536, LANES_MOST = 64 };
#define NOTHING   SIZE_MAX /* in place of a thing: none is worked on */
#define BEGINNING SIZE_MAX /* in place of a length: it is begun */

struct head {
    size_t thing, len;
};

struct lane {
    struct gs_apart_child child;
    size_t thing;
    uint64_t began_ns;
    char *bytes; /* received, and not done yet */
    size_t len, room;
    bool open;
};

struct lanes {
    const struct gs_lanes_work *work;
    atomic_size_t *next; /* shared with the children */
    bool *told;          /* of each thing */
    struct lane list[LANES_MOST];
    size_t count;
};

/* ---- in a child ---- */

static bool do_one(const struct gs_lanes_work *work, size_t i, int out)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&bytes, &len);
    struct head head = {.thing = i, .len = BEGINNING};
    if (!stream || !gs_apart_write(out, &head, sizeof head))
        return false;
    work->work(work->context, i, stream);
    bool whole = fclose(stream) == 0;
    head.len = len;
    whole = whole && gs_apart_write(out, &head, sizeof head) && gs_apart_write(out, bytes, len);
    free(bytes);
    return whole;
}

static void be_lane(const void *context, int out)
{
    const struct lanes *lanes = context;
    size_t i;
    while ((i = atomic_fetch_add(lanes->next, 1)) < lanes->work->count && do_one(lanes->work, i, out))
        ;
}

/* ---- in the parent ---- */

static bool any_left(const struct lanes *lanes)
{
    return atomic_load(lanes->next) < lanes->work->count;
}

static bool begin(struct lanes *lanes, struct lane *lane)
{
    lane->thing = NOTHING;
    lane->len = 0;
    lane->began_ns = gs_clock_ns();
    lane->open = gs_apart_begin(&lane->child, be_lane, lanes);
    return lane->open;
}

static void end(struct lane *lane)
{
    if (lane->open)
        gs_apart_end(&lane->child);
    lane->open = false;
}

static enum gs_status tell(const struct lanes *lanes, size_t i, enum gs_apart outcome, const char *bytes, size_t len)
{
    if (lanes->told[i])
        return GS_OK;
    lanes->told[i] = true;
    return lanes->work->done(lanes->work->result, i, outcome, bytes, len);
}

/* The lane does not go on; another one does, with what is left. */
static enum gs_status replace(struct lanes *lanes, struct lane *lane, enum gs_apart outcome)
{
    size_t thing = lane->thing;
    end(lane);
    enum gs_status status = GS_OK;
    if (thing != NOTHING)
        status = tell(lanes, thing, outcome, "", 0);
    if (!status && any_left(lanes) && !begin(lanes, lane))
        status = GS_FAILED;
    return status;
}

/* What was received whole: GS_LOST where the child sends nonsense. */
static enum gs_status take(const struct lanes *lanes, struct lane *lane)
{
    size_t at = 0;
    enum gs_status status = GS_OK;
    struct head head;
    while (!status && lane->len - at >= sizeof head) {
        memcpy(&head, lane->bytes + at, sizeof head);
        bool begins = head.len == BEGINNING;
        if (head.thing >= lanes->work->count || (!begins && head.thing != lane->thing))
            return GS_LOST;
        if (!begins && lane->len - at - sizeof head < head.len)
            break;
        at += sizeof head;
        lane->thing = begins ? head.thing : NOTHING;
        lane->began_ns = gs_clock_ns();
        if (begins)
            continue;
        char *result = lane->bytes + at, behind = result[head.len];
        result[head.len] = '\0';
        status = tell(lanes, head.thing, GS_APART_DONE, result, head.len);
        result[head.len] = behind;
        at += head.len;
    }
    memmove(lane->bytes, lane->bytes + at, lane->len - at);
    lane->len -= at;
    return status;
}

static enum gs_status receive(struct lanes *lanes, struct lane *lane)
{
    if (!gs_room((void **)&lane->bytes, &lane->room, lane->len + CHUNK + 1, 1))
        return GS_NO_MEMORY;
    ssize_t got = read(lane->child.in, lane->bytes + lane->len, CHUNK);
    if (got < 0 && errno == EINTR)
        return GS_OK;
    lane->len += got > 0 ? (size_t)got : 0;
    enum gs_status status = got > 0 ? take(lanes, lane) : GS_LOST;
    return status == GS_LOST ? replace(lanes, lane, GS_APART_FAILED) : status;
}

/* One wait for all of them, and what came of it. *open: whether there is any. */
static enum gs_status step(struct lanes *lanes, bool *open)
{
    struct pollfd ready[LANES_MOST];
    uint64_t now_ns = gs_clock_ns(), due_ns = UINT64_MAX;
    *open = false;
    for (size_t i = 0; i < lanes->count; i++) {
        const struct lane *lane = &lanes->list[i];
        ready[i] = (struct pollfd){.fd = lane->open ? lane->child.in : -1, .events = POLLIN};
        *open = *open || lane->open;
        if (lane->open)
            due_ns = gs_least(due_ns, lane->began_ns + lanes->work->patience_ns);
    }
    int wait_ms = due_ns > now_ns ? (int)gs_least((due_ns - now_ns) / 1000000 + 1, INT32_MAX) : 0;
    if (!*open || (poll(ready, lanes->count, wait_ms) < 0 && errno == EINTR))
        return GS_OK;
    now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < lanes->count && !status; i++) {
        struct lane *lane = &lanes->list[i];
        if (lane->open && ready[i].revents)
            status = receive(lanes, lane);
        else if (lane->open && now_ns - lane->began_ns >= lanes->work->patience_ns)
            status = replace(lanes, lane, GS_APART_LATE);
    }
    return status;
}

static enum gs_status run(struct lanes *lanes)
{
    enum gs_status status = GS_OK;
    bool open = true;
    for (size_t i = 0; i < lanes->count; i++) {
        if (!begin(lanes, &lanes->list[i]) && i == 0)
            return GS_FAILED;
    }
    while (!status && open)
        status = step(lanes, &open);
    for (size_t i = 0; i < lanes->work->count && !status; i++) /* a lane died before it could say what it takes */
        status = tell(lanes, i, GS_APART_FAILED, "", 0);
    return status;
}

enum gs_status gs_lanes_run(const struct gs_lanes_work *work)
{
    struct lanes lanes = {.work = work, .count = gs_least(gs_least(work->lanes, LANES_MOST), work->count)};
    if (work->count == 0)
        return GS_OK;
    lanes.told = calloc(work->count, sizeof *lanes.told);
    lanes.next = mmap(NULL, sizeof *lanes.next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    enum gs_status status = lanes.told && lanes.next != MAP_FAILED ? run(&lanes) : GS_NO_MEMORY;
    for (size_t i = 0; i < lanes.count; i++) {
        end(&lanes.list[i]);
        free(lanes.list[i].bytes);
    }
    if (lanes.next != MAP_FAILED)
        munmap(lanes.next, sizeof *lanes.next);
    free(lanes.told);
    return status;
}
