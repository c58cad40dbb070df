/* One look at one thread, with the C frames above its innermost Python frame. */
#include "cmd/exact_holds.h"
#include "sample/merge.h"

/* Names what the merged frames begin with. */
static bool name_frames(struct gs_look *look, const struct gs_thread *thread, struct gs_exact_seen *seen)
{
    struct gs_native *natives = gs_reader_natives(look->reader);
    struct gs_native_telling telling = {.count = 0};
    struct gs_lookup lookup = gs_look_lookup(look);
    struct gs_frame_info info = {0};
    uint32_t i = 0;
    for (; i < thread->frame_count && thread->frames[i].kind == GS_FRAME_NATIVE; i++) {
        const struct gs_native_name *name = gs_native_name(natives, thread->frames[i].code);
        gs_native_tell(&telling, name->function, name->module);
    }
    bool whole = i < thread->frame_count && thread->frames[i].kind == GS_FRAME_PYTHON;
    if (telling.count > 0 && (telling.tells || whole)) {
        const struct gs_native_name *name = gs_native_name(natives, thread->frames[telling.told].code);
        seen->native =
            (struct gs_place){.function = name->function, .file = "", .module = name->module, .kind = GS_FRAME_NATIVE};
    }
    while (i < thread->frame_count && thread->frames[i].kind != GS_FRAME_PYTHON)
        i++;
    if (i == thread->frame_count || !lookup.frame(lookup.context, &thread->frames[i], &info) || !info.function)
        return false;
    seen->place = (struct gs_place){.function = info.function,
                                    .qualname = info.qualname,
                                    .file = info.file ? info.file : "",
                                    .line = info.line,
                                    .kind = GS_FRAME_PYTHON};
    return true;
}

static bool see(void *context, pid_t tid, struct gs_exact_seen *seen, const struct gs_snapshot **snapshot)
{
    struct gs_look *look = context;
    bool known = false;
    size_t count = 0;
    *seen = (struct gs_exact_seen){.native.function = NULL};
    *snapshot = NULL;
    if (gs_reader_native(look->reader, GS_NATIVE_LEAF, tid) != GS_OK)
        return false;
    struct gs_merge *merge = gs_merge_new();
    if (!merge || gs_reader_take(look->reader, snapshot) != GS_OK)
        *snapshot = NULL;
    const struct gs_thread *threads = *snapshot ? gs_merge_threads(merge, *snapshot, &count) : NULL;
    for (size_t i = 0; threads && i < count; i++) {
        if (threads[i].tid == tid && threads[i].gil == GS_HOLDS)
            known = name_frames(look, &threads[i], seen);
    }
    gs_merge_free(merge);
    return gs_reader_native(look->reader, GS_NATIVE_NONE, 0) == GS_OK && known;
}

struct gs_exact_subject gs_exact_subject_of(struct gs_look *look)
{
    return (struct gs_exact_subject){look->python, look->reader, look->names, {look, see}};
}
