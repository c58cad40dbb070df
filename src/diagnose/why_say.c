/* Verdicts in the making, and the words in them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/shorten.h"
#include "diagnose/why_frames.h"
#include "diagnose/why_say.h"
#include "target/kernel_state.h"
#include "target/sharers.h"

enum { SHARERS = 16, SHARERS_NAMED = 6 };

static const char *kind_of_lock(const struct gs_wait *wait)
{
    return wait->recursive ? "an RLock" : "a Lock";
}

/* Who else has the semaphore's page: one of them has taken it, or will post it. */
static void add_sharers(const struct gs_case *c, struct gs_said *said, const struct gs_wait *wait)
{
    pid_t pids[SHARERS];
    char one[48], comm[16];
    size_t count = gs_target_sharers(c->target, wait->word, pids, SHARERS);
    snprintf(said->words, sizeof said->words, "a semaphore%s%.100s%s that it shares with %s", wait->name[0] ? " (" : "",
             wait->name, wait->name[0] ? ")" : "",
             count == 0  ? "other processes"
             : count > 1 ? "the processes "
                         : "process ");
    for (size_t i = 0; i < count && i < SHARERS_NAMED; i++) {
        gs_process_comm(pids[i], comm);
        snprintf(one, sizeof one, "%s%d (%.15s)", i == 0 ? "" : i + 1 == count ? " and " : ", ", (int)pids[i], comm);
        gs_said_append(said, one);
    }
    if (count > SHARERS_NAMED)
        gs_said_append(said, count < SHARERS ? " and more" : " and many more");
}

struct gs_said gs_said_wait(const struct gs_case *c, const struct gs_wait *wait)
{
    struct gs_said said = {""};
    char *words = said.words;
    unsigned long long word = wait->object ? wait->object : wait->word;
    switch (wait->kind) {
    case GS_WAIT_GIL:
        gs_said_append(&said, "the GIL");
        break;
    case GS_WAIT_LOCK:
        if (wait->name[0])
            snprintf(words, GS_SAID, "the lock %s (%s at 0x%llx)", wait->name, kind_of_lock(wait), word);
        else
            snprintf(words, GS_SAID, "%s at 0x%llx", wait->recursive ? "the RLock" : "the Lock", word);
        break;
    case GS_WAIT_OBJECT:
        if (wait->object)
            snprintf(words, GS_SAID, "the %.47s%s%.99s (its own lock, at 0x%llx)", wait->type, wait->name[0] ? " " : "",
                     wait->name, word);
        else
            snprintf(words, GS_SAID, "the lock 0x%llx inside CPython", word);
        break;
    case GS_WAIT_MUTEX:
        snprintf(words, GS_SAID, "the C mutex at 0x%llx", word);
        break;
    case GS_WAIT_IMPORT:
        if (wait->name[0])
            snprintf(words, GS_SAID, "the import of %s", wait->name);
        else
            snprintf(words, GS_SAID, "the import lock");
        break;
    case GS_WAIT_THREAD:
        snprintf(words, GS_SAID, "the end of %.300s",
                 wait->owner_tid ? gs_said_tid(c, wait->owner_tid).words : "a thread");
        break;
    case GS_WAIT_QUEUE:
        snprintf(words, GS_SAID, wait->name[0] ? "%s the queue %s" : "%s a queue", wait->what, wait->name);
        break;
    case GS_WAIT_SHARED:
        add_sharers(c, &said, wait);
        break;
    default:
        snprintf(words, GS_SAID, "a lock at 0x%llx", word);
        break;
    }
    return said;
}

struct gs_said gs_said_possession(const struct gs_case *c, const struct gs_wait *wait)
{
    struct gs_wait unnamed = *wait;
    if (wait->kind == GS_WAIT_LOCK || wait->kind == GS_WAIT_OBJECT)
        unnamed.name[0] = '\0';
    return gs_said_wait(c, &unnamed);
}

enum {
    NAME_LONG = 100,
    NAME_SHORT = 40 /* bytes, one name of several */,
    THREADS_NAMED = 6,
    CALLERS = 3,
    LEAST_ASLEEP_S = 1
};

static char *format(struct gs_judging *j, const char *fmt, va_list args)
{
    char *text;
    if (vasprintf(&text, fmt, args) < 0) {
        j->why->failed = true;
        return NULL;
    }
    return text;
}

struct gs_verdict *gs_why_say(struct gs_judging *j, enum gs_why_kind kind, bool certain, const char *fmt, ...)
{
    struct gs_why *why = j->why;
    va_list args;
    if (!gs_room((void **)&why->list, &why->room, why->count + 1, sizeof *why->list)) {
        why->failed = true;
        return NULL;
    }
    struct gs_verdict *verdict = &why->list[why->count];
    *verdict = (struct gs_verdict){.kind = kind, .certain = certain};
    va_start(args, fmt);
    verdict->text = format(j, fmt, args);
    va_end(args);
    if (!verdict->text)
        return NULL;
    why->count++;
    return verdict;
}

void gs_why_evidence(struct gs_judging *j, struct gs_verdict *verdict, const char *fmt, ...)
{
    va_list args;
    if (!verdict)
        return;
    char **list = realloc(verdict->evidence, (verdict->evidence_count + 1) * sizeof *list);
    if (!list) {
        j->why->failed = true;
        return;
    }
    verdict->evidence = list;
    va_start(args, fmt);
    list[verdict->evidence_count] = format(j, fmt, args);
    va_end(args);
    verdict->evidence_count += list[verdict->evidence_count] != NULL;
}

static void replace(struct gs_judging *j, char **place, const char *fmt, va_list args)
{
    free(*place);
    *place = format(j, fmt, args);
}

void gs_why_basis(struct gs_judging *j, struct gs_verdict *verdict, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (verdict)
        replace(j, &verdict->basis, fmt, args);
    va_end(args);
}

void gs_why_advise(struct gs_judging *j, struct gs_verdict *verdict, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (verdict)
        replace(j, &verdict->advice, fmt, args);
    va_end(args);
}

void gs_why_concerns(struct gs_judging *j, struct gs_verdict *verdict, size_t thread)
{
    if (!verdict || thread >= j->c->snapshot->thread_count)
        return;
    pid_t tid = j->c->snapshot->threads[thread].tid;
    j->told[thread] = true;
    for (size_t i = 0; i < verdict->thread_count; i++) {
        if (verdict->threads[i] == tid)
            return;
    }
    pid_t *list = realloc(verdict->threads, (verdict->thread_count + 1) * sizeof *list);
    if (!list) {
        j->why->failed = true;
        return;
    }
    verdict->threads = list;
    list[verdict->thread_count++] = tid;
}

/* ---- what things are called ---- */

/* Index of the thread of that tid in the snapshot, GS_NOBODY when there is none. */
static uint32_t find_thread(const struct gs_case *c, pid_t tid)
{
    for (uint32_t i = 0; i < c->snapshot->thread_count; i++) {
        if (c->snapshot->threads[i].tid == tid)
            return i;
    }
    return GS_NOBODY;
}

static struct gs_said said_named(const struct gs_case *c, const struct gs_thread *thread, int most)
{
    struct gs_said said;
    char spare[16];
    snprintf(said.words, sizeof said.words, "%.*s (%d)", most, c->lookup.name(c->lookup.context, thread, spare),
             (int)thread->tid);
    return said;
}

struct gs_said gs_said_thread(const struct gs_case *c, const struct gs_thread *thread)
{
    return said_named(c, thread, NAME_LONG);
}

struct gs_said gs_said_tid(const struct gs_case *c, pid_t tid)
{
    struct gs_said said;
    uint32_t index = find_thread(c, tid);
    if (index != GS_NOBODY)
        return gs_said_thread(c, &c->snapshot->threads[index]);
    snprintf(said.words, sizeof said.words, "thread %d", (int)tid);
    return said;
}

void gs_said_append(struct gs_said *said, const char *words)
{
    size_t used = strlen(said->words);
    snprintf(said->words + used, sizeof said->words - used, "%s", words);
}

struct gs_said gs_said_threads(const struct gs_case *c, const bool *chosen)
{
    struct gs_said said = {""};
    size_t all = 0, named = 0;
    char more[40];
    for (size_t i = 0; i < c->snapshot->thread_count; i++)
        all += chosen[i];
    for (size_t i = 0; i < c->snapshot->thread_count && named < THREADS_NAMED; i++) {
        if (!chosen[i])
            continue;
        struct gs_said one = said_named(c, &c->snapshot->threads[i], NAME_SHORT);
        gs_said_append(&said, named == 0 ? "" : named + 1 == all ? " and " : ", ");
        gs_said_append(&said, one.words);
        named++;
    }
    if (all > named) {
        snprintf(more, sizeof more, " and %zu more", all - named);
        gs_said_append(&said, more);
    }
    return said;
}

/* The last two parts of a path: what people know a file by. */
static const char *short_file(const char *path)
{
    const char *last = strrchr(path, '/');
    for (const char *at = last; at && at > path; at--) {
        if (at != last && *at == '/')
            return at + 1;
    }
    return path;
}

struct gs_said gs_said_spot(const struct gs_place *place)
{
    struct gs_said said;
    char room[GS_CALLED];
    const char *name = gs_called(place->function, place->qualname, false, room);
    if (place->line > 0)
        snprintf(said.words, sizeof said.words, "%.80s (%.120s:%d)", name, short_file(place->file), (int)place->line);
    else
        snprintf(said.words, sizeof said.words, "%.80s (%.120s)", name, short_file(place->file));
    return said;
}

struct gs_said gs_said_place(const struct gs_case *c, const struct gs_frame *frame)
{
    struct gs_place place;
    if (frame->kind != GS_FRAME_PYTHON || !c->lookup.place(c->lookup.context, frame, &place))
        return (struct gs_said){""};
    return gs_said_spot(&place);
}

struct gs_said gs_said_function(const struct gs_case *c, const struct gs_frame *frame)
{
    struct gs_said said = {""};
    struct gs_place place;
    char room[GS_CALLED];
    if (frame->kind == GS_FRAME_PYTHON && c->lookup.place(c->lookup.context, frame, &place))
        snprintf(said.words, sizeof said.words, "%.80s (%.120s)",
                 gs_called(place.function, place.qualname, false, room), short_file(place.file));
    return said;
}

struct gs_said gs_said_closer(const struct gs_why_closer *closer)
{
    struct gs_said said;
    char room[GS_CALLED];
    bool address = gs_called_address(closer->function, closer->module);
    snprintf(said.words, sizeof said.words, "%.255s%s%.120s", gs_called(closer->function, NULL, true, room),
             address ? "" : ", in ", address ? "" : closer->module);
    return said;
}

/* Of an import the statement matters. */
#define IMPORTLIB "(<frozen importlib._bootstrap"

/* threading's own frames, which every thread begins with. */
static bool begins_thread(const struct gs_case *c, const struct gs_frame *frame)
{
    static const char *const functions[] = {"run", "_bootstrap_inner", "_bootstrap", "__bootstrap_inner",
                                            "__bootstrap"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (gs_frame_is(&c->lookup, frame, "threading.py", functions[i]))
            return true;
    }
    return false;
}

struct gs_said gs_said_stack(const struct gs_case *c, const struct gs_thread *thread)
{
    struct gs_said said = {""};
    int named = 0;
    for (uint32_t i = 0; i < thread->frame_count && named < CALLERS; i++) {
        struct gs_said one = gs_said_place(c, &thread->frames[i]);
        if (!one.words[0] || (named > 0 && begins_thread(c, &thread->frames[i])) || strstr(one.words, IMPORTLIB))
            continue;
        gs_said_append(&said, named++ > 0 ? ", from " : "");
        gs_said_append(&said, one.words);
    }
    if (named == 0)
        gs_said_append(&said, "no Python code");
    return said;
}

struct gs_said gs_said_asleep(const struct gs_case *c, pid_t tid)
{
    struct gs_said said = {""};
    struct gs_kernel_state rest;
    gs_kernel_state_read(c->target, tid, &rest);
    if (rest.asleep_s >= LEAST_ASLEEP_S)
        snprintf(said.words, sizeof said.words, " for about %.30s", gs_said_us((uint64_t)(rest.asleep_s * 1e6)).words);
    return said;
}

struct gs_said gs_said_us(uint64_t time_us)
{
    struct gs_said said;
    gs_amount_time(said.words, time_us);
    return said;
}

struct gs_said gs_said_number(uint64_t number)
{
    struct gs_said said;
    gs_amount_number(said.words, number);
    return said;
}
