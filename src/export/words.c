/* How states, system calls, times and counts are called. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/amount.h"
#include "export/words.h"

static const struct {
    const char *utf8, *ascii;
    enum gs_style style;
} faces[GS_FACE_COUNT] = {
    [GS_FACE_HOLDS] = {"●", "*", GS_STYLE_HOLDS},     [GS_FACE_WAITS] = {"◌", "w", GS_STYLE_WAITS},
    [GS_FACE_WITHOUT] = {"○", "o", GS_STYLE_WITHOUT}, [GS_FACE_NONE] = {"-", "-", GS_STYLE_NONE},
    [GS_FACE_UNKNOWN] = {"?", "?", GS_STYLE_UNKNOWN}, [GS_FACE_IDLE] = {"·", ".", GS_STYLE_IDLE},
};

enum gs_face gs_face_of(const struct gs_thread *thread)
{
    bool asleep = thread->activity.run == GS_RUN_SYSCALL || thread->activity.run == GS_RUN_BLOCKED;
    switch (thread->gil) {
    case GS_HOLDS:
        return GS_FACE_HOLDS;
    case GS_WAITS:
        return GS_FACE_WAITS;
    case GS_WITHOUT:
        return asleep ? GS_FACE_IDLE : GS_FACE_WITHOUT;
    case GS_NONE:
        return asleep ? GS_FACE_IDLE : GS_FACE_NONE;
    default:
        return GS_FACE_UNKNOWN;
    }
}

const char *gs_face_symbol(enum gs_face face, bool utf8)
{
    return utf8 ? faces[face].utf8 : faces[face].ascii;
}

enum gs_style gs_face_style(enum gs_face face)
{
    return faces[face].style;
}

/* What a thread that sleeps in a system call most often waits for. */
static const struct {
    const char *call, *meaning;
} meanings[] = {
    {"futex", "a lock"},
    {"poll", "input or a timeout"},
    {"ppoll", "input or a timeout"},
    {"select", "input or a timeout"},
    {"pselect6", "input or a timeout"},
    {"epoll_wait", "input or a timeout"},
    {"epoll_pwait", "input or a timeout"},
    {"nanosleep", "sleeping"},
    {"clock_nanosleep", "sleeping"},
    {"accept", "a connection"},
    {"accept4", "a connection"},
    {"connect", "a connection"},
    {"recvfrom", "the network"},
    {"recvmsg", "the network"},
    {"sendto", "the network"},
    {"sendmsg", "the network"},
    {"read", "input"},
    {"readv", "input"},
    {"pread64", "the disk"},
    {"write", "output"},
    {"writev", "output"},
    {"fsync", "the disk"},
    {"fdatasync", "the disk"},
    {"openat", "the file system"},
    {"flock", "a file lock"},
    {"wait4", "a child process"},
    {"waitid", "a child process"},
    {"pause", "a signal"},
    {"rt_sigtimedwait", "a signal"},
    {"rt_sigsuspend", "a signal"},
    {"restart_syscall", "a timeout"},
};

/* "futex (a lock)"; a call without a name is shown by its number. */
static void put_syscall(struct gs_text *text, int number)
{
    const char *name = gs_syscall_name(number);
    if (!name) {
        gs_text_put(text, "system call %d", number);
        return;
    }
    gs_text_put(text, "%s", name);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strcmp(name, meanings[i].call) == 0)
            gs_text_put(text, " (%s)", meanings[i].meaning);
    }
}

/* ", running", ", asleep in futex (a lock)": the kernel's side of a thread whose GIL state was said before. */
static void add_activity(struct gs_text *text, const struct gs_activity *activity, unsigned manner)
{
    switch (activity->run) {
    case GS_RUN_RUNNING:
        gs_text_put(text, manner & GS_MANNER_PAST ? ", was running" : ", running");
        break;
    case GS_RUN_SYSCALL:
        gs_text_put(text, ", asleep in ");
        put_syscall(text, activity->number);
        break;
    case GS_RUN_BLOCKED:
        gs_text_put(text, ", blocked in the kernel");
        break;
    case GS_RUN_GONE:
        gs_text_put(text, ", ended");
        break;
    default:
        break;
    }
}

void gs_words_state(struct gs_text *text, const struct gs_thread *thread, unsigned manner)
{
    bool several = manner & GS_MANNER_SEVERAL, verbose = manner & GS_MANNER_VERBOSE;
    const char *inferred = thread->evidence == GS_INFERRED ? " (inferred)" : "";
    switch (gs_face_of(thread)) {
    case GS_FACE_HOLDS:
        gs_text_put(text, "holds the GIL%s", inferred);
        add_activity(text, &thread->activity, manner);
        break;
    case GS_FACE_WAITS: /* nearly always inferred from the futex: no need to say it to everyone */
        gs_text_put(text, "%s for the GIL%s", several ? "wait" : "waits", verbose ? inferred : "");
        break;
    case GS_FACE_WITHOUT:
        gs_text_put(text, "without the GIL%s", verbose ? inferred : "");
        add_activity(text, &thread->activity, manner);
        break;
    case GS_FACE_NONE:
        gs_text_put(text, !thread->tstate ? several ? "are none of Python's threads" : "is none of Python's threads"
                                          : "no GIL to hold");
        add_activity(text, &thread->activity, manner);
        break;
    case GS_FACE_IDLE:
        gs_text_put(text, thread->activity.run == GS_RUN_SYSCALL ? "idle in " : "idle, blocked in the kernel");
        if (thread->activity.run == GS_RUN_SYSCALL)
            put_syscall(text, thread->activity.number);
        if (!thread->tstate)
            gs_text_put(text, several ? ", none of Python's threads" : ", not a thread of Python's");
        break;
    default:
        gs_text_put(text, "GIL state unknown");
        add_activity(text, &thread->activity, manner);
        break;
    }
}

void gs_words_thread(struct gs_text *text, const char *name, pid_t tid, int columns)
{
    gs_text_fit(text, name, columns, GS_CUT_MIDDLE);
    gs_text_put(text, *name ? " (%d)" : "%d", (int)tid);
}

void gs_words_time(struct gs_text *text, uint64_t us)
{
    char words[GS_AMOUNT];
    gs_amount_time(words, us);
    gs_text_put(text, "%s", words);
}

void gs_words_number(struct gs_text *text, uint64_t number)
{
    char words[GS_AMOUNT];
    gs_amount_number(words, number);
    gs_text_put(text, "%s", words);
}

void gs_words_count(struct gs_text *text, size_t count, const char *one, const char *many)
{
    gs_words_number(text, count);
    gs_text_put(text, " %s", count == 1 ? one : many);
}

void gs_words_chosen(struct gs_text *text, size_t shown, size_t known)
{
    gs_text_put(text, "%zu of %zu threads are shown: those that --thread asks for", shown, known);
}

void gs_words_lock(char *words, size_t room, const struct gs_gilstat_lock *lock)
{
    bool named = lock->name[0] != '\0';
    const char *type = lock->type[0]                   ? lock->type
                       : lock->kind == GS_LOCK_PTHREAD ? "mutex of C"
                                                       : gs_lock_kind_name(lock->kind);
    snprintf(words, room, "%s%s%s at 0x%llx%s", lock->name, named ? " (" : "", type, (unsigned long long)lock->address,
             named ? ")" : "");
}
