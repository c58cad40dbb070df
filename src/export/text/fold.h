/* Threads that do the same, put together. */
#ifndef GS_EXPORT_TEXT_FOLD_H
#define GS_EXPORT_TEXT_FOLD_H

#include "export/dump.h"
#include "export/words.h"

/* Threads with the same stack in the same state. */
struct gs_fold {
    const struct gs_entry **members;
    size_t count;
    enum gs_face face;
};

struct gs_folds {
    struct gs_fold *list; /* by face, then in the order of the entries */
    size_t count;
    const struct gs_entry **members;
};

/* `apart`: every thread by itself. GS_NO_MEMORY or GS_OK; free with gs_folds_fini in any case. */
enum gs_status gs_folds_init(struct gs_folds *folds, const struct gs_dump *dump, const struct gs_entries *entries,
                             bool apart) GS_MUST_CHECK;
void gs_folds_fini(struct gs_folds *folds);

/* "4260-4262, 4270"; a few whose names have nothing in common with them: 4260 "reader", 4270 "writer". */
void gs_fold_tids(struct gs_text *text, const struct gs_fold *fold, int columns);
/* What the names have in common: "worker-*", in quotes; nothing when that is nothing. columns: as gs_text_fit. */
void gs_fold_names(struct gs_text *text, const struct gs_fold *fold, int columns);

#endif
