/* fork and exec; a child that could not be executed says why through a pipe that exec closes. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/user.h"
#include "session/signals.h"
#include "session/spawn.h"
#include "target/procfs.h"

/* Which step of becoming the program failed. */
enum step { STEP_USER, STEP_EXEC };

struct failure {
    enum step step;
    int reason;
};

static _Noreturn void give_up(int out, enum step step)
{
    struct failure failure = {step, errno};
    if (write(out, &failure, sizeof failure) < 0)
        _exit(126);
    _exit(127);
}

/* Nothing of a terminal is left to it: it could neither read from it nor write on its screen. */
static bool leave_terminal(int output)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0;
}

/* The groups first: afterwards there is no right to. */
static bool change_user(const struct gs_user *user)
{
    if (setgroups(user->group_count, user->groups) || setgid(user->groups[0]) || setuid(user->uid))
        return false;
    return !*user->name || (setenv("HOME", user->folder, 1) == 0 && setenv("USER", user->name, 1) == 0 &&
                            setenv("LOGNAME", user->name, 1) == 0);
}

static _Noreturn void become(const struct gs_spawn *spawn, char *const argv[], const struct gs_user *user, int output,
                             int out)
{
    signal(SIGPIPE, SIG_DFL); /* as it was before we ignored it */
    if ((spawn->apart && setsid() < 0) || (output && !leave_terminal(output)))
        give_up(out, STEP_EXEC);
    if (user && !change_user(user))
        give_up(out, STEP_USER);
    prctl(PR_SET_PTRACER, (unsigned long)getppid()); /* the guard of its threads is no ancestor of it (Yama) */
    execvp(argv[0], argv);
    give_up(out, STEP_EXEC);
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Waits until the program runs, or says why it does not. */
static enum gs_status wait_for_exec(const struct gs_spawn *spawn, int in, const char *program, struct gs_err *err)
{
    struct failure failure;
    ssize_t got;
    while ((got = read(in, &failure, sizeof failure)) < 0 && errno == EINTR)
        ;
    if (got != sizeof failure)
        return GS_OK;
    waitpid(spawn->pid, NULL, 0);
    if (failure.step == STEP_USER) {
        gs_fail(err, GS_NOT_PERMITTED, "cannot run %.200s as another user: %s", program, strerror(failure.reason));
        gs_err_todo(err, "That takes root");
        return GS_NOT_PERMITTED;
    }
    return gs_fail(err, GS_FAILED, "cannot run %.200s: %s", program, strerror(failure.reason));
}

enum gs_status gs_spawn_start(struct gs_spawn *spawn, char *const argv[], const struct gs_spawn_manner *manner,
                              struct gs_err *err)
{
    int ends[2];
    struct gs_user user;
    *spawn = (struct gs_spawn){0};
    enum gs_status status = gs_proc_check(err); /* rather than run a program that nobody would ever see */
    if (status)
        return status;
    if (manner->user && !gs_user_find(&user, manner->user))
        return gs_fail(err, GS_USAGE, "cannot run %.200s as %.60s: there is no such user", argv[0], manner->user);
    if (manner->foster && prctl(PR_SET_CHILD_SUBREAPER, 1UL))
        return gs_fail(err, GS_FAILED, "cannot follow the processes of %.200s: %s", argv[0], strerror(errno));
    if (pipe2(ends, O_CLOEXEC))
        return gs_fail(err, GS_FAILED, "cannot run %.200s: %s", argv[0], strerror(errno));
    spawn->apart = manner->output != 0 || (manner->user && user.uid != getuid() && has_terminal());
    spawn->pid = fork();
    if (spawn->pid == 0)
        become(spawn, argv, manner->user ? &user : NULL, manner->output, ends[1]);
    int reason = errno;
    close(ends[1]);
    if (spawn->pid < 0)
        status = gs_fail(err, GS_FAILED, "cannot run %.200s: %s", argv[0], strerror(reason));
    else
        status = wait_for_exec(spawn, ends[0], argv[0], err);
    close(ends[0]);
    return status;
}

bool gs_spawn_ended(struct gs_spawn *spawn)
{
    for (;;) {
        int status;
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 ||
            waitpid(info.si_pid, &status, WNOHANG) != info.si_pid)
            return spawn->ended; /* while it runs it is a child, so that there is no other error */
        if (info.si_pid != spawn->pid)
            continue;
        spawn->ended = true;
        spawn->exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

int gs_spawn_wait(struct gs_spawn *spawn)
{
    while (!gs_spawn_ended(spawn)) {
        int number = gs_signals_sent(spawn->apart);
        if (number)
            kill(spawn->pid, number); /* else it came from the terminal to both of us */
        else
            gs_signals_sleep(UINT64_MAX);
    }
    return spawn->exit;
}
