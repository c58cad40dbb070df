/* Three digits of a time, thousands of a number. */
#include <inttypes.h>
#include <stdio.h>

#include "base/amount.h"

void gs_amount_time(char words[GS_AMOUNT], uint64_t us)
{
    uint64_t s = us / 1000000, min = s / 60, h = min / 60, d = h / 24;
    if (us < 1000)
        snprintf(words, GS_AMOUNT, "%" PRIu64 " us", us);
    else if (us < 9950)
        snprintf(words, GS_AMOUNT, "%.1f ms", (double)us / 1e3);
    else if (us < 999500)
        snprintf(words, GS_AMOUNT, "%.0f ms", (double)us / 1e3);
    else if (us < 9950000)
        snprintf(words, GS_AMOUNT, "%.1f s", (double)us / 1e6);
    else if (min < 1)
        snprintf(words, GS_AMOUNT, "%" PRIu64 " s", s);
    else if (h < 1)
        snprintf(words, GS_AMOUNT, "%" PRIu64 " min %" PRIu64 " s", min, s % 60);
    else if (d < 1)
        snprintf(words, GS_AMOUNT, "%" PRIu64 " h %" PRIu64 " min", h, min % 60);
    else
        snprintf(words, GS_AMOUNT, "%" PRIu64 " d %" PRIu64 " h", d, h % 24);
}

void gs_amount_number(char words[GS_AMOUNT], uint64_t number)
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number), used = 0;
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            words[used++] = ',';
        words[used++] = digits[i];
    }
    words[used] = '\0';
}
