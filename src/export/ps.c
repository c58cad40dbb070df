/* What a list of processes owns. */
#include <stdlib.h>

#include "export/ps.h"

void gs_ps_row_fini(struct gs_ps_row *row)
{
    for (size_t i = 0; i < row->command_count; i++)
        free(row->command[i]);
    free(row->command);
    free(row->user);
    free(row->python);
    free(row->why_not);
}

void gs_ps_fini(struct gs_ps *ps)
{
    for (size_t i = 0; i < ps->count; i++)
        gs_ps_row_fini(&ps->rows[i]);
    free(ps->rows);
}
