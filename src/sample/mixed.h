/* One stack out of two: the C frames of a thread, with its Python frames in the place of the evaluator that runs them.
 */
#ifndef GS_SAMPLE_MIXED_H
#define GS_SAMPLE_MIXED_H

#include "gilspy/snapshot.h"

struct gs_mixed {
    struct gs_frame *frames;
    size_t count, room;
};

/* What a C frame is to the merging. */
enum gs_mixed_role { GS_MIXED_SHOWN, GS_MIXED_EVALUATOR, GS_MIXED_HIDDEN /* the machinery of calls */ };

/* Tells the role of a C frame from the name of its function. evaluator: that of this Python. */
enum gs_mixed_role gs_mixed_role(const char *function, const char *evaluator);

/* Appends the frames of one thread to `mixed`: `python` (innermost first, torn: they are not all), and those of
 * `native`, whose roles are given. leaf: of the C frames only those above the innermost Python frame. Where both do not
 * fit together there is a gap. False: out of memory. */
bool gs_mixed_add(struct gs_mixed *mixed, const struct gs_frame *python, size_t count, bool torn,
                  const struct gs_native_stack *native, const uint8_t *roles, bool leaf);

#endif
