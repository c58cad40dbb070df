/* Numbers for texts. */
#include <stdlib.h>
#include <string.h>

#include "export/pprof/pprof.h"
#include "stack/hash.h"
#include "stack/strings.h"

struct entry {
    const char *text; /* one of `kept`, NULL: free */
    int64_t number;
};

struct gs_pprof_texts {
    struct gs_strings *kept; /* equal texts have equal pointers */
    struct gs_hash_key key;
    struct entry *table;
    size_t size; /* a power of two */
    int64_t count;
};

struct gs_pprof_texts *gs_pprof_texts_new(void)
{
    struct gs_pprof_texts *texts = calloc(1, sizeof *texts);
    if (!texts)
        return NULL;
    texts->kept = gs_strings_new();
    texts->key = gs_hash_key_new();
    texts->size = 1024;
    texts->table = calloc(texts->size, sizeof *texts->table);
    if (texts->kept && texts->table)
        return texts;
    gs_pprof_texts_free(texts);
    return NULL;
}

void gs_pprof_texts_free(struct gs_pprof_texts *texts)
{
    if (!texts)
        return;
    gs_strings_free(texts->kept);
    free(texts->table);
    free(texts);
}

/* Where the text is, or where it belongs. */
static struct entry *find(const struct gs_pprof_texts *texts, const char *kept)
{
    size_t at = gs_hash_mix(texts->key, (uintptr_t)kept) & (texts->size - 1);
    while (texts->table[at].text && texts->table[at].text != kept)
        at = (at + 1) & (texts->size - 1);
    return &texts->table[at];
}

static bool grow(struct gs_pprof_texts *texts)
{
    struct gs_pprof_texts larger = *texts;
    larger.size *= 2;
    larger.table = calloc(larger.size, sizeof *larger.table);
    if (!larger.table)
        return false;
    for (size_t i = 0; i < texts->size; i++) {
        if (texts->table[i].text)
            *find(&larger, texts->table[i].text) = texts->table[i];
    }
    free(texts->table);
    *texts = larger;
    return true;
}

int64_t gs_pprof_text(struct gs_pprof_texts *texts, const char *text, bool *added)
{
    const char *kept = gs_strings_keep(texts->kept, text);
    if (!kept || ((uint64_t)texts->count * 2 >= texts->size && !grow(texts)))
        return -1;
    struct entry *entry = find(texts, kept);
    *added = !entry->text;
    if (*added)
        *entry = (struct entry){kept, texts->count++};
    return entry->number;
}
