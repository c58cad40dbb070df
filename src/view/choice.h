/* The screen of top without a process: the Python processes that there are, of which one is chosen. */
#ifndef GS_VIEW_CHOICE_H
#define GS_VIEW_CHOICE_H

#include "export/ps.h"
#include "view/view.h"

struct gs_choice {
    pid_t pid;     /* under the cursor, 0: the first one */
    size_t *shown; /* rows of the list that fit the filter */
    size_t shown_count, shown_room;
    size_t at, top; /* of those shown */
    int page;
    struct gs_typing typing;
    bool utf8;
    char note[GS_VIEW_NOTE];
};

enum gs_choice_made { GS_CHOICE_NONE, GS_CHOICE_QUIT, GS_CHOICE_RENEW, GS_CHOICE_TAKEN };

void gs_choice_draw(struct gs_choice *choice, const struct gs_ps *ps, struct gs_grid *grid);
enum gs_choice_made gs_choice_key(struct gs_choice *choice, const struct gs_ps *ps, uint32_t key);
void gs_choice_fini(struct gs_choice *choice);

#endif
