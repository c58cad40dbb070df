/* What the page has of nodes and keys: which are kept, and how they are numbered and packed. Nodes are those with the
 * most time, and an "(other)" for what they called besides. */
#include <stdlib.h>
#include <string.h>

#include "export/html/html.h"
#include "profile/limit.h"

/* A node's time is that of all keys that are there, or wait for one that is there; with all below it. */
static uint64_t *times_of(const struct gs_html *html)
{
    uint32_t count = gs_calltree_count(html->tree);
    uint64_t *times = calloc(count, sizeof *times);
    for (uint32_t i = 0; i < html->keys.count && times; i++) {
        const struct gs_key *key = &html->keys.list[i];
        times[key->leaf] += key->ns + key->task_ns;
        if (key->at)
            times[key->at] += key->ns;
    }
    for (uint32_t i = count - 1; i > 0 && times; i--)
        times[gs_calltree_node(html->tree, i)->parent] += times[i];
    return times;
}

static uint32_t keep(struct gs_html_data *data, uint32_t node, uint32_t parent)
{
    data->kept[data->kept_count] = node;
    data->parent[data->kept_count] = parent;
    return data->kept_count++;
}

/* A node that is not kept goes to the "(other)" of its caller; one whose caller went there, too. */
static void choose(struct gs_html *html, struct gs_html_data *data, const uint64_t *times, uint32_t *others,
                   struct gs_limit limit)
{
    uint32_t count = gs_calltree_count(html->tree);
    keep(data, 0, 0);
    for (uint32_t i = 1; i < count; i++) {
        const struct gs_node *node = gs_calltree_node(html->tree, i);
        uint32_t parent = data->node_to[node->parent];
        bool inside = parent > 0 && data->kept[parent] == 0;
        if (times[i] == 0 || inside) {
            data->node_to[i] = parent;
        } else if (gs_node_kind(node) == GS_NODE_PROCESS || gs_limit_pass(&limit, times[i])) {
            data->node_to[i] = keep(data, i, parent);
        } else {
            if (!others[parent])
                others[parent] = keep(data, 0, parent);
            data->node_to[i] = others[parent];
        }
    }
}

enum gs_status gs_html_prune(struct gs_html *html, struct gs_html_data *data)
{
    uint32_t count = gs_calltree_count(html->tree);
    uint64_t *times = times_of(html), *sorted = malloc(count * sizeof *sorted);
    /* Each kept node has at most one "(other)". */
    uint32_t most = 2 * (GS_HTML_NODES + gs_calltree_process_count(html->tree) + 1);
    uint32_t *others = calloc(most, sizeof *others);
    data->node_to = calloc(count, sizeof *data->node_to);
    data->kept = calloc(most, sizeof *data->kept);
    data->parent = calloc(most, sizeof *data->parent);
    data->place_to = calloc((size_t)gs_calltree_place_count(html->tree) + 1, sizeof *data->place_to);
    data->places = calloc((size_t)gs_calltree_place_count(html->tree) + 1, sizeof *data->places);
    bool done =
        data->place_to && data->places && times && sorted && others && data->node_to && data->kept && data->parent;
    if (done) {
        memcpy(sorted, times, count * sizeof *sorted);
        choose(html, data, times, others, gs_limit_of(sorted, count, GS_HTML_NODES));
    }
    free(times);
    free(sorted);
    free(others);
    return done ? GS_OK : GS_NO_MEMORY;
}

void gs_html_data_fini(struct gs_html_data *data)
{
    free(data->pack.bytes);
    free(data->node_to);
    free(data->kept);
    free(data->parent);
    free(data->place_to);
    free(data->places);
    free(data->key_to);
    free(data->part_of);
}

enum { KEYS = 120000 /* with a holder's stack of their own, and as many that know the holder at least */ };

/* Places are numbered anew: only those that are kept have a name in the page. */
uint32_t gs_html_place(const struct gs_html *html, struct gs_html_data *data, uint32_t place)
{
    if (place && !data->place_to[place]) {
        data->places[data->place_count] = place;
        data->place_to[place] = ++data->place_count;
        gs_files_learn(&data->files, gs_calltree_place_at(html->tree, place)->file);
    }
    return data->place_to[place];
}

static uint32_t number_of(const struct gs_html *html, struct gs_html_data *data, const struct gs_node *node)
{
    uint32_t number = gs_node_number(node);
    return gs_node_kind(node) == GS_NODE_FRAME ? gs_html_place(html, data, number) - 1 : number;
}

static void pack_nodes(const struct gs_html *html, struct gs_html_data *data)
{
    gs_pack_number(&data->pack, data->kept_count);
    for (uint32_t i = 1; i < data->kept_count; i++) {
        const struct gs_node *node = gs_calltree_node(html->tree, data->kept[i]);
        gs_pack_number(&data->pack, data->parent[i]);
        gs_pack_number(&data->pack, data->kept[i] ? (uint32_t)gs_node_kind(node) : GS_NODE_OTHER);
        gs_pack_number(&data->pack, data->kept[i] ? number_of(html, data, node) : 0);
    }
}

static enum gs_html_part part_of(uint32_t code)
{
    int hue = gs_key_hue(code);
    if (hue == GS_HUE_HOLDS)
        return GS_PART_HOLDS;
    return hue == GS_HUE_WAITS || hue == GS_HUE_LOCKS ? GS_PART_WAITS : GS_PART_REST;
}

static int by_time_down(const void *left, const void *right, void *context)
{
    const struct gs_key *keys = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    if (keys[i].ns != keys[k].ns)
        return keys[i].ns < keys[k].ns ? 1 : -1;
    return (i > k) - (i < k);
}

/* Keys whose nodes became one become one. Of too many those that have the least time only know the holder, no longer
 * its stack, and then not even that. key_to: their numbers in `merged`. */
static bool merge(const struct gs_html *html, struct gs_html_data *data, struct gs_keys *merged, uint32_t *order)
{
    uint32_t count = html->keys.count;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_time_down, html->keys.list);
    for (uint32_t i = 0; i < count; i++) {
        struct gs_key key = html->keys.list[order[i]];
        key.leaf = data->node_to[key.leaf];
        key.at = i < KEYS ? data->node_to[key.at] : 0;
        key.holder = i < 2 * KEYS ? key.holder : 0;
        uint32_t found = gs_keys_find(merged, &key, key.leaf);
        if (!found)
            return false;
        data->key_to[order[i]] = found - 1;
        data->part_ns[part_of(key.code)] += key.ns;
    }
    return true;
}

/* Each node, then all below it. */
static uint32_t *walk(const struct gs_html_data *data)
{
    uint32_t count = data->kept_count;
    uint32_t *size = malloc(((size_t)count + 1) * sizeof *size), *place = calloc((size_t)count + 1, sizeof *place);
    uint32_t *next = calloc((size_t)count + 1, sizeof *next);
    if (size && place && next) {
        for (uint32_t i = 0; i < count; i++)
            size[i] = 1;
        for (uint32_t i = count - 1; i > 0; i--)
            size[data->parent[i]] += size[i];
        next[0] = 1;
        for (uint32_t i = 1; i < count; i++) {
            place[i] = next[data->parent[i]];
            next[data->parent[i]] += size[i];
            next[i] = place[i] + 1;
        }
    } else {
        free(place);
        place = NULL;
    }
    free(size);
    free(next);
    return place;
}

struct sorting {
    const struct gs_key *keys;
    const uint32_t *place;
};

static int by_place(const void *left, const void *right, void *context)
{
    const struct sorting *sorting = context;
    const struct gs_key *a = &sorting->keys[*(const uint32_t *)left], *b = &sorting->keys[*(const uint32_t *)right];
    const uint32_t pairs[][2] = {{sorting->place[a->leaf], sorting->place[b->leaf]},
                                 {a->code, b->code},
                                 {a->holder, b->holder},
                                 {sorting->place[a->at], sorting->place[b->at]}};
    int order = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && order == 0; i++)
        order = (pairs[i][0] > pairs[i][1]) - (pairs[i][0] < pairs[i][1]);
    return order;
}

static void pack_keys(struct gs_html_data *data, const struct gs_keys *merged, const uint32_t *order)
{
    gs_pack_number(&data->pack, merged->count);
    for (uint32_t i = 0; i < merged->count; i++) {
        const struct gs_key *key = &merged->list[order[i]];
        data->part_of[i] = (uint8_t)part_of(key->code);
        gs_pack_number(&data->pack, key->leaf);
        gs_pack_number(&data->pack, key->code);
        if (!gs_key_waits(key->code))
            continue;
        gs_pack_number(&data->pack, key->holder);
        gs_pack_number(&data->pack, key->at);
    }
}

/* Neighbours in the tree have numbers that follow each other: what stands for others stands for its neighbours. */
static bool renumber(const struct gs_html *html, struct gs_html_data *data, struct gs_keys *merged, uint32_t *order)
{
    struct sorting sorting = {merged->list, walk(data)};
    uint32_t *to = malloc(((size_t)merged->count + 1) * sizeof *to);
    bool done = sorting.place && to;
    if (done) {
        for (uint32_t i = 0; i < merged->count; i++)
            order[i] = i;
        qsort_r(order, merged->count, sizeof *order, by_place, &sorting);
        for (uint32_t i = 0; i < merged->count; i++)
            to[order[i]] = i;
        for (uint32_t i = 0; i < html->keys.count; i++)
            data->key_to[i] = to[data->key_to[i]];
    }
    free((uint32_t *)sorting.place);
    free(to);
    return done;
}

bool gs_html_merge(struct gs_html *html, struct gs_html_data *data)
{
    struct gs_keys merged;
    size_t count = (size_t)html->keys.count + 1;
    uint32_t *order = malloc(count * sizeof *order);
    data->key_to = calloc(count, sizeof *data->key_to);
    data->part_of = calloc(count, sizeof *data->part_of);
    bool done = gs_keys_init(&merged) && order && data->key_to && data->part_of && merge(html, data, &merged, order) &&
                renumber(html, data, &merged, order);
    pack_nodes(html, data);
    if (done)
        pack_keys(data, &merged, order);
    data->key_count = merged.count;
    gs_keys_fini(&merged);
    free(order);
    return done;
}

void gs_pack_byte(struct gs_pack *pack, uint8_t byte)
{
    if (pack->len == pack->room) {
        size_t room = pack->room * 2 + 4096;
        uint8_t *bytes = realloc(pack->bytes, room);
        if (!bytes) {
            pack->failed = true;
            return;
        }
        pack->bytes = bytes;
        pack->room = room;
    }
    pack->bytes[pack->len++] = byte;
}

void gs_pack_number(struct gs_pack *pack, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        gs_pack_byte(pack, (uint8_t)(number | 0x80));
    gs_pack_byte(pack, (uint8_t)number);
}

void gs_pack_base64(const struct gs_pack *pack, FILE *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < pack->len; i += 3) {
        size_t left = pack->len - i;
        uint32_t group = (uint32_t)pack->bytes[i] << 16;
        group |= left > 1 ? (uint32_t)pack->bytes[i + 1] << 8 : 0;
        group |= left > 2 ? pack->bytes[i + 2] : 0;
        putc_unlocked(letters[group >> 18], out);
        putc_unlocked(letters[group >> 12 & 63], out);
        putc_unlocked(left > 1 ? letters[group >> 6 & 63] : '=', out);
        putc_unlocked(left > 2 ? letters[group & 63] : '=', out);
        if (i / 3 % 40 == 39)
            putc_unlocked('\n', out);
    }
}
