/* Programs that never ran, as streams of samples: what the formats are tested with. */
#ifndef TESTS_PLAYS_H
#define TESTS_PLAYS_H

#include "gilspy/sample.h"

struct play {
    const char *name;
    enum gs_status (*run)(struct gs_sink *sink);
};

/* app: four threads of a server; later: its next release; hostile: names made to fool; processes: two of them, threads
 * of one name; deep: 2,000 frames; huge: a million different stacks; free: a free-threaded one; empty: no thread at
 * all; tasks: of an event loop. */
extern const struct play plays[]; /* without a name at the end */
const struct play *play_find(const char *name);

#endif
