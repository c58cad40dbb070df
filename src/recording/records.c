/* Plays records into a sink: what stands around the samples, and which of them are in the part that is wanted. */
#include <math.h>
#include <stdlib.h>

#include "base/least.h"
#include "base/room.h"
#include "recording/quality.h"
#include "recording/records.h"
#include "recording/samples_in.h"
#include "recording/wire.h"
#include "stack/strings.h"

struct dictionary {
    struct gs_stacks *stacks;
    const char **strings; /* by number; they belong to the stacks */
    size_t string_count, string_room;
};

/* The places and stacks of a recording. A file has each of them once, so that their numbers in the file are those that
 * gs_stacks gives them; where they are not, the file is no recording of ours. */
enum { FIELDS = 4 };

static enum gs_status dictionary_init(struct dictionary *dictionary)
{
    *dictionary = (struct dictionary){.stacks = gs_stacks_new()};
    return dictionary->stacks ? GS_OK : GS_NO_MEMORY;
}

static void dictionary_fini(struct dictionary *dictionary)
{
    gs_stacks_free(dictionary->stacks);
    free(dictionary->strings);
}

static void dictionary_forget(struct dictionary *dictionary)
{
    gs_stacks_clear(dictionary->stacks);
    dictionary->string_count = 0;
}

/* A new string lies in the block for now. */
static const char *get_string(struct dictionary *dictionary, struct gs_wire *records, bool *is_new)
{
    uint64_t number = gs_wire_get_most(records, dictionary->string_count + 1);
    *is_new = number == 1;
    if (*is_new)
        return dictionary->strings[dictionary->string_count++] = gs_wire_get_string(records);
    return number ? dictionary->strings[number - 2] : NULL;
}

/* Reads the rest of such a record. GS_NO_MEMORY; what should not be sets records->bad. */
static enum gs_status dictionary_place(struct dictionary *dictionary, struct gs_wire *records)
{
    struct gs_place place = {0};
    const char **fields[FIELDS] = {&place.function, &place.qualname, &place.file, &place.module};
    bool is_new[FIELDS];
    if (!gs_room((void **)&dictionary->strings, &dictionary->string_room, dictionary->string_count + FIELDS,
                 sizeof *dictionary->strings))
        return GS_NO_MEMORY;
    size_t first = dictionary->string_count;
    for (size_t i = 0; i < FIELDS; i++)
        *fields[i] = get_string(dictionary, records, &is_new[i]);
    place.line = (int32_t)gs_wire_unzigzag(gs_wire_get_most(records, UINT32_MAX));
    place.kind = (uint8_t)gs_wire_get_most(records, GS_WIRE_KIND_MOST);
    if (!place.function || !place.file || gs_stacks_bytes(dictionary->stacks) > GS_WIRE_STACKS_BYTES)
        records->bad = true;
    if (records->bad) {
        dictionary->string_count = first;
        return GS_OK;
    }
    uint32_t known = gs_stacks_place_count(dictionary->stacks), number = gs_stacks_place(dictionary->stacks, &place);
    if (number == 0)
        return GS_NO_MEMORY;
    records->bad = number <= known;
    place = *gs_stacks_place_at(dictionary->stacks, number);
    for (size_t i = 0; i < FIELDS; i++) {
        if (is_new[i])
            dictionary->strings[first++] = *fields[i];
    }
    return GS_OK;
}

static enum gs_status dictionary_stack(struct dictionary *dictionary, struct gs_wire *records)
{
    uint64_t made = (uint64_t)gs_stacks_count(dictionary->stacks) + 1;
    uint64_t back = gs_wire_get_most(records, made), place = gs_wire_get(records);
    if (back == 0 || place == 0 || place > gs_stacks_place_count(dictionary->stacks) ||
        gs_stacks_bytes(dictionary->stacks) > GS_WIRE_STACKS_BYTES)
        records->bad = true;
    if (records->bad)
        return GS_OK;
    uint32_t number = gs_stacks_push(dictionary->stacks, (uint32_t)(made - back), (uint32_t)place);
    if (number == 0)
        return GS_NO_MEMORY;
    records->bad = number != made;
    return GS_OK;
}

struct gs_records {
    struct gs_sink *sink;
    uint64_t from_ns, to_ns;
    struct gs_strings *names; /* all strings but those of places */
    struct dictionary dictionary;
    struct gs_samples_in in;
    const char **command;
    size_t command_room;
    bool begun, ended;
    uint64_t played, played_threads, played_torn; /* samples, their threads; samples with a torn stack */
    uint64_t last_ns;
    struct gs_run_end end; /* as recorded */
};

struct gs_records *gs_records_new(struct gs_sink *sink, int version, uint64_t from_ns, uint64_t to_ns)
{
    struct gs_records *records = calloc(1, sizeof *records);
    if (!records)
        return NULL;
    records->sink = sink;
    records->in.version = version;
    records->from_ns = from_ns;
    records->to_ns = to_ns;
    records->names = gs_strings_new();
    if (records->names && dictionary_init(&records->dictionary) == GS_OK)
        return records;
    gs_records_free(records);
    return NULL;
}

void gs_records_free(struct gs_records *records)
{
    if (!records)
        return;
    gs_strings_free(records->names);
    dictionary_fini(&records->dictionary);
    gs_samples_in_fini(&records->in);
    free(records->command);
    free(records);
}

bool gs_records_begun(const struct gs_records *records)
{
    return records->begun;
}

bool gs_records_ended(const struct gs_records *records)
{
    return records->ended;
}

/* A string that holds until the end. */
static const char *keep_string(struct gs_records *records, struct gs_wire *wire, enum gs_status *status)
{
    const char *text = gs_wire_get_string(wire), *kept = "";
    if (gs_strings_bytes(records->names) > GS_WIRE_NAMES_BYTES)
        wire->bad = true;
    if (!wire->bad && !*status && !(kept = gs_strings_keep(records->names, text)))
        *status = GS_NO_MEMORY;
    return kept;
}

static uint64_t add_most(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static enum gs_status play_begin(struct gs_records *records, struct gs_wire *wire)
{
    enum gs_status status = GS_OK;
    struct gs_run_info run = {.begin_ns = gs_wire_get(wire)};
    run.realtime_ns = gs_wire_unzigzag(gs_wire_get(wire));
    records->in.begin_ns = records->last_ns = run.begin_ns;
    records->in.slot_ns = gs_wire_get(wire);
    gs_wire_get_bytes(wire, &run.rate_hz, sizeof run.rate_hz);
    run.gilspy = keep_string(records, wire, &status);
    run.host = keep_string(records, wire, &status);
    wire->bad = wire->bad || isnan(run.rate_hz) || run.rate_hz <= 0;
    if (wire->bad || status)
        return status;
    records->begun = true;
    run.begin_ns = add_most(run.begin_ns, records->from_ns);
    run.realtime_ns = (int64_t)((uint64_t)run.realtime_ns + records->from_ns);
    return records->sink->begin ? records->sink->begin(records->sink, &run) : GS_OK;
}

static const char *keep_optional(struct gs_records *records, struct gs_wire *wire, enum gs_status *status)
{
    return gs_wire_get_most(wire, 1) ? keep_string(records, wire, status) : NULL;
}

static enum gs_status keep_command(struct gs_records *records, struct gs_wire *wire)
{
    enum gs_status status = GS_OK;
    size_t count = gs_wire_get_most(wire, GS_WIRE_ARGUMENTS_MOST);
    if (count >= records->command_room) {
        free(records->command);
        records->command = calloc(count + 1, sizeof *records->command);
        records->command_room = records->command ? count + 1 : 0;
        if (!records->command)
            return GS_NO_MEMORY;
    }
    for (size_t i = 0; i < count && !wire->bad; i++)
        records->command[i] = keep_string(records, wire, &status);
    records->command[count] = NULL;
    return status;
}

static enum gs_status play_process(struct gs_records *records, struct gs_wire *wire)
{
    enum gs_status status = GS_OK;
    struct gs_sampled_process process = {.pid = (pid_t)gs_wire_get_most(wire, UINT32_MAX)};
    process.ns_pid = (pid_t)gs_wire_get_most(wire, UINT32_MAX);
    process.start_ticks = records->in.version >= GS_FILE_STARTS ? gs_wire_get(wire) : 0;
    process.exceptions = records->in.version >= GS_FILE_EXCEPTIONS && gs_wire_get_most(wire, 1);
    process.python = keep_optional(records, wire, &status);
    process.build = keep_optional(records, wire, &status);
    process.exe = keep_optional(records, wire, &status);
    if (!status && !wire->bad)
        status = keep_command(records, wire);
    process.command = (char *const *)records->command;
    uint32_t number = (uint32_t)records->in.process_count;
    if (!status && !wire->bad)
        status = gs_samples_in_process(&records->in, wire);
    if (status || wire->bad || !records->sink->process)
        return status;
    return records->sink->process ? records->sink->process(records->sink, number, &process) : GS_OK;
}

static enum gs_status play_thread(struct gs_records *records, struct gs_wire *wire)
{
    enum gs_status status = GS_OK;
    uint32_t number = (uint32_t)gs_wire_get_most(wire, UINT32_MAX);
    struct gs_sampled_thread thread = {.process = (uint32_t)gs_wire_get_most(wire, UINT32_MAX)};
    thread.tid = (pid_t)gs_wire_get_most(wire, UINT32_MAX);
    thread.ns_tid = (pid_t)gs_wire_get_most(wire, UINT32_MAX);
    thread.ident = gs_wire_get(wire);
    thread.main = gs_wire_get_most(wire, 1);
    thread.name = keep_string(records, wire, &status);
    if (!status && !wire->bad)
        status = gs_samples_in_thread(&records->in, wire, number, thread.process);
    if (status || wire->bad || !records->sink->thread)
        return status;
    return records->sink->thread ? records->sink->thread(records->sink, number, &thread) : GS_OK;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static bool is_wanted(const struct gs_records *records, const struct gs_sample *sample)
{
    uint64_t at_ns = less(sample->time_ns, records->in.begin_ns);
    return at_ns >= records->from_ns && (at_ns < records->to_ns || records->to_ns == UINT64_MAX);
}

/* Leaves of the gap before the sample what lies in the part. */
static void clip_gap(const struct gs_records *records, struct gs_sample *sample)
{
    uint64_t end_ns = less(less(sample->time_ns, records->in.begin_ns), sample->weight_ns);
    sample->gap_ns = less(sample->gap_ns, less(end_ns, records->to_ns));
    if (records->from_ns > 0)
        sample->gap_ns = gs_least(sample->gap_ns, less(gs_least(end_ns, records->to_ns), records->from_ns));
}

static void count(struct gs_records *records, const struct gs_sample *sample)
{
    bool torn = false;
    for (size_t i = 0; i < sample->thread_count; i++)
        torn |= sample->threads[i].torn;
    records->played++;
    records->played_torn += torn;
    records->played_threads += sample->thread_count;
    records->last_ns = sample->time_ns;
}

static enum gs_status play_sample(struct gs_records *records, struct gs_wire *wire, unsigned flags)
{
    struct gs_sample sample;
    enum gs_status status = gs_samples_in_get(&records->in, wire, flags, records->dictionary.stacks, &sample);
    if (status || wire->bad)
        return status;
    clip_gap(records, &sample);
    if (records->from_ns > 0)
        sample.tasks_ns = gs_least(sample.tasks_ns, less(less(sample.time_ns, records->in.begin_ns), records->from_ns));
    if (is_wanted(records, &sample)) {
        count(records, &sample);
    } else if (sample.gap_ns > 0) { /* the gap reaches into the part, the sample is later */
        sample.time_ns = add_most(records->in.begin_ns, records->to_ns);
        sample.weight_ns = sample.tasks_ns = 0;
        sample.task_count = 0;
    } else {
        return GS_OK;
    }
    return records->sink->sample ? records->sink->sample(records->sink, &sample) : GS_OK;
}

static enum gs_status play_forget(struct gs_records *records)
{
    enum gs_status status = records->sink->forget ? records->sink->forget(records->sink) : GS_OK;
    dictionary_forget(&records->dictionary);
    records->in.forgotten++;
    return status;
}

static void play_end(struct gs_records *records, struct gs_wire *wire)
{
    struct gs_run_end *end = &records->end;
    end->end_ns = add_most(records->in.begin_ns, gs_wire_get(wire));
    end->samples = gs_wire_get(wire);
    end->thread_samples = gs_wire_get(wire);
    end->complete = gs_wire_get_most(wire, 1);
    for (size_t i = 0; i < GS_QUALITY_FIELDS && (i < GS_QUALITY_FIRST || wire->at < wire->end); i++)
        *gs_quality_field(&end->quality, i) = gs_wire_get(wire);
    records->ended = !wire->bad;
}

static enum gs_status play_record(struct gs_records *records, struct gs_wire *wire)
{
    uint8_t tag = *wire->at++;
    if (records->begun == (tag == GS_RECORD_RUN)) {
        wire->bad = true;
        return GS_OK;
    }
    int gils = GS_SAMPLE_GILS | GS_SAMPLE_GIL_COUNT, version = records->in.version;
    if ((tag & ~GS_SAMPLE_FLAGS) == GS_RECORD_SAMPLE && (version >= GS_FILE_GILS || !(tag & gils)) &&
        (version >= GS_FILE_TASKS || !(tag & GS_SAMPLE_TASKS)))
        return play_sample(records, wire, tag & GS_SAMPLE_FLAGS);
    switch (tag) {
    case GS_RECORD_RUN:
        return play_begin(records, wire);
    case GS_RECORD_PROCESS:
        return play_process(records, wire);
    case GS_RECORD_THREAD:
        return play_thread(records, wire);
    case GS_RECORD_PLACE:
        return dictionary_place(&records->dictionary, wire);
    case GS_RECORD_STACK:
        return dictionary_stack(&records->dictionary, wire);
    case GS_RECORD_FORGET:
        return play_forget(records);
    case GS_RECORD_END:
        play_end(records, wire);
        return GS_OK;
    default:
        wire->bad = true;
        return GS_OK;
    }
}

enum gs_status gs_records_play(struct gs_records *records, struct gs_wire *wire)
{
    enum gs_status status = GS_OK;
    while (wire->at < wire->end && !wire->bad && !records->ended && !status)
        status = play_record(records, wire);
    return status;
}

enum gs_status gs_records_end(struct gs_records *records, bool *complete)
{
    struct gs_run_end end = records->end;
    bool whole = records->from_ns == 0 && records->to_ns == UINT64_MAX;
    uint64_t from_ns = add_most(records->in.begin_ns, records->from_ns);
    uint64_t to_ns = add_most(records->in.begin_ns, records->to_ns);
    if (!records->ended)
        end = (struct gs_run_end){.end_ns = records->last_ns,
                                  .quality = {.samples = records->played, .torn = records->played_torn}};
    if (!records->ended || !whole) {
        end.samples = records->played;
        end.thread_samples = records->played_threads;
    }
    if (end.end_ns > to_ns)
        end.end_ns = to_ns;
    if (end.end_ns < from_ns)
        end.end_ns = from_ns;
    end.begin_ns = from_ns;
    *complete = end.complete;
    return records->sink->end(records->sink, &end);
}
