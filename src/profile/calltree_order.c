/* The tree when it is complete: times with all that is below, children in the order of their names. */
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "profile/calltree_tree.h"

static int compare_texts(const char *a, const char *b)
{
    return a == b ? 0 : strcmp(a ? a : "", b ? b : "");
}

static int by_place(const void *left, const void *right, void *context)
{
    const struct gs_place *a = gs_stacks_place_at(context, *(const uint32_t *)left);
    const struct gs_place *b = gs_stacks_place_at(context, *(const uint32_t *)right);
    const struct {
        const char *a, *b;
    } texts[] = {{a->function, b->function}, {a->file, b->file}, {a->qualname, b->qualname}, {a->module, b->module}};
    int order = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && order == 0; i++) {
        if (i == 2 && a->line != b->line)
            return a->line < b->line ? -1 : 1;
        order = compare_texts(texts[i].a, texts[i].b);
    }
    return order ? order : a->kind - b->kind;
}

static int by_thread(const void *left, const void *right, void *context)
{
    const struct gs_calltree_thread *threads = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    const struct gs_calltree_thread *a = &threads[i], *b = &threads[k];
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    int order = compare_texts(a->name, b->name);
    if (order == 0)
        order = (a->tid > b->tid) - (a->tid < b->tid);
    return order ? order : (i > k) - (i < k);
}

/* ranks[number], for numbers from first to first + count - 1. */
static uint32_t *rank(uint32_t first, uint32_t count, int (*compare)(const void *, const void *, void *), void *context)
{
    uint32_t *sorted = calloc((size_t)count + 1, sizeof *sorted);
    uint32_t *ranks = calloc((size_t)first + count + 1, sizeof *ranks);
    if (sorted && ranks) {
        for (uint32_t i = 0; i < count; i++)
            sorted[i] = first + i;
        qsort_r(sorted, count, sizeof *sorted, compare, context);
        for (uint32_t i = 0; i < count; i++)
            ranks[sorted[i]] = i;
    } else {
        free(ranks);
        ranks = NULL;
    }
    free(sorted);
    return ranks;
}

/* Threads that only their tid tells apart. */
static void find_shared(struct gs_calltree *tree, const uint32_t *ranks)
{
    uint32_t *sorted = calloc((size_t)tree->thread_count + 1, sizeof *sorted);
    for (uint32_t i = 0; i < tree->thread_count && sorted; i++)
        sorted[ranks[i]] = i;
    for (uint32_t i = 1; i < tree->thread_count && sorted; i++) {
        struct gs_calltree_thread *a = &tree->threads[sorted[i - 1]], *b = &tree->threads[sorted[i]];
        if (a->process == b->process && compare_texts(a->name, b->name) == 0)
            a->shared = b->shared = true;
    }
    free(sorted);
}

/* A node's place among its siblings, in one number, and the node. */
struct key {
    uint32_t parent, rank, node;
};

GS_BY_BOTH(by_key, struct key, parent, rank);

static void sort_children(struct gs_calltree *tree, struct key *keys, const uint32_t *places, const uint32_t *threads)
{
    uint32_t count = tree->paths.nodes.count;
    for (uint32_t i = 1; i < count; i++) {
        const struct gs_node *node = &tree->paths.nodes.list[i];
        enum gs_node_kind kind = gs_node_kind(node);
        uint32_t number = gs_node_number(node);
        if (kind == GS_NODE_FRAME)
            number = places[number];
        else if (kind == GS_NODE_THREAD && number < tree->thread_count)
            number = threads[number];
        keys[i - 1] = (struct key){node->parent, gs_node_frame(kind, number), i};
    }
    qsort(keys, count - 1, sizeof *keys, by_key);
    for (uint32_t i = 0; i + 1 < count; i++) {
        tree->children[i] = keys[i].node;
        tree->first_child[keys[i].parent + 1] = i + 1;
    }
    for (uint32_t i = 1; i <= count; i++) {
        if (tree->first_child[i] < tree->first_child[i - 1])
            tree->first_child[i] = tree->first_child[i - 1];
    }
}

static void sum_up(struct gs_calltree *tree)
{
    for (uint32_t i = tree->paths.nodes.count - 1; i > 0; i--) {
        struct gs_node *node = &tree->paths.nodes.list[i], *parent = &tree->paths.nodes.list[node->parent];
        for (int word = 0; word <= GS_UNKNOWN; word++)
            parent->word_ns[word] += node->word_ns[word];
        parent->idle_ns += node->idle_ns;
        parent->lock_ns += node->lock_ns;
        parent->cpu_ns += node->cpu_ns;
        parent->samples += node->samples;
    }
}

enum gs_status gs_calltree_finish(struct gs_calltree *tree)
{
    uint32_t count = tree->paths.nodes.count;
    struct key *keys = malloc(count * sizeof *keys);
    uint32_t *places = rank(1, gs_stacks_place_count(tree->paths.places), by_place, tree->paths.places);
    uint32_t *threads = rank(0, tree->thread_count, by_thread, tree->threads);
    tree->self_ns = malloc(count * sizeof *tree->self_ns);
    tree->children = calloc(count, sizeof *tree->children);
    tree->first_child = calloc((size_t)count + 1, sizeof *tree->first_child);
    bool done = keys && places && threads && tree->self_ns && tree->children && tree->first_child;
    if (done) {
        for (uint32_t i = 0; i < count; i++)
            tree->self_ns[i] = gs_node_ns(&tree->paths.nodes.list[i]);
        find_shared(tree, threads);
        sort_children(tree, keys, places, threads);
        sum_up(tree);
    }
    free(keys);
    free(places);
    free(threads);
    return done ? GS_OK : GS_NO_MEMORY;
}

const uint32_t *gs_calltree_children(const struct gs_calltree *tree, uint32_t node, uint32_t *count)
{
    *count = tree->first_child[node + 1] - tree->first_child[node];
    return &tree->children[tree->first_child[node]];
}

uint64_t gs_calltree_self_ns(const struct gs_calltree *tree, uint32_t node)
{
    return tree->self_ns[node];
}

uint32_t gs_calltree_top(const struct gs_calltree *tree)
{
    uint32_t count;
    const uint32_t *children = gs_calltree_children(tree, 0, &count);
    return count == 1 && tree->process_count == 1 ? children[0] : 0;
}

uint32_t gs_calltree_count(const struct gs_calltree *tree)
{
    return tree->paths.nodes.count;
}

const struct gs_node *gs_calltree_node(const struct gs_calltree *tree, uint32_t node)
{
    return &tree->paths.nodes.list[node];
}

const struct gs_place *gs_calltree_place(const struct gs_calltree *tree, uint32_t node)
{
    return gs_stacks_place_at(tree->paths.places, gs_node_number(&tree->paths.nodes.list[node]));
}

uint64_t gs_calltree_folded(const struct gs_calltree *tree)
{
    return tree->folded;
}

uint32_t gs_calltree_place_count(const struct gs_calltree *tree)
{
    return gs_stacks_place_count(tree->paths.places);
}

uint32_t gs_calltree_place_of(struct gs_calltree *tree, uint32_t number)
{
    return gs_paths_place(&tree->paths, number);
}

const struct gs_place *gs_calltree_place_at(const struct gs_calltree *tree, uint32_t number)
{
    return gs_stacks_place_at(tree->paths.places, number);
}
