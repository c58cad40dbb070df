#include "export/about.h"
#include "export/chrome/lanes.h"

enum { FIRST_LANE = 200000001, LAST_OF_ALL = 1 << 24 };

static bool is_chosen(void *context, uint32_t thread)
{
    return ((struct gs_chrome *)context)->threads[thread].chosen;
}

static void begin_event(struct gs_chrome *chrome, char phase, uint32_t lane)
{
    gs_chrome_begin_event(chrome, phase, chrome->processes[chrome->lanes.list[lane].process].pid);
    fputs_unlocked(",\"tid\":", chrome->out);
    gs_about_write_number(FIRST_LANE + (uint64_t)lane, chrome->out);
}

static enum gs_status introduce(void *context, uint32_t lane, const struct gs_stacks *stacks, uint32_t name)
{
    struct gs_chrome *chrome = context;
    begin_event(chrome, 'M', lane);
    fputs_unlocked(",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":", chrome->out);
    gs_about_write_number(LAST_OF_ALL + (uint64_t)lane, chrome->out);
    fputs_unlocked("}}", chrome->out);
    begin_event(chrome, 'M', lane);
    fputs_unlocked(",\"name\":\"thread_name\",\"args\":{\"name\":", chrome->out);
    gs_label_add(&chrome->text, gs_stacks_place_at(stacks, name)->function, 0);
    gs_label_put(&chrome->text, " (%d): task", (int)chrome->threads[chrome->lanes.list[lane].thread].tid);
    enum gs_status status = gs_chrome_put_text(chrome);
    fputs_unlocked("}}", chrome->out);
    return status;
}

static enum gs_status begin(void *context, uint32_t number, const struct gs_stacks *stacks, uint64_t ns)
{
    struct gs_chrome *chrome = context;
    const struct gs_task_lane *lane = &chrome->lanes.list[number];
    begin_event(chrome, 'B', number);
    gs_chrome_put_time(chrome, ns);
    if (lane->runs) {
        fprintf(chrome->out, ",\"name\":\"runs\",\"args\":{\"gil\":\"%s\"}}",
                gs_gil_word_name((enum gs_gil_word)lane->gil));
        return GS_OK;
    }
    fputs_unlocked(",\"name\":", chrome->out);
    gs_label_place(&chrome->text, gs_stacks_place_at(stacks, lane->place), NULL, 0);
    enum gs_status status = gs_chrome_put_text(chrome);
    fprintf(chrome->out, ",\"args\":{\"suspended\":%u}}", (unsigned)lane->count);
    return status;
}

static enum gs_status end(void *context, uint32_t lane, uint64_t ns)
{
    struct gs_chrome *chrome = context;
    begin_event(chrome, 'E', lane);
    gs_chrome_put_time(chrome, ns);
    putc_unlocked('}', chrome->out);
    return GS_OK;
}

struct gs_task_lanes_user gs_chrome_lanes(struct gs_chrome *chrome)
{
    return (struct gs_task_lanes_user){chrome, is_chosen, introduce, begin, end};
}
