/* The difference in words: the same in text, in the picture and on the page. */
#include "export/difference.h"
#include "export/heading.h"

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
    const struct gs_drawing *drawing = difference->drawing[side];
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
