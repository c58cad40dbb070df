/* Pieces are cut from blocks, which are kept for the next picture. */
#include <stdlib.h>
#include <string.h>

#include "profile/arena.h"

enum { BLOCK_BYTES = 1 << 16, ALIGN = 16 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

struct gs_arena {
    struct gs_picture picture;
    struct block *blocks, *current; /* those behind the current one are empty */
    bool failed;
};

struct gs_arena *gs_arena_new(void)
{
    return calloc(1, sizeof(struct gs_arena));
}

static void free_from(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void gs_arena_free(struct gs_arena *arena)
{
    if (arena)
        free_from(arena->blocks);
    free(arena);
}

/* Blocks that the last picture did not need are given back. */
void gs_arena_clear(struct gs_arena *arena)
{
    if (arena->current) {
        free_from(arena->current->next);
        arena->current->next = NULL;
    }
    for (struct block *block = arena->blocks; block; block = block->next)
        block->used = 0;
    arena->current = arena->blocks;
    arena->failed = false;
    arena->picture = (struct gs_picture){0};
}

static bool next_block(struct gs_arena *arena, size_t bytes)
{
    while (arena->current && arena->current->next) {
        arena->current = arena->current->next;
        if (arena->current->size >= bytes)
            return true;
    }
    size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct block *block = malloc(sizeof *block + size);
    if (!block)
        return false;
    *block = (struct block){.size = size};
    if (arena->current)
        arena->current->next = block;
    else
        arena->blocks = block;
    arena->current = block;
    return true;
}

void *gs_arena_get(struct gs_arena *arena, size_t count, size_t size)
{
    size_t bytes = count > 0 ? (count * size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    bool fits = arena->current && bytes <= arena->current->size - arena->current->used;
    if (arena->failed || (!fits && !next_block(arena, bytes))) {
        arena->failed = true;
        return NULL;
    }
    void *piece = arena->current->bytes + arena->current->used;
    arena->current->used += bytes;
    return memset(piece, 0, bytes);
}

const char *gs_arena_copy(struct gs_arena *arena, const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = gs_arena_get(arena, len, 1);
    return copy ? memcpy(copy, text, len) : "";
}

bool gs_arena_failed(const struct gs_arena *arena)
{
    return arena->failed;
}

struct gs_picture *gs_arena_picture(struct gs_arena *arena)
{
    return &arena->picture;
}
