/* Edit distance with swaps (optimal string alignment), on three rows of fixed size. */
#include <string.h>

#include "base/nearest.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t gs_edit_distance(const char *a, const char *b)
{
    size_t rows[3][GS_NEAREST_MAX + 1], a_len = strlen(a), b_len = strlen(b);
    if (a_len >= GS_NEAREST_MAX || b_len >= GS_NEAREST_MAX)
        return GS_NEAREST_MAX;
    if (a_len > 1 && a_len < b_len && strncmp(a, b, a_len) == 0)
        return 1;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

void gs_nearest_try(struct gs_nearest *nearest, const char *known)
{
    size_t distance = gs_edit_distance(nearest->word, known);
    if (distance > (strlen(nearest->word) + 1) / 2)
        return;
    if (!nearest->best || distance < nearest->distance) {
        nearest->best = known;
        nearest->distance = distance;
    }
}
