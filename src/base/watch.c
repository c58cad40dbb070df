/* The one who works counts its steps; the one who waits looks whether the count moves. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/watch.h"

enum {
    PATIENCE_NS = 2000000000,
    CAREFUL_NS = 500000000, /* somebody did not answer already */
    SEEN_NS = 100000000,    /* between two looks at a step that has begun, */
    LOOK_NS = 500000000,    /* and before one is seen */
    AVOIDED_MAX = 64,
    MANY_DESCRIPTORS = 1000 /* below the usual limit of 1024 */
};

#define ABANDONED (UINT64_MAX - 1) /* in place of a beat, of no step */

/* Since when the step that it is in now lasts. */
struct vigil {
    uint64_t beat, since_ns;
};

struct gs_watch {
    _Atomic uint64_t beat; /* odd: in a step */
    const char *_Atomic what;
    _Atomic uint64_t addr, len;
    atomic_bool spare;
    _Atomic pid_t tid;
    atomic_bool holding;
    unsigned depth; /* of steps within steps: known to the one who works */
    /* These stay as they were made. */
    bool careful;
    struct gs_stuck avoided[AVOIDED_MAX];
    size_t avoided_count;
    bool guarded; /* then: */
    struct gs_watch *next;
    struct vigil vigil;
    void (*give_up)(const struct gs_stuck *stuck, void *context); /* NULL: it is not, or was called */
    void *context;
};

/* Who is guarded, all by one thread: each look wakes it up. */
static struct {
    pthread_mutex_t lock; /* also while one is given up */
    pthread_cond_t ended; /* nobody is left */
    pthread_t thread;     /* there is one while there is a first */
    struct gs_watch *first;
} guard = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct gs_watch *gs_watch_new(const struct gs_watch *before, const struct gs_stuck *stuck)
{
    struct gs_watch *watch = calloc(1, sizeof *watch);
    if (!watch || !before)
        return watch;
    watch->careful = true;
    watch->avoided_count = before->avoided_count;
    memcpy(watch->avoided, before->avoided, sizeof watch->avoided);
    /* What is read in small steps is avoided; of a large one it is not known which part did not answer. */
    if ((before->careful || !stuck->len) && watch->avoided_count < AVOIDED_MAX)
        watch->avoided[watch->avoided_count++] = *stuck;
    return watch;
}

void gs_watch_free(struct gs_watch *watch)
{
    free(watch);
}

/* Only one thread begins steps, so that no locked instruction is needed. */
static void count(struct gs_watch *watch)
{
    uint64_t beat = atomic_load_explicit(&watch->beat, memory_order_relaxed);
    atomic_store_explicit(&watch->beat, beat + 1, memory_order_release);
}

static void enter(struct gs_watch *watch, const char *what, uint64_t addr, uint64_t len, bool spare)
{
    if (watch->depth++ > 0)
        return;
    atomic_store_explicit(&watch->what, what, memory_order_relaxed);
    atomic_store_explicit(&watch->addr, addr, memory_order_relaxed);
    atomic_store_explicit(&watch->len, len, memory_order_relaxed);
    atomic_store_explicit(&watch->spare, spare, memory_order_relaxed);
    count(watch);
}

void gs_watch_enter(struct gs_watch *watch, const char *what, uint64_t addr, uint64_t len)
{
    if (watch)
        enter(watch, what, addr, len, len > 0);
}

static bool avoids_step(const struct gs_watch *watch, const char *what)
{
    for (size_t i = 0; i < watch->avoided_count; i++) {
        if (strcmp(watch->avoided[i].what, what) == 0)
            return true;
    }
    return false;
}

bool gs_watch_enter_spare(struct gs_watch *watch, const char *what)
{
    if (watch && avoids_step(watch, what))
        return false;
    if (watch)
        enter(watch, what, 0, 0, true);
    return true;
}

/* Whoever was abandoned meanwhile touches nothing any more. */
void gs_watch_leave(struct gs_watch *watch)
{
    if (!watch || --watch->depth > 0)
        return;
    uint64_t beat = atomic_load(&watch->beat);
    bool goes_on = beat != ABANDONED && atomic_compare_exchange_strong(&watch->beat, &beat, beat + 1);
    while (!goes_on)
        pause();
}

void gs_watch_hold(struct gs_watch *watch, bool holding)
{
    if (watch)
        atomic_store_explicit(&watch->holding, holding, memory_order_relaxed);
}

bool gs_watch_careful(const struct gs_watch *watch)
{
    return watch && watch->careful;
}

bool gs_watch_avoids(const struct gs_watch *watch, uint64_t addr, uint64_t len)
{
    for (size_t i = 0; watch && i < watch->avoided_count; i++) {
        const struct gs_stuck *avoided = &watch->avoided[i];
        if (avoided->len && (addr - avoided->addr < avoided->len || avoided->addr - addr < len))
            return true;
    }
    return false;
}

static bool is_stuck(struct gs_watch *watch, struct vigil *vigil, struct gs_stuck *stuck)
{
    uint64_t beat = atomic_load_explicit(&watch->beat, memory_order_acquire), now_ns = gs_clock_ns();
    if (beat != vigil->beat || beat % 2 == 0) {
        *vigil = (struct vigil){beat, now_ns};
        return false;
    }
    if (now_ns - vigil->since_ns < (watch->careful ? CAREFUL_NS : PATIENCE_NS))
        return false;
    struct gs_stuck now = {atomic_load(&watch->what),  atomic_load(&watch->addr), atomic_load(&watch->len),
                           atomic_load(&watch->spare), atomic_load(&watch->tid),  atomic_load(&watch->holding)};
    /* Meanwhile it may have ended, and what was read be of the next one. */
    if (atomic_load(&watch->beat) != beat)
        return false;
    *stuck = now;
    return true;
}

/* Belongs to whoever comes last: the one who waits, or the one who works when nobody waits any more. */
struct run {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended, left; /* the work has; nobody waits */
    struct gs_watch *watch;
    enum gs_status (*work)(void *context);
    void *context;
    enum gs_status status;
};

static void free_run(struct run *run)
{
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    free(run);
}

static void *run_thread(void *argument)
{
    struct run *run = argument;
    atomic_store(&run->watch->tid, gettid());
    run->status = run->work(run->context);
    pthread_mutex_lock(&run->lock);
    run->ended = true;
    bool left = run->left;
    pthread_cond_signal(&run->changed);
    pthread_mutex_unlock(&run->lock);
    if (left)
        free_run(run);
    return NULL;
}

/* When to look again. Mostly no step is met that is longer than a moment: each look wakes us up. */
static bool looks_soon(const struct gs_watch *watch, const struct vigil *vigil)
{
    return watch->careful || vigil->beat % 2 != 0;
}

static uint64_t look_ns(bool soon)
{
    return gs_clock_ns() + (soon ? SEEN_NS : LOOK_NS);
}

/* The table of our descriptors is made larger while nobody else uses it: with a second thread the kernel waits for all
 * processors whenever it grows (200 threads to be looked at: 30 ms). */
static void make_room_for_descriptors(void)
{
    int far = fcntl(0, F_DUPFD_CLOEXEC, MANY_DESCRIPTORS);
    if (far >= 0)
        close(far);
}

/* Ctrl-Z is for the one who works, who lets it in when no thread of a target stands still for us (src/target/stop.c).
 */
static void leave_stops_to_others(sigset_t *before)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTSTP);
    sigaddset(&stops, SIGTTIN);
    sigaddset(&stops, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &stops, before);
}

/* Until the work has ended; false: it is stuck. */
static bool await(struct run *run, struct gs_stuck *stuck)
{
    struct vigil vigil = {0};
    pthread_mutex_lock(&run->lock);
    while (!run->ended && !run->left) {
        if (!gs_thread_wait(&run->changed, &run->lock, look_ns(looks_soon(run->watch, &vigil))))
            run->left = !run->ended && is_stuck(run->watch, &vigil, stuck);
    }
    bool ended = run->ended;
    pthread_mutex_unlock(&run->lock);
    return ended;
}

enum gs_status gs_watch_run(struct gs_watch *watch, enum gs_status (*work)(void *context), void *context,
                            struct gs_stuck *stuck)
{
    pthread_t thread;
    struct run *run = malloc(sizeof *run);
    *stuck = (struct gs_stuck){0};
    if (!run)
        return GS_NO_MEMORY;
    *run = (struct run){.watch = watch, .work = work, .context = context, .lock = PTHREAD_MUTEX_INITIALIZER};
    gs_thread_condition(&run->changed);
    make_room_for_descriptors();
    if (pthread_create(&thread, NULL, run_thread, run)) {
        free_run(run);
        return work(context); /* without anybody who watches */
    }
    sigset_t before;
    leave_stops_to_others(&before);
    bool ended = await(run, stuck);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ended) {
        pthread_detach(thread);
        return GS_FAILED;
    }
    pthread_join(thread, NULL);
    enum gs_status status = run->status;
    free_run(run);
    return status;
}

/* Returns whether to look again soon. */
static bool guard_one(struct gs_watch *watch)
{
    struct gs_stuck stuck;
    if (watch->give_up && is_stuck(watch, &watch->vigil, &stuck)) {
        watch->give_up(&stuck, watch->context);
        if (atomic_load(&watch->beat) == watch->vigil.beat)
            watch->give_up = NULL; /* once */
    }
    return watch->give_up && looks_soon(watch, &watch->vigil);
}

bool gs_watch_abandon(struct gs_watch *watch)
{
    uint64_t beat = watch->vigil.beat;
    return atomic_compare_exchange_strong(&watch->beat, &beat, ABANDONED);
}

static void *guard_all(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&guard.lock);
    while (guard.first) {
        bool soon = false;
        for (struct gs_watch *watch = guard.first; watch; watch = watch->next)
            soon |= guard_one(watch);
        gs_thread_wait(&guard.ended, &guard.lock, look_ns(soon));
    }
    pthread_mutex_unlock(&guard.lock);
    return NULL;
}

enum gs_status gs_watch_guard(struct gs_watch *watch, void (*give_up)(const struct gs_stuck *stuck, void *context),
                              void *context)
{
    bool guarded = true;
    atomic_store(&watch->tid, gettid());
    watch->give_up = give_up;
    watch->context = context;
    pthread_mutex_lock(&guard.lock);
    watch->next = guard.first;
    guard.first = watch;
    if (!watch->next) {
        gs_thread_condition(&guard.ended);
        guarded = gs_thread_begin(&guard.thread, guard_all, NULL);
    }
    if (!guarded)
        guard.first = NULL;
    watch->guarded = guarded;
    pthread_mutex_unlock(&guard.lock);
    return guarded ? GS_OK : GS_FAILED;
}

void gs_watch_unguard(struct gs_watch *watch)
{
    if (!watch || !watch->guarded)
        return;
    pthread_mutex_lock(&guard.lock);
    struct gs_watch **at = &guard.first;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    bool last = !guard.first;
    if (last)
        pthread_cond_signal(&guard.ended);
    pthread_mutex_unlock(&guard.lock);
    if (last) {
        pthread_join(guard.thread, NULL);
        pthread_cond_destroy(&guard.ended);
    }
    watch->guarded = false;
}
