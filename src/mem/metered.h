/* A memory that refuses once it was asked too often: it bounds the work whatever is found there. */
#ifndef GS_MEM_METERED_H
#define GS_MEM_METERED_H

#include "gilspy/mem.h"

struct gs_metered {
    struct gs_mem mem;
    struct gs_mem *below; /* not owned */
    uint64_t *left;       /* reads; not owned, several may share it */
};

/* The storage is the caller's; nothing is to be freed. */
void gs_metered_init(struct gs_metered *metered, struct gs_mem *below, uint64_t *left);

#endif
