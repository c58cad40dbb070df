/* Whatever happens to us, no child stays behind. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"

pid_t gs_child_fork(void)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before that */
        _exit(ECHILD);
    return 0;
}

bool gs_child_wait(pid_t pid, int *status)
{
    int all;
    while (waitpid(pid, &all, __WALL) < 0) {
        if (errno != EINTR)
            return false;
    }
    *status = WEXITSTATUS(all);
    return WIFEXITED(all);
}
