/* Threads in odd places: in code that no file has, in vfork, under seccomp. Each ends when the process does. */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *page_with(const void *code, size_t len)
{
    enum { PAGE = 4096 };
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, len);
    return page;
}

/* Made while the program runs: with a frame pointer, or without one, and no unwind table. */
__attribute__((noipa)) int made_code(int with_frame)
{
    static const unsigned char framed[] = {0x55, 0x48, 0x89, 0xe5, 0xeb, 0xfe}; /* push rbp; mov rbp, rsp; jmp here */
    static const unsigned char bare[] = {0x50, 0xeb, 0xfe};                     /* push rax; jmp here */
    int (*code)(void) = (int (*)(void))page_with(with_frame ? framed : bare, with_frame ? sizeof framed : sizeof bare);
    return code() + 1;
}

/* Changes under whoever reads it: what is called has another length each time. */
__attribute__((noipa)) int changing_code(void)
{
    unsigned char code[64];
    unsigned char *page = page_with("\xc3", 1);
    for (unsigned length = 0;; length = (length + 1) % 32) {
        memset(code, 0x90, sizeof code);
        code[length] = 0xc3;
        memcpy(page, code, sizeof code);
        ((void (*)(void))page)();
    }
}

/* Its thread waits in the kernel, in state D, until its child ends. */
__attribute__((noipa)) int forks(int fd)
{
    char byte;
    pid_t child = vfork();
    if (child == 0)
        _exit((int)read(fd, &byte, 1));
    return child > 0;
}

/* May read, write and end, and nothing else. */
__attribute__((noipa)) int confined(void)
{
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    for (volatile int i = 0;; i++)
        ;
}

/* Overwrites the frames of its callers, and never goes back to them. */
__attribute__((noipa)) int overwrites(int fd)
{
    enum { WORDS = 512 };
    volatile unsigned long *above = __builtin_frame_address(0);
    char byte;
    for (unsigned long i = 2; i < WORDS; i++)
        above[i] = i * 0x9e3779b97f4a7c15ul;
    while (read(fd, &byte, 1) != -2)
        ;
    return 0;
}
