/* The terminal while it belongs to us: drawn by ncurses, given back whatever happens. */
#ifndef GS_VIEW_SCREEN_H
#define GS_VIEW_SCREEN_H

#include "base/text.h"

enum gs_key { GS_KEY_NONE, GS_KEY_QUIT, GS_KEY_RESET, GS_KEY_RESIZED, GS_KEY_CLOSED, GS_KEY_OTHER };

/* Takes the terminal over. GS_FAILED with err filled when stdin or stdout is none. */
enum gs_status gs_screen_open(enum gs_color_depth depth, struct gs_err *err) GS_MUST_CHECK;
/* Gives it back. */
void gs_screen_close(void);
/* The same without ncurses, whose thread will not come back. */
void gs_screen_abandon(void);
void gs_screen_size(int *rows, int *columns);
/* A line of text at a row, and nothing behind it. */
void gs_screen_line(int row, const struct gs_text *text);
/* Shows what was drawn; rows from `used` on are emptied. */
void gs_screen_show(int used);
/* The next key that was pressed; does not wait. ready: poll said that there is one. */
enum gs_key gs_screen_key(bool ready);

#endif
