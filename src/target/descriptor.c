/* Descriptors by their links in /proc/PID/fd, sockets by the tables of the target's own network namespace. */
#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/watch.h"
#include "target/descriptor.h"
#include "target/procfs.h"
#include "target/unix_peer.h"

enum {
    LINK_BYTES = 256,
    END_BYTES = INET6_ADDRSTRLEN + 8,
    MOST_LOOKED_AT = 20000, /* descriptors of others, to find who has the other end of a pipe */
    TCP_LISTEN = 10,        /* include/net/tcp_states.h */
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT = 2
};

static bool read_link(pid_t pid, const char *file, char link[LINK_BYTES])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%.16s", (int)pid, file);
    ssize_t len = readlink(path, link, LINK_BYTES - 1);
    link[len < 0 ? 0 : len] = '\0';
    return len > 0;
}

/* ---- who else has it ---- */

/* Another process that has what the link names open; *left: descriptors that may still be looked at. */
static bool has_open(pid_t pid, const char *link, int *left)
{
    char folder[40], other[LINK_BYTES];
    bool found = false;
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(folder);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && !found && (*left)-- > 0; entry = readdir(dir))
        found = read_link(pid, entry->d_name, other) && strcmp(other, link) == 0;
    if (dir)
        closedir(dir);
    return found;
}

/* The first process but this one that has it open; 0: none. *whole: all could be looked at. */
static pid_t find_owner(const struct gs_target *target, const char *link, bool *whole)
{
    pid_t *pids = NULL, found = 0;
    size_t count = 0;
    int left = MOST_LOOKED_AT;
    bool listed = gs_target_processes(&pids, &count) == GS_OK;
    for (size_t i = 0; listed && i < count && left > 0 && !found; i++) {
        if (pids[i] != target->pid && pids[i] != getpid() && has_open(pids[i], link, &left))
            found = pids[i];
    }
    free(pids);
    *whole = listed && left > 0;
    return found;
}

/* ---- sockets ---- */

/* "0100007F:1F90" as 127.0.0.1:8080: words of four bytes, each in the machine's order. */
static bool format_end(const char *hex, char end[END_BYTES])
{
    uint32_t words[4];
    size_t count = 0;
    char address[INET6_ADDRSTRLEN];
    unsigned port;
    size_t digits = strspn(hex, "0123456789ABCDEFabcdef");
    if ((digits != 8 && digits != 32) || sscanf(hex + digits, ":%4x", &port) != 1)
        return false;
    for (; count < digits / 8; count++) {
        if (sscanf(hex + count * 8, "%8" SCNx32, &words[count]) != 1)
            return false;
    }
    if (!inet_ntop(count == 1 ? AF_INET : AF_INET6, words, address, sizeof address))
        return false;
    snprintf(end, END_BYTES, count == 1 ? "%s:%u" : "[%s]:%u", address, port);
    return true;
}

/* One line of net/tcp and the like: its two ends, its state, its inode. */
static bool describe_internet(const char *line, const char *kind, uint64_t inode, char words[GS_DESCRIPTOR_WORDS])
{
    char local[64], remote[64], here[END_BYTES], there[END_BYTES];
    unsigned state;
    uint64_t its;
    if (sscanf(line, " %*u: %63s %63s %x %*s %*s %*s %*u %*u %" SCNu64, local, remote, &state, &its) != 4 ||
        its != inode || !format_end(local, here) || !format_end(remote, there))
        return false;
    if (state == TCP_LISTEN)
        snprintf(words, GS_DESCRIPTOR_WORDS, "%s %s, for new connections", kind, here);
    else
        snprintf(words, GS_DESCRIPTOR_WORDS, "%s %s to %s%s", kind, here, there,
                 state == TCP_SYN_SENT                                      ? ", not yet connected"
                 : state == TCP_ESTABLISHED || strncmp(kind, "UDP", 3) == 0 ? ""
                                                                            : ", being closed");
    return true;
}

static bool describe_unix(const char *line, const char *kind, uint64_t inode, char words[GS_DESCRIPTOR_WORDS])
{
    uint64_t its;
    int used = 0;
    if (sscanf(line, " %*x: %*x %*x %*x %*x %*x %" SCNu64 "%n", &its, &used) != 1 || its != inode)
        return false;
    const char *path = line + used + strspn(line + used, " ");
    size_t len = strcspn(path, "\n");
    if (len > 0)
        snprintf(words, GS_DESCRIPTOR_WORDS, "%s %.*s", kind, (int)(len < 200 ? len : 200), path);
    else
        snprintf(words, GS_DESCRIPTOR_WORDS, "%s without a name", kind);
    return true;
}

static const struct {
    const char *file, *kind;
    bool (*describe)(const char *line, const char *kind, uint64_t inode, char words[GS_DESCRIPTOR_WORDS]);
} tables[] = {{"net/tcp", "TCP", describe_internet},
              {"net/tcp6", "TCP", describe_internet},
              {"net/udp", "UDP", describe_internet},
              {"net/udp6", "UDP", describe_internet},
              {"net/unix", "a Unix socket", describe_unix}};

/* A client's socket has no name of its own: what it is connected to, and who has that, tells more. */
static void describe_peer(const struct gs_target *target, uint64_t inode, char words[GS_DESCRIPTOR_WORDS])
{
    struct gs_unix_peer peer;
    char link[LINK_BYTES], name[16];
    bool whole;
    if (inode > UINT32_MAX || !gs_unix_peer(target->pid, (uint32_t)inode, &peer))
        return;
    snprintf(link, sizeof link, "socket:[%" PRIu32 "]", peer.inode);
    pid_t owner = find_owner(target, link, &whole);
    snprintf(words, GS_DESCRIPTOR_WORDS, "a Unix socket%s%s", peer.name[0] ? " to " : "", peer.name);
    if (!owner)
        return;
    gs_process_comm(owner, name);
    size_t len = strlen(words);
    snprintf(words + len, GS_DESCRIPTOR_WORDS - len, ", whose other end process %d (%s) has", (int)owner, name);
}

static void describe_socket(const struct gs_target *target, uint64_t inode, char words[GS_DESCRIPTOR_WORDS])
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        ssize_t len;
        bool found = false;
        char *text = gs_proc_read_all(target->pid, tables[i].file, &len);
        for (char *line = text; line && *line && !found; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
            found = tables[i].describe(line, tables[i].kind, inode, words);
        free(text);
        if (found && tables[i].describe == describe_unix)
            describe_peer(target, inode, words);
        if (found)
            return;
    }
    snprintf(words, GS_DESCRIPTOR_WORDS, "a socket");
}

/* ---- pipes ---- */

static void describe_pipe(const struct gs_target *target, const char *link, char words[GS_DESCRIPTOR_WORDS])
{
    char name[16];
    bool whole;
    pid_t owner = find_owner(target, link, &whole);
    snprintf(words, GS_DESCRIPTOR_WORDS, "a pipe%s", owner || !whole ? "" : " that no other process has open");
    if (!owner)
        return;
    gs_process_comm(owner, name);
    snprintf(words, GS_DESCRIPTOR_WORDS, "a pipe that process %d (%s) has open, too", (int)owner, name);
}

bool gs_descriptor_words(const struct gs_target *target, int fd, char words[GS_DESCRIPTOR_WORDS])
{
    char number[16], link[LINK_BYTES];
    uint64_t inode;
    words[0] = '\0';
    snprintf(number, sizeof number, "%d", fd);
    if (fd < 0 || target->postmortem || !gs_watch_enter_spare(target->watch, "reading its descriptors"))
        return false;
    bool found = read_link(target->pid, number, link);
    if (!found)
        words[0] = '\0';
    else if (sscanf(link, "socket:[%" SCNu64 "]", &inode) == 1)
        describe_socket(target, inode, words);
    else if (strncmp(link, "pipe:[", 6) == 0)
        describe_pipe(target, link, words);
    else
        snprintf(words, GS_DESCRIPTOR_WORDS, "%s", link);
    gs_watch_leave(target->watch);
    return found;
}

size_t gs_descriptor_watched(const struct gs_target *target, int fd, int *watched, size_t room)
{
    char file[40];
    ssize_t len;
    size_t count = 0;
    if (fd < 0 || target->postmortem || !gs_watch_enter_spare(target->watch, "reading its descriptors"))
        return 0;
    snprintf(file, sizeof file, "fdinfo/%d", fd);
    char *text = gs_proc_read_all(target->pid, file, &len);
    for (char *line = text; line && *line && count < room; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        count += sscanf(line, "tfd: %d", &watched[count]) == 1;
    free(text);
    gs_watch_leave(target->watch);
    return count;
}
