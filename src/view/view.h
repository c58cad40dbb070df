/* The screen of top: what the user chose to see, how it is drawn, and what keys do to it. Knows no terminal. */
#ifndef GS_VIEW_VIEW_H
#define GS_VIEW_VIEW_H

#include "export/files.h"
#include "profile/picture.h"
#include "view/grid.h"

enum gs_pane_id {
    GS_PANE_THREADS,
    GS_PANE_STACK,
    GS_PANE_FUNCTIONS,
    GS_PANE_HOLDS,
    GS_PANE_BLAME,
    GS_PANE_TIMELINE,
    GS_PANE_TASKS,
    GS_PANE_LOCKS,
    GS_PANE_COUNT
};

enum { GS_VIEW_TYPED = 128, GS_VIEW_NOTE = 256, GS_VIEW_NOBODY = -1 };

/* Keys are characters, or one of these. */
enum gs_key {
    GS_KEY_CONTROL_C = 3,
    GS_KEY_LINE_FEED = '\n',
    GS_KEY_ENTER = '\r',
    GS_KEY_ESCAPE = 27,
    GS_KEY_NONE = 0x110000,
    GS_KEY_CLOSED, /* the terminal is gone */
    GS_KEY_RESIZED,
    GS_KEY_UP,
    GS_KEY_DOWN,
    GS_KEY_LEFT,
    GS_KEY_RIGHT,
    GS_KEY_PAGE_UP,
    GS_KEY_PAGE_DOWN,
    GS_KEY_HOME,
    GS_KEY_END,
    GS_KEY_BACK_TAB,
    GS_KEY_BACKSPACE,
    GS_KEY_F1,
    GS_KEY_F3,
    GS_KEY_F10,
    GS_KEY_OTHER
};

/* What a key asks for that is not only another look. */
enum gs_request {
    GS_REQUEST_NONE,
    GS_REQUEST_QUIT,
    GS_REQUEST_RESET,
    GS_REQUEST_PAUSE, /* or to go on: as view->paused says */
    GS_REQUEST_DUMP,
    GS_REQUEST_FASTER,
    GS_REQUEST_SLOWER,
    GS_REQUEST_BACK, /* in a recording: by a second, or far */
    GS_REQUEST_FORWARD,
    GS_REQUEST_FAR_BACK,
    GS_REQUEST_FAR_FORWARD
};

/* Where the cursor of a list is. */
struct gs_cursor {
    size_t at, top; /* row; first row shown */
    bool chosen;    /* a row was chosen, which the cursor follows; else it stays where it is */
    uint64_t id;    /* of that row */
    int sort;       /* column by which it is sorted, -1: the usual one */
};

/* Words that are searched for, that rows must have, and that are typed for either. */
struct gs_typing {
    char search[GS_VIEW_TYPED], filter[GS_VIEW_TYPED], typed[GS_VIEW_TYPED];
    int what; /* '/', '\\' or 0 */
};

/* Where a recording is that is played. */
struct gs_view_moment {
    char clock[16]; /* what clocks on walls showed; empty: nothing is played, all is live */
    uint64_t at_us, length_us;
    double speed;
};

struct gs_view {
    enum gs_pane_id pane;
    struct gs_view_moment moment;
    struct gs_cursor cursors[GS_PANE_COUNT];
    enum gs_mode mode;
    bool utf8, full_files, paused, help;
    const char *const *patterns; /* only threads that they mean are in the picture, if there are any */
    size_t pattern_count;
    int64_t thread;   /* number of the one whose stack the pane Stack shows; GS_VIEW_NOBODY: the first of the list */
    pid_t about;      /* the process that the head is about, unless a row was chosen; 0: none yet */
    int64_t under;    /* of the one under the cursor in the last drawing */
    size_t cells_ago; /* of the timeline's cursor, in cells; 0: the last complete one */
    size_t help_top;
    struct gs_typing typing;
    char note[GS_VIEW_NOTE]; /* something to tell, in the last line; it is gone with the next key */
    /* Of the last drawing: */
    int page;        /* rows of the list */
    uint32_t *order; /* rows of the pane that fit the filter, in the order shown */
    size_t order_count, order_room;
};

void gs_view_init(struct gs_view *view, enum gs_mode mode, bool utf8);
void gs_view_fini(struct gs_view *view);

/* What the next picture must have: any of GS_SHOW_; columns: of the screen. */
unsigned gs_view_shows(const struct gs_view *view, int columns);
/* The number of the thread whose stack it wants after the last drawing, UINT32_MAX: nobody's. */
uint32_t gs_view_thread(const struct gs_view *view);
/* Draws into a grid that was begun. */
void gs_view_draw(struct gs_view *view, const struct gs_picture *picture, struct gs_grid *grid);
/* The head and all threads as lines, for `--once`. */
void gs_view_print(struct gs_view *view, const struct gs_picture *picture, const struct gs_console *console);
/* picture: the one that was drawn last. */
enum gs_request gs_view_key(struct gs_view *view, const struct gs_picture *picture, uint32_t key);

#endif
