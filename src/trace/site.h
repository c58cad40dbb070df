/* Instructions that touch a watched word: what each of them does, told by its bytes. */
#ifndef GS_TRACE_SITE_H
#define GS_TRACE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "gilspy/mem.h"
#include "trace/perf.h"
#include "trace/gil_addresses.h"

enum gs_site_kind {
    GS_SITE_TAKE,    /* or the world is to stop, a collection to begin; */
    GS_SITE_DROP,    /* it may go on, that is over */
    GS_SITE_EITHER,  /* stores a register: what that has in it tells */
    GS_SITE_WAIT,    /* waits, or begins to */
    GS_SITE_NOTHING, /* touches it for another reason */
    GS_SITE_UNKNOWN  /* stores something that its bytes do not tell */
};

struct gs_site {
    gs_addr ip, addr;
    enum gs_site_kind kind;
    uint8_t from; /* the register that is stored, as in perf's samples, */
    uint8_t len;  /* and its lowest bytes that are */
};

/* bytes: of the instruction (arch.h); addr: the word that it touched; registers: as then, or NULL. */
struct gs_site gs_site_read(const uint8_t bytes[GS_ARCH_STORE_BYTES], gs_addr ip, gs_addr addr,
                            const struct gs_gil_address *address, const uint64_t *registers);
/* What it did now. */
enum gs_site_kind gs_site_now(const struct gs_site *site, const uint64_t *registers);

#endif
