/* The nodes and keys of the file: which of them there are, and their numbers. */
#include <stdlib.h>

#include "export/html/html.h"

enum { KEYS = 120000 /* with a holder's stack of their own, and as many that know the holder at least */ };

/* Places are numbered anew: only those that are kept have a name in the page. */
static uint32_t number_of(const struct gs_html *html, struct gs_html_data *data, const struct gs_node *node)
{
    uint32_t number = gs_node_number(node);
    if (gs_node_kind(node) != GS_NODE_FRAME)
        return number;
    if (!data->place_to[number]) {
        data->places[data->place_count] = number;
        data->place_to[number] = ++data->place_count;
        gs_files_learn(&data->files, gs_calltree_place_at(html->tree, number)->file);
    }
    return data->place_to[number] - 1;
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
    return hue == GS_HUE_WAITS ? GS_PART_WAITS : GS_PART_REST;
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
        if (gs_key_word(key->code) != GS_WAITS)
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
