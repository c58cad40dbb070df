/* The figures of the GIL, sampled and printed: what stat and top --json do. */
#ifndef GS_CMD_FIGURES_H
#define GS_CMD_FIGURES_H

#include "cmd/args.h"

/* Samples the processes that args name, or the program that they start, and prints the figures, at the end or once in
 * each interval. Returns the program's exit status. */
int gs_figures_run(const struct gs_args *args);

#endif
