/* gilspy: from the command line to a command, from its result to an exit status. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/console.h"
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

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    signal(SIGCHLD, SIG_DFL); /* whoever starts us may have ignored it, and then no stopped thread would be told */
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write: exit 1 without a message */
    gs_locale_set();
    return gs_cmd_main(argc, argv);
}
