/* Finding the interpreter of an image that has lost its symbols, by what its data looks like: for the sources of this
 * folder. */
#ifndef GS_PYTHON_SCAN_H
#define GS_PYTHON_SCAN_H

#include "elf/image.h"
#include "gilspy/python.h"

/* An image whose writable data was copied. */
struct gs_scan {
    struct gs_python *python;
    const struct gs_image *image;
    struct gs_layout layout; /* of the version that the data names, up to 3.12 */
    struct gs_task *tasks;   /* the threads of the process */
    size_t task_count;
    gs_addr start; /* of the copy */
    uint64_t *words;
    size_t count;
    uint64_t effort_left; /* what gs_scan_is_interpreter may cost in all */
    gs_addr main_interp;  /* what gs_scan_is_interpreter found: the last of the list, */
    uint64_t main_thread; /* and the ident of its first thread */
};

/* Looks into the images of the process, as far as something speaks for a Python in them. GS_OK: python->library and
 * the anchors that can be told are set, up to 3.12 python->layout too, and *image is the one. GS_NOT_PYTHON: there is
 * none, err is left alone. GS_UNKNOWN_PYTHON: there is one of no known version. */
enum gs_status gs_scan_process(struct gs_python *python, struct gs_image *image, uint32_t assume,
                               struct gs_err *err) GS_MUST_CHECK;

/* ---- scan_check.c ---- */

/* Writable memory may begin at addr, as objects and structs do. */
bool gs_scan_mapped(const struct gs_scan *scan, gs_addr addr);
/* The interpreter at addr stands up to scrutiny: its threads, its modules, the interpreters behind it. The layout's
 * head_bytes is set to what fits, and main_interp and main_thread are. */
bool gs_scan_is_interpreter(struct gs_scan *scan, gs_addr addr);
/* The runtime that would have `interp` in its word for the newest interpreter fits in with the rest. */
bool gs_scan_is_runtime(const struct gs_scan *scan, gs_addr runtime, gs_addr interp);

/* ---- scan_statics.c ---- */

/* The variables of 2.7 and 3.6, as far as they can be told. words: those that may point to the newest interpreter, at
 * least one. */
void gs_scan_statics(const struct gs_scan *scan, const gs_addr *words, size_t count);

#endif
