/* Names of C++ and Rust, by libiberty's reader of them; what a hostile name unfolds to is cut off as it comes. */
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

#include "native/symbols.h"

enum { MANGLED_MAX = 2048 /* bytes: a longer name is left as it is */ };

struct room {
    char *dst;
    size_t len, size;
    jmp_buf full;
};

static void append(const char *text, size_t len, void *context)
{
    struct room *room = context;
    size_t left = room->size - 1 - room->len, part = len < left ? len : left;
    memcpy(room->dst + room->len, text, part);
    room->len += part;
    room->dst[room->len] = '\0';
    if (part < len) /* the library has taken nothing that is to be given back */
        longjmp(room->full, 1);
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

void gs_demangle(const char *name, char *dst, size_t size)
{
    struct room room = {.dst = dst, .size = size};
    size_t len = strnlen(name, MANGLED_MAX);
    dst[0] = '\0';
    if (len < MANGLED_MAX && name[0] == '_' && (name[1] == 'Z' || name[1] == 'R') && unfold(name, &room))
        return;
    len = len < size ? len : size - 1;
    memcpy(dst, name, len);
    dst[len] = '\0';
}
