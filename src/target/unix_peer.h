/* The other end of a Unix socket, as the kernel tells it (sock_diag(7), Linux 3.3 on). */
#ifndef GS_TARGET_UNIX_PEER_H
#define GS_TARGET_UNIX_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { GS_UNIX_NAME_BYTES = 112 };

struct gs_unix_peer {
    uint32_t inode;
    char name[GS_UNIX_NAME_BYTES]; /* its path, an abstract name behind an @, "" where it has none */
};

/* inode: of the socket, in the network namespace of process pid. False: it has no other end, or that is not told. */
bool gs_unix_peer(pid_t pid, uint32_t inode, struct gs_unix_peer *peer);

#endif
