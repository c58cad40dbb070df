/* The objects that a frame refers to: its variables, and what its evaluation keeps on its stack. */
#ifndef GS_PYTHON_HELD_H
#define GS_PYTHON_HELD_H

#include "gilspy/python.h"

enum { GS_HELD_MOST = 64, GS_HELD_NAME = 48 };

struct gs_variable {
    char name[GS_HELD_NAME]; /* UTF-8, cut */
    gs_addr object;
};

/* Up to `room` variables that are bound; *count: how many. GS_LOST when the frame is another one by now. */
enum gs_status gs_locals_objects(const struct gs_python *python, struct gs_mem *mem, gs_addr frame,
                                 const struct gs_code *code, struct gs_variable *list, size_t room,
                                 size_t *count) GS_MUST_CHECK;

/* The stack of a frame's evaluation, from its bottom. What lies below the innermost block or handler that the
 * instruction is in (`sure` slots) is there for certain; of what is above it, some may be left over from before. */
struct gs_held {
    gs_addr slots[GS_HELD_MOST]; /* 0: none */
    size_t count, sure;
};
enum gs_status gs_held_read(const struct gs_python *python, struct gs_mem *mem, gs_addr frame,
                            const struct gs_code *code, int32_t instr, struct gs_held *held) GS_MUST_CHECK;

/* The dict of the module whose code the frame runs, 0: not readable. */
gs_addr gs_frame_globals(const struct gs_layout *layout, struct gs_mem *mem, gs_addr frame);

#endif
