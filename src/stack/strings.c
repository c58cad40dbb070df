/* Strings, each kept once: copied into chunks that are never moved, found again by their hash. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stack/hash.h"
#include "stack/strings.h"

enum { CHUNK_BYTES = 64 << 10, FIRST_SLOTS = 256 };

struct chunk {
    struct chunk *next;
    size_t size;
    char bytes[];
};

struct slot {
    const char *text; /* NULL: empty */
    uint32_t hash, len;
};

struct gs_strings {
    struct gs_hash_key key;
    struct chunk *chunks, *spare; /* the first of the chunks is the one that is being filled */
    size_t filled, kept_bytes;
    struct slot *slots; /* a power of two of them, at most half of them used */
    size_t slot_count, count;
};

struct gs_strings *gs_strings_new(void)
{
    struct gs_strings *strings = calloc(1, sizeof *strings);
    if (!strings)
        return NULL;
    strings->slots = calloc(FIRST_SLOTS, sizeof *strings->slots);
    if (!strings->slots) {
        free(strings);
        return NULL;
    }
    strings->slot_count = FIRST_SLOTS;
    strings->key = gs_hash_key_new();
    return strings;
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void gs_strings_free(struct gs_strings *strings)
{
    if (!strings)
        return;
    free_chunks(strings->chunks);
    free_chunks(strings->spare);
    free(strings->slots);
    free(strings);
}

void gs_strings_clear(struct gs_strings *strings)
{
    while (strings->chunks) {
        struct chunk *chunk = strings->chunks;
        strings->chunks = chunk->next;
        if (chunk->size > CHUNK_BYTES) { /* made for one long string: of no use for others */
            free(chunk);
        } else {
            chunk->next = strings->spare;
            strings->spare = chunk;
        }
    }
    memset(strings->slots, 0, strings->slot_count * sizeof *strings->slots);
    strings->count = 0;
    strings->filled = strings->kept_bytes = 0;
}

size_t gs_strings_bytes(const struct gs_strings *strings)
{
    return strings->kept_bytes + strings->count * 2 * sizeof *strings->slots;
}

static uint64_t load(const char *bytes, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, bytes, len);
    return word;
}

static uint32_t hash_of(struct gs_hash_key key, const char *text, size_t len)
{
    uint64_t hash = gs_hash_mix(key, len);
    for (; len >= 8; text += 8, len -= 8)
        hash = gs_hash_mix(key, hash ^ load(text, 8));
    return (uint32_t)gs_hash_mix(key, hash ^ load(text, len));
}

/* A chunk that has room for `size` bytes becomes the first. */
static bool make_room(struct gs_strings *strings, size_t size)
{
    if (strings->chunks && strings->chunks->size - strings->filled >= size)
        return true;
    struct chunk *chunk = strings->spare;
    if (chunk && size <= CHUNK_BYTES) {
        strings->spare = chunk->next;
    } else {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + room);
        if (!chunk)
            return false;
        chunk->size = room;
    }
    chunk->next = strings->chunks;
    strings->chunks = chunk;
    strings->filled = 0;
    return true;
}

static bool grow(struct gs_strings *strings)
{
    size_t count = strings->slot_count * 2;
    struct slot *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < strings->slot_count; i++) {
        const struct slot *slot = &strings->slots[i];
        if (!slot->text)
            continue;
        size_t at = slot->hash & (count - 1);
        while (slots[at].text)
            at = (at + 1) & (count - 1);
        slots[at] = *slot;
    }
    free(strings->slots);
    strings->slots = slots;
    strings->slot_count = count;
    return true;
}

const char *gs_strings_keep(struct gs_strings *strings, const char *text)
{
    size_t len = strlen(text);
    if (len >= UINT32_MAX || (strings->count >= strings->slot_count / 2 && !grow(strings)))
        return NULL;
    uint32_t hash = hash_of(strings->key, text, len);
    size_t at = hash & (strings->slot_count - 1);
    for (; strings->slots[at].text; at = (at + 1) & (strings->slot_count - 1)) {
        const struct slot *slot = &strings->slots[at];
        if (slot->hash == hash && slot->len == len && memcmp(slot->text, text, len) == 0)
            return slot->text;
    }
    if (!make_room(strings, len + 1))
        return NULL;
    char *kept = strings->chunks->bytes + strings->filled;
    memcpy(kept, text, len + 1);
    strings->filled += len + 1;
    strings->kept_bytes += len + 1;
    strings->slots[at] = (struct slot){kept, hash, (uint32_t)len};
    strings->count++;
    return kept;
}
