/* Numbers for texts. */
#include <stdlib.h>

#include "base/ids.h"
#include "base/room.h"
#include "export/texts.h"
#include "stack/strings.h"

struct gs_texts {
    struct gs_strings *kept; /* equal texts have equal pointers, */
    struct gs_ids numbers;   /* which have these */
    const char **list;       /* by number */
    size_t room;
};

struct gs_texts *gs_texts_new(void)
{
    struct gs_texts *texts = calloc(1, sizeof *texts);
    if (texts && !(texts->kept = gs_strings_new())) {
        free(texts);
        return NULL;
    }
    return texts;
}

void gs_texts_free(struct gs_texts *texts)
{
    if (!texts)
        return;
    gs_strings_free(texts->kept);
    gs_ids_fini(&texts->numbers);
    free(texts->list);
    free(texts);
}

int64_t gs_texts_number(struct gs_texts *texts, const char *text, bool *added)
{
    const char *kept = gs_strings_keep(texts->kept, text);
    uint32_t number = kept ? gs_ids_find(&texts->numbers, (uintptr_t)kept) : GS_IDS_NONE;
    *added = number == GS_IDS_NONE;
    if (!*added)
        return number;
    number = (uint32_t)texts->numbers.used;
    if (!kept || !gs_room((void **)&texts->list, &texts->room, (size_t)number + 1, sizeof *texts->list) ||
        !gs_ids_set(&texts->numbers, (uintptr_t)kept, number))
        return -1;
    texts->list[number] = kept;
    return number;
}

const char *gs_texts_at(const struct gs_texts *texts, uint32_t number)
{
    return texts->list[number];
}
