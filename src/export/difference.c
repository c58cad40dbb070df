/* From two recordings to one tree. */
#include <math.h>
#include <stdlib.h>

#include "export/difference.h"

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
static double sampled_ns(const struct gs_drawing *drawing)
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
