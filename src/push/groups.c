/* Numbers of threads become numbers of groups. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "push/groups.h"

static enum gs_status begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    const struct gs_groups *groups = (const struct gs_groups *)sink;
    struct gs_run_info stepped = *run;
    stepped.realtime_ns += groups->stepped_ns;
    return groups->to->begin(groups->to, &stepped);
}

static enum gs_status process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    struct gs_sink *to = ((struct gs_groups *)sink)->to;
    return to->process(to, number, process);
}

/* The number of a thread's group, which is told of when it is a new one. */
static enum gs_status find_group(struct gs_groups *groups, const struct gs_sampled_thread *thread, uint32_t *number)
{
    char name[GS_PUSH_TEXT];
    gs_push_group(name, thread->name);
    for (*number = 0; *number < groups->count; ++*number) {
        if (strcmp(groups->names[*number], name) == 0)
            return GS_OK;
    }
    if (groups->count == GS_PUSH_GROUPS) {
        *number = GS_PUSH_GROUPS - 1;
        return GS_OK;
    }
    groups->count++;
    strcpy(groups->names[*number], *number == GS_PUSH_GROUPS - 1 ? "(other)" : name);
    struct gs_sampled_thread group = {.process = thread->process,
                                      .tid = (pid_t)*number + 1,
                                      .ns_tid = (pid_t)*number + 1,
                                      .name = groups->names[*number]};
    return groups->to->thread(groups->to, *number, &group);
}

static enum gs_status thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    struct gs_groups *groups = (struct gs_groups *)sink;
    if (number > groups->thread_count)
        return GS_FAILED;
    if (!gs_room((void **)&groups->of, &groups->thread_room, (size_t)number + 1, sizeof *groups->of))
        return GS_NO_MEMORY;
    groups->thread_count += number == groups->thread_count;
    return find_group(groups, thread, &groups->of[number]);
}

static enum gs_status sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct gs_groups *groups = (struct gs_groups *)sink;
    enum gs_status status = gs_kept_sample(&groups->kept, sample);
    for (size_t i = 0; i < sample->thread_count && !status; i++) {
        uint32_t *number = &groups->kept.threads[i].thread;
        if (*number < groups->thread_count)
            *number = groups->of[*number];
        else
            status = GS_FAILED;
    }
    for (size_t i = 0; i < sample->gil_count && !status; i++)
        groups->kept.gils[i].last = GS_NO_THREAD;
    return status ? status : groups->to->sample(groups->to, &groups->kept.sample);
}

static enum gs_status forget(struct gs_sink *sink)
{
    struct gs_sink *to = ((struct gs_groups *)sink)->to;
    return to->forget(to);
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *end)
{
    struct gs_sink *to = ((struct gs_groups *)sink)->to;
    return to->end(to, end);
}

void gs_groups_init(struct gs_groups *groups, struct gs_sink *to, int64_t stepped_ns)
{
    *groups =
        (struct gs_groups){.sink = {begin, process, thread, sample, forget, end}, .to = to, .stepped_ns = stepped_ns};
}

void gs_groups_fini(struct gs_groups *groups)
{
    free(groups->of);
    gs_kept_sample_fini(&groups->kept);
    *groups = (struct gs_groups){.to = NULL};
}
