/* Heights and lengths in eighths of a character. */
#include "view/spark.h"

void gs_bar_put(struct gs_text *text, double share, int width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    share = share > 1 ? 1 : share < 0 ? 0 : share;
    int full = (int)(share * width * 8 + 0.5), used = full / 8;
    for (int i = 0; i < used; i++)
        gs_text_put(text, "%s", text->utf8 ? "█" : "#");
    if (text->utf8 && full % 8 > 0) {
        gs_text_put(text, "%s", eighths[full % 8]);
        used++;
    }
    for (; used < width; used++)
        gs_text_put(text, "%s", text->utf8 ? "░" : ".");
}

void gs_spark_put(struct gs_text *text, const float *values, size_t count, double most)
{
    static const char *const heights[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char plain[] = " .,:-=+*#";
    for (size_t i = 0; i < count; i++) {
        double height = most > 0 ? (double)values[i] / most * 8 : 0;
        int step = height >= 8 ? 8 : height <= 0 ? 0 : (int)(height + 0.5);
        if (step == 0 && values[i] > 0)
            step = 1; /* little is not nothing */
        if (text->utf8)
            gs_text_put(text, "%s", heights[step]);
        else
            gs_text_put(text, "%c", plain[step]);
    }
}
