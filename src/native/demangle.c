/* Names of C++ and Rust and of Cython, the first two by libiberty's reader of them; what a hostile name unfolds to is
 * cut off as it comes. */
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "native/symbols.h"

enum { MANGLED_MAX = 2048 /* bytes: a longer name is left as it is */ };

struct room {
    char *dst;
    size_t len, size;
    jmp_buf full;
};

/* False: it did not fit whole. */
static bool put(struct room *room, const char *text, size_t len)
{
    size_t left = room->size - 1 - room->len, part = len < left ? len : left;
    memcpy(room->dst + room->len, text, part);
    room->len += part;
    room->dst[room->len] = '\0';
    return part == len;
}

static void append(const char *text, size_t len, void *room)
{
    if (!put(room, text, len)) /* the library has taken nothing that is to be given back */
        longjmp(((struct room *)room)->full, 1);
}

/* False: it is not mangled. */
static bool unfold(const char *name, struct room *room)
{
    if (setjmp(room->full))
        return true;
    if (rust_demangle_callback(name, 0, append, room))
        return true;
    room->len = 0;
    return cplus_demangle_v3_callback(name, DMGL_PARAMS | DMGL_ANSI, append, room);
}

/* What Cython makes of a function's name (Cython/Compiler/Symtab.py): a prefix, the module, the classes and so on, each
 * behind its length, and the name, which a number stands before unless C alone calls it. */
static bool unfold_cython(const char *name, struct room *room)
{
    static const struct {
        const char *prefix;
        bool numbered;
    } kinds[] = {{"__pyx_pw_", true}, {"__pyx_pf_", true}, {"__pyx_gb_", true}, {"__pyx_f_", false}};
    const char *at = NULL;
    bool numbered = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !at; i++) {
        size_t len = strlen(kinds[i].prefix);
        at = strncmp(name, kinds[i].prefix, len) == 0 ? name + len : NULL;
        numbered = kinds[i].numbered;
    }
    if (!at)
        return false;
    for (;;) {
        char *text;
        unsigned long len = isdigit((unsigned char)*at) ? strtoul(at, &text, 10) : 0;
        bool part =
            len > 0 && len < strlen(text) && text[len] == '_' && (!numbered || isdigit((unsigned char)text[len + 1]));
        if (!part)
            break;
        put(room, text, len);
        put(room, ".", 1);
        at = text + len + 1;
    }
    at += numbered ? strspn(at, "0123456789") : 0;
    bool parts = room->len > 0;
    put(room, at, strlen(at));
    return parts && *at;
}

void gs_demangle(const char *name, char *dst, size_t size)
{
    struct room room = {.dst = dst, .size = size};
    size_t len = strnlen(name, MANGLED_MAX);
    dst[0] = '\0';
    if (len < MANGLED_MAX && strncmp(name, "__pyx_", 6) == 0 && unfold_cython(name, &room))
        return;
    if (len < MANGLED_MAX && name[0] == '_' && (name[1] == 'Z' || name[1] == 'R') && unfold(name, &room))
        return;
    len = len < size ? len : size - 1;
    memcpy(dst, name, len);
    dst[len] = '\0';
}
