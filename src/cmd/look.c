/* Opening a process and taking a snapshot of it, in the steps that every command shares. */
#include <string.h>
#include <time.h>

#include "cmd/look.h"

enum {
    TAKE_ATTEMPTS = 200,
    TAKE_PAUSE_NS = 500 * 1000,
    NAMES_ATTEMPTS = 12,
    NAMES_SAME = 3,
    NAMES_PAUSE_NS = 50 * 1000
};

enum gs_status gs_look_open(struct gs_look *look, pid_t pid, const struct gs_args *args, struct gs_err *err)
{
    struct gs_python_options python_options = {.assume = args->assume};
    struct gs_reader_options reader_options = {.stopping = args->stopping, .max_pause = args->max_pause};
    *look = (struct gs_look){0};
    enum gs_status status = gs_target_open(&look->target, pid, err);
    if (status == GS_OK)
        status = gs_python_open(&look->python, look->target, &python_options, err);
    if (status != GS_OK)
        return status;
    status = gs_reader_new(&look->reader, look->python, &reader_options);
    look->names = gs_names_new(look->python);
    if (status != GS_OK || !look->names)
        return gs_fail(err, status != GS_OK ? status : GS_NO_MEMORY, "cannot read process %d: %s", (int)pid,
                       gs_status_text(status != GS_OK ? status : GS_NO_MEMORY));
    return GS_OK;
}

static size_t count_missed(const struct gs_look *look)
{
    size_t missed = 0;
    for (size_t i = 0; i < look->snapshot->thread_count; i++)
        missed += !gs_names_get(look->names, look->snapshot->threads[i].ident);
    return missed;
}

/* Python changes its table of names while it is read, as threads come and go: another look finds who was missed. Those
 * that no look finds have none: threading does not know them. */
static void read_names(struct gs_look *look)
{
    size_t missed = SIZE_MAX, same = 0;
    for (int i = 0; i < NAMES_ATTEMPTS && missed > 0 && same < NAMES_SAME; i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = NAMES_PAUSE_NS}, NULL);
        for (size_t k = 0; k < look->snapshot->interpreter_count; k++)
            gs_names_refresh(look->names, look->snapshot->interpreters[k].addr);
        size_t now = count_missed(look);
        same = now == missed ? same + 1 : 0;
        missed = now;
    }
}

enum gs_status gs_look_take(struct gs_look *look, struct gs_err *err)
{
    enum gs_status status = GS_LOST;
    memset(look->frames, 0, sizeof look->frames);
    for (int i = 0; i < TAKE_ATTEMPTS && gs_status_class(status) == GS_CLASS_LOST; i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = TAKE_PAUSE_NS}, NULL);
        gs_reader_full_census(look->reader);
        clock_gettime(CLOCK_REALTIME, &look->time);
        status = gs_reader_take(look->reader, &look->snapshot);
    }
    if (status != GS_OK)
        return gs_fail(err, status, "cannot read process %d: %s", (int)look->target->pid, gs_status_text(status));
    read_names(look);
    return GS_OK;
}

static bool find_frame(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    const struct gs_look *look = context;
    const struct gs_code *code = gs_codes_find(gs_reader_codes(look->reader), frame->code);
    if (!code)
        return false;
    info->function = code->function;
    info->qualname = code->qualname;
    info->file = code->file;
    info->line = gs_code_line(&look->python->layout, code, frame->instr);
    return true;
}

/* The same for one snapshot, whose code objects do not change: a line that was found is remembered. */
static bool find_frame_again(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    struct gs_look *look = context;
    struct gs_look_frame *known = &look->frames[(frame->code / 16 + (uint32_t)frame->instr * 31) % GS_LOOK_FRAMES];
    if (known->code == frame->code && known->instr == frame->instr && known->info.function) {
        *info = known->info;
        return true;
    }
    if (!find_frame(context, frame, info))
        return false;
    *known = (struct gs_look_frame){.code = frame->code, .instr = frame->instr, .info = *info};
    return true;
}

static const char *find_name(void *context, const struct gs_thread *thread, char spare[16])
{
    const struct gs_look *look = context;
    const char *name = gs_names_get(look->names, thread->ident);
    if (name)
        return name;
    spare[0] = '\0';
    gs_target_comm(look->target, thread->tid, spare);
    return spare;
}

static enum gs_status find_locals(void *context, const struct gs_frame *frame, struct gs_local **locals, size_t *count)
{
    struct gs_look *look = context;
    const struct gs_code *code = gs_codes_find(gs_reader_codes(look->reader), frame->code);
    if (!code)
        return GS_LOST;
    if (!look->values && !(look->values = gs_mem_cache_new(look->python->mem)))
        return GS_NO_MEMORY;
    return gs_locals_read(look->python, look->values, frame->frame, code, locals, count);
}

struct gs_lookup gs_look_lookup(struct gs_look *look)
{
    return (struct gs_lookup){.context = look, .frame = find_frame, .name = find_name};
}

struct gs_dump gs_look_dump(struct gs_look *look, const struct gs_args *args)
{
    struct gs_dump dump = {
        .target = look->target,
        .python = look->python,
        .snapshot = look->snapshot,
        .quality = gs_reader_quality(look->reader),
        .lookup = {.context = look, .frame = find_frame_again, .name = find_name},
        .time = look->time,
        .uptime_s = gs_target_uptime_s(look->target),
        .no_lines = args->function,
        .patterns = args->threads,
        .pattern_count = args->thread_count,
    };
    dump.stopped = gs_target_stopped(look->target, &dump.tracer);
    if (args->locals)
        dump.lookup.locals = find_locals;
    return dump;
}

void gs_look_close(struct gs_look *look)
{
    gs_mem_free(look->values);
    gs_names_free(look->names);
    gs_reader_free(look->reader);
    gs_python_close(look->python);
    gs_target_close(look->target);
    *look = (struct gs_look){0};
}
