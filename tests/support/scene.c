/* Making processes by hand. */
#include <stdlib.h>
#include <string.h>

#include "support/scene.h"
#include "support/unit.h"

static bool scene_find(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    const struct scene *scene = context;
    if (frame->code >= scene->code_count)
        return false;
    *info = scene->codes[frame->code];
    info->line += frame->instr;
    return true;
}

static const char *scene_name(void *context, const struct gs_thread *thread, char spare[16])
{
    const struct scene *scene = context;
    size_t number = thread->tstate - 0x1000;
    const char *name = number < SCENE_THREADS ? scene->names[number] : NULL;
    return name ? name : strcpy(spare, "comm");
}

static enum gs_status scene_find_locals(void *context, const struct gs_frame *frame, struct gs_local **locals,
                                        size_t *count)
{
    (void)context;
    if (frame->instr == 7)
        return GS_LOST;
    *locals = calloc(2, sizeof **locals);
    assert_non_null(*locals);
    *count = 2;
    (*locals)[0] = (struct gs_local){strdup("self"), strdup("<app.Worker object>"), true};
    (*locals)[1] = (struct gs_local){strdup("x"), strdup("'\033[2J\377'"), false};
    return GS_OK;
}

void scene_init(struct scene *scene)
{
    static char *command[] = {"python3", "app.py", "--workers", "4", NULL};
    static char exe[] = "/usr/bin/python3.11", library[] = "/usr/lib/libpython3.11.so.1.0";
    memset(scene, 0, sizeof *scene);
    scene->target = (struct gs_target){.pid = 4242, .ns_pid = 4242, .exe = exe, .command = command, .command_count = 4};
    scene->python = (struct gs_python){.target = &scene->target, .version = "3.11.7", .library = library};
    scene->gils[0] = (struct gs_gil){.state = GS_GIL_FREE,
                                     .has_switches = true,
                                     .has_interval = true,
                                     .has_drop = true,
                                     .switches = 1234,
                                     .interval_us = 5000};
    scene->snapshot = (struct gs_snapshot){.interpreters = scene->interpreters,
                                           .interpreter_count = 1,
                                           .gils = scene->gils,
                                           .gil_count = 1,
                                           .threads = scene->threads};
    scene->quality = (struct gs_quality){.samples = 1, .took_us = 310, .cpu_us = 2900};
    scene->dump = (struct gs_dump){.target = &scene->target,
                                   .rank = -1,
                                   .python = &scene->python,
                                   .snapshot = &scene->snapshot,
                                   .quality = &scene->quality,
                                   .time = {1769860800, 123456789},
                                   .uptime_s = 11525.5,
                                   .lookup = {.context = scene, .frame = scene_find, .name = scene_name}};
}

struct gs_thread *scene_thread(struct scene *scene, int tid, const char *name, enum gs_gil_word gil, enum gs_run run,
                               int call)
{
    size_t i = scene->snapshot.thread_count++;
    assert_true(i < SCENE_THREADS);
    scene->names[i] = name;
    scene->threads[i] = (struct gs_thread){.tstate = 0x1000 + i,
                                           .ident = 139637976000000 + i,
                                           .tid = tid,
                                           .ns_tid = tid,
                                           .main = i == 0,
                                           .gil = gil,
                                           .activity = {.run = run, .number = call},
                                           .frames = scene->frames + scene->frame_count};
    return &scene->threads[i];
}

uint64_t scene_code(struct scene *scene, const char *function, const char *qualname, const char *file, int line)
{
    assert_true(scene->code_count < SCENE_CODES);
    scene->codes[scene->code_count] =
        (struct gs_frame_info){.function = function, .qualname = qualname, .file = file, .line = line};
    return scene->code_count++;
}

static void add(struct scene *scene, struct gs_frame frame)
{
    assert_true(scene->frame_count < SCENE_FRAMES);
    scene->frames[scene->frame_count++] = frame;
    scene->threads[scene->snapshot.thread_count - 1].frame_count++;
}

void scene_frame(struct scene *scene, uint64_t code, int instr)
{
    add(scene, (struct gs_frame){.frame = 0x2000, .code = code, .instr = instr, .kind = GS_FRAME_PYTHON});
}

void scene_gap(struct scene *scene, enum gs_gap gap)
{
    add(scene, (struct gs_frame){.kind = GS_FRAME_GAP, .gap = (uint8_t)gap});
}

void scene_locals(struct scene *scene)
{
    scene->dump.lookup.locals = scene_find_locals;
}
