/* Writes samples as what changed. Mostly nothing or one thread did: finding that out must cost next to nothing. */
#include <stdlib.h>

#include "base/room.h"
#include "recording/samples_out.h"

enum {
    CHANGE_MOST = 4 * 5, /* bytes of one change: numbers of up to 32 bits */
    FIRST_THREADS = 16,
    AHEAD = 16 /* so far on in the list before is looked for a thread that is not where it was */
};

/* A process as its last sample left it. */
struct gs_process_out {
    uint64_t last_ns;
    uint64_t forgotten; /* as of that sample */
    struct gs_thread_sample *threads;
    size_t count, room;
};

/* What is compared with one memcmp has no holes. */
enum { COMPARED = offsetof(struct gs_thread_sample, lock) + 1 };
_Static_assert(COMPARED == 2 * sizeof(uint32_t) + 5 * sizeof(uint8_t), "no holes");

static bool same(const struct gs_thread_sample *a, const struct gs_thread_sample *b)
{
    return memcmp(a, b, COMPARED) == 0;
}

void gs_samples_out_init(struct gs_samples_out *out)
{
    *out = (struct gs_samples_out){0};
    gs_dictionary_init(&out->dictionary);
}

void gs_samples_out_fini(struct gs_samples_out *out)
{
    for (size_t i = 0; i < out->process_count; i++)
        free(out->processes[i].threads);
    free(out->processes);
    free(out->changes);
    gs_dictionary_fini(&out->dictionary);
}

enum gs_status gs_samples_out_process(struct gs_samples_out *out, uint32_t number)
{
    if (number != out->process_count || number >= GS_WIRE_PROCESSES_MOST)
        return GS_FAILED;
    if (!gs_room((void **)&out->processes, &out->process_room, out->process_count + 1, sizeof *out->processes))
        return GS_NO_MEMORY;
    out->processes[out->process_count++] =
        (struct gs_process_out){.last_ns = out->begin_ns, .forgotten = out->forgotten};
    return GS_OK;
}

void gs_samples_out_forget(struct gs_samples_out *out)
{
    gs_dictionary_forget(&out->dictionary);
    out->forgotten++;
}

/* Room for all changes that there can be, and for the list. */
static enum gs_status make_room(struct gs_samples_out *out, struct gs_process_out *process, size_t count)
{
    size_t most = (count + process->count + 1) * CHANGE_MOST;
    if (count > process->room) {
        if (count > GS_WIRE_SAMPLE_MOST)
            return GS_FAILED;
        size_t room = count > FIRST_THREADS / 2 ? count * 2 : FIRST_THREADS;
        struct gs_thread_sample *threads = realloc(process->threads, room * sizeof *threads);
        if (!threads)
            return GS_NO_MEMORY;
        process->threads = threads;
        process->room = room;
    }
    if (most > out->changes_room) {
        free(out->changes);
        out->changes = malloc(most * 2);
        out->changes_room = out->changes ? most * 2 : 0;
    }
    return out->changes ? GS_OK : GS_NO_MEMORY;
}

/* A sample's changes in the making. */
struct changes {
    struct gs_samples_out *out;
    struct gs_packer *packer;
    const struct gs_sample *sample;
    uint8_t *to;
    size_t kept; /* threads since the last change that stay as they are */
    bool list;
};

static void put_change(struct changes *changes, enum gs_change change)
{
    changes->to = gs_wire_put(changes->to, changes->kept << GS_CHANGE_BITS | change);
    changes->kept = 0;
}

static enum gs_status put_stack(struct changes *changes, uint32_t stack)
{
    uint32_t number = 0;
    enum gs_status status =
        gs_dictionary_stack(&changes->out->dictionary, changes->packer, changes->sample->stacks, stack, &number);
    changes->to = gs_wire_put(changes->to, number);
    return status;
}

/* The same thread as before, or as of a sample before a forget, whose stacks mean nothing now. */
static enum gs_status put_changed(struct changes *changes, const struct gs_thread_sample *before,
                                  const struct gs_thread_sample *now, bool forgotten)
{
    bool stack = forgotten || before->stack != now->stack, state = gs_wire_state(before) != gs_wire_state(now);
    if (!stack && !state) {
        changes->kept++;
        return GS_OK;
    }
    put_change(changes, stack && state ? GS_CHANGE_BOTH : stack ? GS_CHANGE_STACK : GS_CHANGE_STATE);
    enum gs_status status = stack ? put_stack(changes, now->stack) : GS_OK;
    if (state)
        changes->to = gs_wire_put(changes->to, gs_wire_state(now));
    return status;
}

static enum gs_status put_new(struct changes *changes, const struct gs_thread_sample *now)
{
    changes->list = true;
    put_change(changes, GS_CHANGE_NEW);
    changes->to = gs_wire_put(changes->to, now->thread);
    enum gs_status status = put_stack(changes, now->stack);
    changes->to = gs_wire_put(changes->to, gs_wire_state(now));
    return status;
}

/* How many threads of the list before are gone, if `thread` is one that comes soon after `at`; 0: it is a new one. */
static size_t gone_before(const struct gs_process_out *process, size_t at, uint32_t thread)
{
    for (size_t i = 1; i <= AHEAD && i < process->count - at; i++) {
        if (process->threads[at + i].thread == thread)
            return i;
    }
    return 0;
}

static void put_gone(struct changes *changes, size_t count)
{
    changes->list = changes->list || count > 0;
    for (size_t i = 0; i < count; i++)
        put_change(changes, GS_CHANGE_GONE);
}

static enum gs_status put_changes(struct changes *changes, const struct gs_process_out *process)
{
    const struct gs_thread_sample *before = process->threads, *now = changes->sample->threads;
    bool forgotten = process->forgotten != changes->out->forgotten;
    size_t at = 0;
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < changes->sample->thread_count && !status; i++) {
        if (at < process->count && !forgotten && same(&before[at], &now[i])) {
            changes->kept++;
            at++;
            continue;
        }
        if (at < process->count && before[at].thread != now[i].thread) {
            size_t gone = gone_before(process, at, now[i].thread);
            put_gone(changes, gone);
            at += gone;
        }
        if (at < process->count && before[at].thread == now[i].thread)
            status = put_changed(changes, &before[at++], &now[i], forgotten);
        else
            status = put_new(changes, &now[i]);
    }
    put_gone(changes, process->count - at);
    return status;
}

static enum gs_status put_sample(struct changes *changes, const struct gs_process_out *process)
{
    const struct gs_sample *sample = changes->sample;
    struct gs_samples_out *out = changes->out;
    size_t len = (size_t)(changes->to - out->changes);
    uint64_t since_ns = sample->time_ns - process->last_ns;
    enum gs_status status = gs_packer_room(changes->packer, len + 2 + GS_WIRE_NUMBER_MOST * 4);
    if (status)
        return status;
    unsigned flags = 0;
    flags |= sample->process != out->process ? GS_SAMPLE_PROCESS : 0;
    flags |= sample->weight_ns != since_ns || sample->gap_ns != 0 ? GS_SAMPLE_WEIGHT : 0;
    flags |= (len > 0 ? GS_SAMPLE_CHANGES : 0) | (changes->list ? GS_SAMPLE_LIST : 0);
    uint8_t *to = changes->packer->raw + changes->packer->len;
    *to++ = (uint8_t)(GS_RECORD_SAMPLE | flags);
    if (flags & GS_SAMPLE_PROCESS)
        to = gs_wire_put(to, sample->process);
    to = gs_wire_put(to, gs_wire_zigzag((int64_t)(since_ns - out->slot_ns)));
    if (flags & GS_SAMPLE_WEIGHT) {
        to = gs_wire_put(to, sample->weight_ns);
        to = gs_wire_put(to, sample->gap_ns);
    }
    if (len > 0) {
        to = gs_wire_put_bytes(to, out->changes, len);
        to = gs_wire_put(to, GS_CHANGE_END);
    }
    return gs_packer_commit(changes->packer, to);
}

enum gs_status gs_samples_out_put(struct gs_samples_out *out, struct gs_packer *packer, const struct gs_sample *sample)
{
    if (sample->process >= out->process_count)
        return GS_FAILED;
    struct gs_process_out *process = &out->processes[sample->process];
    enum gs_status status = make_room(out, process, sample->thread_count);
    if (status)
        return status;
    struct changes changes = {.out = out, .packer = packer, .sample = sample, .to = out->changes};
    out->listed += sample->thread_count - process->count;
    if (out->listed > GS_WIRE_LISTED_MOST)
        return GS_FAILED;
    status = put_changes(&changes, process);
    if (!status)
        status = put_sample(&changes, process);
    if (status)
        return status;
    if (changes.to != out->changes && sample->thread_count > 0)
        memcpy(process->threads, sample->threads, sample->thread_count * sizeof *sample->threads);
    process->count = sample->thread_count;
    process->last_ns = sample->time_ns;
    process->forgotten = out->forgotten;
    out->process = sample->process;
    return GS_OK;
}
