/* A signal that is handled on a stack of its own, where its handler sleeps in read(2) or computes. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile int handled_fd;

__attribute__((noipa)) int handle_asleep(int fd)
{
    char byte;
    return (int)read(fd, &byte, 1) + 1;
}

__attribute__((noipa)) int handle_busy(void)
{
    for (volatile int i = 0;; i++)
        ;
}

__attribute__((noipa)) static void handler(int number)
{
    (void)number;
    if ((handled_fd < 0 ? handle_busy() : handle_asleep(handled_fd)) == 0)
        abort();
}

/* fd negative: it computes. */
__attribute__((noipa)) int struck(int fd, int depth)
{
    volatile char room[256];
    room[depth & 255] = 1;
    if (depth > 0)
        return struck(fd, depth - 1) + room[depth & 255];
    enum { BYTES = 1 << 16 };
    stack_t stack = {.ss_sp = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                     .ss_size = BYTES};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    handled_fd = fd;
    sigaltstack(&stack, NULL);
#ifdef BY_FAULT
    sigaction(SIGSEGV, &action, NULL);
    *(volatile char *)NULL = 1;
#else
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
#endif
    return room[0];
}
