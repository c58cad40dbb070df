/* The text of a dump while it is written: what its parts share. */
#ifndef GS_EXPORT_TEXT_PAGE_H
#define GS_EXPORT_TEXT_PAGE_H

#include "export/dump.h"
#include "export/files.h"
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

enum { GS_PAGE_NAME_MOST = 40 /* columns of a thread's name, where lines must fit a terminal */ };

struct gs_page {
    const struct gs_dump *dump;
    const struct gs_console *console;
    bool verbose;
    struct gs_text line;
    struct gs_files files;
    int function_columns;
};

/* Writes the line, cut to the terminal. */
void gs_page_end_line(struct gs_page *page);
/* Columns that are left in the line; 0: as many as you like. */
int gs_page_room(const struct gs_page *page);

/* The process, its Python, the GILs, and what the interpreters are busy with. */
void gs_page_head(struct gs_page *page, const struct gs_entries *entries);
/* One look at all stacks: how wide the functions' column is, what file names have in common. */
void gs_page_measure(struct gs_page *page, const struct gs_folds *folds);
/* The frames of a thread, after gs_page_measure. */
void gs_page_stack(struct gs_page *page, const struct gs_thread *thread);
/* The event loops that the thread runs, if any, and their tasks; of entry NULL those that no thread runs. */
enum gs_status gs_page_tasks(struct gs_page *page, const struct gs_entry *entry) GS_MUST_CHECK;

#endif
