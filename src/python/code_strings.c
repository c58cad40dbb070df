/* A hash table of strings that counts who uses each, so that those of forgotten code objects go with them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "python/code_strings.h"

struct gs_string {
    struct gs_string *next;
    size_t users;
    uint64_t hash;
    char text[];
};

/* The table stays correct, only slower, when there is no memory to grow it. */
static void grow(struct gs_strings *strings)
{
    size_t count = strings->bucket_count ? strings->bucket_count * 2 : 64;
    struct gs_string **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return;
    for (size_t i = 0; i < strings->bucket_count; i++) {
        for (struct gs_string *s = strings->buckets[i], *next; s; s = next) {
            next = s->next;
            s->next = buckets[s->hash % count];
            buckets[s->hash % count] = s;
        }
    }
    free(strings->buckets);
    strings->buckets = buckets;
    strings->bucket_count = count;
}

char *gs_strings_take(struct gs_strings *strings, const char *text)
{
    uint64_t hash = gs_fnv(text);
    if (strings->count >= strings->bucket_count)
        grow(strings);
    if (strings->bucket_count == 0)
        return NULL;
    struct gs_string **bucket = &strings->buckets[hash % strings->bucket_count];
    for (struct gs_string *s = *bucket; s; s = s->next) {
        if (s->hash == hash && strcmp(s->text, text) == 0) {
            s->users++;
            return s->text;
        }
    }
    size_t size = strlen(text) + 1;
    struct gs_string *s = malloc(sizeof *s + size);
    if (!s)
        return NULL;
    *s = (struct gs_string){.next = *bucket, .users = 1, .hash = hash};
    memcpy(s->text, text, size);
    *bucket = s;
    strings->count++;
    return s->text;
}

void gs_strings_drop(struct gs_strings *strings, char *text)
{
    if (!text)
        return;
    struct gs_string *s = (struct gs_string *)(void *)(text - offsetof(struct gs_string, text));
    if (--s->users > 0)
        return;
    struct gs_string **at = &strings->buckets[s->hash % strings->bucket_count];
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    strings->count--;
    free(s);
}

void gs_strings_fini(struct gs_strings *strings)
{
    free(strings->buckets);
    *strings = (struct gs_strings){0};
}
