/* Threads that wait for the lock of a file: which, and who has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/why_rules.h"

/* "process 43 (python3)" */
static struct gs_said said_owner(const struct gs_case *c, const struct gs_why_file_owner *owner)
{
    struct gs_said said = {"this process itself"};
    if (owner->lock.pid != c->target->pid)
        snprintf(said.words, sizeof said.words, "process %d (%.15s)", (int)owner->lock.pid, owner->comm);
    return said;
}

static void tell_owner(struct gs_judging *j, struct gs_verdict *v, const struct gs_why_file *file,
                       const struct gs_why_file_owner *owner)
{
    const struct gs_case *c = j->c;
    if (owner->lock.pid == c->target->pid)
        gs_why_evidence(j, v, "Another %s of this process has locked %s and not yet let go.",
                        file->database ? "connection" : "descriptor", owner->lock.path);
    else
        gs_why_evidence(j, v, "Process %d (%.15s) has %s locked to %s.", (int)owner->lock.pid, owner->comm,
                        owner->lock.path, owner->lock.writes ? "write" : "read");
    for (size_t i = 0; i < owner->threads && i < GS_WHY_FILE_THREADS; i++)
        gs_why_evidence(j, v, "There %s is in %s.", owner->list[i].who, owner->list[i].stack);
    if (owner->threads > GS_WHY_FILE_THREADS)
        gs_why_evidence(j, v, "It has %zu more threads: gilspy dump -p %d.", owner->threads - GS_WHY_FILE_THREADS,
                        (int)owner->lock.pid);
}

static const char *advise(const struct gs_why_file *file)
{
    if (!file->database)
        return "Look at what its owner does: that is where to shorten what is done with the lock.";
    return "Commit or roll back as soon as the work is done, and read to the end or close what SELECT gives, in who "
           "has "
           "the lock; BEGIN IMMEDIATE before the first change keeps two from waiting for one another, and WAL "
           "(PRAGMA journal_mode) keeps readers out of it.";
}

/* It has, for long. */
static bool waits_for(const struct gs_case *c, const struct gs_why_file *file, size_t thread)
{
    uint64_t in_c_ns = gs_why_watch_in_c_ns(c->watch, &c->snapshot->threads[thread]);
    bool listed = false;
    for (size_t i = 0; i < file->tid_count; i++)
        listed |= file->tids[i] == c->snapshot->threads[thread].tid;
    return listed && in_c_ns >= GS_WHY_HANGS_NS && in_c_ns >= gs_case_watched_ns(c) / 2;
}

static bool collect(struct gs_judging *j, const struct gs_why_file *file, bool *waiters)
{
    bool any = false;
    for (size_t i = 0; i < j->c->snapshot->thread_count; i++) {
        waiters[i] = !j->told[i] && waits_for(j->c, file, i);
        any |= waiters[i];
    }
    return any;
}

static void tell_file(struct gs_judging *j, const struct gs_why_file *file, const bool *waiters)
{
    const struct gs_case *c = j->c;
    const struct gs_why_file_owner *first = &file->owners[0];
    struct gs_said who = gs_said_threads(c, waiters), owners = said_owner(c, first), one;
    size_t count = 0;
    bool one_file = true;
    for (size_t i = 1; i < file->count; i++) {
        one_file &= strcmp(file->owners[i].lock.path, first->lock.path) == 0;
        snprintf(one.words, sizeof one.words, "%s %.60s", i + 1 == file->count ? " and" : ",",
                 said_owner(c, &file->owners[i]).words);
        gs_said_append(&owners, one.words);
    }
    for (size_t i = 0; i < c->snapshot->thread_count; i++)
        count += waiters[i];
    struct gs_verdict *v = gs_why_say(j, GS_WHY_lock_wait, !file->database, "%s %s for %s%s, which %s %s locked.",
                                      who.words, count == 1 ? "waits" : "wait",
                                      !one_file        ? "one of several sqlite databases"
                                      : file->database ? "the sqlite database "
                                                       : "the lock of ",
                                      one_file ? first->lock.path : "", owners.words, file->count > 1 ? "have" : "has");
    for (size_t i = 0; i < file->count; i++)
        tell_owner(j, v, file, &file->owners[i]);
    for (size_t i = 0; i < c->snapshot->thread_count; i++) {
        if (!waiters[i])
            continue;
        const struct gs_thread *thread = &c->snapshot->threads[i];
        struct gs_said since = gs_said_us(gs_why_watch_in_c_ns(c->watch, thread) / 1000);
        gs_why_evidence(j, v, "%s waits for %s at least, in %s.", gs_said_thread(c, thread).words, since.words,
                        gs_said_stack(c, thread).words);
        gs_why_concerns(j, v, i);
    }
    gs_why_advise(j, v, "%s", advise(file));
    gs_why_basis(j, v,
                 file->database ? "the kernel's list of locks, and that the thread sleeps between sqlite's tries."
                                : "the kernel's list of locks, and the system call that the thread sleeps in.");
}

void gs_why_find_files(struct gs_judging *j)
{
    bool *waiters = calloc(j->c->snapshot->thread_count + 1, sizeof *waiters);
    for (size_t i = 0; j->c->files && i < j->c->files->count && waiters; i++) {
        if (collect(j, &j->c->files->list[i], waiters))
            tell_file(j, &j->c->files->list[i], waiters);
    }
    free(waiters);
}
