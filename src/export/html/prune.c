/* Which nodes of the call tree the page has: those with the most time, and an "(other)" for what they called besides.
 */
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
        times[key->leaf] += key->ns;
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
    data->places = calloc(most, sizeof *data->places);
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
