/* Opening several recordings, putting them in order, and playing one after the other. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/room.h"
#include "recording/join.h"
#include "recording/join_sink.h"

/* CLOCK_MONOTONIC of one machine, beside CLOCK_REALTIME, may be set so much and is still that of one boot. */
#define SAME_CLOCK_NS (60 * (int64_t)GS_NS_PER_S)

struct part {
    struct gs_recording *recording;
    char *name, *host, *gilspy;
    struct gs_run_info run;
    int64_t shift_ns; /* to the clock of the first one */
    uint64_t end_ns;  /* on that clock */
    bool left_out;    /* it is later than what is wanted */
};

struct gs_join {
    struct part *parts;
    size_t count, room;
    size_t begun; /* so many of them, the first when they are in order, have something to play */
};

struct gs_join *gs_join_new(void)
{
    return calloc(1, sizeof(struct gs_join));
}

void gs_join_free(struct gs_join *join)
{
    if (!join)
        return;
    for (size_t i = 0; i < join->count; i++) {
        gs_recording_close(join->parts[i].recording);
        free(join->parts[i].name);
        free(join->parts[i].host);
        free(join->parts[i].gilspy);
    }
    free(join->parts);
    free(join);
}

enum gs_status gs_join_add(struct gs_join *join, struct gs_recording *recording, const char *name, struct gs_err *err)
{
    char *copy = strdup(name);
    if (!copy || !gs_room((void **)&join->parts, &join->room, join->count + 1, sizeof *join->parts)) {
        gs_recording_close(recording);
        free(copy);
        return gs_fail(err, GS_NO_MEMORY, "cannot play %.300s: out of memory", name);
    }
    join->parts[join->count++] = (struct part){.recording = recording, .name = copy};
    return GS_OK;
}

/* A sink that wants the beginning of the run only. */
struct peek {
    struct gs_sink sink;
    struct part *part;
    bool begun;
};

static enum gs_status peek_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    struct peek *peek = (struct peek *)sink;
    peek->part->run = *run;
    peek->part->host = strdup(run->host);
    peek->part->gilspy = strdup(run->gilspy);
    peek->begun = peek->part->host && peek->part->gilspy;
    return peek->begun ? GS_GONE : GS_NO_MEMORY; /* either stops it */
}

static enum gs_status peek_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    (void)sink;
    (void)end;
    return GS_OK;
}

static enum gs_status look_at(struct part *part, struct gs_err *err)
{
    struct peek peek = {.sink = {.begin = peek_begin, .end = peek_end}, .part = part};
    free(part->host);
    free(part->gilspy);
    part->host = part->gilspy = NULL;
    enum gs_status status = gs_recording_play(part->recording, &peek.sink, 0, UINT64_MAX, err);
    return peek.begun ? GS_OK : status;
}

static int by_time(const void *left, const void *right)
{
    const struct part *a = left, *b = right;
    if (!a->host != !b->host)
        return a->host ? -1 : 1;
    if (a->run.realtime_ns != b->run.realtime_ns)
        return a->run.realtime_ns < b->run.realtime_ns ? -1 : 1;
    return (a->run.begin_ns > b->run.begin_ns) - (a->run.begin_ns < b->run.begin_ns);
}

/* Where the part's clock stands beside that of the first one. */
static int64_t shift_of(const struct part *first, const struct part *part)
{
    int64_t shift_ns = (int64_t)((uint64_t)part->run.realtime_ns - (uint64_t)first->run.realtime_ns -
                                 (part->run.begin_ns - first->run.begin_ns));
    bool same = strcmp(first->host, part->host) == 0 && shift_ns < SAME_CLOCK_NS && shift_ns > -SAME_CLOCK_NS;
    return same ? 0 : shift_ns;
}

/* One that has only begun to grow has nothing to play yet: among others that does not matter. */
static enum gs_status look_at_all(struct gs_join *join, struct gs_err *err)
{
    enum gs_status status = GS_OK, nothing = GS_OK;
    join->begun = 0;
    for (size_t i = 0; i < join->count && !status; i++) {
        const struct gs_recording_state *state = gs_join_state(join, i);
        status = look_at(&join->parts[i], err);
        if (status == GS_FAILED && !state->damaged && !state->error) {
            nothing = status;
            status = GS_OK;
        }
        join->begun += join->parts[i].host != NULL;
    }
    return status || join->begun > 0 ? status : nothing;
}

static bool is_same(const struct part *a, const struct part *b)
{
    return a->run.realtime_ns == b->run.realtime_ns && strcmp(a->host, b->host) == 0;
}

/* GS_FAILED: nothing to play, or times that no recordings have. */
static enum gs_status arrange(struct gs_join *join, struct gs_err *err)
{
    enum gs_status status = look_at_all(join, err);
    if (status)
        return status;
    qsort(join->parts, join->count, sizeof *join->parts, by_time);
    const struct part *first = &join->parts[0];
    for (size_t i = 0; i < join->begun; i++) {
        struct part *part = &join->parts[i];
        if (i > 0 && is_same(part - 1, part))
            return gs_fail(err, GS_FAILED, "cannot join %.200s and %.200s: they are the same recording", part[-1].name,
                           part->name);
        part->shift_ns = shift_of(first, part);
        part->run.begin_ns += (uint64_t)part->shift_ns;
        if (part->run.begin_ns < first->run.begin_ns)
            return gs_fail(err, GS_FAILED, "cannot join %.200s and %.200s: their clocks contradict each other",
                           first->name, part->name);
    }
    return GS_OK;
}

/* A moment after the beginning of all, seen from the beginning of a part. */
static uint64_t since(uint64_t moment_ns, uint64_t offset_ns)
{
    if (moment_ns == UINT64_MAX)
        return UINT64_MAX;
    return moment_ns > offset_ns ? moment_ns - offset_ns : 0;
}

static enum gs_status play_part(struct gs_join *join, struct part *part, struct gs_join_sink *sink, uint64_t from_ns,
                                uint64_t to_ns, struct gs_err *err)
{
    uint64_t offset_ns = part->run.begin_ns - join->parts[0].run.begin_ns;
    part->left_out = to_ns <= offset_ns;
    if (part->left_out)
        return GS_OK;
    gs_join_sink_next(sink, part->run.begin_ns, part->shift_ns);
    enum gs_status status =
        gs_recording_play(part->recording, gs_join_sink(sink), since(from_ns, offset_ns), since(to_ns, offset_ns), err);
    part->end_ns = gs_join_sink_end_ns(sink);
    return status;
}

static enum gs_status play_all(struct gs_join *join, struct gs_sink *sink, uint64_t from_ns, uint64_t to_ns,
                               struct gs_err *err)
{
    struct gs_join_sink *joining = gs_join_sink_new(sink);
    struct gs_run_info run = join->parts[0].run;
    run.host = join->parts[0].host;
    run.gilspy = join->parts[0].gilspy;
    run.realtime_ns = (int64_t)((uint64_t)run.realtime_ns + from_ns);
    run.begin_ns = run.begin_ns + from_ns < run.begin_ns ? UINT64_MAX : run.begin_ns + from_ns;
    if (!joining)
        return gs_fail(err, GS_NO_MEMORY, "cannot play: out of memory");
    enum gs_status status = sink->begin ? sink->begin(sink, &run) : GS_OK;
    for (size_t i = 0; i < join->begun && !status; i++)
        status = play_part(join, &join->parts[i], joining, from_ns, to_ns, err);
    if (!status)
        status = gs_join_sink_finish(joining, run.begin_ns);
    gs_join_sink_free(joining);
    return status;
}

/* Which may be read once only. A process that was lost from sight in it is still to be known again. */
static enum gs_status play_one(const struct gs_join *join, struct gs_sink *sink, uint64_t from_ns, uint64_t to_ns,
                               struct gs_err *err)
{
    struct gs_join_sink *joining = gs_join_sink_new(sink);
    if (!joining)
        return gs_fail(err, GS_NO_MEMORY, "cannot play: out of memory");
    gs_join_sink_alone(joining);
    enum gs_status status = gs_recording_play(join->parts[0].recording, gs_join_sink(joining), from_ns, to_ns, err);
    gs_join_sink_free(joining);
    return status;
}

enum gs_status gs_join_play(struct gs_join *join, struct gs_sink *sink, uint64_t from_ns, uint64_t to_ns,
                            struct gs_err *err)
{
    if (join->count == 1)
        return play_one(join, sink, from_ns, to_ns, err);
    enum gs_status status = arrange(join, err);
    return status ? status : play_all(join, sink, from_ns, to_ns, err);
}

size_t gs_join_count(const struct gs_join *join)
{
    return join->count;
}

const char *gs_join_name(const struct gs_join *join, size_t i)
{
    return join->parts[i].name;
}

const struct gs_recording_state *gs_join_state(const struct gs_join *join, size_t i)
{
    static const struct gs_recording_state left_out = {.complete = true};
    return join->parts[i].left_out ? &left_out : gs_recording_state(join->parts[i].recording);
}

uint64_t gs_join_gap_ns(const struct gs_join *join, size_t i)
{
    uint64_t end_ns = 0;
    for (size_t k = 0; k < i && i < join->begun; k++)
        end_ns = join->parts[k].end_ns > end_ns ? join->parts[k].end_ns : end_ns;
    return i > 0 && end_ns > 0 && join->parts[i].run.begin_ns > end_ns ? join->parts[i].run.begin_ns - end_ns : 0;
}
