/* The callbacks of struct gs_why_lookup. */
#include "session/why_lookup.h"

static const char *name_of(void *context, const struct gs_thread *thread, char spare[16])
{
    struct gs_lookup lookup = gs_attach_lookup(context);
    return lookup.name(lookup.context, thread, spare);
}

static bool place_of(void *context, const struct gs_frame *frame, struct gs_place *place)
{
    struct gs_lookup lookup = gs_attach_lookup(context);
    struct gs_frame_info info;
    if (!lookup.frame(lookup.context, frame, &info))
        return false;
    *place = (struct gs_place){.function = info.function,
                               .qualname = info.qualname,
                               .file = info.file ? info.file : "",
                               .line = info.line,
                               .kind = frame->kind};
    return true;
}

static const struct gs_code *code_of(void *context, const struct gs_frame *frame)
{
    const struct gs_attach *attach = context;
    return gs_codes_find(gs_reader_codes(attach->reader), frame->code);
}

struct gs_why_lookup gs_why_lookup_of(struct gs_attach *attach)
{
    return (struct gs_why_lookup){attach, name_of, place_of, code_of};
}
