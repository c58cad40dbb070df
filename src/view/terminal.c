/* Asking terminfo, without taking a terminal over. */
#include <curses.h>
#include <term.h>
#include <unistd.h>

#include "view/terminal.h"

bool gs_terminal_known(const char *name)
{
    int found;
    if (!name || !*name || setupterm(name, STDOUT_FILENO, &found) != OK)
        return false;
    const char *move = tigetstr("cup");
    bool known = move && move != (const char *)-1;
    del_curterm(cur_term);
    return known;
}
