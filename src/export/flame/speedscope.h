/* What speedscope's file is made of. */
#ifndef GS_EXPORT_FLAME_SPEEDSCOPE_H
#define GS_EXPORT_FLAME_SPEEDSCOPE_H

#include "export/format.h"
#include "export/spill.h"
#include "profile/calltree.h"

struct gs_scope_thread {
    uint32_t process;
    pid_t tid;
    char *name;
    struct gs_span span; /* the last one, which may go on; node 0: none */
    uint64_t busy_ns;    /* time that counts */
};

struct gs_speedscope {
    struct gs_sink sink;
    FILE *out;
    const struct gs_selection *selection;
    struct gs_calltree *tree; /* fixed: spans know its nodes */
    struct gs_spill *spill;
    struct gs_scope_thread *threads;
    uint32_t thread_count;
    size_t thread_room;
    uint64_t begin_ns;
    char *gilspy;
};

/* The spill is sorted, the tree finished. */
enum gs_status gs_speedscope_write(struct gs_speedscope *scope, const struct gs_run_end *end) GS_MUST_CHECK;

#endif
