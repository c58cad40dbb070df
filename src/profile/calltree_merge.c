/* Two runs in one tree: what is called alike is one node, whatever its numbers were. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "profile/calltree_tree.h"

/* Numbers of one tree as those of the other. */
struct mapping {
    uint32_t *processes, *threads, *places, *nodes;
};

static void mapping_fini(struct mapping *map)
{
    free(map->processes);
    free(map->threads);
    free(map->places);
    free(map->nodes);
}

/* Where there is one process on each side, it is the same; of several, those with the same command, each once. */
static uint32_t process_for(const struct gs_calltree *into, const struct gs_calltree *from, uint32_t number,
                            bool *taken)
{
    if (into->process_count == 1 && from->process_count == 1)
        return 0;
    for (uint32_t i = 0; i < into->process_count; i++) {
        if (!taken[i] && strcmp(into->processes[i].command, from->processes[number].command) == 0) {
            taken[i] = true;
            return i;
        }
    }
    return into->process_count;
}

static bool copy_process(struct gs_calltree *into, const struct gs_calltree_process *process)
{
    size_t need = (size_t)into->process_count + 1;
    if (!gs_room((void **)&into->processes, &into->process_room, need, sizeof *into->processes))
        return false;
    struct gs_calltree_process *copy = &into->processes[into->process_count++];
    *copy = (struct gs_calltree_process){.pid = process->pid,
                                         .command = strdup(process->command),
                                         .python = strdup(process->python),
                                         .build = strdup(process->build)};
    return copy->command && copy->python && copy->build;
}

static bool map_processes(struct gs_calltree *into, const struct gs_calltree *from, struct mapping *map)
{
    uint32_t known = into->process_count;
    bool *taken = calloc((size_t)known + from->process_count + 1, sizeof *taken), done = taken != NULL;
    map->processes = calloc((size_t)from->process_count + 1, sizeof *map->processes);
    for (uint32_t i = 0; i < from->process_count && map->processes && done; i++) {
        map->processes[i] = known == 0 ? i : process_for(into, from, i, taken);
        if (map->processes[i] >= into->process_count)
            done = copy_process(into, &from->processes[i]);
    }
    free(taken);
    return done && map->processes;
}

/* Threads of one name are one. */
struct named {
    uint32_t process, number; /* of the tree that they go into */
    const char *name;
};

static int by_name(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

static int by_name_only(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    return a->process != b->process ? (a->process < b->process ? -1 : 1) : strcmp(a->name, b->name);
}

static bool add_thread(struct gs_calltree *into, const struct gs_calltree_thread *thread, uint32_t process)
{
    if (!gs_room((void **)&into->threads, &into->thread_room, (size_t)into->thread_count + 1, sizeof *into->threads))
        return false;
    struct gs_calltree_thread *copy = &into->threads[into->thread_count++];
    *copy = (struct gs_calltree_thread){.process = process, .tid = thread->tid, .name = strdup(thread->name)};
    return copy->name != NULL;
}

/* Both trees' threads sorted by name; those that are alike stand together, and the first has the number. */
static bool map_threads(struct gs_calltree *into, const struct gs_calltree *from, struct mapping *map)
{
    uint32_t known = into->thread_count, count = 0;
    struct named *list = calloc((size_t)known + from->thread_count + 1, sizeof *list);
    map->threads = calloc((size_t)from->thread_count + 1, sizeof *map->threads);
    bool done = list && map->threads;
    for (uint32_t i = 0; i < known && done; i++)
        list[count++] = (struct named){into->threads[i].process, i, into->threads[i].name};
    for (uint32_t i = 0; i < from->thread_count && done; i++) {
        if (from->threads[i].name && from->threads[i].process < from->process_count)
            list[count++] = (struct named){map->processes[from->threads[i].process], known + i, from->threads[i].name};
    }
    if (done)
        qsort(list, count, sizeof *list, by_name);
    for (uint32_t i = 0, first = 0; i < count && done; i++) {
        bool same = i > first && by_name_only(&list[first], &list[i]) == 0;
        first = same ? first : i;
        if (list[i].number < known)
            continue;
        uint32_t own = list[i].number - known;
        if (!same) {
            list[i].number = into->thread_count;
            done = add_thread(into, &from->threads[own], list[i].process);
        }
        map->threads[own] = list[first].number;
    }
    free(list);
    return done;
}

static bool map_places(struct gs_calltree *into, const struct gs_calltree *from, const struct gs_calltree_side *side,
                       struct mapping *map)
{
    uint32_t count = gs_stacks_place_count(from->paths.places);
    map->places = calloc((size_t)count + 1, sizeof *map->places);
    for (uint32_t i = 1; i <= count && map->places; i++) {
        struct gs_place place = *gs_stacks_place_at(from->paths.places, i);
        place.file = side->shorten(side->context, place.file);
        map->places[i] = gs_stacks_place(into->paths.places, &place);
        if (!map->places[i] || map->places[i] >= GS_PLACES_MOST)
            return false;
    }
    return map->places != NULL;
}

static uint32_t frame_for(const struct mapping *map, const struct gs_calltree *from, const struct gs_node *node)
{
    enum gs_node_kind kind = gs_node_kind(node);
    uint32_t number = gs_node_number(node);
    if (kind == GS_NODE_PROCESS)
        number = map->processes[number];
    else if (kind == GS_NODE_THREAD)
        number = number < from->thread_count ? map->threads[number] : GS_PLACES_MOST;
    else if (kind == GS_NODE_FRAME)
        number = map->places[number];
    return gs_node_frame(kind, number);
}

/* What a file says may be any time. */
static uint64_t scaled(uint64_t ns, double factor)
{
    double time = (double)ns * factor + 0.5;
    return time < 0x1p60 ? (uint64_t)time : UINT64_C(1) << 60;
}

/* The nodes of the finished tree have the samples of all below them, those of the other one their own. Nodes below the
 * time when the sampler was late there are none. */
static bool add_nodes(struct gs_calltree *into, const struct gs_calltree *from, const struct gs_calltree_side *side,
                      struct mapping *map)
{
    uint32_t count = from->paths.nodes.count;
    map->nodes = calloc(count, sizeof *map->nodes);
    for (uint32_t i = 0; i < count && map->nodes; i++) {
        const struct gs_node *node = &from->paths.nodes.list[i];
        if (i > 0 && gs_node_kind(node) == GS_NODE_LATE)
            continue;
        if (i > 0)
            map->nodes[i] = gs_nodes_child(&into->paths.nodes, map->nodes[node->parent], frame_for(map, from, node));
        if (i > 0 && !map->nodes[i])
            return false;
        struct gs_node *to = &into->paths.nodes.list[map->nodes[i]];
        to->word_ns[side->word] += scaled(from->self_ns[i], side->factor);
        to->samples += node->samples;
        if (i > 0)
            into->paths.nodes.list[to->parent].samples -= node->samples;
    }
    return map->nodes != NULL;
}

enum gs_status gs_calltree_merge(struct gs_calltree *into, const struct gs_calltree *from,
                                 const struct gs_calltree_side *side)
{
    struct mapping map = {0};
    bool done = map_processes(into, from, &map) && map_threads(into, from, &map) &&
                map_places(into, from, side, &map) && add_nodes(into, from, side, &map);
    mapping_fini(&map);
    return done ? GS_OK : GS_NO_MEMORY;
}
