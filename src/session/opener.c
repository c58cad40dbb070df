/* The thread and its owner share nothing but the mark that it is done. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "session/opener.h"

struct gs_opener {
    pthread_t thread;
    pid_t pid;
    uint64_t began_ns;
    struct gs_attach_options options;
    enum gs_attach_depth depth;
    struct gs_attach *attach;
    struct gs_err err;
    enum gs_status status;
    atomic_bool done;
};

static void *open_one(void *context)
{
    struct gs_opener *opener = context;
    opener->status = gs_attach_open(&opener->attach, opener->pid, &opener->options, opener->depth, &opener->err);
    atomic_store(&opener->done, true);
    return NULL;
}

struct gs_opener *gs_opener_begin(pid_t pid, const struct gs_attach_options *options, enum gs_attach_depth depth)
{
    struct gs_opener *opener = calloc(1, sizeof *opener);
    if (!opener)
        return NULL;
    opener->pid = pid;
    opener->began_ns = gs_clock_ns();
    opener->options = *options;
    opener->depth = depth;
    if (gs_thread_begin(&opener->thread, open_one, opener))
        return opener;
    free(opener);
    return NULL;
}

uint64_t gs_opener_began_ns(const struct gs_opener *opener)
{
    return opener->began_ns;
}

bool gs_opener_done(const struct gs_opener *opener)
{
    return atomic_load(&opener->done);
}

enum gs_status gs_opener_end(struct gs_opener *opener, struct gs_attach **attach, pid_t *pid, struct gs_err *err)
{
    enum gs_status status = opener->status;
    pthread_join(opener->thread, NULL);
    *attach = opener->attach;
    *pid = opener->pid;
    *err = opener->err;
    free(opener);
    return status;
}

void gs_opener_leave(struct gs_opener *opener)
{
    if (!gs_opener_done(opener)) {
        pthread_detach(opener->thread);
        return;
    }
    pthread_join(opener->thread, NULL);
    gs_attach_close(opener->attach);
    free(opener);
}
