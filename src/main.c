/* gilspy: from the command line to a command, from its result to an exit status. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/console.h"
#include "base/scheduling.h"
#include "cmd/cmd.h"

/* A descriptor 0, 1 or 2 that is closed would be given to the next file that is opened, and messages would go there.
 * What is opened in its place does not take what the place is for: writing fails and is noticed. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(1);
    }
}

/* Who starts a program that has capabilities of its own is not to choose what it reads with them: the descriptions of
 * terminals, which ncurses takes from anywhere. The C library forgets what it listens to by itself. */
static void forget_environment(void)
{
    static const char *const names[] = {"TERMINFO", "TERMINFO_DIRS", "TERMCAP", "TERMPATH", "HOME"};
    for (size_t i = 0; getauxval(AT_SECURE) && i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    forget_environment();
    signal(SIGCHLD, SIG_DFL); /* whoever starts us may have ignored it, and then no stopped thread would be told */
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write: exit 1 without a message */
    gs_scheduling_shorten();  /* a thread that we have stopped waits for us */
    gs_locale_set();
    return gs_cmd_main(argc, argv);
}
