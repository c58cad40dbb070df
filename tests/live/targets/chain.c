/* Known chains of C functions, in each way in which compilers make frames. Needs no library, so that every Python of
 * every distribution can load it. VARIANT: part of the functions' names. */
#include <stddef.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define NAME(name)  JOIN(name, VARIANT)

#ifdef WITH_ALLOCA
#define ROOM(count)                                                                                                    \
    volatile char *room = __builtin_alloca((size_t)(count)*16 + 16);                                                   \
    room[0] = 1
#else
#define ROOM(count)                                                                                                    \
    volatile char room[64];                                                                                            \
    room[(count)&63] = 1
#endif
/* Each does something after its call, so that it is no jump. */
#define DEEPER(name, below)                                                                                            \
    __attribute__((noipa)) int NAME(name)(int (*callback)(int), int depth)                                             \
    {                                                                                                                  \
        ROOM(depth);                                                                                                   \
        int result = below(callback, depth + 1);                                                                       \
        return result + room[0] * 0 + 1;                                                                               \
    }

static __attribute__((noipa)) int NAME(call)(int (*callback)(int), int depth)
{
    ROOM(depth);
    return callback(depth) + room[0] * 0 + 1;
}

DEEPER(inner, NAME(call))
DEEPER(middle, NAME(inner))
DEEPER(outer, NAME(middle))

/* Computes until *stop. */
static __attribute__((noipa)) int NAME(turn)(volatile int *stop, int depth)
{
    ROOM(depth);
    while (!*stop)
        room[1]++;
    return room[0];
}

__attribute__((noipa)) int NAME(spin)(volatile int *stop)
{
    ROOM(1);
    return NAME(turn)(stop, 1) + room[0];
}

/* Sleeps in read(2) with nothing between this frame and the kernel: of its registers only two can be known. */
static __attribute__((noipa)) long NAME(nap)(int fd, int depth)
{
    ROOM(depth);
#ifdef __aarch64__
    register long result __asm__("x0") = fd, buffer __asm__("x1") = (long)room, bytes __asm__("x2") = 1;
    register long number __asm__("x8") = 63;
    __asm__ volatile("svc 0" : "+r"(result) : "r"(buffer), "r"(bytes), "r"(number) : "memory");
#else
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(0L), "D"((long)fd), "S"(room), "d"(1L) : "rcx", "r11", "memory");
#endif
    return result + room[0] * 0;
}

__attribute__((noipa)) long NAME(doze)(int fd)
{
    ROOM(1);
    return NAME(nap)(fd, 1) + room[0] * 0 + 1;
}
