/* Where things lie in one CPython: the only thing that differs between versions.
 *
 * The names of the fields are the rows of python-offsets/fields.def, those of the facts the rows of
 * python-offsets/facts.def; the values of a version come from python-offsets/cpython-X.Y.def and, from 3.13 on, from
 * the target's own _Py_DebugOffsets (Include/internal/pycore_runtime.h in 3.13, pycore_debug_offsets.h from 3.14). */
#ifndef GILSPY_LAYOUT_H
#define GILSPY_LAYOUT_H

#include <stdint.h>

#include "gilspy/mem.h"
#include "gilspy/status.h"

/* A field that this Python does not have. */
#define GS_ABSENT (-1)

/* PY_VERSION_HEX: 0xMMmmppLS, L = a, b, c or f. */
#define GS_VERSION(major, minor) ((uint32_t)(major) << 24 | (uint32_t)(minor) << 16)
#define GS_VERSION_MAJOR(hex)    ((hex) >> 24 & 0xff)
#define GS_VERSION_MINOR(hex)    ((hex) >> 16 & 0xff)
#define GS_VERSION_MICRO(hex)    ((hex) >> 8 & 0xff)

/* The values that facts take; the meaning stands in facts.def. */
enum { GS_LINES_LNOTAB_U8, GS_LINES_LNOTAB_I8, GS_LINES_PEP626, GS_LINES_PEP657 };
enum {
    GS_ATTR_DICTOFFSET,    /* a dict pointer at object + tp_dictoffset */
    GS_ATTR_VALUES_BEFORE, /* Py_TPFLAGS_MANAGED_DICT: values at object - 32, dict at object - 24 */
    GS_ATTR_TAGGED_BEFORE, /* MANAGED_DICT: one word at object - 24, odd: values (+1), even: dict */
    GS_ATTR_INLINE         /* Py_TPFLAGS_INLINE_VALUES: values at object + tp_basicsize while valid, else the dict
                            * pointer at object + managed_dict */
};
enum { GS_EVALUATOR_EX /* PyEval_EvalFrameEx */, GS_EVALUATOR_DEFAULT /* _PyEval_EvalFrameDefault */ };
enum { GS_LOCK_SEMAPHORE, GS_LOCK_MUTEX };
enum { GS_GIL_SEMAPHORE, GS_GIL_STATICS, GS_GIL_RUNTIME, GS_GIL_INTERPRETER };

struct gs_layout {
    uint32_t version; /* PY_VERSION_HEX of the target, 0xff in the micro byte when only X.Y is known */
    bool debug;       /* Py_DEBUG */
    bool free_threaded;
    bool self_described; /* offsets taken from the target's _Py_DebugOffsets */
    int32_t head_bytes;  /* size of PyObject: 16, or 32 (2.7-3.7 debug, --with-trace-refs, free-threaded) */
    /* Byte offsets from the start of the struct, GS_ABSENT where the version has no such field. */
#define FIELD(id, kind, width, struct_name, paths) int32_t id;
#include "../../python-offsets/fields.def"
#undef FIELD
    /* Facts: enum values and small numbers, see facts.def. */
#define FACT(id, ...) int32_t id;
#include "../../python-offsets/facts.def"
#undef FACT
};

/* The table of a version for a release build with 16-byte object heads; micro-version drift is applied. Fails with
 * GS_UNKNOWN_PYTHON, err then says which versions are known. `assume`: GS_VERSION(x, y) whose table is used for a
 * version that has none, or 0. */
enum gs_status gs_layout_from_table(struct gs_layout *layout, uint32_t version, uint32_t assume,
                                    struct gs_err *err) GS_MUST_CHECK;

/* Moves every field that lies inside an object by head_bytes - 16. */
void gs_layout_set_head(struct gs_layout *layout, int32_t head_bytes);

/* The cookie "xdebugpy", or not. Reads the target's own table at `runtime` (the address of _PyRuntime), checks every
 * value against plausible bounds once, and builds the layout from it, completed by the version's table.
 * GS_NOT_PYTHON when there is no cookie, GS_UNKNOWN_PYTHON for a version without table or a pre-release of a known one
 * whose layout changed before its final, GS_FAILED when the table is implausible. */
enum gs_status gs_layout_from_target(struct gs_layout *layout, struct gs_mem *mem, gs_addr runtime, uint32_t assume,
                                     struct gs_err *err) GS_MUST_CHECK;

/* "2.7, 3.6-3.15" */
const char *gs_layout_known_versions(void);

#endif
