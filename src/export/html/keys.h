/* What a thread can be doing at a moment, each by a number: where, in which state, and behind whom it waits. */
#ifndef GS_EXPORT_HTML_KEYS_H
#define GS_EXPORT_HTML_KEYS_H

#include <stdbool.h>

#include "profile/modes.h"
#include "stack/hash.h"

enum { GS_KEYS_MOST = 1 << 20, GS_KEY_HANDLES = (GS_UNKNOWN + 1) * GS_CODE_RUNS, GS_KEY_LATE = 2 * GS_KEY_HANDLES };

struct gs_key {
    uint32_t leaf;   /* node of the tree */
    uint32_t holder; /* the thread that it waits for, from 1 on; 0: none, or not known */
    uint32_t at;     /* and that one's node */
    /* as gs_thread_code says; + GS_KEY_HANDLES: an exception; + GS_KEY_LATE: nobody knows, the sampler was late */
    uint32_t code;
    uint64_t ns, task_ns; /* of threads; of suspended tasks */
};

struct gs_keys {
    struct gs_key *list;
    uint32_t count, room;
    uint32_t *table; /* number + 1 at the hash */
    struct gs_hash_key hash;
};

bool gs_keys_init(struct gs_keys *keys);
void gs_keys_fini(struct gs_keys *keys);
/* The number of a key that equals this one but for its time, from 1 on; 0: out of memory. What does not fit any more
 * loses whom it waits for, then where it is (`root` is left). */
uint32_t gs_keys_find(struct gs_keys *keys, const struct gs_key *key, uint32_t root);

/* enum gs_hue of a code. */
int gs_key_hue(uint32_t code);
/* It waits for the GIL or for a lock: such keys know for whom. */
bool gs_key_waits(uint32_t code);
/* Of a thread that is there. */
uint32_t gs_key_code(const struct gs_thread_sample *thread);
/* And back, as far as it says. */
struct gs_thread_sample gs_key_thread(uint32_t code);

#endif
