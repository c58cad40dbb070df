/* The rules: each adds the verdicts of its kind, most often none. */
#ifndef GS_DIAGNOSE_WHY_RULES_H
#define GS_DIAGNOSE_WHY_RULES_H

#include "diagnose/why_say.h"

/* Shorter than this nobody is said to hang. */
#define GS_WHY_HANGS_NS UINT64_C(250000000)

/* why_state.c */
void gs_why_find_stopped(struct gs_judging *j);
void gs_why_find_swapping(struct gs_judging *j);
void gs_why_find_finalizing(struct gs_judging *j);
/* why_circles.c */
void gs_why_find_deadlocks(struct gs_judging *j);
/* why_tasks.c */
void gs_why_find_task_deadlocks(struct gs_judging *j);
void gs_why_find_kept_hubs(struct gs_judging *j);
void gs_why_find_lost_waits(struct gs_judging *j);
void gs_why_find_cancelled_tasks(struct gs_judging *j);
void gs_why_find_starved_loops(struct gs_judging *j);
/* why_across.c */
void gs_why_find_across(struct gs_judging *j);
/* why_pools.c */
void gs_why_find_pools(struct gs_judging *j);
void gs_why_find_dry_pools(struct gs_judging *j);
/* why_locks.c */
void gs_why_find_imports(struct gs_judging *j);
void gs_why_find_lock_waits(struct gs_judging *j);
/* why_lock_costs.c */
void gs_why_find_lock_costs(struct gs_judging *j);
/* why_files.c */
void gs_why_find_files(struct gs_judging *j);
/* why_worlds.c */
void gs_why_find_stopped_worlds(struct gs_judging *j);
/* why_gil.c */
void gs_why_find_gc(struct gs_judging *j);
/* They become evidence. */
void gs_why_tell_waiters(struct gs_judging *j, struct gs_verdict *v, uint32_t gil, uint32_t holder);
/* why_holds.c */
void gs_why_find_held_blocked(struct gs_judging *j);
void gs_why_find_hogs(struct gs_judging *j);
/* why_crowd.c */
void gs_why_find_convoys(struct gs_judging *j);
void gs_why_find_saturated(struct gs_judging *j);
/* why_contended.c */
void gs_why_find_contended(struct gs_judging *j);
/* why_loops.c */
void gs_why_find_loops(struct gs_judging *j);
/* why_calm.c: what is said when nothing is wrong. */
void gs_why_find_busy(struct gs_judging *j);
/* Where others had the processors instead, for that share of the time: it becomes evidence. */
void gs_why_tell_starved(struct gs_judging *j, struct gs_verdict *v, double kept);
/* What each of the threads asked for sleeps on: they become evidence. */
void gs_why_tell_sleepers(struct gs_judging *j, struct gs_verdict *v);
/* why_natives.c */
void gs_why_find_native_busy(struct gs_judging *j);
void gs_why_find_idle(struct gs_judging *j);

/* How long was watched; 0: a core. */
uint64_t gs_case_watched_ns(const struct gs_case *c);
/* It has not moved for most of that time, at least for GS_WHY_HANGS_NS; of a core: true. */
bool gs_case_hangs(const struct gs_case *c, size_t thread);
/* The wait of that thread was the same when the watch began, or this is a core. */
bool gs_case_waited_before(const struct gs_case *c, const struct gs_wait *wait);
/* The share of the time watched for which the thread had a processor; below 0: unknown. */
double gs_case_ran(const struct gs_case *c, size_t thread);
/* The same of that for which it could have run, but had none; 0: also unknown. */
double gs_case_kept(const struct gs_case *c, size_t thread);

#endif
