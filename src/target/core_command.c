/* The argument vector of a process out of its core. The kernel notes 80 bytes of it, but what it put at the top of the
 * stack when the program began is still there (fs/binfmt_elf.c, create_elf_tables): upwards argc, pointers to the
 * arguments, 0, pointers to the environment, 0, the auxiliary vector, and close behind it the bytes of AT_RANDOM. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "target/core.h"

enum {
    SEARCHED_BYTES = 4096,
    WORDS_MAX = 1 << 16,
    ARGUMENT_BYTES_MAX = 1 << 17, /* MAX_ARG_STRLEN */
    ALL_BYTES_MAX = 4 << 20
};

/* Where the auxiliary vector begins, 0: not found. */
static gs_addr find_vector(struct gs_mem *mem, const struct gs_core *core)
{
    uint8_t bytes[SEARCHED_BYTES];
    gs_addr end = gs_core_aux(core, AT_RANDOM) & ~(gs_addr)15;
    size_t wanted = 2 * sizeof *core->auxv;
    if (core->aux_count < 2 || end < sizeof bytes || gs_mem_read(mem, end - sizeof bytes, bytes, sizeof bytes))
        return 0;
    for (size_t at = sizeof bytes - wanted;; at -= 8) {
        if (memcmp(bytes + at, core->auxv, wanted) == 0)
            return end - sizeof bytes + at;
        if (at < 8)
            return 0;
    }
}

/* Downwards from `at` to a word that is `value`, or with `counted` as many as there are words before it; 0: there is
 * none. */
static gs_addr find_down(struct gs_mem *mem, gs_addr at, bool counted)
{
    gs_addr word;
    for (uint64_t count = 0; count < WORDS_MAX && at >= 8; count++) {
        at -= 8;
        if (gs_mem_read_addr(mem, at, &word))
            return 0;
        if (word == (counted ? count : 0))
            return at;
    }
    return 0;
}

/* Reads the arguments; `words`: where the pointers to them are. */
static bool read_arguments(struct gs_target *target, gs_addr words, size_t count)
{
    char *text = malloc(ARGUMENT_BYTES_MAX);
    size_t all = 0;
    gs_addr at, behind = 0;
    target->command = calloc(count + 2, sizeof *target->command);
    bool enough = text && target->command;
    for (size_t i = 0; i < count && enough && all < ALL_BYTES_MAX; i++) {
        if (gs_mem_read_addr(target->mem, words + 8 * i, &at) ||
            gs_mem_read_cstr(target->mem, at, text, ARGUMENT_BYTES_MAX))
            break;
        if (i > 0 && at < behind)
            break; /* it wrote a title of its own over them */
        behind = at + strlen(text) + 1;
        all += strlen(text) + 1;
        enough = (target->command[i] = strdup(text)) != NULL;
        target->command_count += enough;
    }
    free(text);
    return enough;
}

bool gs_core_command(struct gs_target *target, const struct gs_core *core)
{
    struct gs_mem *mem = target->mem;
    gs_addr vector = find_vector(mem, core), word;
    gs_addr environment = vector && gs_mem_read_addr(mem, vector - 8, &word) == GS_OK && word == 0 ? vector - 8 : 0;
    gs_addr arguments_end = environment ? find_down(mem, environment, false) : 0;
    gs_addr count_at = arguments_end ? find_down(mem, arguments_end, true) : 0;
    size_t count = count_at ? (size_t)(arguments_end - count_at - 8) / 8 : 0;
    if (!read_arguments(target, count_at + 8, count))
        return false;
    if (target->command_count > 0)
        return gs_secret_hide(target->command, target->command_count);
    size_t len = strlen(core->arguments);
    while (len > 0 && core->arguments[len - 1] == ' ')
        len--;
    target->command[0] = len > 0 ? strndup(core->arguments, len) : strdup(core->comm);
    target->command_count = target->command[0] != NULL;
    return target->command[0] && gs_secret_hide(target->command, target->command_count);
}
