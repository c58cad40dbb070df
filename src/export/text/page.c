/* Lines of the text of a dump, as wide as the terminal. */
#include "export/text/page.h"

void gs_page_end_line(struct gs_page *page)
{
    gs_text_write_cut(&page->line, page->console);
}

int gs_page_room(const struct gs_page *page)
{
    int left = page->console->columns - page->line.columns;
    return page->console->columns == 0 ? 0 : left > 1 ? left : 1;
}
