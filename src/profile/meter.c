/* Counting samples that pass by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "profile/meter.h"

static enum gs_status meter_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct gs_meter *meter = (struct gs_meter *)sink;
    meter->rate_hz = run->rate_hz;
    return meter->next->begin ? meter->next->begin(meter->next, run) : GS_OK;
}

/* One that was lost from sight and found again. */
static bool is_known(const struct gs_meter *meter, const struct gs_metered *one)
{
    for (size_t i = meter->processes; i-- > 0 && one->start_ticks;) {
        if (meter->known[i].pid == one->pid && meter->known[i].start_ticks == one->start_ticks)
            return true;
    }
    return false;
}

static enum gs_status meter_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_meter *meter = (struct gs_meter *)sink;
    if (meter->processes == 0) {
        meter->pid = process->pid;
        snprintf(meter->python, sizeof meter->python, "%s", process->python);
    }
    if (!gs_room((void **)&meter->known, &meter->known_room, meter->processes + 1, sizeof *meter->known))
        return GS_NO_MEMORY;
    struct gs_metered one = {process->pid, process->start_ticks};
    if (!is_known(meter, &one))
        meter->known[meter->processes++] = one;
    return meter->next->process ? meter->next->process(meter->next, number, process) : GS_OK;
}

static enum gs_status meter_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_meter *meter = (struct gs_meter *)sink;
    if (number >= meter->threads)
        meter->threads = number + 1;
    return meter->next->thread ? meter->next->thread(meter->next, number, thread) : GS_OK;
}

static enum gs_status note_stack(struct gs_meter *meter, uint32_t stack)
{
    size_t byte = stack / 8;
    if (!gs_room_zeroed((void **)&meter->seen, &meter->seen_bytes, byte + 1, 1))
        return GS_NO_MEMORY;
    uint8_t bit = (uint8_t)(1u << stack % 8);
    meter->unique_stacks += !(meter->seen[byte] & bit) && stack != 0;
    meter->seen[byte] |= bit;
    return GS_OK;
}

static enum gs_status meter_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_meter *meter = (struct gs_meter *)sink;
    bool held = false;
    meter->samples++;
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        enum gs_status status = note_stack(meter, thread->stack);
        if (status)
            return status;
    }
    for (size_t i = 0; i < sample->gil_count; i++)
        held |= sample->gils[i].state == GS_GIL_HELD;
    if (sample->process == 0) {
        meter->weighed_ns += sample->weight_ns;
        meter->held_ns += held ? sample->weight_ns : 0;
    }
    return meter->next->sample ? meter->next->sample(meter->next, sample) : GS_OK;
}

static enum gs_status meter_forget(struct gs_sink *sink)
{
    struct gs_meter *meter = (struct gs_meter *)sink;
    if (meter->seen_bytes > 0)
        memset(meter->seen, 0, meter->seen_bytes);
    return meter->next->forget ? meter->next->forget(meter->next) : GS_OK;
}

static enum gs_status meter_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_meter *meter = (struct gs_meter *)sink;
    meter->end = *end;
    return meter->next->end ? meter->next->end(meter->next, end) : GS_OK;
}

void gs_meter_init(struct gs_meter *meter, struct gs_sink *next)
{
    *meter = (struct gs_meter){
        .sink = {meter_begin, meter_process, meter_thread, meter_sample, meter_forget, meter_end}, .next = next};
}

void gs_meter_fini(struct gs_meter *meter)
{
    free(meter->known);
    free(meter->seen);
}
