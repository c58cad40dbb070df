/* Spans of time of many threads, in memory of a fixed size: what is too much lies in a file that has no name. */
#ifndef GS_EXPORT_SPILL_H
#define GS_EXPORT_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gilspy/status.h"

enum { GS_SPILL_SPANS = 1 << 16 /* kept in memory */ };

struct gs_span {
    uint32_t thread, node;
    uint64_t begin_ns, end_ns;
};

struct gs_spill;

/* spans: how many are kept in memory. NULL: out of memory. */
struct gs_spill *gs_spill_new(size_t spans);
void gs_spill_free(struct gs_spill *spill);
/* It begins at gs_spill_end or later; where it follows one of the same node at once, they are one. */
enum gs_status gs_spill_add(struct gs_spill *spill, const struct gs_span *span) GS_MUST_CHECK;
/* Where the thread's last span ends; 0: it has none. */
uint64_t gs_spill_end(const struct gs_spill *spill, uint32_t thread);

/* No more are added: they come thread by thread, lowest number first, each in the order in which they were added. */
enum gs_status gs_spill_sort(struct gs_spill *spill) GS_MUST_CHECK;
/* The next span of this thread; false: it has no more, or (gs_spill_failed) they cannot be read. */
bool gs_spill_next(struct gs_spill *spill, uint32_t thread, struct gs_span *span);
/* Goes back to the thread's first span; only of the one that was asked for last. */
void gs_spill_again(struct gs_spill *spill);
bool gs_spill_failed(const struct gs_spill *spill);

#endif
