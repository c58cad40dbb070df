/* What the panes share. */
#ifndef GS_VIEW_PARTS_H
#define GS_VIEW_PARTS_H

#include <stddef.h>

#include "export/words.h"
#include "view/view.h"

/* What is drawn, and how wide it may be. */
struct gs_drawing {
    const struct gs_picture *picture;
    const struct gs_view *view;
    struct gs_files files;                  /* of all that is shown */
    int columns;                            /* 0: lines are not cut */
    bool several;                           /* processes */
    uint32_t process;                       /* that the head is about */
    const struct gs_picture_thread *thread; /* whose stack is shown, NULL: nobody's */
};

/* What a field of a row is, and so how it is put and sorted. */
enum gs_field {
    GS_FIELD_OTHER,   /* not one field */
    GS_FIELD_TIME,    /* uint64_t of microseconds, the longest first */
    GS_FIELD_AGO,     /* the same, the latest first */
    GS_FIELD_COUNT,   /* uint32_t, the most first */
    GS_FIELD_SHARE,   /* double, negative: not known; the highest first */
    GS_FIELD_TID,     /* pid_t, rising */
    GS_FIELD_PROCESS, /* uint32_t, index into processes, rising */
    GS_FIELD_TEXT,    /* const char *, by the alphabet */
    GS_FIELD_PLACE    /* struct gs_picture_place, by no order */
};

/* A column of a list. Its text is put right up to its width, unless it is one of words. */
struct gs_column {
    const char *title;
    int width;                                       /* at least; of words: */
    int share;                                       /* of the room that is left, 0: fixed */
    int most;                                        /* with it; 0: no bound */
    int least_columns;                               /* it is left out where the list is narrower */
    bool (*shown)(const struct gs_drawing *drawing); /* NULL: always */
    enum gs_field kind;
    size_t field; /* where it is in the row */
    bool sorts;   /* by the field */
    /* NULL: as the field is. */
    void (*put)(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text);
    int (*compare)(const struct gs_drawing *drawing, size_t a, size_t b);
    bool words; /* put left although nothing is left to share */
};

struct gs_pane {
    const char *name, *about; /* about: one line for the help */
    unsigned show;            /* GS_SHOW_ */
    const struct gs_column *columns;
    size_t column_count;
    int sort; /* the usual column */
    /* The rows are a list of the picture: where it is, and how many there are; or there are as many as `count` says,
     * and no column has a field. */
    size_t rows, row_count, row_bytes;
    size_t (*count)(const struct gs_drawing *drawing);
    uint64_t (*id)(const struct gs_drawing *drawing, size_t row);
    bool (*fits)(const struct gs_drawing *drawing, size_t row, const char *words); /* has these words in it */
    bool (*left_out)(const struct gs_drawing *drawing, size_t row); /* it says nothing; NULL: every row does */
    /* The thread that the row is about, NULL: none that is there now. */
    const struct gs_picture_thread *(*thread)(const struct gs_drawing *drawing, size_t row);
    const char *(*nothing)(const struct gs_drawing *drawing); /* what to say when there are no rows */
    /* A line above the list, NULL: none. */
    void (*above)(const struct gs_drawing *drawing, struct gs_text *text);
};

extern const struct gs_pane gs_pane_threads, gs_pane_stack, gs_pane_functions, gs_pane_holds, gs_pane_blame,
    gs_pane_timeline, gs_pane_tasks, gs_pane_locks;
extern const struct gs_pane *const gs_panes[GS_PANE_COUNT];

/* Those of a pane whose rows are such a list. */
#define GS_PANE_ROWS(list, number)                                                                                     \
    .rows = offsetof(struct gs_picture, list), .row_count = offsetof(struct gs_picture, number),                       \
    .row_bytes = sizeof *((struct gs_picture *)NULL)->list

/* ---- column.c ---- */

size_t gs_pane_count(const struct gs_pane *pane, const struct gs_drawing *drawing);
void gs_column_put(const struct gs_column *column, const struct gs_pane *pane, const struct gs_drawing *drawing,
                   size_t row, int width, struct gs_text *text);
bool gs_column_sorts(const struct gs_column *column);
int gs_column_compare(const struct gs_column *column, const struct gs_pane *pane, const struct gs_drawing *drawing,
                      size_t a, size_t b);

/* ---- list.c ---- */

/* Which rows are shown, in which order. */
void gs_list_arrange(struct gs_view *view, const struct gs_pane *pane, const struct gs_drawing *drawing);
void gs_list_titles(const struct gs_drawing *drawing, const struct gs_pane *pane, struct gs_text *text);
void gs_list_row(const struct gs_drawing *drawing, const struct gs_pane *pane, size_t row, struct gs_text *text);
/* The titles and as many rows as there is room for, with the cursor. */
void gs_list_draw(struct gs_view *view, const struct gs_pane *pane, const struct gs_drawing *drawing,
                  struct gs_grid *grid, int row, int rows, int column, bool cursor);
/* The cursor goes to a row of those shown, the last one if there are fewer. */
void gs_list_choose(struct gs_view *view, const struct gs_drawing *drawing, size_t at);
/* The sort of a pane: an index into its columns. */
int gs_list_sort(const struct gs_view *view, const struct gs_pane *pane);

/* ---- thread_columns.c ---- */

/* For lists whose rows are the picture's threads. */
void gs_thread_put_state(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text);
void gs_thread_put_name(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text);
/* "worker-1 (4250)", the name cut in the middle; in narrow columns without the number. */
void gs_thread_put(struct gs_text *text, const char *name, pid_t tid, int width);

/* ---- place.c ---- */

/* "function   file.py:12", in `width` columns; 0: not cut. */
void gs_place_put(const struct gs_drawing *drawing, const struct gs_picture_place *place, int width,
                  struct gs_text *text);
/* The file alone, with its line where there is one. */
void gs_place_put_file(const struct gs_drawing *drawing, const struct gs_picture_place *place, int width,
                       struct gs_text *text);
/* The function alone, or why there is none. */
void gs_place_put_function(const struct gs_drawing *drawing, const struct gs_picture_place *place, int width,
                           struct gs_text *text);
bool gs_place_fits(const struct gs_picture_place *place, const char *words);
/* What tells one row from another whose threads make up `sum`, by function and line too. */
uint64_t gs_place_id(uint64_t sum, const struct gs_picture_place *place);
/* Learns which part of their files' names all places have in common. */
void gs_place_learn(struct gs_files *files, const struct gs_picture *picture);

/* ---- figures.c ---- */

enum gs_face gs_doing_face(uint8_t doing);
/* "52.0", or "-" for what is not known. */
void gs_share_put(struct gs_text *text, double share);
/* As gs_words_time, but in few columns: "412 ms", ">1m05s" for at least that. */
void gs_time_put(struct gs_text *text, uint64_t us, bool at_least);
bool gs_shows_several(const struct gs_drawing *drawing); /* processes */
bool gs_words_in(const char *text, const char *words);
int gs_compare_double(double a, double b);  /* the higher first; what differs by less than a percent is equal */
int gs_compare_u64(uint64_t a, uint64_t b); /* the higher first */
const struct gs_picture_thread *gs_thread_with(const struct gs_picture *picture, uint32_t process, pid_t tid);
/* The script and its arguments, not the way to the interpreter. */
const char *gs_command_short(const char *command);

/* ---- header.c ---- */

enum { GS_HEADER_MOST = 16 };

/* The lines above the tabs, as many as `rows` allow. Returns how many there are. */
int gs_header_put(const struct gs_drawing *drawing, int rows, struct gs_text lines[GS_HEADER_MOST]);

/* ---- keys.c ---- */

struct gs_keys_row {
    const char *keys;   /* "Up, k" */
    const char *footer; /* what the last line calls it; NULL: nothing */
    const char *help;
};

/* False: there are no more. The last two are how to get help and how to get out. */
bool gs_keys_row(size_t i, struct gs_keys_row *row);
enum gs_request gs_keys_act(struct gs_view *view, const struct gs_drawing *drawing, uint32_t key);

/* ---- typing.c ---- */

/* What the key that ended the typing asks for. */
enum gs_typed { GS_TYPED_NOTHING, GS_TYPED_SEARCH, GS_TYPED_QUIT };

/* what: '/' or '\\'; a filter goes on with what it was. */
void gs_typing_begin(struct gs_typing *typing, int what);
/* While something is typed. */
enum gs_typed gs_typing_key(struct gs_typing *typing, uint32_t key);
void gs_typing_prompt(const struct gs_typing *typing, int columns, struct gs_text *text);
/* Where no row fits the filter. */
void gs_typing_nothing(const struct gs_typing *typing, struct gs_text *text);
void gs_typing_not_found(const struct gs_typing *typing, bool utf8, char note[GS_VIEW_NOTE]);
enum gs_request gs_typing_act(struct gs_view *view, const struct gs_drawing *drawing, uint32_t key);
/* The cursor goes to the next row that has the words of the search. */
void gs_typing_search(struct gs_view *view, const struct gs_drawing *drawing);
/* The line at the bottom. */
void gs_typing_line(const struct gs_view *view, int columns, struct gs_text *text);

/* ---- help.c ---- */

void gs_help_put(struct gs_view *view, struct gs_grid *grid, int row, int rows);

#endif
