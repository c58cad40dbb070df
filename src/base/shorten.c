/* One pass: what stands in <>, () and [] is left out, but for what begins a path of Rust or names an operator. */
#include <string.h>

#include "base/shorten.h"

enum { DEPTH_MAX = 64 };

struct writer {
    char *dst;
    size_t size, len;
};

static void put(struct writer *writer, const char *text, size_t len)
{
    for (size_t i = 0; i < len && writer->len + 1 < writer->size; i++)
        writer->dst[writer->len++] = text[i];
}

static bool ends_in(const struct writer *writer, const char *text)
{
    size_t len = strlen(text);
    return writer->len >= len && memcmp(writer->dst + writer->len - len, text, len) == 0;
}

/* How long what opens here is, with what closes it; as long as the rest when nothing does. */
static size_t enclosed(const char *text)
{
    char closing[DEPTH_MAX];
    size_t depth = 0, i = 0;
    for (; text[i]; i++) {
        const char *opens = strchr("<([{", text[i]);
        bool arrow = i > 0 && text[i] == '>' && text[i - 1] == '-';
        if (opens && depth < DEPTH_MAX)
            closing[depth++] = ">)]}"[opens - "<([{"];
        else if (depth > 0 && text[i] == closing[depth - 1] && !arrow && --depth == 0)
            return i + 1;
    }
    return i;
}

/* "operator<", "operator()", "operator new[]" and the like: how long the operator is that stands at text; 0: none. */
static size_t operator_len(const char *text)
{
    static const char *const signs[] = {"()", "[]", "<=>", "<<=", ">>=",    "->*",       "<<",   ">>",     "<=",
                                        ">=", "->", "<",   ">",   " new[]", " delete[]", " new", " delete"};
    static const char word[] = "operator";
    if (strncmp(text, word, sizeof word - 1) != 0)
        return 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (strncmp(text + sizeof word - 1, signs[i], strlen(signs[i])) == 0)
            return sizeof word - 1 + strlen(signs[i]);
    }
    return 0;
}

static void shorten(const char *name, size_t len, struct writer *writer, int depth);

/* "<A as B>" of Rust is A, "<A>" too; "<[u8]>" and what is nested too deep stay as they are. */
static void put_type(const char *inside, size_t len, struct writer *writer, int depth)
{
    size_t end = 0;
    while (end < len && strncmp(inside + end, " as ", 4) != 0)
        end += strchr("<([{", inside[end]) ? enclosed(inside + end) : 1;
    end = end < len ? end : len;
    while (end > 0 && (*inside == '&' || *inside == '*')) {
        inside++;
        end--;
    }
    if (depth > 0 && end > 0 && *inside != '[' && *inside != '(')
        shorten(inside, end, writer, depth - 1);
    else
        put(writer, inside, end);
}

static void shorten(const char *name, size_t len, struct writer *writer, int depth)
{
    size_t begin = writer->len;
    for (size_t i = 0; i < len;) {
        size_t sign = operator_len(name + i), whole = strchr("<([", name[i]) ? enclosed(name + i) : 1;
        whole = whole < len - i ? whole : len - i;
        if (sign > 0) {
            put(writer, name + i, sign < len - i ? sign : len - i);
            i += sign;
        } else if (name[i] == '<' && writer->len == begin && whole > 2) {
            put_type(name + i + 1, whole - 2, writer, depth);
            i += whole;
        } else if (name[i] == '<') {
            if (ends_in(writer, "::"))
                writer->len -= 2; /* f::<T> */
            i += whole;
        } else if (name[i] == '(' && strncmp(name + i, "(anonymous namespace)", 21) == 0) {
            put(writer, name + i, 21);
            i += 21;
        } else if (name[i] == '(' || strncmp(name + i, " [clone", 7) == 0) {
            return; /* its parameters, or that it is a copy */
        } else if (name[i] == ' ') {
            if (name[i + 1] != '<')  /* operator< <int> */
                writer->len = begin; /* what stood here was the type that it returns */
            i++;
        } else {
            put(writer, name + i, whole);
            i += whole;
        }
    }
}

void gs_shorten(const char *name, char *dst, size_t size)
{
    struct writer writer = {dst, size, 0};
    if (size == 0)
        return;
    size_t len = strlen(name);
    bool plain = !strpbrk(name, "<( ") || *name == '[' || (*name == '<' && !strstr(name, "::"));
    if (plain)
        put(&writer, name, len);
    else
        shorten(name, len, &writer, 4);
    if (writer.len == 0)
        put(&writer, name, len);
    dst[writer.len] = '\0';
}

const char *gs_called(const char *function, const char *qualname, bool native, char room[GS_CALLED])
{
    static const char local[] = "<locals>.";
    if (native) {
        gs_shorten(function, room, GS_CALLED);
        return room;
    }
    if (!qualname || !*qualname)
        return function;
    for (const char *at; (at = strstr(qualname, local));)
        qualname = at + sizeof local - 1;
    return *qualname ? qualname : function;
}

bool gs_called_address(const char *function, const char *module)
{
    size_t len = strlen(module);
    return strncmp(function, module, len) == 0 && strncmp(function + len, "+0x", 3) == 0;
}
