/* Colours: the palette of Okabe and Ito, mixed by how a frame's time splits. */
#include <math.h>

#include "export/difference.h"
#include "export/flame/svg.h"

const struct gs_hue_row gs_hues[GS_HUE_COUNT] = {
    [GS_HUE_HOLDS] = {"holds", "holds the GIL", 0xe69f00},
    [GS_HUE_WAITS] = {"waits", "waits for it", 0xd55e00},
    [GS_HUE_WITHOUT] = {"without", "runs without it", 0x009e73},
    [GS_HUE_NONE] = {"none", "has no GIL", 0x56b4e9},
    [GS_HUE_IDLE] = {"idle", "idle", 0x999999},
    [GS_HUE_UNKNOWN] = {"unknown", "unknown", 0xcc79a7},
    [GS_HUE_LOCKS] = {"locks", "waits for a lock", 0x0072b2},
};

void gs_hues_of(const struct gs_node *time, uint64_t hue_ns[GS_HUE_COUNT])
{
    uint64_t without_ns = time->word_ns[GS_WITHOUT], none_ns = time->word_ns[GS_NONE];
    /* Where some processes have a GIL and others none, which of them was idle is not known: both alike. */
    double runs = without_ns + none_ns > 0 ? 1 - (double)time->idle_ns / (double)(without_ns + none_ns) : 0;
    hue_ns[GS_HUE_HOLDS] = time->word_ns[GS_HOLDS];
    hue_ns[GS_HUE_WAITS] = time->word_ns[GS_WAITS];
    hue_ns[GS_HUE_NONE] = (uint64_t)((double)none_ns * runs + 0.5);
    hue_ns[GS_HUE_LOCKS] = time->lock_ns;
    hue_ns[GS_HUE_IDLE] = time->idle_ns - time->lock_ns;
    hue_ns[GS_HUE_WITHOUT] = without_ns + none_ns - time->idle_ns - hue_ns[GS_HUE_NONE];
    hue_ns[GS_HUE_UNKNOWN] = time->word_ns[GS_UNKNOWN];
}

/* Light adds up as the squares of what screens are told. */
uint32_t gs_box_colour(const struct gs_box *box, bool holder)
{
    uint64_t hue_ns[GS_HUE_COUNT];
    double total = (double)gs_node_ns(&box->time);
    uint32_t mixed = 0;
    if (holder)
        return gs_hues[GS_HUE_HOLDS].rgb;
    gs_hues_of(&box->time, hue_ns);
    for (int shift = 16; shift >= 0; shift -= 8) {
        double light = 0;
        for (int i = 0; i < GS_HUE_COUNT && total > 0; i++) {
            double part = (double)(gs_hues[i].rgb >> shift & 0xff);
            light += part * part * (double)hue_ns[i] / total;
        }
        mixed |= (uint32_t)lround(sqrt(light)) << shift;
    }
    return mixed;
}

const struct gs_hue_row gs_gil_spans[GS_TURN_COUNT] = {
    [GS_TURN_GREW] = {"grew", "more time than before", 0xd55e00},
    [GS_TURN_SHRANK] = {"shrank", "less time than before", 0x0072b2},
    [GS_TURN_NEITHER] = {"neither", "no change beyond chance", 0x999999},
};

/* From grey to the full colour of what is there on one side only. */
uint32_t gs_turn_colour(const struct gs_difference *difference, const struct gs_node *time)
{
    struct gs_change change = gs_diff_node(difference, time);
    double both = change.before + change.after, part = both > 0 ? gs_change_by(&change) / both : 0;
    uint32_t to = gs_gil_spans[part > 0 ? GS_TURN_GREW : GS_TURN_SHRANK].rgb, from = gs_gil_spans[GS_TURN_NEITHER].rgb,
             mixed = 0;
    if (!gs_change_counts(&change))
        return from;
    part = sqrt(fabs(part));
    for (int shift = 16; shift >= 0; shift -= 8) {
        double a = (double)(from >> shift & 0xff), b = (double)(to >> shift & 0xff);
        mixed |= (uint32_t)lround(a + (b - a) * (part < 1 ? part : 1)) << shift;
    }
    return mixed;
}
