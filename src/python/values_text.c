/* Reprs of text: quoted and escaped as Python does, so that nothing in it can be mistaken or do harm. */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "python/values.h"

enum { PIECE = 200 /* characters that are read at once */ };

/* Invisible, or changes how what stands around it is shown: escaped, as what is below 0x20. First and last. */
static const uint32_t hidden[][2] = {
    {0x7f, 0xa0},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202f},
    {0x205f, 0x206f}, {0xd800, 0xdfff}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff},
};

static bool is_hidden(uint32_t code_point)
{
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (code_point - hidden[i][0] <= hidden[i][1] - hidden[i][0])
            return true;
    }
    return code_point < 0x20;
}

void gs_repr_ascii(struct gs_repr *repr, const char *text)
{
    /* All of it or nothing: a cut must not fall into an escape. */
    if (repr->out.size - repr->out.len <= strlen(text))
        repr->out.full = true;
    for (; *text; text++)
        gs_utf8_put(&repr->out, (uint8_t)*text);
}

void gs_repr_unreadable(struct gs_repr *repr)
{
    gs_repr_ascii(repr, repr->left > 0 ? "<unreadable>" : "...");
}

static void put_escaped(struct gs_repr *repr, uint32_t code_point, uint32_t quote)
{
    static const struct {
        uint32_t code_point;
        const char *escape;
    } letters[] = {{'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"}, {'\\', "\\\\"}};
    char text[16];
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (code_point == letters[i].code_point) {
            gs_repr_ascii(repr, letters[i].escape);
            return;
        }
    }
    if (code_point == quote) {
        gs_repr_ascii(repr, quote == '"' ? "\\\"" : "\\'");
    } else if (!is_hidden(code_point)) {
        gs_utf8_put(&repr->out, code_point);
    } else {
        const char *format = code_point < 0x100 ? "\\x%02x" : code_point < 0x10000 ? "\\u%04x" : "\\U%08x";
        snprintf(text, sizeof text, format, code_point);
        gs_repr_ascii(repr, text);
    }
}

/* Characters of a string, or bytes of bytes. */
struct text {
    uint32_t points[PIECE];
    size_t count;
};

/* Single quotes, unless there are some in the text and no double ones. */
static uint32_t quote_of(const struct text *text)
{
    bool one = false, two = false;
    for (size_t i = 0; i < text->count; i++) {
        one |= text->points[i] == '\'';
        two |= text->points[i] == '"';
    }
    return one && !two ? '"' : '\'';
}

static void put_points(struct gs_repr *repr, const struct text *text, uint32_t quote, bool bytes)
{
    char escape[8];
    for (size_t i = 0; i < text->count; i++) {
        if (bytes && text->points[i] >= 0x7f) {
            snprintf(escape, sizeof escape, "\\x%02x", (unsigned)text->points[i] & 0xff);
            gs_repr_ascii(repr, escape);
        } else {
            put_escaped(repr, text->points[i], quote);
        }
    }
}

/* Decodes so many units of a string, whose beginning is in `near`, from `from` on. */
static enum gs_status read_text(struct gs_repr *repr, const struct gs_near *near, const struct gs_str *str,
                                uint64_t from, size_t units, struct text *text)
{
    uint8_t raw[PIECE * 4];
    size_t len = units * str->unit_bytes;
    enum gs_status status = len ? gs_near_read(near, repr->mem, str->data + from * str->unit_bytes, raw, len) : GS_OK;
    if (status)
        return status;
    text->count = 0;
    for (size_t pos = 0; pos < len;)
        text->points[text->count++] = gs_str_next(str, raw, len, &pos);
    return GS_OK;
}

/* The string between quotes, as much of it as is to be shown; prefix: "b", "u" or "". */
static void put_text(struct gs_repr *repr, const struct gs_near *near, const struct gs_str *str, const char *prefix,
                     bool bytes)
{
    struct text text;
    size_t limit = repr->depth == 0 ? repr->bounds.alone : repr->bounds.inside;
    uint64_t most = str->units < limit ? str->units : limit, done = most < PIECE ? most : PIECE;
    if (read_text(repr, near, str, 0, (size_t)done, &text)) {
        gs_repr_unreadable(repr);
        return;
    }
    uint32_t quote = quote_of(&text);
    gs_repr_ascii(repr, prefix);
    gs_utf8_put(&repr->out, quote);
    put_points(repr, &text, quote, bytes);
    while (done < most && !repr->out.full) {
        size_t count = most - done < PIECE ? (size_t)(most - done) : PIECE;
        if (read_text(repr, near, str, done, count, &text))
            break;
        put_points(repr, &text, quote, bytes);
        done += count;
    }
    gs_utf8_put(&repr->out, quote);
    if (str->units > done)
        gs_repr_ascii(repr, "...");
}

/* Reads the beginning of a string and where its characters are. */
static bool open_text(struct gs_repr *repr, gs_addr object, struct gs_near *near, struct gs_str *str)
{
    struct gs_piece piece = gs_near_piece(near, object, gs_str_head(repr->layout));
    return gs_mem_read(repr->mem, piece.addr, piece.dst, piece.len) == GS_OK &&
           gs_str_parse(repr->layout, repr->mem, &repr->types, near, str) == GS_OK;
}

void gs_repr_text(struct gs_repr *repr, gs_addr object)
{
    struct gs_near near;
    struct gs_str str;
    if (!open_text(repr, object, &near, &str)) {
        gs_repr_unreadable(repr);
        return;
    }
    bool unicode = repr->layout->uni_length != GS_ABSENT && !str.utf8; /* 2.7's */
    put_text(repr, &near, &str, unicode ? "u" : "", str.utf8);
}

static bool open_bytes(struct gs_repr *repr, gs_addr object, struct gs_near *near, struct gs_str *str)
{
    struct gs_piece piece = gs_near_piece(near, object, (size_t)repr->layout->bytes_data);
    *str = (struct gs_str){.data = object + (gs_addr)repr->layout->bytes_data, .unit_bytes = 1};
    return gs_mem_read(repr->mem, piece.addr, piece.dst, piece.len) == GS_OK &&
           gs_near_read(near, repr->mem, object + (gs_addr)repr->layout->ob_size, &str->units, sizeof str->units) ==
               GS_OK &&
           str->units <= INT64_MAX;
}

bool gs_repr_names_secret(struct gs_repr *repr, gs_addr object)
{
    char name[PIECE];
    struct gs_type type;
    struct gs_near near;
    struct gs_str str;
    struct text text;
    if (repr->secrets || !gs_type_of(&repr->types, repr->layout, repr->mem, object, &type))
        return false;
    bool is_text = gs_type_has(&type, GS_TYPE_UNICODE);
    if (!is_text && !gs_type_has(&type, GS_TYPE_BYTES))
        return false;
    if (!(is_text ? open_text(repr, object, &near, &str) : open_bytes(repr, object, &near, &str)) ||
        read_text(repr, &near, &str, 0, str.units < PIECE ? (size_t)str.units : PIECE, &text))
        return true;
    for (size_t i = 0; i < text.count; i++)
        name[i] = (char)(text.points[i] < 0x80 ? text.points[i] : 0x80);
    return gs_secret_name(name, text.count);
}

void gs_repr_bytes(struct gs_repr *repr, gs_addr object)
{
    struct gs_near near;
    struct gs_str str;
    if (!open_bytes(repr, object, &near, &str)) {
        gs_repr_unreadable(repr);
        return;
    }
    /* 2.7 has no prefix: its str is this. */
    put_text(repr, &near, &str, repr->layout->uni_length == GS_ABSENT ? "b" : "", true);
}

void gs_repr_name(struct gs_repr *repr, const char *name)
{
    const struct gs_str str = {.unit_bytes = 1, .utf8 = true};
    size_t len = strlen(name);
    for (size_t pos = 0; pos < len;)
        put_escaped(repr, gs_str_next(&str, (const uint8_t *)name, len, &pos), '\'');
}

void gs_repr_type_name(struct gs_repr *repr, gs_addr name)
{
    char raw[GS_REPR_NAME];
    if (gs_mem_read_cstr(repr->mem, name, raw, sizeof raw)) {
        gs_repr_ascii(repr, "?");
        return;
    }
    const char *dot = strrchr(raw, '.');
    gs_repr_name(repr, dot ? dot + 1 : raw);
}
