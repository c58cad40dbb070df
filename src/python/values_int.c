/* 2.7's int, and the long of 30-bit digits that is 3.x's int; its sign and length are one signed word (up to 3.11) or
 * the bits of lv_tag. */
#include "python/values_int.h"

enum { DIGIT_BITS = 30, MAX_DIGIT = (1 << DIGIT_BITS) - 1 };

static uint64_t bit_length(uint64_t value)
{
    return value ? 64 - (uint64_t)__builtin_clzll(value) : 0;
}

static void from_word(int64_t word, struct gs_int *value)
{
    value->negative = word < 0;
    value->magnitude = word < 0 ? 0 - (uint64_t)word : (uint64_t)word;
    value->bits = bit_length(value->magnitude);
}

/* Sign and number of digits. */
static enum gs_status read_size(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, bool *negative,
                                uint64_t *count)
{
    uint64_t word;
    bool tagged = layout->long_tag != GS_ABSENT;
    enum gs_status status =
        gs_mem_read_addr(mem, object + (gs_addr)(tagged ? layout->long_tag : layout->ob_size), &word);
    if (status)
        return status;
    /* lv_tag: bits 0-1 are 0 positive, 1 zero, 2 negative; the digits are counted from bit 3. */
    *negative = tagged ? (word & 3) == 2 : (int64_t)word < 0;
    *count = tagged ? ((word & 3) == 1 ? 0 : word >> 3) : *negative ? 0 - word : word;
    return *count > INT64_MAX / DIGIT_BITS ? GS_LOST : GS_OK;
}

static enum gs_status from_digits(struct gs_mem *mem, gs_addr digits, uint64_t count, struct gs_int *value)
{
    uint32_t some[3] = {0}, top;
    enum gs_status status = gs_mem_read(mem, digits, some, (count < 3 ? (size_t)count : 3) * sizeof some[0]);
    if (!status)
        status = gs_mem_read_u32(mem, digits + (count - 1) * sizeof top, &top);
    if (status)
        return status;
    if (some[0] > MAX_DIGIT || some[1] > MAX_DIGIT || some[2] > MAX_DIGIT || top > MAX_DIGIT)
        return GS_LOST;
    value->bits = (count - 1) * DIGIT_BITS + bit_length(top);
    value->magnitude = some[0] | (uint64_t)some[1] << DIGIT_BITS | (uint64_t)some[2] << (2 * DIGIT_BITS);
    return GS_OK;
}

/* 2.7's int, beside its long. */
static bool is_word(const struct gs_layout *layout, const struct gs_type *type)
{
    return layout->int_value != GS_ABSENT && gs_type_has(type, GS_TYPE_INT);
}

bool gs_int_is(const struct gs_layout *layout, const struct gs_type *type)
{
    return gs_type_has(type, GS_TYPE_LONG) || is_word(layout, type);
}

enum gs_status gs_int_read(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_type *type,
                           gs_addr object, struct gs_int *value)
{
    *value = (struct gs_int){0};
    if (is_word(layout, type)) {
        uint64_t word;
        enum gs_status status = gs_mem_read_addr(mem, object + (gs_addr)layout->int_value, &word);
        if (!status)
            from_word((int64_t)word, value);
        return status;
    }
    if (!gs_type_has(type, GS_TYPE_LONG))
        return GS_LOST;
    uint64_t count;
    enum gs_status status = read_size(layout, mem, object, &value->negative, &count);
    if (status || count == 0)
        return status;
    return from_digits(mem, object + (gs_addr)layout->long_digits, count, value);
}
