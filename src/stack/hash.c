/* The keys of hashes. */
#include <sys/random.h>

#include "stack/hash.h"

struct gs_hash_key gs_hash_key_new(void)
{
    struct gs_hash_key key;
    /* Early in a machine's life there is nothing random yet: then what lies where has to do. */
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key)
        key = (struct gs_hash_key){(uint64_t)(uintptr_t)&key, UINT64_C(0x9e3779b97f4a7c15)};
    key.multiply |= UINT64_C(0x8000000000000001); /* neither even nor small: no bit of the value gets lost */
    return key;
}
