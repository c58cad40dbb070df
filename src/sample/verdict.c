/* Whether a thread waits for the GIL: the holder is told by the GIL's own fields, the rest by what they sleep on,
 * checked against the count of users that the GIL's mutex keeps. */
#include "sample/verdict.h"

/* Awake and not the holder: it may run C code without the GIL, or be on its way in or out. */
static enum gs_gil_word judge_open(const struct gs_gil_fields *last, const struct gs_gil_fields *now,
                                   const struct gs_gil_counts *counts, const struct gs_wait_facts *thread)
{
    /* Whoever waits for it leaves the wait only with it. */
    bool waits_on =
        thread->before == GS_WAITS && last->has_switches && now->has_switches && last->enabled && thread->kept_out;
    enum gs_gil_word usual = waits_on ? GS_WAITS : GS_UNKNOWN;
    if (!now->has_users || thread->owns_mutex)
        return usual;
    /* Users of the mutex: all inside the wait for the GIL, and whoever has the mutex now. Threads that sleep on the
     * mutex itself may or may not count. */
    int64_t most = (int64_t)now->cond_users - counts->in_cond;
    int64_t least = most - counts->in_mutex - (now->mutex_owner != 0);
    int64_t switching = (int64_t)now->switch_users - counts->in_switch;
    /* Nobody is missing, but it may have let go this moment and not yet wait. Over many samples that is a matter of who
     * gets a CPU, not of the GIL; of one moment it is to be said only if it is sure. */
    if (most <= 0 && switching <= 0)
        return now->skips_woken && waits_on             ? GS_WAITS
               : thread->outside || thread->one_of_many ? GS_WITHOUT
                                                        : GS_UNKNOWN;
    if (least + (switching > 0 ? switching : 0) >= counts->open)
        return GS_WAITS; /* as many are left over as are missing among the waiters */
    if (thread->polling && counts->waited >= least && counts->waited <= most)
        return thread->before == GS_WAITS ? GS_WAITS : GS_WITHOUT; /* as many were woken out of it as are missing */
    return usual;
}

struct gs_verdict gs_wait_verdict(const struct gs_gil_fields *last, const struct gs_gil_fields *now,
                                  const struct gs_gil_counts *counts, const struct gs_wait_facts *thread)
{
    if (!now->enabled)
        return (struct gs_verdict){GS_NONE, GS_EXACT};
    /* Whoever takes it marks it as locked before it writes its name there, and has the mutex meanwhile. */
    if (thread->holds)
        return (struct gs_verdict){GS_HOLDS, now->mutex_owner && !thread->owns_mutex ? GS_INFERRED : GS_EXACT};
    if (thread->told && thread->requested)
        return (struct gs_verdict){GS_WAITS, GS_EXACT};
    /* Nobody waits for it while nobody has it. */
    if (!thread->told && thread->futex == GS_FUTEX_PERHAPS)
        return (struct gs_verdict){now->locked || now->hidden ? GS_UNKNOWN : GS_WITHOUT, GS_INFERRED};
    if (thread->futex != GS_FUTEX_OTHER && thread->futex != GS_FUTEX_PERHAPS)
        return (struct gs_verdict){GS_WAITS, GS_INFERRED};
    if (now->hidden)
        return (struct gs_verdict){GS_UNKNOWN, GS_INFERRED};
    if (thread->told || thread->run == GS_RUN_SYSCALL || thread->run == GS_RUN_GONE)
        return (struct gs_verdict){GS_WITHOUT, thread->told ? GS_EXACT : GS_INFERRED};
    if (thread->run == GS_RUN_UNKNOWN)
        return (struct gs_verdict){GS_UNKNOWN, GS_INFERRED};
    return (struct gs_verdict){judge_open(last, now, counts, thread), GS_INFERRED};
}
