/* Writes samples as what changed. Mostly nothing or one thread did: finding that out must cost next to nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/room.h"
#include "recording/packer.h"
#include "recording/samples_out.h"

/* Writes the places and stacks that samples have, when they first have them. */
enum { STRING_RECORD = GS_WIRE_NUMBER_MOST * 2 + 1, PLACE_STRINGS = 4 };

static void dictionary_fini(struct gs_dictionary *dictionary)
{
    free(dictionary->stacks.of);
    free(dictionary->places.of);
    gs_ids_fini(&dictionary->strings);
    free(dictionary->chain);
}

static void clear(void *items, size_t bytes)
{
    if (items)
        memset(items, 0, bytes);
}

/* All is numbered anew; memory is kept. */
static void dictionary_forget(struct gs_dictionary *dictionary)
{
    clear(dictionary->stacks.of, dictionary->stacks.room * sizeof *dictionary->stacks.of);
    clear(dictionary->places.of, dictionary->places.room * sizeof *dictionary->places.of);
    gs_ids_clear(&dictionary->strings);
    dictionary->stack_count = dictionary->place_count = 0;
}

/* NULL: out of memory. */
static uint8_t *put_string(struct gs_dictionary *dictionary, uint8_t *to, const char *text)
{
    if (!text)
        return gs_wire_put(to, 0);
    uint32_t known = gs_ids_find(&dictionary->strings, (uintptr_t)text);
    if (known != GS_IDS_NONE)
        return gs_wire_put(to, known + UINT64_C(2));
    if (!gs_ids_set(&dictionary->strings, (uintptr_t)text, (uint32_t)dictionary->strings.used))
        return NULL;
    return gs_wire_put_string(gs_wire_put(to, 1), text);
}

static enum gs_status write_place(struct gs_dictionary *dictionary, struct gs_packer *packer,
                                  const struct gs_stacks *stacks, uint32_t number)
{
    const struct gs_place *place = gs_stacks_place_at(stacks, number);
    const char *strings[PLACE_STRINGS] = {place->function, place->qualname, place->file, place->module};
    size_t most = GS_WIRE_NUMBER_MOST * 2;
    for (size_t i = 0; i < PLACE_STRINGS; i++)
        most += STRING_RECORD + gs_wire_string_len(strings[i]);
    if (!gs_room_zeroed((void **)&dictionary->places.of, &dictionary->places.room, (size_t)number + 1,
                        sizeof(uint32_t)))
        return GS_NO_MEMORY;
    enum gs_status status = gs_packer_room(packer, most);
    if (status)
        return status;
    uint8_t *to = packer->raw + packer->len;
    *to++ = GS_RECORD_PLACE;
    for (size_t i = 0; i < PLACE_STRINGS && to; i++)
        to = put_string(dictionary, to, strings[i]);
    if (!to)
        return GS_NO_MEMORY;
    to = gs_wire_put(to, gs_wire_zigzag(place->line));
    *to++ = place->kind;
    dictionary->places.of[number] = ++dictionary->place_count;
    return gs_packer_commit(packer, to);
}

static enum gs_status write_stack(struct gs_dictionary *dictionary, struct gs_packer *packer,
                                  const struct gs_stacks *stacks, uint32_t number)
{
    struct gs_stack stack = gs_stacks_at(stacks, number);
    enum gs_status status = GS_OK;
    if (stack.place >= dictionary->places.room || !dictionary->places.of[stack.place])
        status = write_place(dictionary, packer, stacks, stack.place);
    if (!status)
        status = gs_packer_room(packer, 1 + GS_WIRE_NUMBER_MOST * 2);
    if (status)
        return status;
    uint32_t made = ++dictionary->stack_count;
    uint8_t *to = packer->raw + packer->len;
    *to++ = GS_RECORD_STACK;
    to = gs_wire_put(to, made - dictionary->stacks.of[stack.caller]);
    to = gs_wire_put(to, dictionary->places.of[stack.place]);
    dictionary->stacks.of[number] = made;
    return gs_packer_commit(packer, to);
}

static bool add_to_chain(struct gs_dictionary *dictionary, size_t count, uint32_t stack)
{
    if (!gs_room((void **)&dictionary->chain, &dictionary->chain_room, count + 1, sizeof *dictionary->chain))
        return false;
    dictionary->chain[count] = stack;
    return true;
}

/* The file's number of a stack; it is written now with all that it is made of, if it is new. */
static enum gs_status dictionary_stack(struct gs_dictionary *dictionary, struct gs_packer *packer,
                                       const struct gs_stacks *stacks, uint32_t stack, uint32_t *number)
{
    size_t count = 0;
    if (!gs_room_zeroed((void **)&dictionary->stacks.of, &dictionary->stacks.room, (size_t)stack + 1, sizeof(uint32_t)))
        return GS_NO_MEMORY;
    /* Callers have lower numbers. */
    for (uint32_t i = stack; i && !dictionary->stacks.of[i]; i = gs_stacks_at(stacks, i).caller) {
        if (!add_to_chain(dictionary, count++, i))
            return GS_NO_MEMORY;
    }
    while (count > 0) {
        enum gs_status status = write_stack(dictionary, packer, stacks, dictionary->chain[--count]);
        if (status)
            return status;
    }
    *number = dictionary->stacks.of[stack];
    return GS_OK;
}

enum {
    CHANGE_MOST = 3 * 5 + 7,            /* bytes of one change: numbers of up to 32 bits, and a state */
    GIL_MOST = 4 * GS_WIRE_NUMBER_MOST, /* bytes of one GIL */
    FIRST_THREADS = 16,
    AHEAD = 16 /* so far on in the list before is looked for a thread that is not where it was */
};

/* A process as its last sample left it. */
struct gs_process_out {
    uint64_t last_ns;
    uint64_t forgotten; /* as of that sample */
    struct gs_thread_sample *threads;
    size_t count, room;
    struct gs_sampled_gil *gils;
    size_t gil_count, gil_room;
};

/* What is compared with one memcmp has no holes. */
enum { COMPARED = offsetof(struct gs_thread_sample, handles) + 1 };
_Static_assert(COMPARED == 3 * sizeof(uint32_t) + 7 * sizeof(uint8_t), "no holes");

static bool same(const struct gs_thread_sample *a, const struct gs_thread_sample *b)
{
    return memcmp(a, b, COMPARED) == 0;
}

void gs_samples_out_init(struct gs_samples_out *out)
{
    *out = (struct gs_samples_out){0};
}

void gs_samples_out_fini(struct gs_samples_out *out)
{
    for (size_t i = 0; i < out->process_count; i++) {
        free(out->processes[i].threads);
        free(out->processes[i].gils);
    }
    free(out->processes);
    free(out->changes);
    free(out->tasks);
    dictionary_fini(&out->dictionary);
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
    dictionary_forget(&out->dictionary);
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
        dictionary_stack(&changes->out->dictionary, changes->packer, changes->sample->stacks, stack, &number);
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

/* ---- GILs ---- */

/* Of the sample before, made into what is expected of this one. */
static enum gs_status expect_gils(struct gs_process_out *process, const struct gs_sample *sample)
{
    if (!gs_room((void **)&process->gils, &process->gil_room, sample->gil_count, sizeof *process->gils))
        return GS_NO_MEMORY;
    for (size_t i = 0; i < sample->gil_count; i++) {
        if (i >= process->gil_count)
            process->gils[i] = GS_WIRE_NEW_GIL;
        process->gils[i].holder_at = sample->gils[i].holder_at;
        process->gils[i].waiters = sample->gils[i].waiters;
    }
    gs_wire_expect_gils(process->gils, sample->gil_count, sample->threads);
    return GS_OK;
}

static unsigned unexpected(const struct gs_sampled_gil *expected, const struct gs_sampled_gil *now)
{
    return (expected->switches != now->switches ? GS_GIL_CHANGED_SWITCHES : 0u) |
           (expected->last != now->last ? GS_GIL_CHANGED_LAST : 0u) |
           (gs_wire_gil_state(expected) != gs_wire_gil_state(now) ? GS_GIL_CHANGED_STATE : 0u) |
           (expected->interpreter != now->interpreter ? GS_GIL_CHANGED_INTERPRETER : 0u);
}

/* Returns the end of them; to: nothing is other than expected. */
static uint8_t *put_gils(uint8_t *to, const struct gs_sampled_gil *expected, const struct gs_sampled_gil *gils,
                         size_t count)
{
    size_t next = 0, from = 0;
    while (next < count && !unexpected(&expected[next], &gils[next]))
        next++;
    while (next < count) {
        size_t at = next++;
        unsigned what = unexpected(&expected[at], &gils[at]);
        while (next < count && !unexpected(&expected[next], &gils[next]))
            next++;
        to = gs_wire_put(to, (at - from) << GS_GIL_CHANGE_BITS | what | (next < count ? GS_GIL_CHANGES_MORE : 0u));
        from = at + 1;
        if (what & GS_GIL_CHANGED_SWITCHES)
            to = gs_wire_put(to, gils[at].switches - expected[at].switches);
        if (what & GS_GIL_CHANGED_LAST)
            to = gs_wire_put(to, (uint32_t)(gils[at].last + 1));
        if (what & GS_GIL_CHANGED_STATE)
            to = gs_wire_put(to, gs_wire_gil_state(&gils[at]));
        if (what & GS_GIL_CHANGED_INTERPRETER)
            to = gs_wire_put(to, gs_wire_zigzag(gils[at].interpreter));
    }
    return to;
}

/* ---- tasks ---- */

enum { TASK_MOST = 2 * 5 /* bytes of one task */ };

/* The dictionary has their stacks before the sample does. */
static enum gs_status number_tasks(struct changes *changes)
{
    struct gs_samples_out *out = changes->out;
    const struct gs_sample *sample = changes->sample;
    enum gs_status status = GS_OK;
    if (!gs_room((void **)&out->tasks, &out->tasks_room, sample->task_count, sizeof *out->tasks))
        return GS_NO_MEMORY;
    for (size_t i = 0; i < sample->task_count && !status; i++)
        status =
            dictionary_stack(&out->dictionary, changes->packer, sample->stacks, sample->tasks[i].stack, &out->tasks[i]);
    return status;
}

static uint8_t *put_tasks(uint8_t *to, const struct gs_sample *sample, const uint32_t *stacks)
{
    to = gs_wire_put(to, sample->tasks_ns);
    to = gs_wire_put(to, sample->task_count);
    for (size_t i = 0; i < sample->task_count; i++) {
        to = gs_wire_put(to, sample->tasks[i].thread_at);
        to = gs_wire_put(to, gs_wire_zigzag((int64_t)stacks[i] - (i > 0 ? stacks[i - 1] : 0)));
    }
    return to;
}

static enum gs_status put_sample(struct changes *changes, const struct gs_process_out *process)
{
    const struct gs_sample *sample = changes->sample;
    struct gs_samples_out *out = changes->out;
    size_t len = (size_t)(changes->to - out->changes);
    uint64_t since_ns = sample->time_ns - process->last_ns;
    enum gs_status status =
        gs_packer_room(changes->packer, len + 2 + GS_WIRE_NUMBER_MOST * 7 + sample->gil_count * (GIL_MOST + 2) +
                                            sample->task_count * TASK_MOST);
    if (status)
        return status;
    unsigned flags = 0;
    flags |= sample->gil_count != process->gil_count ? GS_SAMPLE_GIL_COUNT : 0;
    flags |= sample->process != out->process ? GS_SAMPLE_PROCESS : 0;
    flags |= sample->weight_ns != since_ns || sample->gap_ns != 0 ? GS_SAMPLE_WEIGHT : 0;
    flags |= (len > 0 ? GS_SAMPLE_CHANGES : 0) | (changes->list ? GS_SAMPLE_LIST : 0);
    uint8_t *to = changes->packer->raw + changes->packer->len, *tag = to++;
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
    if (flags & GS_SAMPLE_GIL_COUNT)
        to = gs_wire_put(to, sample->gil_count);
    uint8_t *gils = put_gils(to, process->gils, sample->gils, sample->gil_count);
    flags |= gils > to ? GS_SAMPLE_GILS : 0;
    flags |= sample->tasks_ns > 0 ? GS_SAMPLE_TASKS : 0;
    *tag = (uint8_t)(GS_RECORD_SAMPLE | flags);
    return gs_packer_commit(changes->packer, sample->tasks_ns > 0 ? put_tasks(gils, sample, out->tasks) : gils);
}

enum gs_status gs_samples_out_put(struct gs_samples_out *out, struct gs_packer *packer, const struct gs_sample *sample)
{
    if (sample->process >= out->process_count || sample->gil_count > GS_GILS_MOST ||
        sample->task_count > GS_WIRE_SAMPLE_MOST)
        return GS_FAILED;
    struct gs_process_out *process = &out->processes[sample->process];
    enum gs_status status = make_room(out, process, sample->thread_count);
    if (!status)
        status = expect_gils(process, sample);
    if (status)
        return status;
    struct changes changes = {.out = out, .packer = packer, .sample = sample, .to = out->changes};
    out->listed += sample->thread_count - process->count;
    if (out->listed > GS_WIRE_LISTED_MOST)
        return GS_FAILED;
    status = put_changes(&changes, process);
    if (!status)
        status = number_tasks(&changes);
    if (!status)
        status = put_sample(&changes, process);
    if (status)
        return status;
    if (changes.to != out->changes && sample->thread_count > 0)
        memcpy(process->threads, sample->threads, sample->thread_count * sizeof *sample->threads);
    if (sample->gil_count > 0)
        memcpy(process->gils, sample->gils, sample->gil_count * sizeof *sample->gils);
    process->count = sample->thread_count;
    process->gil_count = sample->gil_count;
    process->last_ns = sample->time_ns;
    process->forgotten = out->forgotten;
    out->process = sample->process;
    return GS_OK;
}
