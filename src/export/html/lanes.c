#include "base/least.h"
#include "export/html/html.h"

static bool is_chosen(void *context, uint32_t thread)
{
    return ((struct gs_html *)context)->threads[thread].chosen;
}

static enum gs_status introduce(void *context, uint32_t lane, const struct gs_stacks *stacks, uint32_t name)
{
    struct gs_html *html = context;
    (void)stacks;
    html->lane[lane] = (struct gs_html_lane){.name = gs_calltree_place_of(html->tree, name)};
    return GS_OK;
}

static enum gs_status begin(void *context, uint32_t number, const struct gs_stacks *stacks, uint64_t ns)
{
    struct gs_html *html = context;
    const struct gs_task_lane *lane = &html->lanes.list[number];
    struct gs_thread_sample runs = {.gil = lane->gil, .run = GS_RUN_RUNNING};
    (void)stacks;
    html->lane[number].begin_ns = ns;
    html->lane[number].doing = lane->runs ? gs_lane_doing(0, gs_key_hue(gs_key_code(&runs)))
                                          : gs_lane_doing(gs_calltree_place_of(html->tree, lane->place), GS_HUE_IDLE);
    return GS_OK;
}

static enum gs_status end(void *context, uint32_t number, uint64_t ns)
{
    struct gs_html *html = context;
    const struct gs_html_lane *lane = &html->lane[number];
    struct gs_span span = {number, lane->doing, gs_html_since_begin(html, lane->begin_ns),
                           gs_html_since_begin(html, ns)};
    span.begin_ns = gs_most(span.begin_ns, gs_spill_end(html->lane_spill, number));
    return span.begin_ns < span.end_ns && span.end_ns <= GS_HTML_LONGEST_NS ? gs_spill_add(html->lane_spill, &span)
                                                                            : GS_OK;
}

struct gs_task_lanes_user gs_html_lanes(struct gs_html *html)
{
    return (struct gs_task_lanes_user){html, is_chosen, introduce, begin, end};
}
