/* The loop of record: samples of several processes, at random points of equal slots of time. */
#ifndef GILSPY_SAMPLER_H
#define GILSPY_SAMPLER_H

#include "gilspy/sample.h"

struct gs_sampler;

/* rate_hz may be infinite: one sample after the other. */
enum gs_status gs_sampler_new(struct gs_sampler **sampler, double rate_hz, struct gs_sink *sink) GS_MUST_CHECK;
void gs_sampler_free(struct gs_sampler *sampler);
/* From now on samples are without stacks, but for those of threads that have had a GIL for long_ns, as gs_reader_poll
 * says. */
void gs_sampler_poll(struct gs_sampler *sampler, uint64_t long_ns);

/* From now on a process that sleeps costs less (gs_reader_asleep): samples of it that say the same are given to the
 * sink as one, with the time of all of them, which comes up to a second after those of other processes. */
void gs_sampler_join(struct gs_sampler *sampler);

/* Processes that are added from now on have tasks: the stack of a thread that runs one is the task's, and, `suspended`,
 * those that are suspended are looked at as often as may be. */
void gs_sampler_tasks(struct gs_sampler *sampler, bool suspended);

/* Processes that are added from now on have, within the innermost Python frame of each stack, the instruction that it
 * is at. */
void gs_sampler_opcodes(struct gs_sampler *sampler);

/* Samples say, from now on, for which locks threads sleep: of processes without a GIL, or, `all`, of each. look finds
 * out more, of a snapshot with stacks of the process `id`, now and then; its list holds until it is called again. */
struct gs_lock_looker {
    void *context;
    enum gs_status (*look)(void *context, uint64_t id, const struct gs_snapshot *snapshot, struct gs_lock_looks *looks);
};
void gs_sampler_locks(struct gs_sampler *sampler, bool all, const struct gs_lock_looker *looker);
/* Processes that are added from now on have event loops in their samples; stacks are those of threads. */
void gs_sampler_loops(struct gs_sampler *sampler);

/* Another process to be sampled; with the first the run begins, and the sink is told. All three stay the caller's,
 * until gs_sampler_take says that the process is gone or the sampler is freed; nobody else uses the reader meanwhile.
 * id: what gs_sampler_take names it by. */
enum gs_status gs_sampler_add(struct gs_sampler *sampler, uint64_t id, struct gs_python *python,
                              struct gs_reader *reader, struct gs_names *names) GS_MUST_CHECK;
/* A process that is to be sampled no more; not from within gs_sampler_take, unless the thread that is in there goes no
 * further: then nothing of the process's own is freed (abandoned). What the sink returned. */
enum gs_status gs_sampler_drop(struct gs_sampler *sampler, uint64_t id, bool abandoned) GS_MUST_CHECK;
/* The CPUs that the calling thread may use stay as they are: it is somebody else's. */
void gs_sampler_keep_affinity(struct gs_sampler *sampler);
size_t gs_sampler_count(const struct gs_sampler *sampler);

/* Another rate from now on; gs_sampler_next_ns is to be asked again. */
void gs_sampler_rate(struct gs_sampler *sampler, double rate_hz);

/* The moment of the next sample (CLOCK_MONOTONIC): to be waited for. */
uint64_t gs_sampler_next_ns(struct gs_sampler *sampler);
/* One sample of each process, now. GS_OK; GS_GONE or GS_EXECED when the process *id is not what it was: it is sampled
 * no more, and the call is to be made again for the rest; what the sink returned; GS_NO_MEMORY. */
enum gs_status gs_sampler_take(struct gs_sampler *sampler, uint64_t *id) GS_MUST_CHECK;

/* Between two samples: what makes the next one cheaper, if anything is due (gs_reader_follow). Returns when to call it
 * again, UINT64_MAX: not before the next sample. */
uint64_t gs_sampler_follow(struct gs_sampler *sampler, uint64_t now_ns);

/* What was done so far. */
void gs_sampler_sum(const struct gs_sampler *sampler, struct gs_run_end *end);
/* The run was to end then: it did, or with its last sample if that came later, however late this is noticed. */
void gs_sampler_until(struct gs_sampler *sampler, uint64_t end_ns);
/* Tells the sink that the run ends. */
enum gs_status gs_sampler_end(struct gs_sampler *sampler) GS_MUST_CHECK;

#endif
