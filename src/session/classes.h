/* Methods by their classes, before 3.11: of the frames of one snapshot. */
#ifndef GS_SESSION_CLASSES_H
#define GS_SESSION_CLASSES_H

#include "gilspy/snapshot.h"

struct gs_classes {
    struct gs_class_frame {
        gs_addr frame, code;
        char *qualname; /* "Class.method" */
    } * list;           /* by frame and code */
    size_t count, room;
    uint64_t time_ns; /* of the snapshot */
};

/* Of a Python whose code has no qualname; else there are none. What cannot be found out is left out, as are frames when
 * there are very many. */
void gs_classes_read(struct gs_classes *classes, const struct gs_python *python, const struct gs_codes *codes,
                     const struct gs_snapshot *snapshot);
/* NULL: not known. */
const char *gs_classes_find(const struct gs_classes *classes, const struct gs_snapshot *snapshot,
                            const struct gs_frame *frame);
void gs_classes_free(struct gs_classes *classes);

#endif
