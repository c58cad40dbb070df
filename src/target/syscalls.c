/* Names of system calls, from the kernel headers of the machine that it is built for. */
#include <stddef.h>
#include <sys/syscall.h>

#include "gilspy/target.h"

static const char *const names[] = {
#define SYSCALL(name) [SYS_##name] = #name,
#include "syscalls.inc" /* made by CMakeLists.txt from <sys/syscall.h> */
#undef SYSCALL
};

const char *gs_syscall_name(int number)
{
    return number >= 0 && (size_t)number < sizeof names / sizeof *names ? names[number] : NULL;
}
