/* What of a source's places and stacks is in the file already, and under which numbers. */
#ifndef GS_RECORDING_DICTIONARY_H
#define GS_RECORDING_DICTIONARY_H

#include "base/ids.h"
#include "recording/packer.h"

struct gs_numbers {
    uint32_t *of; /* the file's number by the source's; 0: not in the file */
    size_t room;
};

struct gs_dictionary { /* empty when zeroed */
    struct gs_numbers stacks, places;
    uint32_t stack_count, place_count; /* in the file */
    struct gs_ids strings;             /* the file's numbers by their addresses */
    uint32_t *chain;                   /* callers to be written */
    size_t chain_room;
};

void gs_dictionary_fini(struct gs_dictionary *dictionary);
/* All is numbered anew; memory is kept. */
void gs_dictionary_forget(struct gs_dictionary *dictionary);
/* The file's number of a stack; it is written now with all that it is made of, if it is new. */
enum gs_status gs_dictionary_stack(struct gs_dictionary *dictionary, struct gs_packer *packer,
                                   const struct gs_stacks *stacks, uint32_t stack, uint32_t *number) GS_MUST_CHECK;

#endif
