/* Every word of _Py_DebugOffsets in images of processes, set to every value that goes wrong: the table is refused, or
 * what is accepted lies within bounds, and a dump by it comes to its end.
 *
 *   offsets IMAGE... */
#include <locale.h>
#include <stdio.h>

#include "fuzz/book.h"
#include "fuzz/image.h"
#include "fuzz/mutate.h"
#include "fuzz/offsets.h"
#include "fuzz/show.h"

enum { FILE_MAX = 1 << 20 };

struct counts {
    size_t refused, accepted, shown;
};

static void try_one(struct counts *counts, const uint8_t *image, size_t size, gs_addr runtime, gs_addr at,
                    uint64_t value)
{
    struct gs_target *target = image_target(image, size);
    struct gs_layout layout;
    struct gs_err err;
    struct show show;
    book_put64(target->mem, at, value);
    bool accepted = gs_layout_from_target(&layout, target->mem, runtime, 0, &err) == GS_OK;
    counts->refused += !accepted;
    counts->accepted += accepted;
    if (accepted)
        offsets_check(&layout);
    show_target(&show, target, true);
    counts->shown += show.text != NULL;
    show_fini(&show);
    gs_target_close(target);
}

/* The address of the runtime and the size of its table; false: it has none. */
static bool find_table(const uint8_t *image, size_t size, gs_addr *runtime, size_t *bytes)
{
    struct gs_target *target = image_target(image, size);
    struct gs_python *python;
    struct gs_err err;
    if (!target || gs_python_open(&python, target, NULL, &err))
        return false;
    const struct gs_layout_version *version = gs_layout_version_find(python->layout.version, 0);
    bool found = python->layout.self_described && version;
    *runtime = python->at.runtime;
    *bytes = found ? version->self_bytes : 0;
    gs_python_close(python);
    gs_target_close(target);
    return found;
}

static bool try_all(const char *path)
{
    static uint8_t image[FILE_MAX];
    struct counts counts = {0};
    gs_addr runtime;
    size_t bytes;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(image, 1, sizeof image, file) : 0;
    if (file)
        fclose(file);
    if (!find_table(image, size, &runtime, &bytes)) {
        fprintf(stderr, "%s: no table of offsets\n", path);
        return false;
    }
    for (size_t at = 8; at < bytes; at += 8) {
        for (size_t i = 0; i < MUTATE_EXTREMES; i++)
            try_one(&counts, image, size, runtime, runtime + at, mutate_extremes[i]);
        struct gs_target *target = image_target(image, size);
        uint64_t word = 0;
        if (gs_mem_read(target->mem, runtime + at, &word, sizeof word))
            word = 0;
        gs_target_close(target);
        for (uint64_t delta = 1; delta < 64; delta *= 2) {
            try_one(&counts, image, size, runtime, runtime + at, word + delta);
            try_one(&counts, image, size, runtime, runtime + at, word - delta);
        }
    }
    printf("%s: %zu refused, %zu accepted, %zu dumps\n", path, counts.refused, counts.accepted, counts.shown);
    return counts.refused > 0 && counts.accepted > 0;
}

int main(int argc, char **argv)
{
    bool ok = argc > 1;
    setlocale(LC_CTYPE, "C.UTF-8");
    for (int i = 1; i < argc; i++)
        ok &= try_all(argv[i]);
    return ok ? 0 : 1;
}
