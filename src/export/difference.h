/* The difference of two recordings: one tree that has the time of both, as shares of the time that each was sampled.
 * What was not sampled because the sampler was late is left out. */
#ifndef GS_EXPORT_DIFFERENCE_H
#define GS_EXPORT_DIFFERENCE_H

#include "export/label.h"
#include "export/tree_sink.h"

/* The words of the tree that the times of the two stand in: there are no others. */
enum { GS_BEFORE = 0, GS_AFTER = 1, GS_SIDES = 2 };
/* One thread all the time. */
#define GS_DIFF_WHOLE UINT64_C(1000000000000)

struct gs_difference {
    const struct gs_selection *selection;
    const struct gs_calltree *tree;                  /* finished */
    const struct gs_tree_drawing *drawing[GS_SIDES]; /* each by itself */
    const char *name[GS_SIDES];
    uint64_t samples[GS_SIDES]; /* that each share is known from: of one process */
};

struct gs_diff;

/* names: of the two, for the head. selection and names must outlive it. GS_NO_MEMORY, GS_OK. */
enum gs_status gs_diff_new(struct gs_diff **diff, const struct gs_selection *selection,
                           const char *const names[GS_SIDES]) GS_MUST_CHECK;
void gs_diff_free(struct gs_diff *diff);
/* What each recording is to be played into. */
struct gs_sink *gs_diff_sink(struct gs_diff *diff, int side);
/* Once both were played. */
enum gs_status gs_diff_finish(struct gs_diff *diff, struct gs_difference *difference) GS_MUST_CHECK;

/* How something changed: shares of the time, 1 is one thread all the time. */
struct gs_change {
    double before, after;
    double chance; /* what so few samples may differ by: 95 % of the time by less */
};
struct gs_change gs_diff_change(const struct gs_difference *difference, uint64_t before_ns, uint64_t after_ns);
struct gs_change gs_diff_node(const struct gs_difference *difference, const struct gs_node *node);
static inline double gs_change_by(const struct gs_change *change)
{
    return change->after - change->before;
}
/* More than chance. */
bool gs_change_counts(const struct gs_change *change);

/* A function, wherever it was called. */
struct gs_changed {
    uint32_t node; /* one of those that it has: its name */
    uint64_t self_ns[GS_SIDES], all_ns[GS_SIDES];
    struct gs_change self, all;
};
struct gs_changes {
    struct gs_changed *list; /* what grew most first, what shrank most last */
    size_t count;
    size_t grew, shrank; /* so many of the first, of the last by more than chance */
};
/* GS_NO_MEMORY, GS_OK; free with gs_changes_fini in any case. */
enum gs_status gs_changes_init(struct gs_changes *changes, const struct gs_difference *difference) GS_MUST_CHECK;
void gs_changes_fini(struct gs_changes *changes);

/* "12.0 % before, 31.5 % after: +19.5 (±1.2)" */
void gs_diff_words(struct gs_label *text, const struct gs_change *change);
/* "a.gilspy → b.gilspy" */
void gs_diff_title(struct gs_label *text, const struct gs_difference *difference);
/* What both did, in a sentence. */
void gs_diff_verdict(struct gs_label *text, const struct gs_difference *difference);
/* "Before: a.gilspy · pid 42 · ..." */
void gs_diff_side(struct gs_label *text, const struct gs_difference *difference, int side);
/* "12 other functions changed by less than chance may do in so many samples." */
void gs_diff_rest(struct gs_label *text, const struct gs_changes *changes);
/* What the figures are shares of, in which mode. */
void gs_diff_counted(struct gs_label *text, const struct gs_difference *difference);

/* The renderings. Errors of the stream stay in it. */
enum gs_status gs_diff_text(const struct gs_difference *difference, bool utf8, FILE *out) GS_MUST_CHECK;
enum gs_status gs_diff_svg(const struct gs_difference *difference, FILE *out) GS_MUST_CHECK;
enum gs_status gs_diff_html(const struct gs_difference *difference, FILE *out) GS_MUST_CHECK;
enum gs_status gs_diff_folded(const struct gs_difference *difference, FILE *out) GS_MUST_CHECK;

#endif
