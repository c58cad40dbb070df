/* When memory is full its spans are sorted by thread and appended to the file as a run; at the end each run is read
 * from its beginning to its end once, side by side with the others. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/room.h"
#include "base/sorted.h"
#include "export/spill.h"

enum { READ_SPANS = 64 /* of a run at once */ };

struct run {
    uint64_t next, end;     /* spans of the file */
    uint64_t thread_begin;  /* the first one of the present thread */
    uint32_t thread;        /* which that is */
    uint64_t at;            /* the first one in buffer */
    size_t count;           /* of those in it */
    struct gs_span *buffer; /* READ_SPANS */
};

struct gs_spill {
    struct gs_span *spans;
    size_t count, room;
    struct gs_span *last; /* of each thread: it may go on; end_ns 0: none */
    size_t last_count, last_room;
    int file; /* -1: all of it is in memory */
    uint64_t written;
    struct run *runs;
    size_t run_count, run;
    uint32_t thread; /* asked for last */
    bool failed;
};

struct gs_spill *gs_spill_new(size_t spans)
{
    struct gs_spill *spill = calloc(1, sizeof *spill);
    if (!spill)
        return NULL;
    spill->file = -1;
    spill->room = spans;
    spill->spans = malloc(spans * sizeof *spill->spans);
    if (spill->spans)
        return spill;
    free(spill);
    return NULL;
}

void gs_spill_free(struct gs_spill *spill)
{
    if (!spill)
        return;
    for (size_t i = 0; i < spill->run_count; i++)
        free(spill->runs[i].buffer);
    free(spill->runs);
    free(spill->spans);
    free(spill->last);
    if (spill->file >= 0)
        close(spill->file);
    free(spill);
}

/* Not in /tmp first: that may be memory. */
static int open_nameless(void)
{
    const char *folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int file = folders[i] ? open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
        if (file >= 0)
            return file;
    }
    return -1;
}

GS_BY_BOTH(by_thread, struct gs_span, thread, begin_ns);

static bool write_all(int file, const void *bytes, size_t len)
{
    for (const char *at = bytes; len > 0;) {
        ssize_t put = write(file, at, len);
        if (put <= 0)
            return false;
        at += put;
        len -= (size_t)put;
    }
    return true;
}

static struct run *add_run(struct gs_spill *spill)
{
    struct run *runs = realloc(spill->runs, (spill->run_count + 1) * sizeof *runs);
    if (!runs)
        return NULL;
    spill->runs = runs;
    struct run *run = &runs[spill->run_count++];
    *run = (struct run){.next = spill->written,
                        .thread_begin = spill->written,
                        .end = spill->written + spill->count,
                        .at = spill->written};
    return run;
}

static enum gs_status write_run(struct gs_spill *spill)
{
    if (spill->file < 0)
        spill->file = open_nameless();
    qsort(spill->spans, spill->count, sizeof *spill->spans, by_thread);
    if (spill->file < 0 || !write_all(spill->file, spill->spans, spill->count * sizeof *spill->spans))
        return GS_OUTPUT;
    if (!add_run(spill))
        return GS_NO_MEMORY;
    spill->written += spill->count;
    spill->count = 0;
    return GS_OK;
}

static enum gs_status put(struct gs_spill *spill, const struct gs_span *span)
{
    if (span->end_ns == 0)
        return GS_OK;
    spill->spans[spill->count++] = *span;
    return spill->count == spill->room ? write_run(spill) : GS_OK;
}

uint64_t gs_spill_end(const struct gs_spill *spill, uint32_t thread)
{
    return thread < spill->last_count ? spill->last[thread].end_ns : 0;
}

enum gs_status gs_spill_add(struct gs_spill *spill, const struct gs_span *span)
{
    if (!gs_room((void **)&spill->last, &spill->last_room, (size_t)span->thread + 1, sizeof *spill->last))
        return GS_NO_MEMORY;
    while (spill->last_count <= span->thread)
        spill->last[spill->last_count++] = (struct gs_span){0};
    struct gs_span *last = &spill->last[span->thread];
    if (last->node == span->node && last->end_ns == span->begin_ns && last->end_ns > 0) {
        last->end_ns = span->end_ns;
        return GS_OK;
    }
    enum gs_status status = put(spill, last);
    *last = *span;
    return status;
}

enum gs_status gs_spill_sort(struct gs_spill *spill)
{
    for (size_t i = 0; i < spill->last_count; i++) {
        enum gs_status status = put(spill, &spill->last[i]);
        if (status)
            return status;
    }
    if (spill->file >= 0 && spill->count > 0)
        return write_run(spill);
    qsort(spill->spans, spill->count, sizeof *spill->spans, by_thread);
    struct run *run = add_run(spill); /* of what is in memory */
    if (run)
        run->count = spill->count;
    return run ? GS_OK : GS_NO_MEMORY;
}

/* The run's next span, without going on; NULL: there is none. */
static const struct gs_span *peek(struct gs_spill *spill, struct run *run)
{
    if (run->next == run->end)
        return NULL;
    if (spill->file < 0)
        return &spill->spans[run->next];
    if (run->next < run->at || run->next - run->at >= run->count) {
        size_t count = run->end - run->next < READ_SPANS ? run->end - run->next : READ_SPANS;
        ssize_t size = (ssize_t)(count * sizeof *run->buffer);
        if (!run->buffer)
            run->buffer = malloc(READ_SPANS * sizeof *run->buffer);
        if (!run->buffer ||
            pread(spill->file, run->buffer, (size_t)size, (off_t)(run->next * sizeof *run->buffer)) != size) {
            spill->failed = true;
            return NULL;
        }
        run->at = run->next;
        run->count = count;
    }
    return &run->buffer[run->next - run->at];
}

bool gs_spill_next(struct gs_spill *spill, uint32_t thread, struct gs_span *span)
{
    if (thread != spill->thread)
        spill->run = 0;
    spill->thread = thread;
    for (; spill->run < spill->run_count && !spill->failed; spill->run++) {
        struct run *run = &spill->runs[spill->run];
        const struct gs_span *next = peek(spill, run);
        if (run->thread != thread) {
            run->thread = thread;
            run->thread_begin = run->next;
        }
        if (next && next->thread == thread) {
            *span = *next;
            run->next++;
            return true;
        }
    }
    return false;
}

void gs_spill_again(struct gs_spill *spill)
{
    for (size_t i = 0; i < spill->run_count; i++) {
        if (spill->runs[i].thread == spill->thread)
            spill->runs[i].next = spill->runs[i].thread_begin;
    }
    spill->run = 0;
}

bool gs_spill_failed(const struct gs_spill *spill)
{
    return spill->failed;
}
