/* Who is watched: processes that were named, a core, or a program that is started; with their children, if wanted, also
 * those born later. The one place that follows a tree of processes. */
#ifndef GS_SESSION_FAMILY_H
#define GS_SESSION_FAMILY_H

#include "base/watch.h"
#include "session/attach.h"
#include "session/opener.h"
#include "session/search.h"
#include "session/spawn.h"

enum { GS_FAMILY_OPENERS = 4 };

struct gs_family_options {
    const pid_t *pids; /* named by the user; a core has one, 0 */
    size_t pid_count;
    const struct gs_search *host; /* all processes here that fit, now and later, instead of these; NULL: no. Who of them
                                     cannot be opened is told once */
    size_t found_count;   /* the last of them were found: whoever of these is no Python after all is passed over */
    char *const *program; /* is started instead of these; NULL: none */
    struct gs_spawn_manner manner;
    bool descendants; /* as well */
    bool single;      /* they could not be wanted: one process is watched */
    bool passing;     /* each is closed again when it was seen: there are no members */
    /* Who is there in the beginning is all, and opened as those who are named. Else who is born later, or runs another
     * program, comes in by gs_family_follow, and signals are caught as gs_signals_catch does. */
    bool at_once;
    const char *verb;                 /* what it is for, in messages: "sample" */
    enum gs_attach_depth named, born; /* how deep those are looked into who are named, and who come later */
    uint64_t hopeless;                /* the set (1 << GS_X) of what ends all when the program cannot be opened */
    struct gs_attach_options attach;
};

struct gs_family_calls {
    void *context;
    /* A process was opened, and becomes a member unless this fails. err may be left empty. */
    enum gs_status (*opened)(void *context, struct gs_attach *attach, struct gs_err *err);
    /* It is a member no more, and why; it is closed when that returns. May be NULL. */
    void (*closed)(void *context, struct gs_attach *attach, enum gs_status why);
    /* The thread that opened them waits for the kernel for ever. Called from another thread, and must not return. NULL:
     * the program ends, by `end` of the options of attach. It may return when gs_watch_abandon was called. */
    void (*give_up)(void *context, struct gs_attach *attach, const struct gs_stuck *stuck);
};

struct gs_family {
    struct gs_family_options options;
    struct gs_family_calls calls;
    struct gs_attach **members;
    size_t count, room;
    struct gs_spawn spawn;
    bool spawned;
    struct gs_descendants *descendants; /* NULL: nobody comes later */
    /* Of all processes here these are opened now: one, and others only beside some that take long. */
    struct gs_opener *openers[GS_FAMILY_OPENERS];
    size_t opener_count;
    pid_t *met; /* who was seen in passing */
    size_t met_count;
    struct gs_err refused; /* why one that came later may not be read; what is empty: none was met */
};

/* Opens the processes that are named, or starts the program. Of several which cannot be opened each is told: *exit is
 * the exit status of the first, and err->what is empty. GS_OK: there is a member, one may come, or all were seen in
 * passing.
 * The options' strings and lists must outlive it. Not to be moved; to be closed in any case. */
enum gs_status gs_family_open(struct gs_family *family, const struct gs_family_options *options,
                              const struct gs_family_calls *calls, int *exit, struct gs_err *err) GS_MUST_CHECK;
/* Opens processes that were born, or became Pythons. GS_NO_MEMORY, GS_OUTPUT, what is hopeless. */
enum gs_status gs_family_follow(struct gs_family *family, uint64_t now_ns, struct gs_err *err) GS_MUST_CHECK;
/* When to follow again, after it was done at followed_ns; UINT64_MAX: nobody can come now. */
uint64_t gs_family_follow_ns(const struct gs_family *family, uint64_t followed_ns);
/* Follows until there is a member, the program ends, or a signal came; GS_OK in each case. */
enum gs_status gs_family_await(struct gs_family *family, struct gs_err *err) GS_MUST_CHECK;
/* A member ended, or runs another program: it is closed, and tried again if there is something to try. */
void gs_family_forget(struct gs_family *family, struct gs_attach *attach, enum gs_status why, uint64_t now_ns);
/* The same of one at which a thread is stuck: it is neither closed nor tried again. */
void gs_family_abandon(struct gs_family *family, struct gs_attach *attach);
/* Nobody but the members can come: the program has ended, or nobody is there who could become one. */
bool gs_family_over(struct gs_family *family);
/* Processes that looked like Python and were gone before they could be opened. */
uint64_t gs_family_missed(const struct gs_family *family);
/* What is said when nothing was watched: fills err, GS_GONE. done: "recorded"; due: there was a time to look. */
enum gs_status gs_family_nobody(struct gs_family *family, const char *done, bool due, struct gs_err *err);
/* Waits for the end of the program that was started, and passes on to it what signals come: its exit status; -1: none
 * was. */
int gs_family_wait(struct gs_family *family);
void gs_family_close(struct gs_family *family);

/* Processes in the order in which they are opened, none twice: each before its children. */
struct gs_family_list {
    pid_t *pids;         /* malloc'ed */
    size_t count, named; /* named: so many of them, the first ones, must not be missing */
};

/* Those that the options mean in the beginning. GS_NO_MEMORY or GS_OK; the caller frees list->pids. */
enum gs_status gs_family_list(struct gs_family_list *list, const struct gs_family_options *options) GS_MUST_CHECK;
/* Children, and processes that were found, may be no Python, or gone by now: these failures are not told. */
bool gs_family_passes(enum gs_status status);

/* The children of a process that look like Python: they run the same program, or one that is called so. */
enum gs_status gs_family_pythons(const struct gs_target *target, pid_t **children, size_t *count) GS_MUST_CHECK;

#endif
