/* Runs a fuzz target over files, and folders of files, without libFuzzer. */
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/target.h"

enum { DESCRIPTORS = 8, BYTES_MAX = 64 << 20 };

static size_t run_count; /* nftw has no context */

static int run_file(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)place;
    if (kind != FTW_F || st->st_size > BYTES_MAX)
        return kind == FTW_D ? 0 : -1;
    FILE *file = fopen(path, "rb");
    /* Exactly as long as the file, so that a sanitizer sees what is read behind its end. */
    uint8_t *bytes = malloc(st->st_size > 0 ? (size_t)st->st_size : 1);
    bool ok = file && bytes && fread(bytes, 1, (size_t)st->st_size, file) == (size_t)st->st_size;
    if (file)
        fclose(file);
    if (ok) {
        fprintf(stderr, "%s\n", path);
        LLVMFuzzerTestOneInput(bytes, (size_t)st->st_size);
        run_count++;
    }
    free(bytes);
    return ok ? 0 : -1;
}

/* What a target's own mutator falls back on: nothing is changed here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    (void)max_size;
    return size;
}

int main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        if (nftw(argv[i], run_file, DESCRIPTORS, FTW_PHYS)) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 1;
        }
    }
    printf("%zu inputs\n", run_count);
    return run_count > 0 ? 0 : 1;
}
