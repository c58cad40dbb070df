/* The environment that a process was started with: words that end with 0, one after the other. */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "gilspy/target.h"
#include "target/procfs.h"

static int64_t number_of(const char *name, const char *words, size_t size)
{
    int64_t number;
    size_t len = strlen(name);
    for (const char *word = words; word < words + size; word += strlen(word) + 1) {
        if (strncmp(word, name, len) == 0 && word[len] == '=' && gs_parse_int(word + len + 1, 0, INT32_MAX, &number))
            return number;
    }
    return -1;
}

int64_t gs_process_rank(pid_t pid)
{
    static const char *const names[] = {"RANK", "LOCAL_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"};
    ssize_t size;
    int64_t rank = -1;
    char *words = gs_proc_read_all(pid, "environ", &size);
    for (size_t i = 0; words && i < sizeof names / sizeof *names && rank < 0; i++)
        rank = number_of(names[i], words, (size_t)size);
    free(words);
    return rank;
}
