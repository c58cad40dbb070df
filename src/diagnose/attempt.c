/* Forking for a try. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "diagnose/attempt.h"

int gs_attempt(int (*act)(void))
{
    int status;
    pid_t pid = gs_child_fork();
    if (pid < 0)
        return act(); /* no room for another process: the danger is small */
    if (pid == 0)
        _exit(act() & 0xff); /* errno has no larger ones that matter here */
    return gs_child_wait(pid, &status) ? status : GS_ATTEMPT_KILLED;
}

/* Tells that it is ready by closing its end of the pipe. */
static void be_patient(volatile uint64_t *word, const int ends[2])
{
    *word = 1;
    close(ends[0]);
    close(ends[1]);
    for (volatile uint64_t beat = 0;;)
        beat = beat + 1;
}

pid_t gs_patient_begin(volatile uint64_t *word)
{
    int ends[2];
    char byte;
    if (pipe2(ends, 0) != 0)
        return -1;
    pid_t pid = gs_child_fork();
    if (pid == 0)
        be_patient(word, ends);
    int reason = errno;
    close(ends[1]);
    while (pid > 0 && read(ends[0], &byte, 1) < 0 && errno == EINTR)
        ;
    close(ends[0]);
    errno = reason;
    return pid;
}

void gs_patient_end(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
}
