/* The figures of the GIL out of exact events: what stat --exact does. */
#ifndef GS_CMD_FIGURES_EXACT_H
#define GS_CMD_FIGURES_EXACT_H

#include "cmd/args.h"

/* As gs_figures_run, for one process. Where exactness costs more than it may, it is sampled instead, which is said. */
int gs_figures_exact(const struct gs_args *args);

#endif
