/* Pieces are cut from blocks, which are kept for the next picture. */
#include <stdlib.h>
#include <string.h>

#include "profile/album.h"

enum { BLOCK_BYTES = 1 << 16, ALIGN = 16 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

struct gs_album {
    struct gs_picture picture;
    struct block *blocks, *current; /* those behind the current one are empty */
    bool failed;
};

struct gs_album *gs_album_new(void)
{
    return calloc(1, sizeof(struct gs_album));
}

static void free_from(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void gs_album_free(struct gs_album *album)
{
    if (album)
        free_from(album->blocks);
    free(album);
}

/* Blocks that the last picture did not need are given back. */
void gs_album_clear(struct gs_album *album)
{
    if (album->current) {
        free_from(album->current->next);
        album->current->next = NULL;
    }
    for (struct block *block = album->blocks; block; block = block->next)
        block->used = 0;
    album->current = album->blocks;
    album->failed = false;
    album->picture = (struct gs_picture){0};
}

static bool next_block(struct gs_album *album, size_t bytes)
{
    while (album->current && album->current->next) {
        album->current = album->current->next;
        if (album->current->size >= bytes)
            return true;
    }
    size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct block *block = malloc(sizeof *block + size);
    if (!block)
        return false;
    *block = (struct block){.size = size};
    if (album->current)
        album->current->next = block;
    else
        album->blocks = block;
    album->current = block;
    return true;
}

void *gs_album_get(struct gs_album *album, size_t count, size_t size)
{
    size_t bytes = count > 0 ? (count * size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    bool fits = album->current && bytes <= album->current->size - album->current->used;
    if (album->failed || (!fits && !next_block(album, bytes))) {
        album->failed = true;
        return NULL;
    }
    void *piece = album->current->bytes + album->current->used;
    album->current->used += bytes;
    return memset(piece, 0, bytes);
}

const char *gs_album_copy(struct gs_album *album, const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = gs_album_get(album, len, 1);
    return copy ? memcpy(copy, text, len) : "";
}

bool gs_album_failed(const struct gs_album *album)
{
    return album->failed;
}

struct gs_picture *gs_album_picture(struct gs_album *album)
{
    return &album->picture;
}
