/* The last way to an interpreter: without symbols, sections, or a file that can be read.
 *
 * From 3.13 on the runtime begins with a cookie. Before, Py_GetVersion's buffer (Python/getversion.c) in the data of an
 * image says that there is a Python in it, and which; then each word there is tried as one that points to an
 * interpreter, whose own pointers tell: a thread state that points back, and has none before it in the list. In a
 * process that is no Python only the writable data of its images is read, and of that not much. */
#include <stdlib.h>
#include <string.h>

#include "python/layout_tables.h"
#include "python/locate.h"
#include "python/scan.h"

enum {
    NAMED_BYTES = 64 << 20,  /* read at most of images that are called python, */
    PROGRAM_BYTES = 4 << 20, /* of another program, */
    OTHER_BYTES = 2 << 20,   /* of all other images together, */
    IMAGE_BYTES = 16 << 20,  /* and of one */
    BLOCK = 256 << 10,
    BATCH = 512,
    COOKIES_MAX = 64,     /* in one image: the one that is looked for, and copies of it */
    HEADS_MAX = 16,       /* words that may point to the newest interpreter */
    EFFORT_MOST = 1 << 20 /* about as many reads, a second or two: a process can make each word look like one */
};

/* ---- a copy of an image's data ---- */

static void copy_map(struct gs_scan *scan, const struct gs_map *map)
{
    gs_addr end = scan->start + scan->count * sizeof(uint64_t);
    gs_addr at = map->start > scan->start ? map->start : scan->start;
    gs_addr stop = map->end < end ? map->end : end;
    while (at < stop) {
        size_t len = stop - at < BLOCK ? stop - at : BLOCK;
        uint8_t *dst = (uint8_t *)scan->words + (at - scan->start);
        if (gs_mem_read(scan->python->mem, at, dst, len))
            memset(dst, 0, len);
        at += len;
    }
}

static bool copy_data(struct gs_scan *scan, uint64_t *budget)
{
    const struct gs_target *target = scan->python->target;
    gs_addr start = (scan->image->data_start + 7) & ~(gs_addr)7;
    if (!scan->image->data_start || scan->image->data_end - start > INT64_MAX)
        return false;
    uint64_t len = scan->image->data_end - start;
    len = len < IMAGE_BYTES ? len : IMAGE_BYTES;
    len = len < *budget ? len : *budget;
    scan->start = start;
    scan->count = len / sizeof(uint64_t);
    scan->words = scan->count ? calloc(scan->count, sizeof(uint64_t)) : NULL;
    if (!scan->words)
        return false;
    *budget -= len;
    for (size_t i = 0; i < target->map_count; i++) {
        if (target->maps[i].readable)
            copy_map(scan, &target->maps[i]);
    }
    return true;
}

/* ---- 3.13 on ---- */

/* The cookie, and behind it a table that is plausible and leads to an interpreter. */
static enum gs_status find_cookie(struct gs_scan *scan, uint32_t assume, struct gs_err *err)
{
    struct gs_python *python = scan->python;
    enum gs_status result = GS_NOT_PYTHON;
    uint64_t cookie;
    gs_addr interp;
    memcpy(&cookie, GS_COOKIE, sizeof cookie);
    for (size_t i = 0, cookies = 0; i < scan->count && cookies < COOKIES_MAX; i++) {
        gs_addr runtime = scan->start + i * sizeof cookie;
        if (scan->words[i] != cookie)
            continue;
        cookies++;
        enum gs_status status = gs_layout_from_target(&scan->layout, python->mem, runtime, assume, err);
        if (status == GS_UNKNOWN_PYTHON)
            result = status;
        if (status || gs_mem_read_addr(python->mem, runtime + (gs_addr)scan->layout.rt_interpreters_head, &interp) ||
            !gs_scan_is_interpreter(scan, interp))
            continue;
        python->at.runtime = runtime;
        return GS_OK;
    }
    return result;
}

/* ---- up to 3.12 ---- */

/* Words of the data that may point to interpreters, and the first thread states of these. */
struct batch {
    gs_addr words[BATCH], interps[BATCH], tstates[BATCH], links[BATCH][2];
    struct gs_piece pieces[2 * BATCH];
    size_t count;
};

/* Keeps those whose first thread state may be one. */
static void keep_mapped(const struct gs_scan *scan, struct batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++)
        batch->pieces[i] =
            (struct gs_piece){batch->interps[i] + (gs_addr)scan->layout.is_threads_head, &batch->tstates[i], 8, false};
    if (gs_mem_read_many(scan->python->mem, batch->pieces, batch->count))
        batch->count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->pieces[i].ok || !gs_scan_mapped(scan, batch->tstates[i]))
            continue;
        batch->words[kept] = batch->words[i];
        batch->interps[kept] = batch->interps[i];
        batch->tstates[kept++] = batch->tstates[i];
    }
    batch->count = kept;
}

/* Keeps those whose first thread state points back to them, and is the first. */
static void keep_linked(const struct gs_scan *scan, struct batch *batch)
{
    const struct gs_layout *layout = &scan->layout;
    bool has_prev = layout->ts_prev != GS_ABSENT;
    size_t kept = 0, pieces = 0;
    for (size_t i = 0; i < batch->count; i++) {
        batch->links[i][0] = batch->links[i][1] = 0;
        batch->pieces[pieces++] =
            (struct gs_piece){batch->tstates[i] + (gs_addr)layout->ts_interp, &batch->links[i][0], 8, false};
        if (has_prev)
            batch->pieces[pieces++] =
                (struct gs_piece){batch->tstates[i] + (gs_addr)layout->ts_prev, &batch->links[i][1], 8, false};
    }
    if (gs_mem_read_many(scan->python->mem, batch->pieces, pieces))
        batch->count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->links[i][0] != batch->interps[i] || batch->links[i][1] != 0)
            continue;
        batch->words[kept] = batch->words[i];
        batch->interps[kept++] = batch->interps[i];
    }
    batch->count = kept;
}

/* What may be the word that points to the newest interpreter (2.7, 3.6: there is another one that points to the main
 * one). */
struct heads {
    struct {
        gs_addr word, interp, main_interp;
    } list[HEADS_MAX];
    size_t count;
};

/* True when the search is at its end. */
static bool consider(struct gs_scan *scan, gs_addr word, gs_addr interp, struct heads *heads)
{
    gs_addr runtime = word - (gs_addr)scan->layout.rt_interpreters_head;
    if (!gs_scan_is_interpreter(scan, interp))
        return false;
    if (scan->layout.rt_interpreters_head == GS_ABSENT) {
        heads->list[heads->count].word = word;
        heads->list[heads->count].interp = interp;
        heads->list[heads->count++].main_interp = scan->main_interp;
        return heads->count == HEADS_MAX;
    }
    if (!gs_scan_is_runtime(scan, runtime, interp))
        return false;
    scan->python->at.runtime = runtime;
    return true;
}

/* Sifts a batch; true when the search is at its end. */
static bool sift(struct gs_scan *scan, struct batch *batch, struct heads *heads)
{
    bool done = false;
    keep_mapped(scan, batch);
    keep_linked(scan, batch);
    for (size_t i = 0; i < batch->count && !done; i++)
        done = consider(scan, batch->words[i], batch->interps[i], heads);
    batch->count = 0;
    return done;
}

/* Leaves those that point to the newest interpreter: one that others lead to is older. */
static bool choose_heads(const struct gs_scan *scan, const struct heads *heads)
{
    gs_addr words[HEADS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < heads->count; i++) {
        bool newest = true;
        for (size_t k = 0; k < heads->count; k++)
            newest &=
                heads->list[k].main_interp != heads->list[i].interp || heads->list[k].interp == heads->list[i].interp;
        if (newest)
            words[count++] = heads->list[i].word;
    }
    if (count > 0)
        gs_scan_statics(scan, words, count);
    return count > 0;
}

static enum gs_status find_interpreter(struct gs_scan *scan)
{
    struct batch *batch = calloc(1, sizeof *batch);
    struct heads heads = {.count = 0};
    bool done = false;
    if (!batch)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < scan->count && !done; i++) {
        if (!gs_scan_mapped(scan, scan->words[i]))
            continue;
        batch->words[batch->count] = scan->start + i * sizeof(uint64_t);
        batch->interps[batch->count++] = scan->words[i];
        if (batch->count == BATCH)
            done = sift(scan, batch, &heads);
    }
    if (!done)
        sift(scan, batch, &heads);
    free(batch);
    if (!scan->python->at.runtime && !choose_heads(scan, &heads))
        return GS_NOT_PYTHON;
    scan->python->layout = scan->layout;
    return GS_OK;
}

/* ---- the images ---- */

static bool is_named(const struct gs_map *map)
{
    const char *slash = strrchr(map->path, '/');
    return strstr(slash ? slash : map->path, "python") != NULL;
}

static enum gs_status scan_image(struct gs_scan *scan, const struct gs_map *map, uint32_t assume, struct gs_err *err)
{
    struct gs_err why = {0};
    enum gs_status status = find_cookie(scan, assume, &why);
    uint32_t version = 0;
    if (status == GS_NOT_PYTHON) {
        version = gs_version_in((const char *)scan->words, scan->count * sizeof(uint64_t), true);
        if (!version && is_named(map))
            version = gs_version_of_file(map->path);
    }
    if (version)
        status = gs_layout_from_table(&scan->layout, version, assume, &why);
    if (version && !status)
        status = gs_layout_version_find(version, assume)->self ? GS_NOT_PYTHON /* would have a cookie */
                                                               : find_interpreter(scan);
    if (status == GS_UNKNOWN_PYTHON && is_named(map) && err)
        *err = why;
    return status == GS_UNKNOWN_PYTHON && !is_named(map) ? GS_NOT_PYTHON : status;
}

static enum gs_status scan_map(struct gs_scan *scan, struct gs_image *image, const struct gs_map *map, uint64_t *budget,
                               uint32_t assume, struct gs_err *err)
{
    enum gs_status status = GS_NOT_PYTHON;
    scan->image = image;
    scan->words = NULL;
    if (gs_image_open(image, scan->python->mem, map->start) == GS_OK && copy_data(scan, budget))
        status = scan_image(scan, map, assume, err);
    free(scan->words);
    if (status)
        return status;
    scan->python->library = strdup(map->path);
    return scan->python->library ? GS_OK : GS_NO_MEMORY;
}

enum gs_status gs_scan_process(struct gs_python *python, struct gs_image *image, uint32_t assume, struct gs_err *err)
{
    const struct gs_target *target = python->target;
    struct gs_scan scan = {.python = python, .effort_left = EFFORT_MOST};
    enum { NAMED, PROGRAM, OTHERS, RANKS };
    enum gs_status status = GS_NOT_PYTHON;
    uint64_t budgets[RANKS] = {NAMED_BYTES, PROGRAM_BYTES, OTHER_BYTES};
    if (gs_target_tasks(target, &scan.tasks, &scan.task_count))
        return GS_NOT_PYTHON;
    for (int rank = 0; rank < RANKS && status == GS_NOT_PYTHON; rank++) {
        for (size_t i = 0; i < target->map_count && status == GS_NOT_PYTHON; i++) {
            const struct gs_map *map = &target->maps[i];
            int its = is_named(map) ? NAMED : strcmp(map->path, target->exe) == 0 ? PROGRAM : OTHERS;
            if (its == rank && map->file_offset == 0 && map->inode && map->readable)
                status = scan_map(&scan, image, map, &budgets[rank], assume, err);
        }
    }
    free(scan.tasks);
    return status;
}
