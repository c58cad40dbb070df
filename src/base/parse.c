/* Strict parsers: no blanks, signs, exponents, hexadecimal or locale in what they accept. */
#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/parse.h"
#include "gilspy/layout.h"

bool gs_parse_int(const char *text, int64_t min, int64_t max, int64_t *value)
{
    int64_t sum = 0;
    if (!*text)
        return false;
    for (const char *p = text; *p; p++) {
        if (!isdigit((unsigned char)*p) || sum > (INT64_MAX - 9) / 10)
            return false;
        sum = sum * 10 + (*p - '0');
    }
    if (sum < min || sum > max)
        return false;
    *value = sum;
    return true;
}

/* Digits with at most one point among them, at the start of text; returns what follows, NULL when there is no digit. */
static const char *decimal(const char *text, double *value)
{
    double sum = 0, unit = 1;
    bool digits = false, fraction = false;
    for (; isdigit((unsigned char)*text) || (*text == '.' && !fraction); text++) {
        if (*text == '.') {
            fraction = true;
            continue;
        }
        digits = true;
        sum = sum * 10 + (*text - '0');
        unit = fraction ? unit * 10 : 1;
    }
    *value = sum / unit;
    return digits ? text : NULL;
}

bool gs_parse_time_us(const char *text, uint64_t *time_us)
{
    static const struct {
        const char *name;
        double us;
    } units[] = {{"", 1e6},   {"s", 1e6},    {"ms", 1e3},   {"us", 1},
                 {"m", 60e6}, {"min", 60e6}, {"h", 3600e6}, {"d", 86400e6}};
    double number;
    const char *unit = decimal(text, &number);
    for (size_t i = 0; unit && i < sizeof units / sizeof *units; i++) {
        double us = number * units[i].us;
        if (strcmp(unit, units[i].name) != 0 || !(us >= 1 && us <= 3650 * 86400e6))
            continue;
        *time_us = (uint64_t)(us + 0.5);
        return true;
    }
    return false;
}

bool gs_parse_size(const char *text, uint64_t *bytes)
{
    static const char letters[] = "KMGT";
    double number;
    const char *unit = decimal(text, &number);
    const char *letter = unit && *unit ? strchr(letters, *unit) : NULL;
    if (!letter || (strcmp(unit + 1, "") != 0 && strcmp(unit + 1, "B") != 0))
        return false;
    number = ldexp(number, 10 * (int)(letter - letters + 1));
    if (!(number >= 1 && number < 0x1p60))
        return false;
    *bytes = (uint64_t)number;
    return true;
}

bool gs_parse_share(const char *text, double *share)
{
    double number;
    const char *rest = decimal(text, &number);
    if (!rest)
        return false;
    if (strcmp(rest, "%") == 0)
        number /= 100;
    else if (*rest)
        return false;
    if (!(number > 0 && number <= 1))
        return false;
    *share = number;
    return true;
}

bool gs_parse_rate(const char *text, double *rate_hz)
{
    double number;
    if (strcmp(text, "max") == 0) {
        *rate_hz = INFINITY;
        return true;
    }
    const char *rest = decimal(text, &number);
    if (!rest || *rest || !(number >= 0.001 && number <= 1e6))
        return false;
    *rate_hz = number;
    return true;
}

bool gs_parse_version(const char *text, uint32_t *version)
{
    const char *dot = strchr(text, '.');
    int64_t major, minor;
    char head[4] = "";
    if (!dot || (size_t)(dot - text) >= sizeof head)
        return false;
    memcpy(head, text, (size_t)(dot - text));
    if (!gs_parse_int(head, 2, 9, &major) || !gs_parse_int(dot + 1, 0, 99, &minor))
        return false;
    *version = GS_VERSION((uint32_t)major, (uint32_t)minor);
    return true;
}
