/* From an instruction to its source line: the four generations of CPython's line tables. */
#include <stdlib.h>

#include "base/sorted.h"
#include "python/code_read.h"

/* One entry of a table: so many bytes of code are on the line that `before` leads to; `after` comes behind them. */
struct entry {
    uint32_t bytes;
    int64_t before, after;
    bool has_line;
};

static bool next_lnotab(const struct gs_code *code, uint32_t *pos, bool signed_lines, struct entry *entry)
{
    if (*pos + 1 >= code->line_bytes)
        return false;
    uint8_t delta = code->lines[*pos + 1];
    *entry = (struct entry){code->lines[*pos], 0, signed_lines ? (int8_t)delta : delta, true};
    *pos += 2;
    return true;
}

static bool next_pep626(const struct gs_code *code, uint32_t *pos, struct entry *entry)
{
    if (*pos + 1 >= code->line_bytes)
        return false;
    int8_t delta = (int8_t)code->lines[*pos + 1];
    bool has_line = delta != INT8_MIN;
    *entry = (struct entry){code->lines[*pos], has_line ? delta : 0, 0, has_line};
    *pos += 2;
    return true;
}

enum { VARINT_BITS = 36 /* that a number of 32 bits takes */ };

/* Six bits a byte, the lowest first; bit 6: more follow. False at the end of the table, and when it does not end. */
static bool varint(const struct gs_code *code, uint32_t *pos, uint32_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *pos < code->line_bytes && shift < VARINT_BITS; shift += 6) {
        uint8_t byte = code->lines[(*pos)++];
        if (shift < 32)
            *value |= (uint32_t)(byte & 63) << shift;
        if (!(byte & 64))
            return true;
    }
    return false;
}

/* The code of a location entry: Objects/locations.md. */
enum { ONE_LINE_0 = 10, ONE_LINE_2 = 12, NO_COLUMNS = 13, LONG_FORM = 14, NO_LINE = 15 };

/* How far the line of the entry is from the one before; *pos moves behind the first bytes of the entry. */
static bool entry_delta(const struct gs_code *code, uint32_t *pos, unsigned form, int64_t *delta)
{
    uint32_t value;
    *delta = 0;
    if (form >= ONE_LINE_0 && form <= ONE_LINE_2)
        *delta = form - ONE_LINE_0;
    if (form != NO_COLUMNS && form != LONG_FORM)
        return true;
    if (!varint(code, pos, &value))
        return false;
    *delta = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
    return true;
}

/* An entry begins with a byte that has bit 7 set; the columns that follow have not. */
static void skip_columns(const struct gs_code *code, uint32_t *pos)
{
    while (*pos < code->line_bytes && !(code->lines[*pos] & 128))
        ++*pos;
}

static bool next_pep657(const struct gs_code *code, uint32_t *pos, struct entry *entry)
{
    skip_columns(code, pos);
    if (*pos >= code->line_bytes)
        return false;
    uint8_t first = code->lines[(*pos)++];
    unsigned form = first >> 3 & 15;
    *entry = (struct entry){((first & 7u) + 1) * 2, 0, 0, form != NO_LINE};
    if (!entry_delta(code, pos, form, &entry->before))
        return false;
    skip_columns(code, pos);
    return true;
}

static bool next(const struct gs_layout *layout, const struct gs_code *code, uint32_t *pos, struct entry *entry)
{
    switch (layout->line_table) {
    case GS_LINES_LNOTAB_U8:
    case GS_LINES_LNOTAB_I8:
        return next_lnotab(code, pos, layout->line_table == GS_LINES_LNOTAB_I8, entry);
    case GS_LINES_PEP626:
        return next_pep626(code, pos, entry);
    default:
        return next_pep657(code, pos, entry);
    }
}

static void pass(struct gs_line_mark *mark, const struct entry *entry)
{
    mark->at += entry->bytes;
    mark->line += entry->before + entry->after;
    mark->any_line |= entry->has_line && entry->bytes > 0;
}

void gs_code_mark_lines(const struct gs_layout *layout, struct gs_code *code)
{
    struct gs_line_mark mark = {.line = code->first_line};
    struct entry entry;
    size_t room = code->line_bytes / GS_LINE_MARK_BYTES;
    code->marks = room > 0 ? calloc(room, sizeof *code->marks) : NULL;
    code->mark_count = 0;
    bool more = code->marks != NULL;
    if (more && layout->line_table == GS_LINES_PEP657)
        skip_columns(code, &mark.pos);
    while (more) {
        if (mark.pos / GS_LINE_MARK_BYTES > code->mark_count)
            code->marks[code->mark_count++] = mark;
        more = next(layout, code, &mark.pos, &entry);
        if (more)
            pass(&mark, &entry);
    }
}

/* The last mark at or before the instruction; the beginning where there is none. */
static struct gs_line_mark mark_before(const struct gs_code *code, uint32_t instr)
{
    size_t behind = GS_FIRST_NOT(i, code->mark_count, code->marks[i].at <= instr);
    return behind > 0 ? code->marks[behind - 1] : (struct gs_line_mark){.line = code->first_line};
}

static int as_line(int64_t line)
{
    return line > 0 && line <= INT32_MAX ? (int)line : 0;
}

/* The compiler's own instructions have no line. At the beginning of a function they prepare the frame, which belongs
 * to the line of its definition; elsewhere CPython's traceback names none either. */
static int no_line(const struct gs_code *code, const struct gs_line_mark *mark)
{
    return mark->any_line || code->first_line < 0 ? 0 : code->first_line;
}

int gs_code_line(const struct gs_layout *layout, const struct gs_code *code, int instr)
{
    struct entry entry;
    if (!code->lines)
        return 0;
    if (instr < 0)
        return code->first_line < 0 ? 0 : code->first_line;
    struct gs_line_mark mark = mark_before(code, (uint32_t)instr);
    while (next(layout, code, &mark.pos, &entry)) {
        if ((uint32_t)instr - mark.at < entry.bytes)
            return entry.has_line ? as_line(mark.line + entry.before) : no_line(code, &mark);
        pass(&mark, &entry);
    }
    /* The last line of the oldest tables goes on to the end. */
    bool open = layout->line_table == GS_LINES_LNOTAB_U8 || layout->line_table == GS_LINES_LNOTAB_I8;
    return open ? as_line(mark.line) : 0;
}
