/* Numbers for texts. */
#include <stdlib.h>

#include "base/ids.h"
#include "export/pprof/pprof.h"
#include "stack/strings.h"

struct gs_pprof_texts {
    struct gs_strings *kept; /* equal texts have equal pointers, */
    struct gs_ids numbers;   /* which have these */
};

struct gs_pprof_texts *gs_pprof_texts_new(void)
{
    struct gs_pprof_texts *texts = calloc(1, sizeof *texts);
    if (texts && !(texts->kept = gs_strings_new())) {
        free(texts);
        return NULL;
    }
    return texts;
}

void gs_pprof_texts_free(struct gs_pprof_texts *texts)
{
    if (!texts)
        return;
    gs_strings_free(texts->kept);
    gs_ids_fini(&texts->numbers);
    free(texts);
}

int64_t gs_pprof_text(struct gs_pprof_texts *texts, const char *text, bool *added)
{
    const char *kept = gs_strings_keep(texts->kept, text);
    uint32_t number = kept ? gs_ids_find(&texts->numbers, (uintptr_t)kept) : GS_IDS_NONE;
    *added = number == GS_IDS_NONE;
    if (!*added)
        return number;
    number = (uint32_t)texts->numbers.used;
    return kept && gs_ids_set(&texts->numbers, (uintptr_t)kept, number) ? (int64_t)number : -1;
}
