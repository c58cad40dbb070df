/* The threads of the page: which of them come first, and which only their tid tells apart. */
#include <stdlib.h>
#include <string.h>

#include "export/html/html.h"

static int by_name(const void *left, const void *right, void *context)
{
    const struct gs_html_thread *threads = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    int order = strcmp(threads[i].name, threads[k].name);
    return order ? order : (i > k) - (i < k);
}

static void find_shared(struct gs_html *html, uint32_t *order)
{
    qsort_r(order, html->thread_count, sizeof *order, by_name, html->threads);
    for (uint32_t i = 1; i < html->thread_count; i++) {
        struct gs_html_thread *a = &html->threads[order[i - 1]], *b = &html->threads[order[i]];
        if (strcmp(a->name, b->name) == 0)
            a->shared = b->shared = true;
    }
}

/* What it did with the GIL, or on a processor. */
static int by_activity_down(const void *left, const void *right, void *context)
{
    const struct gs_html_thread *threads = context;
    uint32_t i = *(const uint32_t *)left, k = *(const uint32_t *)right;
    const uint64_t *a = threads[i].hue_ns, *b = threads[k].hue_ns;
    uint64_t x = a[GS_HUE_HOLDS] + a[GS_HUE_WAITS] + threads[i].runs_ns;
    uint64_t y = b[GS_HUE_HOLDS] + b[GS_HUE_WAITS] + threads[k].runs_ns;
    if ((threads[i].samples > 0) != (threads[k].samples > 0))
        return threads[i].samples > 0 ? -1 : 1;
    if (x != y)
        return x < y ? 1 : -1;
    return (i > k) - (i < k);
}

bool gs_html_rank(struct gs_html *html, const struct gs_html_data *data)
{
    uint32_t *order = malloc(((size_t)html->thread_count + 1) * sizeof *order);
    for (uint32_t i = 0; i < html->thread_count && order; i++)
        order[i] = i;
    bool done = order != NULL;
    if (done)
        find_shared(html, order);
    if (done)
        qsort_r(order, html->thread_count, sizeof *order, by_activity_down, html->threads);
    for (uint32_t rank = 0; rank < html->thread_count && done; rank++) {
        struct gs_html_thread *thread = &html->threads[order[rank]];
        thread->rank = rank;
        if (rank >= GS_HTML_ROWS)
            continue;
        done = (thread->cells = malloc(data->cells)) != NULL;
        if (done)
            memset(thread->cells, 0xff, data->cells);
    }
    free(order);
    return done;
}
