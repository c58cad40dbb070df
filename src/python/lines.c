/* From an instruction to its source line: the four generations of CPython's line tables. */
#include "gilspy/python.h"

/* Pairs (code bytes, lines). The line of the last pair that begins at or before the instruction counts. */
static int lnotab_line(const struct gs_code *code, uint32_t instr, bool signed_lines)
{
    uint32_t at = 0;
    int64_t line = code->first_line;
    for (uint32_t i = 0; i + 1 < code->line_bytes; i += 2) {
        at += code->lines[i];
        if (at > instr)
            break;
        uint8_t delta = code->lines[i + 1];
        line += signed_lines ? (int8_t)delta : delta;
    }
    return line > 0 && line <= INT32_MAX ? (int)line : 0;
}

/* Walks ranges of code: gives the line of the one that holds the instruction. */
struct ranges {
    const struct gs_code *code;
    uint32_t instr;
    uint32_t at;   /* where the next range begins */
    int64_t line;  /* carried from range to range */
    bool any_line; /* a range before this one had a line */
};

/* The compiler's own instructions have no line. At the beginning of a function they prepare the frame, which belongs
 * to the line of its definition; elsewhere CPython's traceback names none either. */
static int no_line(const struct ranges *r)
{
    return r->any_line || r->code->first_line < 0 ? 0 : r->code->first_line;
}

/* True when the instruction lies in the range of `bytes` bytes. */
static bool in_range(struct ranges *r, uint32_t bytes, bool has_line, int *line)
{
    if (r->instr - r->at < bytes) {
        *line = !has_line ? no_line(r) : r->line > 0 && r->line <= INT32_MAX ? (int)r->line : 0;
        return true;
    }
    r->at += bytes;
    r->any_line |= has_line && bytes > 0;
    return false;
}

static int pep626_line(const struct gs_code *code, uint32_t instr)
{
    struct ranges r = {code, instr, 0, code->first_line, false};
    int line;
    for (uint32_t i = 0; i + 1 < code->line_bytes; i += 2) {
        int8_t delta = (int8_t)code->lines[i + 1];
        bool has_line = delta != INT8_MIN;
        if (has_line)
            r.line += delta;
        if (in_range(&r, code->lines[i], has_line, &line))
            return line;
    }
    return 0;
}

/* Six bits a byte, the lowest first; bit 6: more follow. False at the end of the table. */
static bool varint(const struct gs_code *code, uint32_t *pos, uint32_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *pos < code->line_bytes; shift += 6) {
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

static int pep657_line(const struct gs_code *code, uint32_t instr)
{
    struct ranges r = {code, instr, 0, code->first_line, false};
    int line;
    for (uint32_t pos = 0; pos < code->line_bytes;) {
        uint8_t first = code->lines[pos++];
        unsigned form = first >> 3 & 15;
        int64_t delta;
        /* An entry begins with a byte that has bit 7 set; the columns that follow have not. */
        if (!(first & 128))
            continue;
        if (!entry_delta(code, &pos, form, &delta))
            return 0;
        r.line += delta;
        if (in_range(&r, ((first & 7u) + 1) * 2, form != NO_LINE, &line))
            return line;
    }
    return 0;
}

int gs_code_line(const struct gs_layout *layout, const struct gs_code *code, int instr)
{
    if (instr < 0)
        return code->first_line < 0 ? 0 : code->first_line;
    switch (layout->line_table) {
    case GS_LINES_LNOTAB_U8:
    case GS_LINES_LNOTAB_I8:
        return lnotab_line(code, (uint32_t)instr, layout->line_table == GS_LINES_LNOTAB_I8);
    case GS_LINES_PEP626:
        return pep626_line(code, (uint32_t)instr);
    default:
        return pep657_line(code, (uint32_t)instr);
    }
}
