/* Bars and small curves, out of block characters or plain ones. */
#ifndef GS_VIEW_SPARK_H
#define GS_VIEW_SPARK_H

#include "base/text.h"

/* A bar of `width` columns, of which `share` is full. */
void gs_bar_put(struct gs_text *text, double share, int width);
/* A column per value, of which full height is `most`. */
void gs_spark_put(struct gs_text *text, const float *values, size_t count, double most);

#endif
