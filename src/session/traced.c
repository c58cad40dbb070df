/* Holding the process that is traced; and one look at one thread of it, with the C frames above its innermost Python
 * frame. */
#include "session/traced.h"
#include "sample/merge.h"
#include "session/signals.h"

static struct gs_place place_of(const struct gs_native_name *name)
{
    return (struct gs_place){.function = name->function, .file = "", .module = name->module, .kind = GS_FRAME_NATIVE};
}

/* Names what the merged frames begin with. */
static bool name_frames(struct gs_attach *attach, const struct gs_thread *thread, struct gs_exact_seen *seen)
{
    struct gs_native *natives = gs_reader_natives(attach->reader);
    struct gs_native_telling telling = {.count = 0};
    struct gs_lookup lookup = gs_attach_lookup(attach);
    struct gs_frame_info info = {0};
    uint32_t i = 0;
    for (; i < thread->frame_count && thread->frames[i].kind == GS_FRAME_NATIVE; i++) {
        const struct gs_native_name *name = gs_native_name(natives, thread->frames[i].code);
        gs_native_tell(&telling, name->function, name->module);
    }
    bool whole = i < thread->frame_count && thread->frames[i].kind == GS_FRAME_PYTHON;
    if (telling.count > 0 && (telling.tells || whole))
        seen->native = place_of(gs_native_name(natives, thread->frames[telling.told].code));
    if (telling.calls && whole)
        seen->called = place_of(gs_native_name(natives, thread->frames[telling.called].code));
    for (; i < thread->frame_count && thread->frames[i].kind != GS_FRAME_PYTHON; i++)
        seen->collects |= thread->frames[i].kind == GS_FRAME_GC;
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
    struct gs_attach *attach = context;
    bool known = false;
    size_t count = 0;
    *seen = (struct gs_exact_seen){.native.function = NULL};
    *snapshot = NULL;
    if (gs_reader_native(attach->reader, GS_NATIVE_LEAF, tid) != GS_OK)
        return false;
    struct gs_merge *merge = gs_merge_new();
    if (!merge || gs_reader_take(attach->reader, snapshot) != GS_OK)
        *snapshot = NULL;
    const struct gs_thread *threads = *snapshot ? gs_merge_threads(merge, *snapshot, &count) : NULL;
    for (size_t i = 0; threads && i < count; i++) {
        if (threads[i].tid == tid && (threads[i].gil == GS_HOLDS || threads[i].gil == GS_NONE))
            known = name_frames(attach, &threads[i], seen);
    }
    gs_merge_free(merge);
    return gs_reader_native(attach->reader, GS_NATIVE_NONE, 0) == GS_OK && known;
}

struct gs_exact_subject gs_traced_subject(const struct gs_traced *traced)
{
    struct gs_attach *attach = traced->attach;
    return (struct gs_exact_subject){attach->python, attach->reader, attach->names, {attach, see}};
}

/* A program becomes a Python when it becomes one, and has threads when it runs. */
static enum gs_status opened(void *context, struct gs_attach *attach, struct gs_err *err)
{
    const struct gs_traced *traced = context;
    (void)err;
    return traced->family.spawned && (!attach->snapshot || attach->snapshot->thread_count == 0) ? GS_LOST : GS_OK;
}

enum gs_status gs_traced_open(struct gs_traced *traced, const struct gs_family_options *options, struct gs_err *err)
{
    struct gs_family_options family = *options;
    struct gs_family_calls calls = {.context = traced, .opened = opened};
    int exit = 0;
    *traced = (struct gs_traced){.attach = NULL};
    family.verb = "trace";
    family.at_once = !family.program;
    family.single = true;
    family.named = GS_ATTACH_WHOLE;
    family.born = GS_ATTACH_GLANCE;
    family.hopeless = UINT64_C(1) << GS_UNKNOWN_PYTHON | UINT64_C(1) << GS_NOT_PERMITTED;
    if (!family.program)
        gs_signals_catch();
    enum gs_status status = gs_family_open(&traced->family, &family, &calls, &exit, err);
    if (!status)
        status = gs_family_await(&traced->family, err);
    if (!status && traced->family.count == 0)
        return gs_family_nobody(&traced->family, "traced", true, err);
    traced->attach = status ? NULL : traced->family.members[0];
    if (traced->attach)
        (void)gs_attach_stopped(traced->attach, options->attach.quiet ? NULL : options->attach.remarks);
    return status;
}

int gs_traced_close(struct gs_traced *traced)
{
    traced->attach = NULL;
    gs_family_close(&traced->family);
    return gs_family_wait(&traced->family);
}
