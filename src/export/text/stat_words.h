/* Words that the tables of stat share. */
#ifndef GS_EXPORT_TEXT_STAT_WORDS_H
#define GS_EXPORT_TEXT_STAT_WORDS_H

#include "base/text.h"
#include "export/files.h"
#include "gil/gilstat.h"

/* "worker-2 (4250)", its tid alone where the thread is not in the table; 0: "threads that ended". */
void gs_stat_put_thread(struct gs_text *line, const struct gs_gilstat *stat, pid_t tid);
/* "in build (app.py:12)"; the place has a function. */
void gs_stat_put_place(struct gs_text *line, const struct gs_gilstat_place *place, const struct gs_files *files);
/* ", in build (app.py:12)" where the place has a function. */
void gs_stat_add_place(struct gs_text *line, const struct gs_gilstat_place *place);

#endif
