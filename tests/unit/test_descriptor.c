/* What a descriptor of this process is said to be. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/descriptor.h"
#include "support/unit.h"

static struct gs_target *target;

static int open_target(void **state)
{
    struct gs_err err;
    return gs_target_open(&target, getpid(), NULL, &err) != GS_OK;
}

static int close_target(void **state)
{
    gs_target_close(target);
    return 0;
}

/* What this program is called, also where valgrind runs it. */
static const char *own_name(void)
{
    static char name[16];
    prctl(PR_GET_NAME, name);
    return name;
}

/* A child that has nothing open but `fd` as its standard input, and waits until it is killed. */
static pid_t keeper(int fd)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd, 0);
        dup2(ready[1], 1);
        close_range(2, ~0U, 0);
        if (write(1, "", 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

UNIT_TEST(client_of_a_unix_socket)
{
    char folder[] = "/tmp/gilspy-test-XXXXXX", words[GS_DESCRIPTOR_WORDS], wanted[GS_DESCRIPTOR_WORDS];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(folder));
    snprintf(name.sun_path, sizeof name.sun_path, "%s/server", folder);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
        client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&name, sizeof name), 0);
    int accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    pid_t pid = keeper(accepted);
    close(accepted);
    assert_true(gs_descriptor_words(target, client, words));
    snprintf(wanted, sizeof wanted, "a Unix socket to %s, whose other end process %d (%s) has", name.sun_path, (int)pid,
             own_name());
    assert_string_equal(words, wanted);
    end(pid);
    assert_true(gs_descriptor_words(target, server, words));
    snprintf(wanted, sizeof wanted, "a Unix socket %s", name.sun_path);
    assert_string_equal(words, wanted);
    close(client);
    close(server);
    assert_int_equal(unlink(name.sun_path) | rmdir(folder), 0);
}

UNIT_TEST(pair_of_sockets)
{
    char words[GS_DESCRIPTOR_WORDS], wanted[GS_DESCRIPTOR_WORDS];
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid_t pid = keeper(ends[1]);
    close(ends[1]);
    assert_true(gs_descriptor_words(target, ends[0], words));
    snprintf(wanted, sizeof wanted, "a Unix socket, whose other end process %d (%s) has", (int)pid, own_name());
    assert_string_equal(words, wanted);
    end(pid);
    assert_true(gs_descriptor_words(target, ends[0], words)); /* whose other end is gone */
    assert_string_equal(words, "a Unix socket without a name");
    close(ends[0]);
}

UNIT_TEST(pipes)
{
    char words[GS_DESCRIPTOR_WORDS], wanted[GS_DESCRIPTOR_WORDS];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(gs_descriptor_words(target, ends[0], words));
    assert_string_equal(words, "a pipe that no other process has open");
    pid_t pid = keeper(ends[1]);
    assert_true(gs_descriptor_words(target, ends[0], words));
    snprintf(wanted, sizeof wanted, "a pipe that process %d (%s) has open, too", (int)pid, own_name());
    assert_string_equal(words, wanted);
    end(pid);
    close(ends[0]);
    close(ends[1]);
}

UNIT_TEST(no_descriptor)
{
    char words[GS_DESCRIPTOR_WORDS];
    assert_false(gs_descriptor_words(target, -1, words));
    assert_false(gs_descriptor_words(target, 1 << 20, words));
    assert_string_equal(words, "");
}

UNIT_GROUP(open_target, close_target);
