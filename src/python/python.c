/* Opening the CPython of a target: locate, version, layout, anchors. */
#include <stdlib.h>
#include <string.h>

#include "python/libc.h"
#include "python/locate.h"

/* PyObject has 16 bytes or 32 (Py_TRACE_REFS, which debug builds up to 3.7 imply): `type` is its own type. */
static int32_t head_bytes(struct gs_mem *mem, const struct gs_image *image)
{
    gs_addr words[4], type = gs_image_symbol(image, "PyType_Type");
    if (type && gs_mem_read(mem, type, words, sizeof words) == GS_OK && words[1] != type && words[3] == type)
        return 32;
    return 16;
}

static enum gs_status choose_layout(struct gs_python *python, const struct gs_image *image, uint32_t assume,
                                    struct gs_err *err)
{
    enum gs_status status = GS_NOT_PYTHON;
    if (python->layout.version)
        status = GS_OK; /* it was needed to find the interpreter */
    else if (python->at.runtime)
        status = gs_layout_from_target(&python->layout, python->mem, python->at.runtime, assume, err);
    if (status == GS_NOT_PYTHON) { /* no table of its own: up to 3.12 */
        uint32_t version;
        status = gs_version_find(python, image, &version, err);
        if (!status)
            status = gs_layout_from_table(&python->layout, version, assume, err);
        if (!status)
            gs_layout_set_head(&python->layout, head_bytes(python->mem, image));
    }
    if (!status)
        gs_version_print(python->layout.version, python->version, sizeof python->version);
    return status;
}

static enum gs_status set_anchors(struct gs_python *python, const struct gs_image *image, struct gs_err *err)
{
    const struct gs_layout *layout = &python->layout;
    struct gs_anchors *at = &python->at;
    if (at->runtime) {
        at->interp_head = at->runtime + (gs_addr)layout->rt_interpreters_head;
        at->current = layout->rt_tstate_current == GS_ABSENT ? 0 : at->runtime + (gs_addr)layout->rt_tstate_current;
        return GS_OK;
    }
    if (!at->interp_head)
        gs_locate_statics(python, image);
    if (!at->interp_head)
        return gs_fail(err, GS_UNKNOWN_PYTHON, "the interpreter of the Python %s in process %d cannot be found",
                       python->version, (int)python->target->pid);
    return GS_OK;
}

static enum gs_status open_python(struct gs_python *python, uint32_t assume, struct gs_err *err)
{
    struct gs_image image;
    enum gs_status status = gs_locate(python, &image, assume, err);
    if (!status)
        status = choose_layout(python, &image, assume, err);
    if (!status)
        status = set_anchors(python, &image, err);
    if (status)
        return status;
    python->foreign_libc = gs_libc_is_foreign(python);
    /* Objects/object.c, Py_REF_DEBUG; without symbols the heads tell, up to 3.7. */
    python->layout.debug = gs_image_symbol(&image, "_Py_NegativeRefcount") != 0 ||
                           (python->layout.head_bytes == 32 && !python->layout.free_threaded);
    return status;
}

enum gs_status gs_python_open(struct gs_python **out, struct gs_target *target, const struct gs_python_options *options,
                              struct gs_err *err)
{
    struct gs_python *python = calloc(1, sizeof *python);
    if (!python)
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    python->target = target;
    python->mem = target->mem;
    enum gs_status status = open_python(python, options ? options->assume : 0, err);
    if (status) {
        gs_python_close(python);
        /* A process that ends takes its memory along first. */
        return gs_target_check(target) != GS_GONE
                   ? status
                   : gs_fail(err, GS_NO_PROCESS, "process %d has ended", (int)target->pid);
    }
    *out = python;
    return GS_OK;
}

void gs_python_close(struct gs_python *python)
{
    if (!python)
        return;
    free(python->library);
    free(python->note);
    free(python);
}

const char *gs_python_build(const struct gs_python *python)
{
    static const char *const names[2][2] = {{"release", "debug"}, {"free-threaded", "free-threaded-debug"}};
    return names[python->layout.free_threaded][python->layout.debug];
}
