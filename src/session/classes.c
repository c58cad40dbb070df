/* Reads a class once for each frame; pages are read once for all. */
#include <stdio.h>
#include <stdlib.h>

#include "base/room.h"
#include "base/sorted.h"
#include "mem/metered.h"
#include "python/classes.h"
#include "session/classes.h"

enum { FRAMES_MOST = 4000, READS_MOST = 2 << 20 };

void gs_classes_free(struct gs_classes *classes)
{
    for (size_t i = 0; i < classes->count; i++)
        free(classes->list[i].qualname);
    free(classes->list);
    *classes = (struct gs_classes){0};
}

static void add(struct gs_classes *classes, const struct gs_frame *frame, const char *class, const char *function)
{
    char *qualname;
    if (!gs_room((void **)&classes->list, &classes->room, classes->count + 1, sizeof *classes->list) ||
        asprintf(&qualname, "%s.%s", class, function) < 0)
        return;
    classes->list[classes->count++] = (struct gs_class_frame){frame->frame, frame->code, qualname};
}

static bool below(const struct gs_class_frame *a, gs_addr frame, gs_addr code)
{
    return a->frame != frame ? a->frame < frame : a->code < code;
}

static int by_frame(const void *left, const void *right)
{
    const struct gs_class_frame *a = left, *b = right;
    return below(a, b->frame, b->code) ? -1 : below(b, a->frame, a->code);
}

void gs_classes_read(struct gs_classes *classes, const struct gs_python *python, const struct gs_codes *codes,
                     const struct gs_snapshot *snapshot)
{
    uint64_t left = READS_MOST;
    struct gs_metered metered;
    struct gs_types types = {0};
    size_t frames = 0;
    char name[GS_CLASS_NAME];
    gs_classes_free(classes);
    struct gs_mem *pages = python->layout.co_qualname == GS_ABSENT ? gs_mem_cache_new(python->mem) : NULL;
    if (!pages)
        return;
    gs_metered_init(&metered, pages, &left);
    classes->time_ns = snapshot->time_ns;
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        for (uint32_t f = 0; f < thread->frame_count && frames < FRAMES_MOST; f++, frames++) {
            const struct gs_frame *frame = &thread->frames[f];
            const struct gs_code *code = frame->kind == GS_FRAME_PYTHON ? gs_codes_find(codes, frame->code) : NULL;
            if (code && gs_class_of(python, &metered.mem, &types, frame->frame, code, name))
                add(classes, frame, name, code->function);
        }
    }
    gs_mem_free(pages);
    if (classes->count > 0)
        qsort(classes->list, classes->count, sizeof *classes->list, by_frame);
}

const char *gs_classes_find(const struct gs_classes *classes, const struct gs_snapshot *snapshot,
                            const struct gs_frame *frame)
{
    size_t at = GS_FIRST_NOT(i, classes->count, below(&classes->list[i], frame->frame, frame->code));
    bool known = at < classes->count && snapshot && snapshot->time_ns == classes->time_ns &&
                 classes->list[at].frame == frame->frame && classes->list[at].code == frame->code;
    return known ? classes->list[at].qualname : NULL;
}
