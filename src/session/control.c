/* One descriptor, which is the whole program's. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "session/control.h"

static int control = -1;
static bool told, asked;

bool gs_control_open(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) || !S_ISSOCK(stat.st_mode) || fcntl(fd, F_SETFD, FD_CLOEXEC))
        return false;
    control = fd;
    told = asked = false;
    return true;
}

int gs_control_fd(void)
{
    return control;
}

void gs_control_begin(void)
{
    if (!told && control >= 0)
        (void)!send(control, "\n", 1, MSG_DONTWAIT | MSG_NOSIGNAL); /* who is gone is noticed when it is read */
    told = true;
}

bool gs_control_heed(void)
{
    char bytes[64];
    ssize_t got = recv(control, bytes, sizeof bytes, MSG_DONTWAIT);
    asked = asked || got > 0;
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return true;
    control = -1;
    return false;
}

bool gs_control_asked(void)
{
    return asked;
}

void gs_control_answered(void)
{
    asked = false;
}
