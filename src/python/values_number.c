/* Reprs of numbers, as Python writes them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/values.h"
#include "python/values_int.h"

/* More than 64 bits, but no more than a reader takes in: its decimal digits, by long division. */
static bool repr_large(struct gs_repr *repr, const struct gs_int *value, gs_addr object)
{
    enum { DIGIT_BITS = 30, DIGITS = 18 /* of 30 bits: 162 decimal ones */, GROUP = 1000000000 };
    uint32_t digits[DIGITS], groups[DIGITS + 1];
    size_t count = (size_t)((value->bits + DIGIT_BITS - 1) / DIGIT_BITS), group_count = 0;
    if (value->bits > DIGITS * DIGIT_BITS ||
        gs_mem_read(repr->mem, object + (gs_addr)repr->layout->long_digits, digits, count * sizeof digits[0]))
        return false;
    while (count > 0 && group_count < DIGITS + 1) {
        uint64_t rest = 0;
        for (size_t i = count; i-- > 0;) {
            rest = rest << DIGIT_BITS | (digits[i] & ((1u << DIGIT_BITS) - 1));
            digits[i] = (uint32_t)(rest / GROUP);
            rest %= GROUP;
        }
        groups[group_count++] = (uint32_t)rest;
        while (count > 0 && digits[count - 1] == 0)
            count--;
    }
    gs_repr_ascii(repr, value->negative ? "-" : "");
    for (size_t i = group_count; i-- > 0;) {
        char text[16];
        snprintf(text, sizeof text, i + 1 == group_count ? "%u" : "%09u", groups[i]);
        gs_repr_ascii(repr, text);
    }
    return true;
}

void gs_repr_int(struct gs_repr *repr, const struct gs_type *type, gs_addr object)
{
    struct gs_int value;
    char text[64];
    if (gs_int_read(repr->layout, repr->mem, type, object, &value)) {
        gs_repr_unreadable(repr);
        return;
    }
    if (value.bits <= 1 && gs_type_named(type, repr->mem, "bool")) {
        gs_repr_ascii(repr, value.magnitude ? "True" : "False");
        return;
    }
    bool whole = value.bits <= 64 || repr_large(repr, &value, object);
    if (!whole)
        snprintf(text, sizeof text, "<int of %" PRIu64 " bits>", value.bits);
    else if (value.bits <= 64)
        snprintf(text, sizeof text, "%s%" PRIu64, value.negative ? "-" : "", value.magnitude);
    else
        text[0] = '\0';
    gs_repr_ascii(repr, text);
    /* 2.7's long. */
    if (whole && repr->layout->int_value != GS_ABSENT && gs_type_has(type, GS_TYPE_LONG))
        gs_repr_ascii(repr, "L");
}

/* The fewest digits that mean this number, and the power of ten of the first. The locale's decimal point is in what
 * the C library writes, and is skipped. */
static int shortest(double value, char digits[20])
{
    enum { ENOUGH = 17 };
    char text[40];
    for (int count = 1; count <= ENOUGH; count++) {
        snprintf(text, sizeof text, "%.*e", count - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    const char *exponent = strchr(text, 'e');
    size_t len = 0;
    for (const char *p = text; p < exponent && len < ENOUGH; p++) {
        if (*p >= '0' && *p <= '9')
            digits[len++] = *p;
    }
    digits[len] = '\0';
    return atoi(exponent + 1);
}

static void put_digits(struct gs_repr *repr, const char *digits, int from, int to)
{
    int len = (int)strlen(digits);
    for (int i = from; i < to; i++)
        gs_utf8_put(&repr->out, i >= 0 && i < len ? (uint8_t)digits[i] : '0');
}

/* Without exponent from 1e-4 to 1e16. */
static void put_finite(struct gs_repr *repr, double value)
{
    char digits[20], text[16];
    int first = shortest(value, digits), len = (int)strlen(digits);
    if (first >= -4 && first < 16) {
        int point = first + 1; /* digits before the point */
        put_digits(repr, digits, point > 0 ? 0 : -1, point > 0 ? point : 0);
        gs_utf8_put(&repr->out, '.');
        put_digits(repr, digits, point, len > point ? len : point + 1);
        return;
    }
    put_digits(repr, digits, 0, 1);
    if (len > 1)
        gs_utf8_put(&repr->out, '.');
    put_digits(repr, digits, 1, len);
    snprintf(text, sizeof text, "e%+03d", first);
    gs_repr_ascii(repr, text);
}

void gs_repr_float(struct gs_repr *repr, gs_addr object)
{
    double value;
    if (gs_mem_read(repr->mem, object + (gs_addr)repr->layout->float_value, &value, sizeof value)) {
        gs_repr_unreadable(repr);
        return;
    }
    if (isnan(value)) {
        gs_repr_ascii(repr, "nan");
        return;
    }
    if (signbit(value))
        gs_utf8_put(&repr->out, '-');
    if (isinf(value))
        gs_repr_ascii(repr, "inf");
    else
        put_finite(repr, fabs(value));
}
