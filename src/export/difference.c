/* From two recordings to one tree; what of it grew and what shrank; and that in words, which are the same in text, in
 * the picture and on the page. */
#include <math.h>
#include <stdlib.h>

#include "base/room.h"
#include "export/difference.h"
#include "export/heading.h"

/* A node on the way to the one that is looked at. */
struct step {
    uint32_t node, next; /* its next child */
};

struct walk {
    const struct gs_difference *difference;
    struct gs_changed *of; /* by frame, see index_of */
    uint32_t *on_way;      /* how often a frame stands on the way: what calls itself counts once */
    struct step *way;
    size_t depth, room;
};

/* Frames by place, and what is none by its kind behind them; 0: what is no part of a stack. */
static uint32_t index_of(const struct walk *walk, uint32_t node)
{
    const struct gs_node *at = gs_calltree_node(walk->difference->tree, node);
    enum gs_node_kind kind = gs_node_kind(at);
    if (kind == GS_NODE_FRAME)
        return gs_node_number(at);
    if (node == 0 || kind == GS_NODE_PROCESS || kind == GS_NODE_THREAD || kind == GS_NODE_DELAYS)
        return 0;
    return gs_calltree_place_count(walk->difference->tree) + 1 + (uint32_t)kind;
}

static bool enter(struct walk *walk, uint32_t node)
{
    uint32_t index = index_of(walk, node), count;
    const struct gs_node *at = gs_calltree_node(walk->difference->tree, node);
    struct gs_changed *changed = &walk->of[index];
    if (!gs_room((void **)&walk->way, &walk->room, walk->depth + 1, sizeof *walk->way))
        return false;
    walk->way[walk->depth++] = (struct step){.node = node};
    if (index == 0)
        return true;
    const uint32_t *children = gs_calltree_children(walk->difference->tree, node, &count);
    changed->node = node;
    for (int side = 0; side < GS_SIDES; side++) {
        uint64_t self_ns = at->word_ns[side];
        for (uint32_t i = 0; i < count; i++)
            self_ns -= gs_calltree_node(walk->difference->tree, children[i])->word_ns[side];
        changed->self_ns[side] += self_ns;
        changed->all_ns[side] += walk->on_way[index] == 0 ? at->word_ns[side] : 0;
    }
    walk->on_way[index]++;
    return true;
}

static void leave(struct walk *walk)
{
    uint32_t index = index_of(walk, walk->way[--walk->depth].node);
    if (index > 0)
        walk->on_way[index]--;
}

static bool walk_all(struct walk *walk)
{
    bool done = enter(walk, 0);
    while (done && walk->depth > 0) {
        struct step *step = &walk->way[walk->depth - 1];
        uint32_t count;
        const uint32_t *children = gs_calltree_children(walk->difference->tree, step->node, &count);
        if (step->next == count)
            leave(walk);
        else
            done = enter(walk, children[step->next++]);
    }
    return done;
}

/* What grew, what chance may have done, what shrank. */
static int group_of(const struct gs_changed *changed)
{
    if (!gs_change_counts(&changed->self))
        return 1;
    return gs_change_by(&changed->self) > 0 ? 0 : 2;
}

static int by_change(const void *left, const void *right)
{
    const struct gs_changed *a = left, *b = right;
    double x = gs_change_by(&a->self), y = gs_change_by(&b->self);
    if (group_of(a) != group_of(b))
        return group_of(a) - group_of(b);
    if (x < y || x > y)
        return x < y ? 1 : -1;
    return (a->node > b->node) - (a->node < b->node);
}

enum gs_status gs_changes_init(struct gs_changes *changes, const struct gs_difference *difference)
{
    enum { KINDS = GS_NODE_OTHER + 2 };
    size_t most = (size_t)gs_calltree_place_count(difference->tree) + 1 + KINDS;
    struct walk walk = {
        .difference = difference, .of = calloc(most, sizeof *walk.of), .on_way = calloc(most, sizeof *walk.on_way)};
    *changes = (struct gs_changes){.list = walk.of};
    bool done = walk.of && walk.on_way && walk_all(&walk);
    for (size_t i = 0; i < most && done; i++) {
        struct gs_changed changed = walk.of[i];
        if (changed.node == 0)
            continue;
        changed.self = gs_diff_change(difference, changed.self_ns[GS_BEFORE], changed.self_ns[GS_AFTER]);
        changed.all = gs_diff_change(difference, changed.all_ns[GS_BEFORE], changed.all_ns[GS_AFTER]);
        changes->list[changes->count++] = changed;
    }
    if (done)
        qsort(changes->list, changes->count, sizeof *changes->list, by_change);
    for (size_t i = 0; i < changes->count; i++) {
        changes->grew += group_of(&changes->list[i]) == 0;
        changes->shrank += group_of(&changes->list[i]) == 2;
    }
    free(walk.on_way);
    free(walk.way);
    return done ? GS_OK : GS_NO_MEMORY;
}

void gs_changes_fini(struct gs_changes *changes)
{
    free(changes->list);
    *changes = (struct gs_changes){0};
}

enum { NAME_MOST = 80 };

/* "12.3 %" */
static void add_share(struct gs_label *text, double share)
{
    gs_label_put(text, share > 0 && share < 0.001 ? "%.2f %%" : "%.1f %%", share * 100);
}

void gs_diff_words(struct gs_label *text, const struct gs_change *change)
{
    add_share(text, change->before);
    gs_label_put(text, " before, ");
    add_share(text, change->after);
    gs_label_put(text, " after: %+.1f (±%.1f)", gs_change_by(change) * 100, change->chance * 100);
}

static void put_one(struct gs_label *text, const struct gs_difference *difference, const char *words,
                    const struct gs_changed *changed)
{
    if (!changed)
        return;
    gs_label_put(text, "%s", words);
    gs_label_node(text, difference->tree, changed->node, NULL, NAME_MOST);
    gs_label_put(text, " (%+.1f).", gs_change_by(&changed->self) * 100);
}

static void put_most(struct gs_label *text, const struct gs_difference *difference)
{
    struct gs_changes changes;
    if (gs_changes_init(&changes, difference) == GS_OK && changes.count > 0) {
        const struct gs_changed *grew = changes.grew > 0 ? changes.list : NULL;
        const struct gs_changed *shrank = changes.shrank > 0 ? &changes.list[changes.count - 1] : NULL;
        put_one(text, difference, " What grew most itself: ", grew);
        put_one(text, difference, " What shrank most itself: ", shrank);
        gs_label_put(text, "%s", grew || shrank ? "" : " No function changed by more than chance may do.");
    }
    gs_changes_fini(&changes);
}

void gs_diff_title(struct gs_label *text, const struct gs_difference *difference)
{
    gs_label_add(text, difference->name[GS_BEFORE], NAME_MOST);
    gs_label_put(text, " → ");
    gs_label_add(text, difference->name[GS_AFTER], NAME_MOST);
}

void gs_diff_verdict(struct gs_label *text, const struct gs_difference *difference)
{
    struct gs_change all = gs_diff_node(difference, gs_calltree_node(difference->tree, 0));
    if (all.before <= 0 && all.after <= 0) {
        gs_label_put(text, "No thread counts in mode %s, neither before nor after.",
                     gs_modes[difference->selection->mode].name);
        return;
    }
    gs_label_put(text, "All threads together: ");
    gs_diff_words(text, &all);
    gs_label_put(text, gs_change_counts(&all) ? "." : ", which may be chance.");
    put_most(text, difference);
}

void gs_diff_side(struct gs_label *text, const struct gs_difference *difference, int side)
{
    const struct gs_tree_drawing *drawing = difference->drawing[side];
    gs_label_put(text, side == GS_BEFORE ? "Before: " : "After: ");
    gs_label_add(text, difference->name[side], NAME_MOST);
    gs_label_put(text, " · ");
    gs_heading_command(text, drawing);
    gs_label_put(text, " · ");
    gs_heading_run(text, drawing);
    gs_label_put(text, " · ");
    gs_heading_quality(text, drawing);
}

void gs_diff_counted(struct gs_label *text, const struct gs_difference *difference)
{
    const struct gs_selection *selection = difference->selection;
    gs_label_put(text, "Mode %s: %s · shares of the time that each was sampled: 100 %% is one thread all the time",
                 gs_modes[selection->mode].name, gs_modes[selection->mode].help);
    for (size_t i = 0; i < selection->pattern_count; i++) {
        gs_label_put(text, i > 0 ? ", " : " · only threads ");
        gs_label_add(text, selection->patterns[i], 40);
    }
}

void gs_diff_rest(struct gs_label *text, const struct gs_changes *changes)
{
    size_t rest = changes->count - changes->grew - changes->shrank;
    if (rest == 0)
        return;
    gs_label_count(text, rest, changes->grew + changes->shrank > 0 ? "other function" : "function",
                   changes->grew + changes->shrank > 0 ? "other functions" : "functions");
    gs_label_put(text, " changed by less than chance may do in so many samples.");
}

struct gs_diff {
    struct gs_selection selection;
    const char *names[GS_SIDES];
    struct gs_sink *sinks[GS_SIDES];
    struct gs_calltree *tree;
    struct gs_files files[GS_SIDES];
};

enum gs_status gs_diff_new(struct gs_diff **out, const struct gs_selection *selection,
                           const char *const names[GS_SIDES])
{
    struct gs_diff *diff = calloc(1, sizeof *diff);
    struct gs_calltree_options options = {.most = GS_CALLTREE_MOST, .qualnames = true};
    *out = diff;
    if (!diff)
        return GS_NO_MEMORY;
    diff->selection = *selection;
    diff->selection.function = true; /* lines move with each change of a program */
    for (int side = 0; side < GS_SIDES; side++) {
        diff->names[side] = names[side];
        if (gs_tree_sink_open(&diff->sinks[side], NULL, &diff->selection, &options, NULL))
            return GS_NO_MEMORY;
    }
    return GS_OK;
}

void gs_diff_free(struct gs_diff *diff)
{
    if (!diff)
        return;
    for (int side = 0; side < GS_SIDES; side++)
        gs_tree_sink_close(diff->sinks[side]);
    gs_calltree_free(diff->tree);
    free(diff);
}

struct gs_sink *gs_diff_sink(struct gs_diff *diff, int side)
{
    return diff->sinks[side];
}

static void learn(struct gs_files *files, const struct gs_calltree *tree)
{
    for (uint32_t i = 1; i <= gs_calltree_place_count(tree); i++)
        gs_files_learn(files, gs_calltree_place_at(tree, i)->file);
}

/* Releases of a program often lie in directories of their own: files are called by what follows the directory that all
 * of one side have in common, and where the two sides have one in common, by what follows that. */
static void learn_files(struct gs_diff *diff)
{
    struct gs_files both = {0};
    for (int side = 0; side < GS_SIDES; side++) {
        learn(&diff->files[side], gs_tree_sink_drawing(diff->sinks[side])->tree);
        learn(&both, gs_tree_sink_drawing(diff->sinks[side])->tree);
    }
    if (both.common == diff->files[GS_BEFORE].common || both.common == diff->files[GS_AFTER].common)
        diff->files[GS_BEFORE] = diff->files[GS_AFTER] = both;
}

static const char *shorten(void *context, const char *file)
{
    return gs_files_shorten(context, file);
}

/* The time that a side was sampled. */
static double sampled_ns(const struct gs_tree_drawing *drawing)
{
    uint64_t begin_ns = drawing->run->begin_ns, end_ns = drawing->end->end_ns;
    return end_ns > begin_ns && end_ns - begin_ns > drawing->late_ns ? (double)(end_ns - begin_ns - drawing->late_ns)
                                                                     : 1;
}

enum gs_status gs_diff_finish(struct gs_diff *diff, struct gs_difference *difference)
{
    uint32_t most = GS_CALLTREE_LEAST;
    *difference = (struct gs_difference){.selection = &diff->selection};
    for (int side = 0; side < GS_SIDES; side++) {
        uint32_t processes = gs_calltree_process_count(gs_tree_sink_drawing(diff->sinks[side])->tree);
        difference->drawing[side] = gs_tree_sink_drawing(diff->sinks[side]);
        difference->name[side] = diff->names[side];
        difference->samples[side] = difference->drawing[side]->end->samples;
        if (processes > 1)
            difference->samples[side] /= processes;
        most += gs_calltree_count(difference->drawing[side]->tree);
    }
    diff->tree = gs_calltree_new(&diff->selection, &(struct gs_calltree_options){.most = most, .qualnames = true});
    difference->tree = diff->tree;
    if (!diff->tree)
        return GS_NO_MEMORY;
    learn_files(diff);
    for (int side = 0; side < GS_SIDES; side++) {
        struct gs_calltree_side how = {.word = side,
                                       .factor = (double)GS_DIFF_WHOLE / sampled_ns(difference->drawing[side]),
                                       .shorten = shorten,
                                       .context = &diff->files[side]};
        enum gs_status status = gs_calltree_merge(diff->tree, difference->drawing[side]->tree, &how);
        if (status)
            return status;
    }
    return gs_calltree_finish(diff->tree);
}

/* How much a share that is counted in samples may scatter, if each sample falls by chance: what is there all the time
 * scatters less than that, and samples of equal slots do, too. */
static double variance(double share, uint64_t samples)
{
    double each = share < 0.5 ? share * (1 - share) : 0.25 * (share > 1 ? share : 1);
    return samples > 0 ? each / (double)samples : 0;
}

struct gs_change gs_diff_change(const struct gs_difference *difference, uint64_t before_ns, uint64_t after_ns)
{
    struct gs_change change = {.before = (double)before_ns / (double)GS_DIFF_WHOLE,
                               .after = (double)after_ns / (double)GS_DIFF_WHOLE};
    change.chance = 1.96 * sqrt(variance(change.before, difference->samples[GS_BEFORE]) +
                                variance(change.after, difference->samples[GS_AFTER]));
    return change;
}

struct gs_change gs_diff_node(const struct gs_difference *difference, const struct gs_node *node)
{
    return gs_diff_change(difference, node->word_ns[GS_BEFORE], node->word_ns[GS_AFTER]);
}

bool gs_change_counts(const struct gs_change *change)
{
    return fabs(gs_change_by(change)) > change->chance;
}
