/* The terminal while it belongs to us: drawn by ncurses, given back whatever happens. */
#ifndef GS_VIEW_SCREEN_H
#define GS_VIEW_SCREEN_H

#include "view/view.h"

/* Whether there is a terminal that can be taken over: GS_FAILED with err filled, where there is not. */
enum gs_status gs_screen_able(struct gs_err *err) GS_MUST_CHECK;
/* Takes the terminal over; messages to a standard error that is one are kept until it is given back. GS_FAILED with err
 * filled when stdin or stdout is no terminal. */
enum gs_status gs_screen_open(enum gs_color_depth depth, struct gs_err *err) GS_MUST_CHECK;
/* Gives it back. */
void gs_screen_close(void);
/* The same without ncurses, whose thread will not come back. */
void gs_screen_abandon(void);
void gs_screen_size(int *rows, int *columns);
void gs_screen_show(const struct gs_grid *grid);
/* The next key that was pressed, a character or one of enum gs_key; does not wait. */
uint32_t gs_screen_key(void);

#endif
