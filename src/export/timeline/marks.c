/* Rows of marks that are merged when they are too many. */
#include <stdlib.h>

#include "base/room.h"
#include "export/timeline/marks.h"

#define COARSEST_NS ((uint64_t)1 << 60)

void gs_marks_fini(struct gs_marks *marks)
{
    for (size_t i = 0; i < marks->row_count; i++)
        free(marks->rows[i].list);
    free(marks->rows);
}

enum gs_status gs_marks_row(struct gs_marks *marks, bool longest, uint32_t *number)
{
    if (!gs_room((void **)&marks->rows, &marks->row_room, marks->row_count + 1, sizeof *marks->rows))
        return GS_NO_MEMORY;
    *number = (uint32_t)marks->row_count;
    marks->rows[marks->row_count++] = (struct gs_mark_row){.longest = longest};
    return GS_OK;
}

static uint64_t length(const struct gs_mark *mark)
{
    return mark->end_ns - mark->begin_ns;
}

static void merge(const struct gs_mark_row *row, struct gs_mark *into, const struct gs_mark *mark)
{
    if (into->count == 1) {
        uint64_t ns = length(into);
        for (int i = 0; i < GS_MARK_WORDS; i++)
            into->word_ns[i] = i == into->word ? ns : 0;
    }
    uint64_t most_ns = 0;
    for (int i = 0; i < GS_MARK_WORDS; i++)
        most_ns = into->word_ns[i] > most_ns ? into->word_ns[i] : most_ns;
    if (row->longest ? length(mark) > most_ns : mark->value > into->value)
        into->value = mark->value;
    for (int i = 0; i < GS_MARK_WORDS; i++)
        into->word_ns[i] += mark->count > 1 ? mark->word_ns[i] : i == mark->word ? length(mark) : 0;
    into->end_ns = mark->end_ns;
    into->count += mark->count;
    into->flags |= mark->flags;
    into->from = 0;
}

/* Neighbours that are short become one that is no longer than `fine`. */
static void coarsen_row(struct gs_mark_row *row, uint64_t fine_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < row->count; i++) {
        const struct gs_mark *mark = &row->list[i];
        struct gs_mark *last = kept > 0 ? &row->list[kept - 1] : NULL;
        if (last && length(last) < fine_ns && length(mark) < fine_ns && mark->end_ns - last->begin_ns <= fine_ns)
            merge(row, last, mark);
        else
            row->list[kept++] = *mark;
    }
    row->count = kept;
}

/* Makes room for a quarter of them. */
static void coarsen(struct gs_marks *marks)
{
    if (marks->fine_ns == 0)
        marks->fine_ns = GS_MARKS_FINEST_NS;
    for (;; marks->fine_ns *= 2) {
        marks->count = 0;
        for (size_t i = 0; i < marks->row_count; i++) {
            coarsen_row(&marks->rows[i], marks->fine_ns);
            marks->count += marks->rows[i].count;
        }
        if (marks->count <= marks->most / 4 * 3 || marks->fine_ns >= COARSEST_NS)
            return;
    }
}

static bool goes_on(const struct gs_mark_row *row, const struct gs_mark *mark)
{
    const struct gs_mark *last = row->count > 0 ? &row->list[row->count - 1] : NULL;
    return last && last->count == 1 && last->end_ns == mark->begin_ns && last->since_ns == mark->since_ns &&
           last->word == mark->word && last->lock == mark->lock && (!row->longest || last->value == mark->value);
}

enum gs_status gs_marks_add(struct gs_marks *marks, uint32_t number, const struct gs_mark *mark)
{
    struct gs_mark_row *row = &marks->rows[number];
    struct gs_mark next = *mark;
    if (row->count > 0 && next.begin_ns < row->list[row->count - 1].end_ns)
        next.begin_ns = row->list[row->count - 1].end_ns;
    if (next.end_ns < next.begin_ns || next.end_ns > COARSEST_NS)
        return GS_OK;
    next.count = 1;
    if (goes_on(row, &next)) {
        struct gs_mark *last = &row->list[row->count - 1];
        last->end_ns = next.end_ns;
        last->flags |= next.flags;
        last->value = next.value > last->value ? next.value : last->value;
        return GS_OK;
    }
    if (!gs_room((void **)&row->list, &row->room, row->count + 1, sizeof *row->list))
        return GS_NO_MEMORY;
    row->list[row->count++] = next;
    if (++marks->count > marks->most)
        coarsen(marks);
    return GS_OK;
}
