/* The processes and threads that samples are of. */
#include <stdlib.h>
#include <string.h>

#include "base/joined.h"
#include "base/room.h"
#include "profile/calltree_tree.h"

enum { NUMBER_GAP_MOST = 1 << 16 /* numbers are dense: what leaves more out is no number */ };

enum gs_status gs_calltree_add_process(struct gs_calltree *tree, uint32_t number,
                                       const struct gs_sampled_process *process)
{
    if (number > tree->process_count || number >= GS_PLACES_MOST)
        return GS_FAILED;
    if (number == tree->process_count) {
        if (!gs_room((void **)&tree->processes, &tree->process_room, (size_t)number + 1, sizeof *tree->processes))
            return GS_NO_MEMORY;
        tree->processes[number] = (struct gs_calltree_process){0};
        tree->process_count++;
    }
    struct gs_calltree_process *known = &tree->processes[number];
    free(known->command);
    free(known->python);
    free(known->build);
    known->pid = process->pid;
    known->start_ticks = process->start_ticks;
    known->command = gs_words_joined(process->command);
    known->python = strdup(process->python ? process->python : "");
    known->build = strdup(process->build ? process->build : "");
    return known->command && known->python && known->build ? GS_OK : GS_NO_MEMORY;
}

static bool grow_threads(struct gs_calltree *tree, uint32_t number)
{
    if (!gs_room((void **)&tree->threads, &tree->thread_room, (size_t)number + 1, sizeof *tree->threads))
        return false;
    for (; tree->thread_count <= number; tree->thread_count++)
        tree->threads[tree->thread_count] = (struct gs_calltree_thread){0};
    return true;
}

/* Finds who is called alike; false: out of memory. */
static bool name_thread(struct gs_calltree *tree, uint32_t number, const char *name)
{
    struct gs_calltree_thread *known = &tree->threads[number];
    if (!(known->name = strdup(name)))
        return false;
    uint32_t last = gs_ids_find(&tree->tids, (uint32_t)known->tid);
    for (uint32_t at = last; at != GS_IDS_NONE; at = tree->threads[at].older) {
        const struct gs_calltree_thread *other = &tree->threads[at];
        if (at == number)
            return true; /* it has been told before, under another name */
        if (other->process == known->process && strcmp(other->name, name) == 0) {
            known->same = other->same;
            return true;
        }
    }
    known->older = last;
    return gs_ids_set(&tree->tids, (uint32_t)known->tid, number);
}

enum gs_status gs_calltree_add_thread(struct gs_calltree *tree, uint32_t number, const struct gs_sampled_thread *thread)
{
    const struct gs_selection *selection = tree->selection;
    if (!selection->threads && selection->pattern_count == 0)
        return GS_OK;
    if (number >= GS_PLACES_MOST || (number > tree->thread_count && number - tree->thread_count > NUMBER_GAP_MOST))
        return GS_FAILED;
    if (!grow_threads(tree, number))
        return GS_NO_MEMORY;
    struct gs_calltree_thread *known = &tree->threads[number];
    uint32_t older = known->name ? known->older : GS_IDS_NONE;
    free(known->name);
    *known = (struct gs_calltree_thread){
        .process = thread->process,
        .tid = thread->tid,
        .same = number,
        .older = older,
        .chosen = gs_patterns_fit(selection->patterns, selection->pattern_count, thread->tid, thread->name)};
    return !selection->threads || name_thread(tree, number, thread->name) ? GS_OK : GS_NO_MEMORY;
}

const struct gs_calltree_thread *gs_calltree_thread(const struct gs_calltree *tree, uint32_t node)
{
    static const struct gs_calltree_thread unknown = {.name = (char *)"unknown thread"};
    uint32_t number = gs_node_number(&tree->paths.nodes.list[node]);
    return number < tree->thread_count && tree->threads[number].name ? &tree->threads[number] : &unknown;
}

const struct gs_calltree_process *gs_calltree_process(const struct gs_calltree *tree, uint32_t number)
{
    return &tree->processes[number];
}

uint32_t gs_calltree_process_count(const struct gs_calltree *tree)
{
    return tree->process_count;
}
