/* A lane is a thread and a name: of tasks that are called alike, the first one's place and how many there are. Who is
 * suspended is known from look to look at the tasks; where one ran in between, its lane is empty until the next one. */
#include "base/fnv.h"
#include "export/about.h"
#include "export/chrome/lanes.h"

enum { FIRST_LANE = 200000001, LAST_OF_ALL = 1 << 24 };

static const struct gs_place *place_of(const struct gs_sample *sample, uint32_t stack)
{
    return gs_stacks_place_at(sample->stacks, gs_stacks_at(sample->stacks, stack).place);
}

/* The name of the task whose stack it is; NULL: it is no task's. */
static const char *task_of(const struct gs_sample *sample, uint32_t stack)
{
    uint32_t outermost = stack;
    while (outermost && gs_stacks_at(sample->stacks, outermost).caller)
        outermost = gs_stacks_at(sample->stacks, outermost).caller;
    const struct gs_place *place = outermost ? place_of(sample, outermost) : NULL;
    return place && place->kind == GS_FRAME_TASK ? place->function : NULL;
}

static void begin_event(struct gs_chrome *chrome, char phase, const struct gs_chrome_lane *lane)
{
    gs_chrome_begin_event(chrome, phase, chrome->processes[lane->process].pid);
    fputs_unlocked(",\"tid\":", chrome->out);
    gs_about_write_number(FIRST_LANE + (uint64_t)(lane - chrome->lanes.list), chrome->out);
}

static enum gs_status introduce(struct gs_chrome *chrome, const struct gs_chrome_lane *lane, const char *name)
{
    begin_event(chrome, 'M', lane);
    fputs_unlocked(",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":", chrome->out);
    gs_about_write_number(LAST_OF_ALL + (uint64_t)(lane - chrome->lanes.list), chrome->out);
    fputs_unlocked("}}", chrome->out);
    begin_event(chrome, 'M', lane);
    fputs_unlocked(",\"name\":\"thread_name\",\"args\":{\"name\":", chrome->out);
    gs_label_add(&chrome->text, name, 0);
    gs_label_put(&chrome->text, " (%d): task", (int)chrome->threads[lane->thread].tid);
    enum gs_status status = gs_chrome_put_text(chrome);
    fputs_unlocked("}}", chrome->out);
    return status;
}

/* *lane NULL: it has none. */
static enum gs_status find(struct gs_chrome *chrome, const struct gs_sample *sample, uint32_t thread_at, uint32_t stack,
                           struct gs_chrome_lane **lane)
{
    struct gs_chrome_lanes *lanes = &chrome->lanes;
    uint32_t thread = sample->threads[thread_at].thread;
    const char *name = chrome->threads[thread].chosen ? task_of(sample, stack) : NULL;
    *lane = NULL;
    if (!name)
        return GS_OK;
    uint64_t key = gs_fnv(name) + (uint64_t)thread * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t at = gs_ids_find(&lanes->by_name, key);
    if (at == GS_IDS_NONE && lanes->count == GS_CHROME_LANES_MOST)
        return GS_OK;
    if (at != GS_IDS_NONE) {
        *lane = &lanes->list[at];
        return GS_OK;
    }
    if (!gs_ids_set(&lanes->by_name, key, lanes->count))
        return GS_NO_MEMORY;
    *lane = &lanes->list[lanes->count++];
    **lane = (struct gs_chrome_lane){.process = sample->process, .thread = thread};
    return introduce(chrome, *lane, name);
}

static void end_open(struct gs_chrome *chrome, struct gs_chrome_lane *lane, uint64_t ns)
{
    if (!lane->open)
        return;
    begin_event(chrome, 'E', lane);
    gs_chrome_put_time(chrome, ns);
    putc_unlocked('}', chrome->out);
    lane->open = 0;
}

/* what: a hash of what is told of it. */
static enum gs_status go_on(struct gs_chrome *chrome, struct gs_chrome_lane *lane, uint64_t what, uint64_t ns,
                            enum gs_gil_word word)
{
    if (lane->open == what)
        return GS_OK;
    end_open(chrome, lane, ns);
    lane->open = what;
    begin_event(chrome, 'B', lane);
    gs_chrome_put_time(chrome, ns);
    if (lane->runs) {
        fprintf(chrome->out, ",\"name\":\"runs\",\"args\":{\"gil\":\"%s\"}}", gs_gil_word_name(word));
        return GS_OK;
    }
    fputs_unlocked(",\"name\":", chrome->out);
    gs_label_place(&chrome->text, lane->place, NULL, 0);
    enum gs_status status = gs_chrome_put_text(chrome);
    fprintf(chrome->out, ",\"args\":{\"suspended\":%u}}", (unsigned)lane->count);
    return status;
}

static enum gs_status add_running(struct gs_chrome *chrome, const struct gs_sample *sample, uint64_t begin_ns)
{
    enum gs_status status = GS_OK;
    for (uint32_t i = 0; i < sample->thread_count && status == GS_OK; i++) {
        struct gs_chrome_lane *lane;
        status = find(chrome, sample, i, sample->threads[i].stack, &lane);
        if (status || !lane)
            continue;
        lane->runs = true;
        status = go_on(chrome, lane, sample->threads[i].gil + UINT64_C(1), begin_ns,
                       (enum gs_gil_word)sample->threads[i].gil);
    }
    return status;
}

static enum gs_status note_suspended(struct gs_chrome *chrome, const struct gs_sample *sample)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < sample->task_count && status == GS_OK; i++) {
        struct gs_chrome_lane *lane;
        status = find(chrome, sample, sample->tasks[i].thread_at, sample->tasks[i].stack, &lane);
        if (status || !lane)
            continue;
        if (!lane->looked)
            lane->place = place_of(sample, sample->tasks[i].stack);
        lane->looked = true;
        lane->count++;
    }
    return status;
}

enum gs_status gs_chrome_lanes_add(struct gs_chrome *chrome, const struct gs_sample *sample, uint64_t begin_ns)
{
    struct gs_chrome_lanes *lanes = &chrome->lanes;
    bool ran[GS_CHROME_LANES_MOST];
    if (sample->gap_ns > 0)
        gs_chrome_lanes_stop(chrome, sample->process, begin_ns - sample->gap_ns);
    for (uint32_t i = 0; i < lanes->count; i++) {
        if (lanes->list[i].process != sample->process)
            continue;
        ran[i] = lanes->list[i].runs;
        lanes->list[i].runs = lanes->list[i].looked = false;
        lanes->list[i].count = 0;
    }
    uint32_t before = lanes->count;
    enum gs_status status = add_running(chrome, sample, begin_ns);
    if (status == GS_OK)
        status = note_suspended(chrome, sample);
    for (uint32_t i = 0; i < lanes->count && status == GS_OK; i++) {
        struct gs_chrome_lane *lane = &lanes->list[i];
        if (lane->process != sample->process || lane->runs)
            continue;
        if (lane->looked)
            status =
                go_on(chrome, lane,
                      gs_fnv(lane->place->function) + (uint64_t)lane->place->line * 1024 + lane->count + GS_UNKNOWN + 1,
                      begin_ns, GS_UNKNOWN);
        else if (sample->tasks_ns > 0 || (i < before && ran[i]))
            end_open(chrome, lane, begin_ns);
    }
    return status;
}

void gs_chrome_lanes_stop(struct gs_chrome *chrome, uint32_t process, uint64_t ns)
{
    for (uint32_t i = 0; i < chrome->lanes.count; i++) {
        if (chrome->lanes.list[i].process == process)
            end_open(chrome, &chrome->lanes.list[i], ns);
    }
}
