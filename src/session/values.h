/* The values of variables, read from memory that may never come. */
#ifndef GS_SESSION_VALUES_H
#define GS_SESSION_VALUES_H

#include "base/remarks.h"
#include "gilspy/python.h"
#include "gilspy/snapshot.h"

struct gs_values;

enum { GS_VALUES_PATHS = 64 /* of which it is known whether a frame has them */ };

/* wish: must outlive it. NULL: out of memory. What is read is as old as this. */
struct gs_values *gs_values_new(const struct gs_python *python, const struct gs_wish *wish,
                                const struct gs_remarks *remarks);
/* False: a thread was left behind that may still use the python, which is not to be freed. NULL is fine. */
bool gs_values_free(struct gs_values *values);

/* As gs_locals_read, of the first of these frames; each is asked for once. Those behind it are read along, as they will
 * be asked for next: they must stay. Memory that does not come is told, and from then on is unreadable. */
enum gs_status gs_values_locals(struct gs_values *values, const struct gs_frame *frames, size_t frame_count,
                                const struct gs_codes *codes, struct gs_local **locals, size_t *count) GS_MUST_CHECK;
/* Which of the wish's paths a frame that was read has, by bits; of NULL: none. */
uint64_t gs_values_met(const struct gs_values *values);

#endif
