/* Command lines. The input: words, each ended by a line feed. */
#include <stdlib.h>
#include <string.h>

#include "cmd/args.h"
#include "fuzz/show.h"
#include "fuzz/target.h"

enum { WORDS = 32 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gs_args args;
    struct gs_err err = {0};
    char *text = strndup((const char *)data, size), *rest = text, *words[WORDS + 1] = {(char *)"gilspy"};
    int count = 1;
    if (!text)
        abort();
    for (char *word; count < WORDS && (word = strsep(&rest, "\n"));)
        words[count++] = word;
    if (gs_args_parse(&args, count, words, UINT64_MAX, &err) && !err.what[0])
        abort();
    gs_args_fini(&args);
    free(text);
    return 0;
}
