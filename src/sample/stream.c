/* Snapshots made into samples. Most threads did nothing since the last one: what is known of them is kept in the order
 * in which the snapshot has them, and is looked at again only when their stack was read anew. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/least.h"
#include "base/room.h"
#include "python/opcodes.h"
#include "sample/merge.h"
#include "sample/stream.h"
#include "sample/stream_locks.h"
#include "sample/task_stacks.h"
#include "target/task.h"

enum {
    NAMES_SHARE = 8,              /* of the time for which nobody was renamed */
    NAMES_SOON_NS = 50 * 1000000, /* a new one has its name a moment later */
    NAMES_TRIES = 20,
    NUMBERED_MOST = 1 << 14 /* threads whose numbers are known though they have no state just now */
};
/* Threads may be renamed: they are looked at again after this at least, and at most. */
#define NAMES_NS      (5 * GS_NS_PER_S)
#define NAMES_MOST_NS (30 * GS_NS_PER_S)

/* One frame of the stack of a thread, outermost first. */
struct step {
    gs_addr code;
    int32_t instr;
    uint32_t stack; /* from the outermost frame up to this one */
};

/* One thread of the snapshot. */
struct known {
    gs_addr tstate;
    uint64_t ident;
    pid_t tid;
    uint32_t thread; /* its number */
    uint32_t read;   /* as in gs_thread, of the stack that steps are */
    uint32_t stack;
    bool fresh;    /* steps are of code objects that are known no longer */
    bool collects; /* they begin with the collector */
    bool plain;    /* and are that stack, nothing else */
    struct step *steps;
    size_t step_count, step_room;
    char *name;
    bool named; /* by threading */
};

/* A native thread that was met: it may be in Python now and then only, with another state each time. */
struct numbered {
    uint64_t ident;
    uint32_t thread;
};

/* The callback that a loop runs. */
struct long_callback {
    uint64_t loop, callback, clock_ms, since_ns;
    uint64_t next_ns; /* when its stack is to be looked at */
    pid_t tid;        /* of the thread, */
    int fd;           /* and the file that says what it does; tid 0: none is open */
};

struct gs_stream {
    struct gs_stream_host *host;
    uint64_t id;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_stream_locks *locks; /* NULL: not wanted yet */
    struct gs_merge *merge;
    struct gs_task_stacks *tasks; /* NULL: not wanted */
    struct gs_frame *frames;      /* of one thread, with its instruction */
    size_t frames_room;
    uint64_t tasks_ns; /* when all of them were looked at */
    struct gs_loop_sample *loops;
    struct long_callback *callbacks; /* of the loops */
    size_t loops_room, callbacks_room, loop_count;
    bool long_callback; /* one goes on for so long that it is worth a stack */
    struct gs_task_sample *suspended;
    size_t suspended_room;
    uint32_t process;
    struct known *known;
    size_t known_count, known_room;
    struct gs_thread_sample *out;
    size_t out_room;
    struct gs_sample last; /* stacks NULL: there is none, or it is not whole any more */
    struct numbered *numbered;
    size_t numbered_count, numbered_room;
    struct gs_ids by_tid; /* indexes of these */
    bool plain;           /* the threads of the last sample were the snapshot's own */
    struct gs_sampled_gil gils[GS_GILS_MOST];
    pid_t last_tid[GS_GILS_MOST]; /* of gils[].last */
    size_t gil_count;
    uint32_t met_as;     /* as which places are known to the host: another one when those it knows are others' */
    uint64_t generation; /* of the code objects */
    uint64_t forgotten;  /* of the stacks */
    uint64_t named_ns, renamed_ns; /* when names were looked at, and a thread got another one */
    int nameless;                  /* how often names are still to be looked for soon */
};

static enum gs_status announce(struct gs_stream *stream)
{
    const struct gs_target *target = stream->python->target;
    struct gs_sink *sink = stream->host->sink;
    struct gs_sampled_process process = {.pid = target->pid,
                                         .ns_pid = target->ns_pid,
                                         .command = target->command,
                                         .python = stream->python->version,
                                         .build = gs_python_build(stream->python),
                                         .exe = target->exe,
                                         .start_ticks = target->start_ticks,
                                         .service = target->service,
                                         .cgroup = target->cgroup,
                                         .exceptions = gs_python_exceptions(stream->python)};
    stream->process = stream->host->processes++;
    return sink->process ? sink->process(sink, stream->process, &process) : GS_OK;
}

enum gs_status gs_stream_new(struct gs_stream **out, struct gs_stream_host *host, uint64_t id, struct gs_python *python,
                             struct gs_reader *reader, struct gs_names *names)
{
    struct gs_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return GS_NO_MEMORY;
    stream->host = host;
    stream->id = id;
    stream->python = python;
    stream->reader = reader;
    stream->names = names;
    stream->forgotten = host->forgotten;
    stream->met_as = ++host->met_by;
    stream->merge = gs_merge_new();
    if (host->tasks || host->loops)
        stream->tasks = gs_task_stacks_new(python, gs_reader_codes(reader), host->loops);
    bool made = stream->merge && (stream->tasks || !(host->tasks || host->loops));
    enum gs_status status = made ? announce(stream) : GS_NO_MEMORY;
    if (status) {
        gs_stream_free(stream);
        return status;
    }
    gs_reader_full_census(reader);
    *out = stream;
    return GS_OK;
}

static void known_fini(struct known *known)
{
    free(known->steps);
    free(known->name);
}

static void close_activity(struct long_callback *known)
{
    if (known->tid && known->fd >= 0)
        close(known->fd);
    known->tid = 0;
}

void gs_stream_free(struct gs_stream *stream)
{
    if (!stream)
        return;
    for (size_t i = 0; i < stream->known_count; i++)
        known_fini(&stream->known[i]);
    free(stream->known);
    free(stream->numbered);
    gs_ids_fini(&stream->by_tid);
    free(stream->out);
    free(stream->suspended);
    free(stream->frames);
    free(stream->loops);
    gs_stream_locks_free(stream->locks);
    for (size_t i = 0; i < stream->loop_count; i++)
        close_activity(&stream->callbacks[i]);
    free(stream->callbacks);
    gs_task_stacks_free(stream->tasks);
    gs_merge_free(stream->merge);
    free(stream);
}

/* ---- threads ---- */

static enum gs_status tell_thread(struct gs_stream *stream, const struct gs_thread *thread, struct known *known)
{
    char comm[16];
    const char *name = gs_names_get(stream->names, thread->ident);
    if (!name && known->named)
        return GS_OK; /* threading forgets it a moment before it ends */
    known->named = name != NULL;
    if (!name) {
        gs_target_comm(stream->python->target, thread->tid, comm);
        name = comm;
    }
    if (known->name && strcmp(known->name, name) == 0)
        return GS_OK;
    char *copy = strdup(name);
    if (!copy)
        return GS_NO_MEMORY;
    free(known->name);
    known->name = copy;
    stream->renamed_ns = gs_clock_ns();
    struct gs_sink *sink = stream->host->sink;
    struct gs_sampled_thread sampled = {.process = stream->process,
                                        .tid = thread->tid,
                                        .ns_tid = thread->ns_tid,
                                        .ident = thread->ident,
                                        .name = copy,
                                        .main = thread->main};
    return sink->thread ? sink->thread(sink, known->thread, &sampled) : GS_OK;
}

static enum gs_status refresh_names(struct gs_stream *stream, const struct gs_snapshot *snapshot,
                                    const struct gs_thread *threads)
{
    stream->named_ns = snapshot->time_ns;
    if (stream->nameless > 0)
        stream->nameless--;
    for (size_t i = 0; i < snapshot->interpreter_count; i++)
        gs_names_refresh(stream->names, snapshot->interpreters[i].addr);
    bool all = true;
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < stream->known_count && !status; i++) {
        all = all && gs_names_get(stream->names, threads[i].ident);
        status = tell_thread(stream, &threads[i], &stream->known[i]);
    }
    if (all)
        stream->nameless = 0;
    return status;
}

static bool is_of(const struct known *known, const struct gs_thread *thread)
{
    return known->tstate == thread->tstate && known->tid == thread->tid && known->ident == thread->ident;
}

static int by_tstate(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    if (x->tstate != y->tstate)
        return x->tstate < y->tstate ? -1 : 1;
    return x->tstate ? 0 : (x->tid > y->tid) - (x->tid < y->tid); /* those without one are told by their ids */
}

/* Where that fails, or there were too many, one that comes back has another number. */
static void remember(struct gs_stream *stream, const struct known *known)
{
    if (stream->numbered_count == NUMBERED_MOST) {
        stream->numbered_count = 0;
        gs_ids_clear(&stream->by_tid);
    }
    size_t at = stream->numbered_count;
    if (!gs_room((void **)&stream->numbered, &stream->numbered_room, at + 1, sizeof *stream->numbered) ||
        !gs_ids_set(&stream->by_tid, (uint32_t)known->tid, (uint32_t)at))
        return;
    stream->numbered[stream->numbered_count++] = (struct numbered){known->ident, known->thread};
}

static bool has_number(const struct known *list, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].tid && list[i].thread == number)
            return true;
    }
    return false;
}

/* A native thread that comes back has the number that it had: the same ids are hardly another's. One that bears the ids
 * of another is nobody's. */
static void give_number(struct gs_stream *stream, const struct gs_thread *thread, struct known *list, size_t count,
                        struct known *known)
{
    bool own = thread->tid > 0 && !thread->apart;
    uint32_t at = own ? gs_ids_find(&stream->by_tid, (uint32_t)thread->tid) : GS_IDS_NONE;
    const struct numbered *met = at != GS_IDS_NONE ? &stream->numbered[at] : NULL;
    bool back = met && met->ident == thread->ident && !has_number(list, count, met->thread);
    known->thread = back ? met->thread : stream->host->threads++;
    if (own && !back)
        remember(stream, known);
}

/* The list changed: what is known is put into its new order, and who is new gets a number. */
static enum gs_status rearrange(struct gs_stream *stream, const struct gs_thread *threads, size_t count)
{
    size_t room = count + 1;
    struct known *list = calloc(room, sizeof *list);
    if (!list)
        return GS_NO_MEMORY;
    if (stream->known_count > 0)
        qsort(stream->known, stream->known_count, sizeof *stream->known, by_tstate);
    for (size_t i = 0; i < count; i++) {
        struct known wanted = {.tstate = threads[i].tstate, .tid = threads[i].tid};
        struct known *old = stream->known_count > 0
                                ? bsearch(&wanted, stream->known, stream->known_count, sizeof wanted, by_tstate)
                                : NULL;
        if (old && is_of(old, &threads[i])) {
            list[i] = *old;
            old->steps = NULL;
            old->name = NULL;
            old->tid = 0; /* taken */
            continue;
        }
        list[i] = (struct known){.tstate = threads[i].tstate,
                                 .ident = threads[i].ident,
                                 .tid = threads[i].tid,
                                 .thread = GS_NO_THREAD,
                                 .read = threads[i].read - 1};
        stream->nameless = NAMES_TRIES;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].thread == GS_NO_THREAD)
            give_number(stream, &threads[i], list, count, &list[i]);
    }
    for (size_t i = 0; i < stream->known_count; i++)
        known_fini(&stream->known[i]);
    free(stream->known);
    stream->known = list;
    stream->known_count = count;
    stream->known_room = room;
    return GS_OK;
}

static bool is_arranged(const struct gs_stream *stream, const struct gs_thread *threads, size_t count)
{
    bool same = stream->known_count == count;
    for (size_t i = 0; i < count && same; i++)
        same = is_of(&stream->known[i], &threads[i]);
    return same;
}

/* ---- stacks ---- */

static struct gs_met_place *met_at(const struct gs_stream *stream, uint64_t hash)
{
    return &stream->host->met[(hash + stream->met_as * UINT64_C(0x9e3779b9)) % GS_MET_PLACES];
}

/* Without lines: a function of C is one place. */
static uint32_t native_place_of(struct gs_stream *stream, const struct gs_frame *frame)
{
    const uint64_t serial = ~frame->code; /* those of code objects are small numbers */
    struct gs_met_place *cached = met_at(stream, frame->code * 31);
    if (cached->stream != stream->met_as || cached->serial != serial) {
        const struct gs_native_name *name = gs_native_name(gs_reader_natives(stream->reader), frame->code);
        struct gs_place place = {
            .function = name->function, .file = "", .module = name->module, .kind = GS_FRAME_NATIVE};
        *cached = (struct gs_met_place){serial, stream->met_as, 0, gs_stacks_place(stream->host->stacks, &place)};
    }
    return cached->place;
}

static uint32_t place_of(struct gs_stream *stream, const struct gs_frame *frame)
{
    if (frame->kind == GS_FRAME_NATIVE)
        return native_place_of(stream, frame);
    if (frame->kind == GS_FRAME_GC) {
        struct gs_place gc = {.function = GS_GC_FRAME, .file = "", .kind = GS_FRAME_GC};
        return gs_stacks_place(stream->host->stacks, &gc);
    }
    if (frame->kind == GS_FRAME_OPCODE) {
        char name[GS_OPCODE_NAME];
        gs_opcode_name(&stream->python->layout, frame->instr, name);
        struct gs_place opcode = {.function = name, .file = "", .kind = GS_FRAME_OPCODE};
        return gs_stacks_place(stream->host->stacks, &opcode);
    }
    if (frame->kind == GS_FRAME_TASK) {
        struct gs_place task = {.function = gs_task_stacks_name(frame), .file = "", .kind = GS_FRAME_TASK};
        return gs_stacks_place(stream->host->stacks, &task);
    }
    const struct gs_code *code =
        frame->kind == GS_FRAME_PYTHON ? gs_codes_find(gs_reader_codes(stream->reader), frame->code) : NULL;
    if (!code) {
        struct gs_place gap = {.function = frame->kind == GS_FRAME_GAP ? gs_gap_text(frame->gap) : "<unknown code>",
                               .file = "",
                               .kind = frame->kind};
        return gs_stacks_place(stream->host->stacks, &gap);
    }
    struct gs_met_place *cached = met_at(stream, code->serial * 31 + (uint32_t)frame->instr / 2);
    if (cached->stream != stream->met_as || cached->serial != code->serial || cached->instr != frame->instr) {
        gs_codes_infer(gs_reader_codes(stream->reader), frame->code, frame->frame, frame->first);
        struct gs_place place = {.function = code->function,
                                 .qualname = code->qualname,
                                 .file = code->file,
                                 .line = gs_code_line(&stream->python->layout, code, frame->instr),
                                 .kind = GS_FRAME_PYTHON};
        *cached = (struct gs_met_place){code->serial, stream->met_as, frame->instr,
                                        gs_stacks_place(stream->host->stacks, &place)};
    }
    return cached->place;
}

static bool reserve(struct known *known, size_t count)
{
    if (count <= known->step_room)
        return true;
    size_t room = count + count / 2 + 16;
    struct step *steps = realloc(known->steps, room * sizeof *steps);
    if (!steps)
        return false;
    known->steps = steps;
    known->step_room = room;
    return true;
}

/* How many frames, from the outermost on, are those of the last sample, of which `depth` are known to be. */
static size_t same_depth(const struct gs_frame *frames, size_t count, const struct known *known, size_t depth)
{
    while (depth < count && depth < known->step_count) {
        const struct gs_frame *frame = &frames[count - 1 - depth];
        const struct step *step = &known->steps[depth];
        if (step->code != frame->code || step->instr != frame->instr || frame->kind == GS_FRAME_GAP)
            break;
        depth++;
    }
    return depth;
}

/* But for C frames. */
static bool begins_with_collector(const struct gs_thread *thread)
{
    uint32_t at = 0;
    while (at < thread->frame_count && thread->frames[at].kind == GS_FRAME_NATIVE)
        at++;
    return at < thread->frame_count && thread->frames[at].kind == GS_FRAME_GC;
}

/* As far as it is the stack of the last sample, that one's numbers hold; it is known to be for `same` frames. */
static enum gs_status intern(struct gs_stream *stream, const struct gs_frame *frames, size_t count, size_t same,
                             struct known *known)
{
    size_t depth = known->fresh ? 0 : same_depth(frames, count, known, same);
    if (!reserve(known, count))
        return GS_NO_MEMORY;
    uint32_t stack = depth > 0 ? known->steps[depth - 1].stack : 0;
    for (; depth < count; depth++) {
        const struct gs_frame *frame = &frames[count - 1 - depth];
        uint32_t place = place_of(stream, frame);
        stack = place ? gs_stacks_push(stream->host->stacks, stack, place) : 0;
        if (!stack)
            return GS_NO_MEMORY;
        known->steps[depth] = (struct step){frame->code, frame->instr, stack};
    }
    known->step_count = count;
    known->stack = stack;
    known->fresh = false;
    return GS_OK;
}

/* Puts the instruction within the innermost Python frame. False: out of memory. */
static bool add_opcode(struct gs_stream *stream, const struct gs_frame **frames, size_t *count)
{
    size_t at = 0;
    while (at < *count && (*frames)[at].kind != GS_FRAME_PYTHON)
        at++;
    int opcode = at < *count ? gs_opcode_read(stream->python, gs_reader_codes(stream->reader), &(*frames)[at]) : -1;
    if (opcode < 0)
        return true;
    if (!gs_room((void **)&stream->frames, &stream->frames_room, *count + 1, sizeof *stream->frames))
        return false;
    struct gs_frame *made = stream->frames;
    memcpy(made, *frames, at * sizeof *made);
    made[at] = (struct gs_frame){.kind = GS_FRAME_OPCODE, .instr = opcode};
    memcpy(made + at + 1, *frames + at, (*count - at) * sizeof *made);
    *frames = made;
    ++*count;
    return true;
}

/* The stack of a thread, or of the task that it runs. */
static enum gs_status intern_thread(struct gs_stream *stream, const struct gs_thread *thread, struct known *known)
{
    const struct gs_frame *frames = NULL;
    uint32_t task_count;
    if (stream->host->tasks && !gs_task_stacks_running(stream->tasks, thread, &frames, &task_count))
        return GS_NO_MEMORY;
    size_t count = frames ? task_count : thread->frame_count;
    frames = frames ? frames : thread->frames;
    if (stream->host->opcodes && !add_opcode(stream, &frames, &count))
        return GS_NO_MEMORY;
    bool plain = stream->plain && !stream->host->tasks;
    bool same = plain && known->plain && known->read == thread->same_read;
    known->read = thread->read;
    known->plain = plain;
    return intern(stream, frames, count, same ? gs_least(thread->same_count, known->step_count) : 0, known);
}

/* Of the code objects and of the names of C functions: another one whenever something is forgotten. */
static uint64_t generation_of(const struct gs_stream *stream)
{
    const struct gs_native *natives = gs_reader_natives(stream->reader);
    return gs_codes_generation(gs_reader_codes(stream->reader)) + (natives ? gs_native_generation(natives) : 0);
}

static bool is_stale(const struct gs_stream *stream)
{
    return generation_of(stream) != stream->generation || stream->forgotten != stream->host->forgotten;
}

/* Whatever was kept by the number or the address of something that is no more. */
static void drop_stale(struct gs_stream *stream)
{
    if (!is_stale(stream))
        return;
    /* Places are numbers of stacks; those of C functions are known by address. */
    if (stream->forgotten != stream->host->forgotten || gs_reader_natives(stream->reader))
        stream->met_as = ++stream->host->met_by;
    stream->generation = generation_of(stream);
    stream->forgotten = stream->host->forgotten;
    for (size_t i = 0; i < stream->known_count; i++)
        stream->known[i].fresh = true;
}

static enum gs_status make_sample(struct gs_stream *stream, const struct gs_snapshot *snapshot,
                                  const struct gs_thread *thread, size_t index)
{
    struct known *known = &stream->known[index];
    bool collects = begins_with_collector(thread);
    if (known->read != thread->read || known->fresh || known->collects != collects) {
        known->collects = collects;
        enum gs_status status = intern_thread(stream, thread, known);
        if (status)
            return status;
    }
    uint32_t lock = snapshot->interpreters[thread->interpreter].gil;
    stream->out[index] = (struct gs_thread_sample){.thread = known->thread,
                                                   .stack = thread->frame_count > 0 ? known->stack : 0,
                                                   .gil = (uint8_t)thread->gil,
                                                   .evidence = (uint8_t)thread->evidence,
                                                   .run = (uint8_t)thread->activity.run,
                                                   .torn = thread->torn,
                                                   .late = thread->late,
                                                   .handles = thread->handles,
                                                   .lock = (uint8_t)gs_least(lock, GS_GIL_LEFT_OUT)};
    return GS_OK;
}

static enum gs_status make_samples(struct gs_stream *stream, const struct gs_snapshot *snapshot,
                                   const struct gs_thread *threads, size_t count)
{
    if (count > stream->out_room) {
        struct gs_thread_sample *out = realloc(stream->out, 2 * count * sizeof *out);
        if (!out)
            return GS_NO_MEMORY;
        stream->out = out;
        stream->out_room = 2 * count;
    }
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = make_sample(stream, snapshot, &threads[i], i);
    return status;
}

static bool names_are_due(const struct gs_stream *stream, const struct gs_snapshot *snapshot)
{
    uint64_t age_ns = snapshot->time_ns - stream->named_ns;
    uint64_t calm_ns = (snapshot->time_ns - stream->renamed_ns) / NAMES_SHARE;
    if (stream->nameless > 0 && age_ns >= NAMES_SOON_NS)
        return true;
    return age_ns >= gs_most(NAMES_NS, gs_least(calm_ns, NAMES_MOST_NS)) &&
           gs_reader_ran(stream->reader, stream->named_ns);
}

/* It is known of whom the last sample no longer tells the truth. */
static bool is_calm(const struct gs_stream *stream, const struct gs_snapshot *snapshot)
{
    return snapshot->moved_count != GS_EVERYBODY && stream->plain && stream->nameless == 0 && !is_stale(stream) &&
           !names_are_due(stream, snapshot);
}

static enum gs_status take_all(struct gs_stream *stream, const struct gs_snapshot *snapshot, size_t *total)
{
    size_t count;
    const struct gs_thread *threads = gs_merge_threads(stream->merge, snapshot, &count);
    enum gs_status status = GS_OK;
    if (!threads && snapshot->thread_count > 0)
        return GS_NO_MEMORY;
    stream->plain = threads == snapshot->threads;
    *total = count;
    if (!is_arranged(stream, threads, count))
        status = rearrange(stream, threads, count);
    drop_stale(stream);
    if (!status && names_are_due(stream, snapshot))
        status = refresh_names(stream, snapshot, threads);
    /* Who is new is told of before it is in a sample, whatever its name is by then. */
    for (size_t i = 0; i < count && !status && stream->nameless > 0; i++) {
        if (!stream->known[i].name)
            status = tell_thread(stream, &threads[i], &stream->known[i]);
    }
    return status ? status : make_samples(stream, snapshot, threads, count);
}

/* ---- GILs ---- */

/* The number of the thread that took the GIL last. It may have ended since. */
static void find_last(struct gs_stream *stream, size_t gil, pid_t tid)
{
    struct gs_sampled_gil *out = &stream->gils[gil];
    uint32_t number = GS_NO_THREAD;
    if (out->holder_at != GS_NO_THREAD && stream->known[out->holder_at].tid == tid)
        number = stream->known[out->holder_at].thread;
    else if (stream->last_tid[gil] == tid && tid > 0)
        return;
    for (size_t i = 0; i < stream->known_count && tid > 0 && number == GS_NO_THREAD; i++)
        number = stream->known[i].tid == tid ? stream->known[i].thread : number;
    out->last = number;
    stream->last_tid[gil] = number == GS_NO_THREAD ? 0 : tid;
}

static void take_gils(struct gs_stream *stream, const struct gs_snapshot *snapshot, size_t thread_count)
{
    size_t count = gs_least(snapshot->gil_count, GS_GILS_MOST);
    for (size_t i = stream->gil_count; i < count; i++)
        stream->last_tid[i] = 0;
    for (size_t i = 0; i < count; i++) {
        const struct gs_gil *gil = &snapshot->gils[i];
        struct gs_sampled_gil *out = &stream->gils[i];
        out->state = (uint8_t)gil->state;
        out->counted = gil->has_switches;
        out->switches = gil->has_switches ? gil->switches : 0;
    }
    for (size_t i = snapshot->interpreter_count; i-- > 0;) {
        if (snapshot->interpreters[i].gil < count)
            stream->gils[snapshot->interpreters[i].gil].interpreter = snapshot->interpreters[i].id;
    }
    gs_sampled_gils_count(stream->gils, count, stream->out, thread_count);
    for (size_t i = 0; i < count; i++)
        find_last(stream, i, snapshot->gils[i].last);
    stream->gil_count = count;
}

/* ---- tasks ---- */

enum { LONG_CALLBACK_NS = 5000000 };

/* The stack of a callback is looked at when it has run for 5 ms, and whenever it has run for twice as long. */
static void follow_callback(struct gs_stream *stream, struct long_callback *known, const struct gs_loop_sample *now,
                            uint64_t now_ns)
{
    if (!now->counted || now->polls || known->loop != now->loop || known->callback != now->callback ||
        known->clock_ms != now->clock_ms)
        *known = (struct long_callback){now->loop,  now->callback, now->clock_ms, now_ns, now_ns + LONG_CALLBACK_NS,
                                        known->tid, known->fd};
    if (now_ns < known->next_ns)
        return;
    stream->long_callback = true;
    known->next_ns = now_ns + (now_ns - known->since_ns);
}

/* Where in the sample the thread is that runs a loop; GS_NO_THREAD: it is not. */
static uint32_t runner(const struct gs_stream *stream, const struct gs_event_loop *loop)
{
    for (size_t i = 0; i < stream->known_count; i++) {
        if (stream->known[i].tstate == loop->tstate)
            return (uint32_t)i;
    }
    return GS_NO_THREAD;
}

/* What a loop's thread does now: looks without stacks ask the kernel about few threads only. */
static void ask_activity(const struct gs_stream *stream, struct long_callback *known, pid_t tid,
                         struct gs_activity *activity)
{
    if (known->tid != tid) {
        close_activity(known);
        known->fd = gs_activity_open(stream->python->target, tid);
        known->tid = tid;
    }
    gs_activity_read(known->fd, activity);
}

/* How the loops stand. */
static enum gs_status take_loops(struct gs_stream *stream, struct gs_sample *sample)
{
    const struct gs_tasks *tasks = gs_task_stacks_tasks(stream->tasks);
    size_t count = 0, had = stream->loop_count;
    if (!gs_room((void **)&stream->loops, &stream->loops_room, tasks->loop_count + 1, sizeof *stream->loops) ||
        !gs_room((void **)&stream->callbacks, &stream->callbacks_room, tasks->loop_count + 1,
                 sizeof *stream->callbacks))
        return GS_NO_MEMORY;
    stream->long_callback = false;
    for (size_t i = 0; i < tasks->loop_count; i++) {
        uint32_t at = runner(stream, &tasks->loops[i]);
        if (at == GS_NO_THREAD || tasks->loops[i].kind == GS_LOOP_GREENLET) /* plain ones have no loop */
            continue;
        struct gs_loop_sample *loop = &stream->loops[count];
        if (count >= had)
            stream->callbacks[count] = (struct long_callback){0};
        struct gs_activity activity;
        ask_activity(stream, &stream->callbacks[count], stream->known[at].tid, &activity);
        *loop = gs_task_stacks_loop(stream->tasks, i);
        loop->thread_at = at;
        loop->polls = loop->polls && gs_event_loop_polls(&activity);
        follow_callback(stream, &stream->callbacks[count++], loop, sample->time_ns);
    }
    for (size_t i = count; i < had; i++)
        close_activity(&stream->callbacks[i]);
    stream->loop_count = sample->loop_count = count;
    sample->loops = stream->loops;
    return GS_OK;
}

/* Of those that the last look found suspended. */
static enum gs_status take_suspended(struct gs_stream *stream, const struct gs_event_loop *loop, uint32_t thread_at,
                                     size_t *count)
{
    const struct gs_tasks *tasks = gs_task_stacks_tasks(stream->tasks);
    struct known scratch = {0};
    enum gs_status status = GS_OK;
    for (uint32_t i = loop->first; i < loop->first + loop->count && !status; i++) {
        const struct gs_frame *frames;
        uint32_t frame_count;
        if (tasks->tasks[i].state == GS_TASK_RUNNING)
            continue;
        bool ok = gs_task_stacks_suspended(stream->tasks, i, &frames, &frame_count);
        status = ok ? intern(stream, frames, frame_count, 0, &scratch) : GS_NO_MEMORY;
        stream->suspended[*count] = (struct gs_task_sample){thread_at, scratch.stack};
        *count += !status;
    }
    known_fini(&scratch);
    return status;
}

/* The last look's. */
static enum gs_status give_tasks(struct gs_stream *stream, struct gs_sample *sample)
{
    const struct gs_tasks *tasks = gs_task_stacks_tasks(stream->tasks);
    size_t count = 0;
    enum gs_status status = GS_OK;
    if (!stream->host->suspended)
        return GS_OK;
    if (!gs_room((void **)&stream->suspended, &stream->suspended_room, tasks->task_count + 1,
                 sizeof *stream->suspended))
        return GS_NO_MEMORY;
    for (size_t i = 0; i < tasks->loop_count && !status; i++) {
        uint32_t at = runner(stream, &tasks->loops[i]);
        if (at != GS_NO_THREAD)
            status = take_suspended(stream, &tasks->loops[i], at, &count);
    }
    sample->tasks = stream->suspended;
    sample->task_count = count;
    return status;
}

/* ---- locks ---- */

/* Where in the sample the thread of the snapshot is. */
static uint32_t place_of_thread(const void *context, const struct gs_snapshot *snapshot, size_t thread)
{
    const struct gs_stream *stream = context;
    gs_addr tstate = snapshot->threads[thread].tstate;
    if (thread < stream->known_count && stream->known[thread].tstate == tstate)
        return (uint32_t)thread;
    for (size_t i = 0; i < stream->known_count; i++) {
        if (stream->known[i].tstate == tstate)
            return (uint32_t)i;
    }
    return GS_NO_THREAD;
}

/* Threads that wait for locks say so. */
static void mark_waiters(struct gs_stream *stream, const struct gs_sample *sample)
{
    for (size_t i = 0; i < sample->thread_count; i++) {
        stream->out[i].at_lock = false;
        stream->out[i].owner_at = 0;
    }
    for (size_t i = 0; i < sample->lock_count; i++) {
        const struct gs_lock_sample *wait = &sample->locks[i];
        stream->out[wait->thread_at].at_lock = wait->is_lock;
        stream->out[wait->thread_at].owner_at = wait->owner_at;
    }
}

/* Whether there is a GIL the last sample tells. */
static bool wants_locks(const struct gs_stream *stream)
{
    return stream->host->locks &&
           (stream->host->all_locks || (stream->gil_count > 0 && stream->gils[0].state == GS_GIL_DISABLED));
}

/* The stacks of Python alone, in between polls, which have C frames of those that keep a GIL: nobody is stopped for
 * those here. */
static enum gs_status take_frames(struct gs_stream *stream, const struct gs_snapshot **snapshot)
{
    enum gs_status status = gs_reader_native(stream->reader, GS_NATIVE_NONE, 0);
    if (!status)
        status = gs_reader_take(stream->reader, snapshot);
    enum gs_status again = gs_reader_native(stream->reader, GS_NATIVE_LEAF, 0);
    return status ? status : again;
}

enum gs_status gs_stream_take(struct gs_stream *stream, struct gs_sample *sample)
{
    const struct gs_snapshot *snapshot;
    const struct gs_stream_host *host = stream->host;
    if (!host->polls && host->tasks)
        gs_task_stacks_before(stream->tasks);
    bool wanted = gs_task_stacks_wants_frames(stream->tasks);
    bool locks = wants_locks(stream), whole = !host->polls || stream->long_callback || wanted;
    if (locks && !stream->locks && !(stream->locks = gs_stream_locks_new(&host->looker, stream->id, host->polls)))
        return GS_NO_MEMORY;
    bool look = !whole && locks && gs_stream_locks_due(stream->locks, gs_clock_ns());
    gs_reader_locks(stream->reader, locks);
    enum gs_status status = look    ? take_frames(stream, &snapshot)
                            : whole ? gs_reader_take(stream->reader, &snapshot)
                                    : gs_reader_poll(stream->reader, host->long_ns, &snapshot);
    if (status)
        return status;
    size_t count = snapshot->thread_count;
    bool calm = is_calm(stream, snapshot);
    bool due = wanted || (gs_task_stacks_due(stream->tasks, snapshot->time_ns) &&
                          gs_reader_ran(stream->reader, stream->tasks_ns));
    bool first = due && !gs_task_stacks_looked(stream->tasks);
    stream->last.stacks = NULL;
    if (due)
        stream->tasks_ns = snapshot->time_ns;
    /* Which takes so long that it otherwise comes after the tasks that run now: who runs loops is known by then. */
    if (first)
        status = gs_task_stacks_look(stream->tasks, snapshot);
    for (size_t i = 0; calm && i < snapshot->moved_count && !status; i++) {
        uint32_t moved = snapshot->moved[i];
        status = make_sample(stream, snapshot, &snapshot->threads[moved], moved);
    }
    if (!calm && !status)
        status = take_all(stream, snapshot, &count);
    if (!status)
        take_gils(stream, snapshot, count);
    if (status)
        return status;
    stream->last = (struct gs_sample){.process = stream->process,
                                      .time_ns = snapshot->time_ns,
                                      .threads = stream->out,
                                      .thread_count = count,
                                      .gils = stream->gils,
                                      .gil_count = stream->gil_count,
                                      .interpreters = snapshot->interpreters,
                                      .interpreter_count = snapshot->interpreter_count,
                                      .stacks = stream->host->stacks};
    *sample = stream->last;
    if (!status && stream->tasks && (host->polls || host->loops))
        status = take_loops(stream, sample);
    if (!status && locks)
        status = gs_stream_locks_take(stream->locks, snapshot, whole || look, place_of_thread, stream, sample);
    if (stream->locks && !status)
        mark_waiters(stream, sample);
    stream->last.loops = sample->loops;
    stream->last.loop_count = sample->loop_count;
    if (due && !first && !status)
        status = gs_task_stacks_look(stream->tasks, snapshot);
    return status || !due ? status : give_tasks(stream, sample);
}

bool gs_stream_last(const struct gs_stream *stream, struct gs_sample *sample)
{
    *sample = stream->last;
    return sample->stacks;
}

bool gs_stream_rest(struct gs_stream *stream, struct gs_sample *sample)
{
    *sample = stream->last;
    sample->interpreter_count = 0;
    for (size_t i = 0; i < stream->gil_count; i++) {
        stream->gils[i].state = GS_GIL_UNKNOWN;
        stream->gils[i].counted = false;
    }
    for (size_t i = 0; sample->stacks && stream->forgotten != stream->host->forgotten && i < sample->thread_count; i++)
        stream->out[i].stack = 0;
    return sample->stacks;
}
