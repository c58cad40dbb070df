/* Writes the places and stacks that samples have, when they first have them. */
#include <stdlib.h>

#include "base/room.h"
#include "recording/dictionary.h"

enum { STRING_RECORD = GS_WIRE_NUMBER_MOST * 2 + 1, PLACE_STRINGS = 4 };

void gs_dictionary_fini(struct gs_dictionary *dictionary)
{
    free(dictionary->stacks.of);
    free(dictionary->places.of);
    gs_ids_fini(&dictionary->strings);
    free(dictionary->chain);
}

static void clear(void *items, size_t bytes)
{
    if (items)
        memset(items, 0, bytes);
}

void gs_dictionary_forget(struct gs_dictionary *dictionary)
{
    clear(dictionary->stacks.of, dictionary->stacks.room * sizeof *dictionary->stacks.of);
    clear(dictionary->places.of, dictionary->places.room * sizeof *dictionary->places.of);
    gs_ids_clear(&dictionary->strings);
    dictionary->stack_count = dictionary->place_count = 0;
}

/* Room for the numbers up to `highest`. */
static bool make_room(struct gs_numbers *numbers, uint32_t highest)
{
    if (highest < numbers->room)
        return true;
    size_t room = ((size_t)highest + 1) * 2;
    uint32_t *of = realloc(numbers->of, room * sizeof *of);
    if (!of)
        return false;
    memset(of + numbers->room, 0, (room - numbers->room) * sizeof *of);
    *numbers = (struct gs_numbers){of, room};
    return true;
}

/* NULL: out of memory. */
static uint8_t *put_string(struct gs_dictionary *dictionary, uint8_t *to, const char *text)
{
    if (!text)
        return gs_wire_put(to, 0);
    uint32_t known = gs_ids_find(&dictionary->strings, (uintptr_t)text);
    if (known != GS_IDS_NONE)
        return gs_wire_put(to, known + UINT64_C(2));
    if (!gs_ids_set(&dictionary->strings, (uintptr_t)text, (uint32_t)dictionary->strings.used))
        return NULL;
    return gs_wire_put_string(gs_wire_put(to, 1), text);
}

static enum gs_status write_place(struct gs_dictionary *dictionary, struct gs_packer *packer,
                                  const struct gs_stacks *stacks, uint32_t number)
{
    const struct gs_place *place = gs_stacks_place_at(stacks, number);
    const char *strings[PLACE_STRINGS] = {place->function, place->qualname, place->file, place->module};
    size_t most = GS_WIRE_NUMBER_MOST * 2;
    for (size_t i = 0; i < PLACE_STRINGS; i++)
        most += STRING_RECORD + gs_wire_string_len(strings[i]);
    if (!make_room(&dictionary->places, number))
        return GS_NO_MEMORY;
    enum gs_status status = gs_packer_room(packer, most);
    if (status)
        return status;
    uint8_t *to = packer->raw + packer->len;
    *to++ = GS_RECORD_PLACE;
    for (size_t i = 0; i < PLACE_STRINGS && to; i++)
        to = put_string(dictionary, to, strings[i]);
    if (!to)
        return GS_NO_MEMORY;
    to = gs_wire_put(to, gs_wire_zigzag(place->line));
    *to++ = place->kind;
    dictionary->places.of[number] = ++dictionary->place_count;
    return gs_packer_commit(packer, to);
}

static enum gs_status write_stack(struct gs_dictionary *dictionary, struct gs_packer *packer,
                                  const struct gs_stacks *stacks, uint32_t number)
{
    struct gs_stack stack = gs_stacks_at(stacks, number);
    enum gs_status status = GS_OK;
    if (stack.place >= dictionary->places.room || !dictionary->places.of[stack.place])
        status = write_place(dictionary, packer, stacks, stack.place);
    if (!status)
        status = gs_packer_room(packer, 1 + GS_WIRE_NUMBER_MOST * 2);
    if (status)
        return status;
    uint32_t made = ++dictionary->stack_count;
    uint8_t *to = packer->raw + packer->len;
    *to++ = GS_RECORD_STACK;
    to = gs_wire_put(to, made - dictionary->stacks.of[stack.caller]);
    to = gs_wire_put(to, dictionary->places.of[stack.place]);
    dictionary->stacks.of[number] = made;
    return gs_packer_commit(packer, to);
}

static bool add_to_chain(struct gs_dictionary *dictionary, size_t count, uint32_t stack)
{
    if (!gs_room((void **)&dictionary->chain, &dictionary->chain_room, count + 1, sizeof *dictionary->chain))
        return false;
    dictionary->chain[count] = stack;
    return true;
}

enum gs_status gs_dictionary_stack(struct gs_dictionary *dictionary, struct gs_packer *packer,
                                   const struct gs_stacks *stacks, uint32_t stack, uint32_t *number)
{
    size_t count = 0;
    if (!make_room(&dictionary->stacks, stack))
        return GS_NO_MEMORY;
    /* Callers have lower numbers. */
    for (uint32_t i = stack; i && !dictionary->stacks.of[i]; i = gs_stacks_at(stacks, i).caller) {
        if (!add_to_chain(dictionary, count++, i))
            return GS_NO_MEMORY;
    }
    while (count > 0) {
        enum gs_status status = write_stack(dictionary, packer, stacks, dictionary->chain[--count]);
        if (status)
            return status;
    }
    *number = dictionary->stacks.of[stack];
    return GS_OK;
}
