/* Python objects made by hand, in the shape of any version that has a table. */
#ifndef TESTS_OBJECTS_FAKE_H
#define TESTS_OBJECTS_FAKE_H

#include "gilspy/python.h"

enum { OBJECTS_TYPES = 16, OBJECTS_ARENA_BYTES = 1 << 20 };
#define OBJECTS_ARENA UINT64_C(0x7f5500000000)

struct objects {
    struct gs_layout layout;
    struct gs_mem *mem;
    gs_addr next; /* where the next object goes */
    struct {
        const char *name;
        gs_addr addr;
    } types[OBJECTS_TYPES];
};

/* Every version that has a table, as GS_VERSION. */
extern const uint32_t objects_versions[];
extern const size_t objects_version_count;

void objects_init(struct objects *o, uint32_t version);
void objects_fini(struct objects *o);

/* Zeroed bytes in the target, aligned as objects are. */
gs_addr objects_alloc(struct objects *o, size_t bytes);
void objects_put8(struct objects *o, gs_addr addr, uint8_t value);
void objects_put64(struct objects *o, gs_addr addr, uint64_t value);
void objects_put32(struct objects *o, gs_addr addr, uint32_t value);

/* The type of that name, made at first use, with the flags that CPython's has. */
gs_addr objects_type(struct objects *o, const char *name);
/* A class of a program's own. */
gs_addr objects_class(struct objects *o, const char *name, uint64_t flags);
/* `bytes` counts what follows the object head. */
gs_addr objects_new(struct objects *o, gs_addr type, size_t bytes);

/* The version's own kind of native string: 3.x str, 2.7 str. */
gs_addr objects_str(struct objects *o, const char *ascii);
/* 3.x only: a compact str of units that wide. */
gs_addr objects_wide(struct objects *o, unsigned unit_bytes, const uint32_t *points, size_t count);
gs_addr objects_bytes(struct objects *o, const void *bytes, size_t len);
/* 2.7's int, 3.x's int. */
gs_addr objects_int(struct objects *o, int64_t value);
/* 2.7's long, 3.x's int, of 30-bit digits. */
gs_addr objects_long(struct objects *o, bool negative, const uint32_t *digits, size_t count);
gs_addr objects_tuple(struct objects *o, const gs_addr *items, size_t count);
gs_addr objects_list(struct objects *o, const gs_addr *items, size_t count);
/* pairs: key, value, key, value, ... A dict with a table of its own. */
gs_addr objects_dict(struct objects *o, const gs_addr *pairs, size_t count);
/* A table of keys, not from 2.7; string_keys: the kind without hashes of 3.11 on. Values may be NULL: shared keys. */
gs_addr objects_keys(struct objects *o, const gs_addr *pairs, size_t count, bool string_keys);

/* A code object. Everything is as in `template`, whose addr is ignored. */
struct objects_code {
    const char *name, *file;
    int32_t first_line, args, keyword_args, flags, stack, frame;
    const char *locals[4], *cells[4], *frees[4]; /* ended by NULL */
    const uint8_t *lines;
    size_t line_bytes;
    size_t code_bytes;
};
gs_addr objects_code(struct objects *o, const struct objects_code *template);

#endif
