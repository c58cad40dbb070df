/* What each thread of a sample is charged to. */
#include <stdlib.h>
#include <string.h>

#include "profile/calltree_fold.h"
#include "profile/calltree_tree.h"

struct gs_calltree *gs_calltree_new(const struct gs_selection *selection, const struct gs_calltree_options *options)
{
    struct gs_calltree *tree = calloc(1, sizeof *tree);
    if (!tree)
        return NULL;
    tree->selection = selection;
    tree->options = *options;
    if (gs_paths_make(&tree->paths, selection, options))
        return tree;
    gs_calltree_free(tree);
    return NULL;
}

void gs_calltree_free(struct gs_calltree *tree)
{
    if (!tree)
        return;
    for (uint32_t i = 0; i < tree->process_count; i++) {
        free(tree->processes[i].command);
        free(tree->processes[i].python);
        free(tree->processes[i].build);
    }
    for (uint32_t i = 0; i < tree->thread_count; i++)
        free(tree->threads[i].name);
    free(tree->processes);
    free(tree->threads);
    gs_ids_fini(&tree->tids);
    gs_paths_fini(&tree->paths);
    free(tree->found[0]);
    free(tree->found[1]);
    free(tree->self_ns);
    free(tree->children);
    free(tree->first_child);
    free(tree);
}

void gs_calltree_forget(struct gs_calltree *tree)
{
    gs_paths_drop(&tree->paths);
}

static bool counts(const struct gs_calltree *tree, const struct gs_thread_sample *thread)
{
    enum gs_mode mode = tree->selection->mode;
    bool chosen = tree->selection->pattern_count == 0 ||
                  (thread->thread < tree->thread_count && tree->threads[thread->thread].chosen);
    return chosen && gs_mode_counts(mode == GS_MODE_AWAIT ? GS_MODE_WALL : mode, thread);
}

static uint32_t child(struct gs_calltree *tree, uint32_t node, enum gs_node_kind kind, uint32_t number)
{
    uint32_t found = node ? gs_nodes_child(&tree->paths.nodes, node, gs_node_frame(kind, number)) : 0;
    if (found)
        tree->paths.deepest = found;
    return found;
}

static uint32_t process_node(struct gs_calltree *tree, const struct gs_sample *sample)
{
    return gs_nodes_child(&tree->paths.nodes, 0, gs_node_frame(GS_NODE_PROCESS, sample->process));
}

static uint32_t same_thread(const struct gs_calltree *tree, uint32_t number)
{
    return number < tree->thread_count && tree->threads[number].name ? tree->threads[number].same : number;
}

/* `node` itself unless threads are to be seen; 0 stays 0. */
static uint32_t thread_node(struct gs_calltree *tree, uint32_t node, const struct gs_thread_sample *thread)
{
    return tree->selection->threads ? child(tree, node, GS_NODE_THREAD, same_thread(tree, thread->thread)) : node;
}

static uint32_t stack_node(struct gs_calltree *tree, uint32_t node, const struct gs_thread_sample *thread)
{
    node = thread_node(tree, node, thread);
    return node ? gs_paths_descend(&tree->paths, node, thread->stack) : 0;
}

/* holder: of the lock that a waiter waits for, in mode blame; NULL: not known. 0: no room, or no memory. */
static uint32_t node_of(struct gs_calltree *tree, const struct gs_sample *sample, const struct gs_thread_sample *thread,
                        const struct gs_thread_sample *holder)
{
    uint32_t node = tree->paths.deepest = process_node(tree, sample);
    if (tree->selection->mode != GS_MODE_BLAME)
        return stack_node(tree, node, thread);
    node = holder ? stack_node(tree, node, holder) : child(tree, node, GS_NODE_HOLDER_UNKNOWN, 0);
    return stack_node(tree, child(tree, node, GS_NODE_DELAYS, 0), thread);
}

static uint32_t late_node(struct gs_calltree *tree, const struct gs_sample *sample,
                          const struct gs_thread_sample *thread)
{
    uint32_t node = tree->paths.deepest = process_node(tree, sample);
    return child(tree, thread_node(tree, node, thread), GS_NODE_LATE, 0);
}

/* What a fixed tree has no more room for is charged to "(other)" below the part of it that is known. */
static uint32_t overflow(struct gs_calltree *tree)
{
    uint32_t node, most = tree->paths.nodes.most;
    tree->paths.nodes.most = tree->options.most;
    for (node = 0; !node && tree->paths.deepest;
         tree->paths.deepest = tree->paths.nodes.list[tree->paths.deepest].parent)
        node = gs_nodes_child(&tree->paths.nodes, tree->paths.deepest, gs_node_frame(GS_NODE_OTHER, 0));
    tree->paths.nodes.most = most;
    tree->folded += node != 0;
    return node;
}

static bool grow_found(struct gs_calltree *tree, size_t need)
{
    if (need <= tree->found_room)
        return true;
    if (need > UINT32_MAX / 2)
        return false;
    for (int i = 0; i < 2; i++) {
        uint32_t *found = realloc(tree->found[i], need * 2 * sizeof *found);
        if (!found)
            return false;
        tree->found[i] = found;
    }
    tree->found_room = (uint32_t)need * 2;
    return true;
}

/* GS_LOST: no room. */
static enum gs_status find_one(struct gs_calltree *tree, const struct gs_sample *sample,
                               const struct gs_thread_sample *thread, uint32_t *node, uint32_t *late)
{
    const struct gs_thread_sample *holder = gs_sample_blocker(sample, thread);
    bool fixed = tree->options.fixed;
    *node = *late = 0;
    if (!counts(tree, thread))
        return GS_OK;
    if (!(*node = node_of(tree, sample, thread, holder)) && !(fixed && (*node = overflow(tree))))
        return GS_LOST;
    if (sample->gap_ns > 0 && !(*late = late_node(tree, sample, thread)) && !(fixed && (*late = overflow(tree))))
        return GS_LOST;
    return GS_OK;
}

/* Numbers that come from a file may be anything. */
static bool makes_sense(const struct gs_calltree *tree, const struct gs_sample *sample)
{
    uint32_t stacks = gs_stacks_count(sample->stacks);
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        if (thread->stack > stacks || thread->thread >= GS_PLACES_MOST || thread->gil > GS_UNKNOWN)
            return false;
    }
    for (size_t i = 0; i < sample->task_count; i++) {
        if (sample->tasks[i].stack > stacks || sample->tasks[i].thread_at >= sample->thread_count)
            return false;
    }
    return sample->process < tree->process_count;
}

static enum gs_status look_at(struct gs_calltree *tree, const struct gs_sample *sample)
{
    if (!makes_sense(tree, sample))
        return GS_FAILED;
    if (tree->paths.source != sample->stacks)
        gs_paths_drop(&tree->paths);
    tree->paths.source = sample->stacks;
    return GS_OK;
}

enum gs_status gs_calltree_find(struct gs_calltree *tree, const struct gs_sample *sample, const uint32_t **nodes,
                                const uint32_t **late)
{
    enum gs_status status = look_at(tree, sample);
    if (status == GS_OK && !grow_found(tree, sample->thread_count))
        status = GS_NO_MEMORY;
    for (size_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        tree->found[0][i] = tree->found[1][i] = 0;
        if (tree->selection->mode != GS_MODE_AWAIT) /* tasks count, which no thread's time has room for */
            status = find_one(tree, sample, &sample->threads[i], &tree->found[0][i], &tree->found[1][i]);
    }
    *nodes = tree->found[0];
    *late = tree->found[1];
    return status == GS_LOST ? GS_NO_MEMORY : status;
}

enum gs_status gs_calltree_find_task(struct gs_calltree *tree, const struct gs_sample *sample, size_t task,
                                     uint32_t *node)
{
    const struct gs_thread_sample thread = gs_task_as_thread(sample, task);
    uint32_t late;
    enum gs_status status = find_one(tree, sample, &thread, node, &late);
    return status == GS_LOST ? GS_NO_MEMORY : status;
}

void gs_calltree_charge(struct gs_calltree *tree, uint32_t number, const struct gs_thread_sample *thread, uint64_t ns)
{
    struct gs_node *node = &tree->paths.nodes.list[number];
    node->word_ns[thread->gil] += ns;
    if (gs_thread_idle(thread))
        node->idle_ns += ns;
    if (gs_thread_at_lock(thread))
        node->lock_ns += ns;
    if (thread->run == GS_RUN_RUNNING)
        node->cpu_ns += ns;
}

static enum gs_status add_one(struct gs_calltree *tree, const struct gs_sample *sample,
                              const struct gs_thread_sample *thread)
{
    uint32_t number, late;
    enum gs_status status = find_one(tree, sample, thread, &number, &late);
    if (status == GS_LOST && (status = gs_paths_fold(&tree->paths, &tree->folded)) == GS_OK) {
        tree->paths.source = sample->stacks;
        status = find_one(tree, sample, thread, &number, &late);
    }
    if (status != GS_OK || !number)
        return status == GS_LOST ? GS_NO_MEMORY : status;
    tree->paths.nodes.list[number].samples++;
    gs_calltree_charge(tree, number, thread, sample->weight_ns);
    if (late)
        tree->paths.nodes.list[late].word_ns[GS_UNKNOWN] += sample->gap_ns;
    return GS_OK;
}

enum gs_status gs_calltree_add(struct gs_calltree *tree, const struct gs_sample *sample)
{
    bool awaits = tree->selection->mode == GS_MODE_AWAIT;
    struct gs_sample looked = *sample;
    looked.weight_ns = sample->tasks_ns;
    looked.gap_ns = 0;
    enum gs_status status = look_at(tree, sample);
    for (size_t i = 0; !awaits && i < sample->thread_count && status == GS_OK; i++)
        status = add_one(tree, sample, &sample->threads[i]);
    for (size_t i = 0; awaits && i < sample->task_count && status == GS_OK; i++) {
        const struct gs_thread_sample task = gs_task_as_thread(sample, i);
        status = add_one(tree, &looked, &task);
    }
    return status;
}
