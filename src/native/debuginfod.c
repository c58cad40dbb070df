/* Debug information from the servers of DEBUGINFOD_URLS, by elfutils' debuginfod-find: it knows the protocol, keeps
 * what it fetched (also that there was nothing), and is a process of its own, which can be given up. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "native/symbols.h"

enum { FETCH_NS_PER_MS = 1000000, PATH_BYTES = 4096 };

static const char program[] = "debuginfod-find";
static const uint64_t patience_ns = 120 * GS_NS_PER_S; /* for one file, which may be of hundreds of megabytes */

/* Its first line, which is read up to the end of it. */
static bool read_line(int in, char *line, size_t size)
{
    uint64_t end_ns = gs_clock_ns() + patience_ns;
    size_t len = 0;
    while (len + 1 < size) {
        uint64_t now_ns = gs_clock_ns();
        struct pollfd ready = {.fd = in, .events = POLLIN};
        int wait_ms = now_ns < end_ns ? (int)((end_ns - now_ns) / FETCH_NS_PER_MS) + 1 : 0;
        int count = poll(&ready, 1, wait_ms);
        if (count < 0 && errno == EINTR)
            continue;
        ssize_t got = count > 0 ? read(in, line + len, size - 1 - len) : -1;
        if (got < 0)
            return false;
        len += (size_t)got;
        if (got == 0)
            break;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return line[0] == '/';
}

static bool start(pid_t *pid, int out, const char *id)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    char *const words[] = {(char *)program, (char *)"debuginfo", (char *)id, NULL};
    if (posix_spawn_file_actions_init(&files) != 0)
        return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return false;
    }
    sigemptyset(&none);
    bool ok = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
              posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) == 0 &&
              posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
              posix_spawnattr_setsigmask(&attributes, &none) == 0 &&
              posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK) == 0 &&
              posix_spawnp(pid, program, &files, &attributes, words, environ) == 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return ok;
}

bool gs_debuginfod_fetch(const uint8_t *build_id, size_t len, char *path, size_t size)
{
    char id[2 * 64 + 1] = "";
    int ends[2];
    pid_t pid;
    if (len < 2 || len > 64 || pipe2(ends, O_CLOEXEC))
        return false;
    for (size_t i = 0; i < len; i++)
        snprintf(id + 2 * i, 3, "%02x", build_id[i]);
    bool started = start(&pid, ends[1], id);
    close(ends[1]);
    bool told = started && read_line(ends[0], path, size);
    close(ends[0]);
    if (started && !told)
        kill(pid, SIGKILL);
    while (started && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return told;
}

enum gs_status gs_native_debuginfod(struct gs_err *err)
{
    const char *urls = getenv("DEBUGINFOD_URLS"), *folders = getenv("PATH");
    char path[PATH_BYTES];
    if (getauxval(AT_SECURE)) {
        gs_fail(err, GS_FAILED,
                "cannot ask for symbols: gilspy has capabilities of its own, and whoever starts it would "
                "choose the servers");
        gs_err_todo(err, "Leave out --debuginfod, or run a gilspy without capabilities as root");
        return GS_FAILED;
    }
    if (!urls || urls[strspn(urls, " ")] == '\0') {
        gs_fail(err, GS_USAGE, "cannot ask for symbols: DEBUGINFOD_URLS names no server");
        gs_err_todo(err, "Set it, for example to https://debuginfod.debian.net");
        return GS_USAGE;
    }
    for (const char *at = folders ? folders : ""; *at; at += strcspn(at, ":"), at += *at == ':') {
        snprintf(path, sizeof path, "%.*s/%s", (int)strcspn(at, ":"), at, program);
        if (access(path, X_OK) == 0)
            return GS_OK;
    }
    gs_fail(err, GS_FAILED, "cannot ask for symbols: %s is not installed", program);
    gs_err_todo(err, "On Debian and Ubuntu it is in the package debuginfod, on Fedora in elfutils-debuginfod-client");
    return GS_FAILED;
}
