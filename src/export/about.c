/* Metadata of formats that are JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export/about.h"
#include "export/json.h"

enum { NS_PER_US = 1000, NS_PER_S = 1000000000 };

/* "2026-01-31T12:00:00.123456Z" */
static json_t *wall_clock(int64_t realtime_ns)
{
    char text[64];
    struct tm utc;
    int64_t ns = realtime_ns % NS_PER_S;
    time_t second = (time_t)(realtime_ns / NS_PER_S - (ns < 0));
    if (!gmtime_r(&second, &utc))
        return json_null();
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, sizeof text - len, ".%06dZ", (int)((ns < 0 ? ns + NS_PER_S : ns) / NS_PER_US));
    return json_string(text);
}

static json_t *rate(double hz)
{
    if (isinf(hz))
        return json_string("max");
    return hz == floor(hz) && hz < 1e15 ? json_integer((json_int_t)hz) : json_real(hz);
}

static json_t *patterns(const struct gs_selection *selection)
{
    json_t *list = json_array();
    for (size_t i = 0; i < selection->pattern_count; i++) {
        if (json_array_append_new(list, gs_json_text(selection->patterns[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *gs_about_begin(const struct gs_run_info *run, const struct gs_selection *selection)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:s, s:I, s:o, s:s, s:o, s:b}", "schema", 1, "gilspy",
                     gs_json_text(run->gilspy ? run->gilspy : ""), "host", gs_json_text_or_null(run->host), "time",
                     wall_clock(run->realtime_ns), "clock", "CLOCK_MONOTONIC", "begin_us",
                     (json_int_t)(run->begin_ns / NS_PER_US), "rate_hz", rate(run->rate_hz), "mode",
                     gs_modes[selection->mode].name, "threads", patterns(selection), "by_function",
                     (int)selection->function);
}

json_t *gs_about_end(uint64_t begin_ns, const struct gs_run_end *end)
{
    uint64_t ns = end->end_ns > begin_ns ? end->end_ns - begin_ns : 0;
    return json_pack("{s:f, s:o, s:o, s:b, s:o}", "seconds", (double)ns / NS_PER_S, "samples",
                     gs_json_number(true, end->samples), "thread_samples", gs_json_number(true, end->thread_samples),
                     "complete", (int)end->complete, "quality", gs_json_quality(&end->quality));
}

void gs_about_write_number(uint64_t number, FILE *out)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    fwrite_unlocked(digits + at, 1, sizeof digits - at, out);
}

void gs_about_write_us(uint64_t ns, FILE *out)
{
    unsigned rest = (unsigned)(ns % NS_PER_US);
    gs_about_write_number(ns / NS_PER_US, out);
    if (rest == 0)
        return;
    char digits[4] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)};
    size_t len = sizeof digits;
    while (digits[len - 1] == '0')
        len--;
    fwrite_unlocked(digits, 1, len, out);
}
