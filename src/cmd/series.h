/* The files of a run that is divided: STEM.000001.gilspy, STEM.000002.gilspy and so on. */
#ifndef GS_CMD_SERIES_H
#define GS_CMD_SERIES_H

#include <stdbool.h>
#include <stdint.h>

struct gs_series {
    char *folder, *base; /* of the stem */
    char *stem;
    uint64_t number; /* of the last file, 0: there is none */
};

/* output: "run.gilspy" or "run". The numbers go on after those of files that are there, whole or not. False: out of
 * memory; free with gs_series_fini in any case. */
bool gs_series_init(struct gs_series *series, const char *output);
void gs_series_fini(struct gs_series *series);
/* The name of a file, malloc'ed; NULL: out of memory. */
char *gs_series_name(const struct gs_series *series, uint64_t number);
/* Removes all but the last `keep` files, and what runs that broke off left of those; returns the number of the oldest
 * that is left. */
uint64_t gs_series_prune(const struct gs_series *series, uint64_t keep);

#endif
