/* The operation of futex(2), as a thread that sleeps in it passed it (include/uapi/linux/futex.h). */
#ifndef GS_BASE_FUTEX_H
#define GS_BASE_FUTEX_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>

/* Without its flags, and without what a register of 64 bits has above an int. */
static inline unsigned gs_futex_command(uint64_t operation)
{
    return (unsigned)operation & (unsigned)FUTEX_CMD_MASK;
}

static inline bool gs_futex_waits(uint64_t operation)
{
    unsigned command = gs_futex_command(operation);
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

#endif
