/* What threads wait for, in words. */
#include <stdio.h>
#include <string.h>

#include "diagnose/why_say.h"
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
    if (wait->kind == GS_WAIT_LOCK)
        unnamed.name[0] = '\0';
    return gs_said_wait(c, &unnamed);
}
