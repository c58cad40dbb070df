/* Who the threads of a process that is traced are: what a look at it tells. Times are nanoseconds. */
#ifndef GS_PROFILE_EXACT_THREADS_H
#define GS_PROFILE_EXACT_THREADS_H

#include "gil/counters.h"
#include "gil/exact_feed.h"
#include "gilspy/python.h"
#include "gilspy/snapshot.h"

struct gs_exact_threads {
    struct gs_python *python; /* these three are not owned */
    struct gs_reader *reader;
    struct gs_names *names;
    const struct gs_snapshot *snapshot; /* of the reader; NULL: none that holds */
    /* Names are looked for at names_ns, afterwards names_wait_ns later; not before names_rest_ns. */
    uint64_t names_ns, names_wait_ns, names_rest_ns;
};

/* Takes a new snapshot, or none. */
void gs_exact_threads_look(struct gs_exact_threads *threads);
/* What a thread is called and its ident, as far as is known by now; whether it is the main one. */
void gs_exact_threads_name(struct gs_exact_threads *threads, pid_t tid, char *name, size_t size, uint64_t *ident,
                           bool *main);
/* Somebody new is there, who has a name by now, or soon. */
void gs_exact_threads_expect(struct gs_exact_threads *threads);
/* Looks for names, and gives them to whom the feed has met. */
void gs_exact_threads_refresh(struct gs_exact_threads *threads, struct gs_exact_feed *feed);

/* Whoever wants to know what each thread does; counts may be NULL. */
struct gs_exact_told {
    const struct gs_gil_addresses *addresses;
    struct gs_gil_spans *gil_spans;
    struct gs_exact_feed *feed;
    struct gs_gilcounts *counts;
    bool since_begin; /* as in gs_exact_feed_meet */
};

/* Tells what each thread does, by the snapshot. GS_NO_MEMORY. */
enum gs_status gs_exact_threads_tell(const struct gs_exact_threads *threads,
                                     const struct gs_exact_told *told) GS_MUST_CHECK;
/* How often each GIL has changed hands by its own count, as far as it has one. */
void gs_exact_threads_switches(const struct gs_exact_threads *threads, const struct gs_gil_addresses *addresses,
                               struct gs_count counts[GS_ADDRESSES_MOST]);

#endif
