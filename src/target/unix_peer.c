/* Asks by netlink, in the network namespace that the socket is in. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/isolated.h"
#include "target/unix_peer.h"

struct request {
    struct nlmsghdr head;
    struct unix_diag_req body;
};

/* What the kernel says of one socket. */
struct told {
    bool found;
    uint32_t peer;
    char name[GS_UNIX_NAME_BYTES];
};

static void take(const struct nlmsghdr *head, struct told *told)
{
    const char *attributes = (const char *)NLMSG_DATA(head) + NLMSG_ALIGN(sizeof(struct unix_diag_msg));
    int left = (int)NLMSG_PAYLOAD(head, sizeof(struct unix_diag_msg));
    told->found = true;
    for (const struct rtattr *a = (const void *)attributes; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        size_t len = RTA_PAYLOAD(a) < GS_UNIX_NAME_BYTES - 1 ? RTA_PAYLOAD(a) : GS_UNIX_NAME_BYTES - 1;
        if (a->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(a) >= sizeof told->peer)
            memcpy(&told->peer, RTA_DATA(a), sizeof told->peer);
        if (a->rta_type != UNIX_DIAG_NAME)
            continue;
        memcpy(told->name, RTA_DATA(a), len);
        if (len > 0 && !told->name[0])
            told->name[0] = '@';
    }
}

static struct told ask(int fd, uint32_t inode)
{
    struct told told = {0};
    struct request request = {
        .head = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = UINT32_MAX,
                 .udiag_ino = inode,
                 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER,
                 .udiag_cookie = {UINT32_MAX, UINT32_MAX}}};
    _Alignas(struct nlmsghdr) char answer[4096];
    if (send(fd, &request, sizeof request, 0) != sizeof request)
        return told;
    ssize_t len = recv(fd, answer, sizeof answer, 0);
    const struct nlmsghdr *head = (const void *)answer;
    if (len > 0 && NLMSG_OK(head, (size_t)len) && head->nlmsg_type == SOCK_DIAG_BY_FAMILY)
        take(head, &told);
    return told;
}

static bool look(uint32_t inode, struct gs_unix_peer *peer)
{
    static const struct timeval patience = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct told told = ask(fd, inode);
    peer->inode = told.peer;
    if (told.found && told.peer)
        memcpy(peer->name, ask(fd, told.peer).name, sizeof peer->name);
    close(fd);
    return peer->inode != 0;
}

struct question {
    pid_t pid;
    uint32_t inode;
};

static void look_there(const void *context, void *result)
{
    const struct question *question = context;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)question->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && setns(fd, CLONE_NEWNET) == 0)
        look(question->inode, result);
}

bool gs_unix_peer(pid_t pid, uint32_t inode, struct gs_unix_peer *peer)
{
    struct question question = {pid, inode};
    struct stat here, there;
    char path[40];
    memset(peer, 0, sizeof *peer);
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    if (stat(path, &there) || stat("/proc/self/ns/net", &here))
        return false;
    if (here.st_ino == there.st_ino)
        return look(inode, peer);
    return gs_isolated_run(look_there, &question, peer, sizeof *peer) == GS_ISOLATED_DONE && peer->inode != 0;
}
