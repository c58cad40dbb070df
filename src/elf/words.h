/* What an ELF file has in memory once it is loaded, with its relocations applied: pointers to strings and to code can
 * be followed without a process that has loaded it. Hostile input. */
#ifndef GS_ELF_WORDS_H
#define GS_ELF_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS_WORDS_PARTS = 16 };

/* Addresses are those of the file. */
struct gs_words {
    struct gs_words_part {
        uint64_t addr, len;
        uint8_t *bytes;
        bool code, data; /* can be run; can be written, at least until it is relocated */
    } parts[GS_WORDS_PARTS];
    size_t count;
};

/* False: it is no ELF file, too large a one, or out of memory. The descriptor stays the caller's. */
bool gs_words_open(struct gs_words *words, int fd);
void gs_words_fini(struct gs_words *words);
/* The word at addr, 0 where there is none. */
uint64_t gs_words_at(const struct gs_words *words, uint64_t addr);
/* The name at addr: letters, digits, underscores and dots, at least two; NULL: there is none. */
const char *gs_words_name(const struct gs_words *words, uint64_t addr);
/* addr is in a part that can be run. */
bool gs_words_is_code(const struct gs_words *words, uint64_t addr);
/* addr is in a part. */
bool gs_words_has(const struct gs_words *words, uint64_t addr);

#endif
