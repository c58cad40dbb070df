/* What each thread waits for at one moment, and who could end that. */
#ifndef GS_DIAGNOSE_WHY_WAITS_H
#define GS_DIAGNOSE_WHY_WAITS_H

#include "diagnose/why.h"

enum gs_wait_kind {
    GS_WAIT_NOTHING, /* it runs, or it is not known what it waits for */
    GS_WAIT_GIL,
    GS_WAIT_LOCK,   /* a Lock or RLock of Python */
    GS_WAIT_OBJECT, /* the lock of an object of a free-threaded Python, or another one inside CPython */
    GS_WAIT_MUTEX,  /* of C: pthread_mutex_t */
    GS_WAIT_IMPORT, /* for another thread to import a module */
    GS_WAIT_THREAD, /* for a thread to end */
    GS_WAIT_NOTICE, /* to be notified: Condition, Event */
    GS_WAIT_QUEUE,  /* for an item of a queue, or room in it */
    GS_WAIT_SHARED, /* a semaphore shared with other processes */
    GS_WAIT_FUTEX,  /* some other lock or condition of C */
    GS_WAIT_CALL    /* another system call */
};

enum { GS_WAIT_NAME = 100, GS_WAIT_TYPE = 48, GS_NOBODY = UINT32_MAX };

struct gs_wait {
    /* Time so far, as the kernel tells, 0: unknown. The thread had a processor; it could have run, but others had it.
     */
    uint64_t ran_ns, kept_ns;
    enum gs_wait_kind kind;
    gs_addr word;         /* that identifies the lock */
    gs_addr object;       /* LOCK, OBJECT: the Python object, 0: not found */
    uint64_t since_ns;    /* of a PyMutex: when it asked for that, CLOCK_MONOTONIC; 0: not known */
    bool recursive;       /* LOCK: an RLock */
    bool locked;          /* LOCK: somebody has it */
    pid_t tid, owner_tid; /* its own; the owner's, 0: not known */
    uint32_t owner;       /* index into the snapshot's threads; GS_NOBODY: not known */
    bool owner_stated;    /* a field of the lock says so; else a `with` block on the owner's stack does */
    bool ambiguous;       /* several seem to have it */
    struct gs_frame with; /* the frame of that block */
    uint32_t referrer;    /* LOCK without an owner: the only other thread whose code names it; GS_NOBODY: not so */
    pid_t outsider;       /* MUTEX: the owner is this thread, which runs no Python; 0: none */
    uint64_t owner_ident; /* LOCK: as the lock has it; 0: it has none */
    bool stale;           /* the owner that the lock names has ended */
    gs_addr released;     /* NOTICE: the word of the lock that was given back meanwhile */
    gs_addr pool;         /* the queue of the pool of threads whose worker it is, 0: it is none */
    gs_addr future;       /* that this worker has begun with, 0: none */
    bool own_pool;    /* NOTICE: it waits for futures that lie in that queue, or that workers of that pool began with */
    bool queued;      /* one at least lies in the queue */
    const char *what; /* QUEUE: "an item from", a constant */
    char type[GS_WAIT_TYPE]; /* OBJECT: of the object */
    char name[GS_WAIT_NAME]; /* "self.lock", the module that is imported, the file of a shared semaphore; "" */
};

/* Somebody has it, and gives it back when he is done. */
static inline bool gs_wait_is_lock(const struct gs_wait *wait)
{
    return wait->kind == GS_WAIT_LOCK || wait->kind == GS_WAIT_OBJECT || wait->kind == GS_WAIT_MUTEX;
}

struct gs_waits {
    struct gs_wait *list; /* of each thread of the snapshot */
    size_t count;
};

/* What the snapshot's threads wait for and who has that, found by reading the target's memory now. GS_NO_MEMORY or
 * GS_OK. */
enum gs_status gs_waits_find(struct gs_waits *waits, const struct gs_target *target, const struct gs_python *python,
                             const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup) GS_MUST_CHECK;
/* The same, with what else tells who may have it, the pools that threads work for, and the times that the kernel tells.
 */
enum gs_status gs_waits_read(struct gs_waits *waits, const struct gs_target *target, const struct gs_python *python,
                             const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup) GS_MUST_CHECK;
void gs_waits_fini(struct gs_waits *waits);
/* Who has, in this process, the lock that a thread of another one waits for, whose memory was a copy of this one's: the
 * index of a thread, or GS_NOBODY. */
uint32_t gs_waits_holder(const struct gs_target *target, const struct gs_python *python,
                         const struct gs_snapshot *snapshot, const struct gs_why_lookup *lookup,
                         const struct gs_wait *wait);

enum { GS_LOCKS_PASSED = 64 };

/* Locks that were seen to go from one thread to another, from read to read. */
struct gs_locks_passed {
    struct {
        gs_addr word;
        uint32_t times;
    } list[GS_LOCKS_PASSED];
    size_t count; /* further ones are not kept */
};
/* What changed between two reads: who waited for a lock and no longer does has had it, and so has another owner. */
void gs_locks_passed_add(struct gs_locks_passed *passed, const struct gs_waits *before, const struct gs_waits *now);
/* How often; 0: never seen. */
uint32_t gs_locks_passed_times(const struct gs_locks_passed *passed, gs_addr word);

/* Who else has a wait that this thread must see the end of: the index of a thread, or GS_NOBODY. */
uint32_t gs_waits_next(const struct gs_waits *waits, uint32_t thread);

#endif
