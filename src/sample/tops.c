/* Whom to ask first when it is not known who woke up. A thread that sleeps in a system call has the return addresses to
 * it on top of its C stack; whoever woke and waits for the GIL now went elsewhere meanwhile, and has others there. To
 * read that of many threads costs an eighth of asking the kernel about each. It proves nothing: whoever is found to
 * have moved is asked, and if that does not explain what is missing, so are the others. */
#include <string.h>

#include "sample/reader.h"

bool gs_top_known(const struct gs_member *member)
{
    return member->activity.run == GS_RUN_SYSCALL && member->activity.sp != 0;
}

void gs_tops_read(struct gs_reader *reader, struct gs_member *const *members, size_t count, struct gs_top *tops)
{
    struct gs_piece pieces[GS_TOPS_TOGETHER];
    for (size_t i = 0; i < count; i++) {
        tops[i] = (struct gs_top){.sp = members[i]->activity.sp};
        pieces[i] = (struct gs_piece){tops[i].sp, tops[i].words, sizeof tops[i].words, false};
    }
    bool read = gs_mem_read_many(reader->python->mem, pieces, count) == GS_OK;
    for (size_t i = 0; i < count; i++) {
        if (!read || !pieces[i].ok)
            tops[i].sp = 0;
    }
}

bool gs_top_stands(const struct gs_member *member, const struct gs_top *top)
{
    return top->sp != 0 && top->sp == member->top.sp && memcmp(top->words, member->top.words, sizeof top->words) == 0;
}

void gs_top_note(struct gs_member *member, const struct gs_top *top)
{
    if (gs_top_known(member) && top->sp == member->activity.sp)
        member->top = *top; /* else it is elsewhere now, and comes back, maybe, to what is known */
}
