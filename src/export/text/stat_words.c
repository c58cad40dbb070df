#include "export/text/stat_words.h"
#include "export/words.h"

enum { NAME_MOST = 20 };

void gs_stat_put_thread(struct gs_text *line, const struct gs_gilstat *stat, pid_t tid)
{
    const struct gs_gilstat_thread *thread = gs_gilstat_find(stat, tid);
    if (tid == 0)
        gs_text_put(line, "threads that ended");
    else if (thread)
        gs_words_thread(line, thread->name, tid, NAME_MOST);
    else
        gs_text_put(line, "%d", (int)tid);
}

void gs_stat_put_place(struct gs_text *line, const struct gs_gilstat_place *place, const struct gs_files *files)
{
    gs_text_put(line, "in ");
    gs_text_add(line, place->function);
    gs_text_put(line, " (");
    gs_text_add(line, gs_files_shorten(files, place->file));
    gs_text_put(line, ":%d)", (int)place->line);
}

void gs_stat_add_place(struct gs_text *line, const struct gs_gilstat_place *place)
{
    struct gs_files files = {0};
    if (!*place->function)
        return;
    gs_files_learn(&files, place->file);
    gs_text_put(line, ", ");
    gs_stat_put_place(line, place, &files);
}
