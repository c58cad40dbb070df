/* Columns that show one field of their rows. */
#include <string.h>

#include "view/parts.h"

size_t gs_pane_count(const struct gs_pane *pane, const struct gs_drawing *drawing)
{
    return pane->count ? pane->count(drawing)
                       : *(const size_t *)(const void *)((const char *)drawing->picture + pane->row_count);
}

static const void *field_of(const struct gs_column *column, const struct gs_pane *pane,
                            const struct gs_drawing *drawing, size_t row)
{
    const char *rows = *(const char *const *)(const void *)((const char *)drawing->picture + pane->rows);
    return rows + row * pane->row_bytes + column->field;
}

void gs_column_put(const struct gs_column *column, const struct gs_pane *pane, const struct gs_drawing *drawing,
                   size_t row, int width, struct gs_text *text)
{
    if (column->put) {
        column->put(drawing, row, width, text);
        return;
    }
    const void *field = field_of(column, pane, drawing, row);
    switch (column->kind) {
    case GS_FIELD_TIME:
    case GS_FIELD_AGO:
        gs_time_put(text, *(const uint64_t *)field, false);
        break;
    case GS_FIELD_COUNT:
        gs_words_number(text, *(const uint32_t *)field);
        break;
    case GS_FIELD_SHARE:
        gs_share_put(text, *(const double *)field);
        break;
    case GS_FIELD_TID:
        gs_text_put(text, "%d", (int)*(const pid_t *)field);
        break;
    case GS_FIELD_PROCESS:
        gs_text_put(text, "%d", (int)drawing->picture->processes[*(const uint32_t *)field].pid);
        break;
    case GS_FIELD_TEXT:
        gs_text_fit(text, *(const char *const *)field, width, GS_CUT_END);
        break;
    case GS_FIELD_PLACE:
        gs_place_put(drawing, field, width, text);
        break;
    case GS_FIELD_OTHER:
        break;
    }
}

bool gs_column_sorts(const struct gs_column *column)
{
    return column->sorts || column->compare;
}

int gs_column_compare(const struct gs_column *column, const struct gs_pane *pane, const struct gs_drawing *drawing,
                      size_t a, size_t b)
{
    if (column->compare)
        return column->compare(drawing, a, b);
    const void *x = field_of(column, pane, drawing, a), *y = field_of(column, pane, drawing, b);
    switch (column->kind) {
    case GS_FIELD_TIME:
        return gs_compare_u64(*(const uint64_t *)x, *(const uint64_t *)y);
    case GS_FIELD_AGO:
        return gs_compare_u64(*(const uint64_t *)y, *(const uint64_t *)x);
    case GS_FIELD_COUNT:
        return gs_compare_u64(*(const uint32_t *)x, *(const uint32_t *)y);
    case GS_FIELD_SHARE:
        return gs_compare_double(*(const double *)x, *(const double *)y);
    case GS_FIELD_TID:
        return *(const pid_t *)x - *(const pid_t *)y;
    case GS_FIELD_PROCESS:
        return gs_compare_u64(*(const uint32_t *)y, *(const uint32_t *)x);
    case GS_FIELD_TEXT:
        return strcmp(*(const char *const *)x, *(const char *const *)y);
    case GS_FIELD_PLACE:
    case GS_FIELD_OTHER:
        break;
    }
    return 0;
}
