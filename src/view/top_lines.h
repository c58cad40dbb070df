/* What top shows, line by line: the same on the screen and as text. */
#ifndef GS_VIEW_TOP_LINES_H
#define GS_VIEW_TOP_LINES_H

#include "export/dump.h"
#include "export/files.h"
#include "export/words.h"
#include "profile/shares.h"
#include "view/top_said.h"

/* CPU time of the process or a thread when it was first asked for. */
struct gs_top_cpu {
    pid_t tid; /* 0: the process */
    uint64_t first_ns, first_us;
};

struct gs_top_model {
    const struct gs_target *target;
    const struct gs_python *python;
    struct gs_lookup lookup;
    const struct gs_quality *quality;
    double rate_hz;
    struct gs_shares shares;
    struct gs_gil gil; /* the main one, of the last sample */
    struct gs_top_cpu *cpu;
    size_t cpu_count;
    const struct gs_share **rows; /* in the order in which they are shown */
    size_t row_count, row_room;
    struct gs_top_said *said; /* by tid */
    size_t said_count;
    struct gs_files files;
    bool unknown; /* of some thread it is not always known what it does with the GIL */
};

enum { GS_TOP_HEAD_LINES = 5 };

/* Puts the rows in order, and keeps in words what they will show; after each sample that will be shown. */
enum gs_status gs_top_arrange(struct gs_top_model *model) GS_MUST_CHECK;
/* Line 0 to GS_TOP_HEAD_LINES - 1 are the head, then comes a line per row; the text is cut to columns unless 0. */
void gs_top_line(struct gs_top_model *model, size_t line, int columns, struct gs_text *text);
void gs_top_model_fini(struct gs_top_model *model);

#endif
