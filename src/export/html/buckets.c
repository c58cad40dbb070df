/* From spans to thousandths of the run. The bytes, each number packed:
 *
 * - nodes: count; of each but the first: parent, kind, place.
 *
 * - keys: count; of each: leaf, code, and for a thread that waits: holder (from 1 on, 0: not known), its leaf.
 *
 * - threads: of each: count of buckets; of each: how many further on, count of entries; of each: how much higher the
 *   key's number is, time in units.
 *
 * - rows: of each thread that has one: count of runs; of each: how many alike buckets, a share of 100 for each colour.
 *
 * - locks: count; of each: process, GIL, count of runs; of each: how many alike buckets, the share of 100 in which
 *   somebody waited.
 *
 * - lanes: of each: count of runs; of each: how many alike buckets, a share of 100 for each colour, place (from 1 on,
 *   0: none) where it was suspended last.
 *
 * - awaits: count; of each: thread, key, count of entries; of each: how many buckets further on, time of suspended
 * tasks in units.
 *
 * What is too little to be worth an entry waits until there is more of it: of a thread's keys one after the other, the
 * one with which there is enough stands for those before it. So the size is bounded, and no time is lost: what is left
 * at the end stands in a bucket after the last one, which is part of no span but of the whole. Holding, waiting and the
 * rest are counted apart, because many threads together hold one GIL for a little each. */
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/sorted.h"
#include "export/html/html.h"

static int by_name(const void *left, const void *right, void *context)
{
    const struct gs_html_thread *threads = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    int order = strcmp(threads[i].name, threads[k].name);
    return order ? order : (i > k) - (i < k);
}

static void find_shared(struct gs_html *html, uint32_t *order)
{
    qsort_r(order, html->thread_count, sizeof *order, by_name, html->threads);
    for (uint32_t i = 1; i < html->thread_count; i++) {
        struct gs_html_thread *a = &html->threads[order[i - 1]], *b = &html->threads[order[i]];
        if (strcmp(a->name, b->name) == 0)
            a->shared = b->shared = true;
    }
}

/* What it did with the GIL, or on a processor. */
static int by_activity_down(const void *left, const void *right, void *context)
{
    const struct gs_html_thread *threads = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    const uint64_t *a = threads[i].hue_ns, *b = threads[k].hue_ns;
    uint64_t x = a[GS_HUE_HOLDS] + a[GS_HUE_WAITS] + threads[i].runs_ns;
    uint64_t y = b[GS_HUE_HOLDS] + b[GS_HUE_WAITS] + threads[k].runs_ns;
    if ((threads[i].samples > 0) != (threads[k].samples > 0))
        return threads[i].samples > 0 ? -1 : 1;
    if (x != y)
        return x < y ? 1 : -1;
    return (i > k) - (i < k);
}

/* Ranks the threads, and gives cells to those that have a row. */
static bool rank(struct gs_html *html, const struct gs_html_data *data)
{
    uint32_t *order = malloc(((size_t)html->thread_count + 1) * sizeof *order);
    for (uint32_t i = 0; i < html->thread_count && order; i++)
        order[i] = i;
    bool done = order != NULL;
    if (done)
        find_shared(html, order);
    if (done)
        qsort_r(order, html->thread_count, sizeof *order, by_activity_down, html->threads);
    for (uint32_t rank = 0; rank < html->thread_count && done; rank++) {
        struct gs_html_thread *thread = &html->threads[order[rank]];
        thread->rank = rank;
        if (rank >= GS_HTML_ROWS)
            continue;
        done = (thread->cells = malloc(data->cells)) != NULL;
        if (done)
            memset(thread->cells, 0xff, data->cells);
    }
    free(order);
    return done;
}

enum {
    UNITS = 1000, /* of a bucket's length, in which time is counted */
    SHARES = 100,
    AWAIT_ENTRIES = 50000 /* of suspended tasks, about */
};

/* How many entries there may be of what is counted apart, about. */
static const uint32_t entries_of[GS_PARTS] = {
    [GS_PART_HOLDS] = 150000, [GS_PART_WAITS] = 200000, [GS_PART_REST] = 100000};

/* One thread, or lane of tasks, on its way into buckets. */
struct filling {
    struct gs_html *html;
    struct gs_html_data *data;
    uint64_t *key_ns; /* in this bucket */
    uint32_t *fresh;  /* the keys that it has */
    uint32_t fresh_count;
    uint64_t least_ns[GS_PARTS]; /* worth an entry */
    uint64_t left_ns[GS_PARTS];  /* too little so far, */
    uint32_t last_key[GS_PARTS]; /* of this key last */
    uint64_t *leaf_ns;           /* by kept node: time with the GIL */
    uint32_t bucket;
    uint64_t hue_ns[GS_HUE_COUNT]; /* of the bucket */
    uint64_t cell_ns[GS_HUE_COUNT];
    uint32_t cell;
    bool lane;
    struct gs_pack entries, row;
    uint32_t entry_buckets, last_bucket;
    uint8_t shares[GS_HUE_COUNT]; /* of the run of alike buckets, */
    uint32_t place, run_place;    /* of a lane: in this bucket, and of that run */
    uint32_t alike, runs;
};

GS_BY_VALUE(by_number, uint32_t);

/* Writes `count` keys, which are sorted, with the time that key_ns has for them. */
static void write_entries(struct filling *f, uint32_t bucket, const uint32_t *keys, uint32_t count)
{
    uint32_t last = 0;
    if (count == 0)
        return;
    gs_pack_number(&f->entries, bucket - f->last_bucket);
    gs_pack_number(&f->entries, count);
    for (uint32_t i = 0; i < count; i++) {
        gs_pack_number(&f->entries, keys[i] - last);
        gs_pack_number(&f->entries, f->key_ns[keys[i]] / f->data->unit_ns);
        f->key_ns[keys[i]] = 0;
        last = keys[i];
    }
    f->last_bucket = bucket;
    f->entry_buckets++;
}

/* Writes what is worth it; what is not stays for later. One bucket is gone through from its first key on, the next one
 * from its last, so that what neighbours lose to each other evens out. */
static void write_bucket(struct filling *f)
{
    uint32_t due = 0, count = f->fresh_count;
    qsort(f->fresh, count, sizeof *f->fresh, by_number);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = f->fresh[f->bucket % 2 ? count - 1 - i : i], part = f->data->part_of[key];
        uint64_t ns = f->key_ns[key] + f->left_ns[part];
        bool enough = ns >= f->least_ns[part];
        f->key_ns[key] = enough ? ns : 0;
        f->left_ns[part] = enough ? ns % f->data->unit_ns : ns;
        f->last_key[part] = key;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (f->key_ns[f->fresh[i]] > 0)
            f->fresh[due++] = f->fresh[i];
    }
    write_entries(f, f->bucket, f->fresh, due);
    f->fresh_count = 0;
}

/* What never was enough. */
static void write_rest(struct filling *f)
{
    uint32_t due = 0;
    for (int part = 0; part < GS_PARTS; part++) {
        uint64_t ns = f->left_ns[part] + f->data->unit_ns / 2;
        f->left_ns[part] = 0;
        if (ns < f->data->unit_ns)
            continue;
        f->key_ns[f->last_key[part]] = ns;
        f->fresh[due++] = f->last_key[part];
    }
    qsort(f->fresh, due, sizeof *f->fresh, by_number);
    write_entries(f, f->data->buckets, f->fresh, due);
}

static void end_run(struct filling *f)
{
    if (f->alike == 0)
        return;
    gs_pack_number(&f->row, f->alike);
    for (int i = 0; i < GS_HUE_COUNT; i++)
        gs_pack_byte(&f->row, f->shares[i]);
    if (f->lane)
        gs_pack_number(&f->row, f->run_place);
    f->runs++;
    f->alike = 0;
}

/* The cell of the row that is drawn without a script: the state that takes most of it. */
static void fill_cell(struct filling *f, struct gs_html_thread *thread)
{
    uint32_t cell = (uint32_t)((uint64_t)f->bucket * f->data->cells / f->data->buckets);
    int most = 0;
    if (cell != f->cell)
        memset(f->cell_ns, 0, sizeof f->cell_ns);
    f->cell = cell;
    for (int i = 0; i < GS_HUE_COUNT; i++) {
        f->cell_ns[i] += f->hue_ns[i];
        most = f->cell_ns[i] > f->cell_ns[most] ? i : most;
    }
    if (f->cell_ns[most] > 0)
        thread->cells[cell] = (uint8_t)most;
}

/* thread NULL: of a lane. */
static void end_bucket(struct filling *f, struct gs_html_thread *thread)
{
    uint8_t shares[GS_HUE_COUNT];
    for (int i = 0; i < GS_HUE_COUNT; i++)
        shares[i] = (uint8_t)((f->hue_ns[i] * SHARES + f->data->bucket_ns / 2) / f->data->bucket_ns);
    if (f->alike > 0 && (memcmp(shares, f->shares, sizeof shares) != 0 || f->place != f->run_place))
        end_run(f);
    memcpy(f->shares, shares, sizeof shares);
    f->run_place = f->place;
    f->alike++;
    if (thread && thread->cells)
        fill_cell(f, thread);
    if (thread)
        write_bucket(f);
    memset(f->hue_ns, 0, sizeof f->hue_ns);
    f->bucket++;
}

static void blame(struct filling *f, const struct gs_html_thread *waiter, const struct gs_key *key, uint64_t ns)
{
    uint32_t holder = key->holder ? f->html->threads[key->holder - 1].rank : GS_HTML_BLAMED;
    if (waiter->rank < GS_HTML_BLAMED && holder < GS_HTML_BLAMED)
        f->data->blame_ns[waiter->rank][holder] += ns;
}

static void fill_span(struct filling *f, struct gs_html_thread *thread, const struct gs_span *span)
{
    const struct gs_key *key = &f->html->keys.list[span->node - 1];
    uint32_t to = f->data->key_to[span->node - 1];
    uint64_t at_ns = span->begin_ns;
    if (gs_key_hue(key->code) == GS_HUE_HOLDS)
        f->leaf_ns[f->data->node_to[key->leaf]] += span->end_ns - span->begin_ns;
    blame(f, thread, key, span->end_ns - span->begin_ns);
    while (at_ns < span->end_ns) {
        while (at_ns / f->data->bucket_ns > f->bucket)
            end_bucket(f, thread);
        uint64_t end_ns = (f->bucket + 1) * f->data->bucket_ns;
        end_ns = end_ns < span->end_ns ? end_ns : span->end_ns;
        f->hue_ns[gs_key_hue(key->code)] += end_ns - at_ns;
        if (f->key_ns[to] == 0)
            f->fresh[f->fresh_count++] = to;
        f->key_ns[to] += end_ns - at_ns;
        at_ns = end_ns;
    }
}

static uint32_t longest_leaf(struct filling *f)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < f->data->kept_count; i++)
        most = f->leaf_ns[i] > f->leaf_ns[most] ? i : most;
    return f->data->kept[most];
}

static void forget_thread(struct filling *f)
{
    memset(f->cell_ns, 0, sizeof f->cell_ns);
    memset(f->leaf_ns, 0, f->data->kept_count * sizeof *f->leaf_ns);
    f->fresh_count = f->cell = f->entry_buckets = f->last_bucket = f->bucket = f->runs = f->alike = 0;
    f->entries.len = 0;
}

static void fill_thread(struct filling *f, uint32_t number, struct gs_pack *rows)
{
    struct gs_html_thread *thread = &f->html->threads[number];
    struct gs_span span;
    bool shown = thread->rank < GS_HTML_ROWS;
    f->row.len = 0;
    while (gs_spill_next(f->html->spill, number, &span))
        fill_span(f, thread, &span);
    while (f->bucket < f->data->buckets)
        end_bucket(f, thread);
    end_run(f);
    write_rest(f);
    thread->leaf = longest_leaf(f);
    gs_pack_number(&f->data->pack, f->entry_buckets);
    for (size_t i = 0; i < f->entries.len; i++)
        gs_pack_byte(&f->data->pack, f->entries.bytes[i]);
    if (shown)
        gs_pack_number(rows, f->runs);
    for (size_t i = 0; i < f->row.len && shown; i++)
        gs_pack_byte(rows, f->row.bytes[i]);
    forget_thread(f);
}

static void fill_lane(struct filling *f, uint32_t number)
{
    struct gs_span span;
    f->row.len = f->bucket = f->runs = f->alike = f->place = 0;
    while (gs_spill_next(f->html->lane_spill, number, &span)) {
        for (uint64_t at_ns = span.begin_ns, end_ns; at_ns < span.end_ns; at_ns = end_ns) {
            for (; at_ns / f->data->bucket_ns > f->bucket; f->place = 0)
                end_bucket(f, NULL);
            end_ns = gs_least((f->bucket + 1) * f->data->bucket_ns, span.end_ns);
            f->hue_ns[span.node % GS_HUE_COUNT] += end_ns - at_ns;
            if (span.node >= GS_HUE_COUNT)
                f->place = gs_html_place(f->html, f->data, span.node / GS_HUE_COUNT);
        }
    }
    for (; f->bucket < f->data->buckets; f->place = 0)
        end_bucket(f, NULL);
    end_run(f);
    gs_pack_number(&f->data->pack, f->runs);
    for (size_t i = 0; i < f->row.len; i++)
        gs_pack_byte(&f->data->pack, f->row.bytes[i]);
}

/* What is too little waits for the next bucket. */
static void put_await(struct filling *f, uint32_t bucket, uint64_t least_ns, uint64_t *ns)
{
    if (*ns < least_ns)
        return;
    gs_pack_number(&f->row, bucket - f->last_bucket);
    gs_pack_number(&f->row, *ns / f->data->unit_ns);
    *ns %= f->data->unit_ns;
    f->last_bucket = bucket;
    f->entry_buckets++;
}

static void fill_await(struct filling *f, uint32_t number)
{
    const struct gs_html_await *await = &f->html->awaits[number];
    const uint64_t least_ns = gs_most(f->html->await_ns / AWAIT_ENTRIES, f->data->unit_ns);
    struct gs_span span;
    uint64_t ns = 0;
    f->row.len = f->bucket = f->last_bucket = f->entry_buckets = 0;
    while (gs_spill_next(f->html->await_spill, number, &span)) {
        for (uint64_t at_ns = span.begin_ns, end_ns; at_ns < span.end_ns; at_ns = end_ns) {
            uint32_t bucket = (uint32_t)(at_ns / f->data->bucket_ns);
            if (bucket != f->bucket)
                put_await(f, f->bucket, least_ns, &ns);
            f->bucket = bucket;
            end_ns = gs_least((bucket + UINT64_C(1)) * f->data->bucket_ns, span.end_ns);
            ns += (end_ns - at_ns) * span.node;
        }
    }
    put_await(f, f->bucket, least_ns, &ns);
    put_await(f, f->data->buckets, f->data->unit_ns, &ns);
    gs_pack_number(&f->data->pack, await->thread);
    gs_pack_number(&f->data->pack, f->data->key_to[await->key - 1]);
    gs_pack_number(&f->data->pack, f->entry_buckets);
    for (size_t i = 0; i < f->row.len; i++)
        gs_pack_byte(&f->data->pack, f->row.bytes[i]);
}

/* When somebody waited for a GIL. */
static void fill_lock(struct filling *f, const struct gs_html_lock *lock)
{
    struct gs_pack *pack = &f->data->pack;
    uint64_t bucket_ns = f->data->bucket_ns;
    f->row.len = 0;
    f->runs = f->alike = 0;
    uint8_t last = 0;
    for (uint32_t i = 0; i <= f->data->buckets; i++) {
        uint64_t ns = i < f->data->buckets ? gs_locks_ns(&f->html->locks, lock, i * bucket_ns, (i + 1) * bucket_ns) : 0;
        uint8_t share = (uint8_t)((ns * SHARES + bucket_ns / 2) / bucket_ns);
        if (f->alike > 0 && (share != last || i == f->data->buckets)) {
            gs_pack_number(&f->row, f->alike);
            gs_pack_byte(&f->row, last);
            f->runs++;
            f->alike = 0;
        }
        last = share;
        f->alike++;
    }
    gs_pack_number(pack, lock->process);
    gs_pack_number(pack, lock->lock);
    gs_pack_number(pack, f->runs);
    for (size_t i = 0; i < f->row.len; i++)
        gs_pack_byte(pack, f->row.bytes[i]);
}

static enum gs_status fill_all(struct filling *f)
{
    struct gs_pack rows = {0};
    for (uint32_t i = 0; i < f->html->thread_count; i++)
        fill_thread(f, i, &rows);
    for (size_t i = 0; i < rows.len; i++)
        gs_pack_byte(&f->data->pack, rows.bytes[i]);
    gs_pack_number(&f->data->pack, f->html->locks.count);
    for (size_t i = 0; i < f->html->locks.count; i++)
        fill_lock(f, f->html->locks.list[i]);
    f->lane = true;
    for (uint32_t i = 0; i < f->html->lanes.count; i++)
        fill_lane(f, i);
    gs_pack_number(&f->data->pack, f->html->await_count);
    for (uint32_t i = 0; i < f->html->await_count; i++)
        fill_await(f, i);
    bool failed = rows.failed || f->entries.failed || f->row.failed || f->data->pack.failed;
    free(rows.bytes);
    if (gs_spill_failed(f->html->spill) || gs_spill_failed(f->html->lane_spill) ||
        gs_spill_failed(f->html->await_spill))
        return GS_OUTPUT;
    return failed ? GS_NO_MEMORY : GS_OK;
}

static void measure(const struct gs_html *html, const struct gs_run_end *end, struct gs_html_data *data)
{
    data->end_ns = end->end_ns > html->run.begin_ns ? end->end_ns - html->run.begin_ns : 0;
    if (data->end_ns < html->last_ns)
        data->end_ns = html->last_ns;
    if (data->end_ns > GS_HTML_LONGEST_NS)
        data->end_ns = GS_HTML_LONGEST_NS;
    data->buckets = end->samples < GS_HTML_BUCKETS ? (uint32_t)end->samples : GS_HTML_BUCKETS;
    if (data->buckets == 0)
        data->buckets = 1;
    data->cells = data->buckets < GS_HTML_CELLS ? data->buckets : GS_HTML_CELLS;
    data->bucket_ns = data->end_ns / data->buckets + 1;
    data->unit_ns = data->bucket_ns / UNITS;
    data->unit_ns = data->unit_ns < 1000 ? 1000 : data->unit_ns;
}

enum gs_status gs_html_pack(struct gs_html *html, const struct gs_run_end *end, struct gs_html_data *data)
{
    struct filling f = {.html = html, .data = data};
    measure(html, end, data);
    enum gs_status status = gs_html_prune(html, data);
    if (status != GS_OK || !rank(html, data) || !gs_html_merge(html, data))
        return status == GS_OK ? GS_NO_MEMORY : status;
    for (int part = 0; part < GS_PARTS; part++) {
        uint64_t least_ns = data->part_ns[part] / entries_of[part];
        f.least_ns[part] = least_ns < data->unit_ns ? data->unit_ns : least_ns;
    }
    f.key_ns = calloc((size_t)data->key_count + 1, sizeof *f.key_ns);
    f.fresh = calloc((size_t)data->key_count + GS_PARTS, sizeof *f.fresh);
    f.leaf_ns = calloc((size_t)data->kept_count + 1, sizeof *f.leaf_ns);
    status = f.key_ns && f.fresh && f.leaf_ns ? fill_all(&f) : GS_NO_MEMORY;
    free(f.key_ns);
    free(f.fresh);
    free(f.leaf_ns);
    free(f.entries.bytes);
    free(f.row.bytes);
    return status;
}
