/* Runs a command many times and tells what each run took, as a shell would start it: run COUNT CMD [ARG...]
 * One line of JSON: wall milliseconds of each run from exec to end, the most memory that any of them had. Small itself,
 * because the kernel counts the memory of whoever starts a program as that program's until its exec. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    long count = argc > 2 ? atol(argv[1]) : 0, most_kib = 0;
    posix_spawn_file_actions_t actions;
    if (count <= 0) {
        fprintf(stderr, "usage: run COUNT CMD [ARG...]\n");
        return 2;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    printf("{\"ms\": [");
    for (long i = 0; i < count; i++) {
        pid_t pid;
        int status;
        struct rusage usage;
        double began = now_ms();
        if (posix_spawnp(&pid, argv[2], &actions, NULL, argv + 2, environ) || wait4(pid, &status, 0, &usage) != pid ||
            status != 0) {
            fprintf(stderr, "run: %s failed\n", argv[2]);
            return 1;
        }
        printf("%s%.3f", i ? ", " : "", now_ms() - began);
        most_kib = usage.ru_maxrss > most_kib ? usage.ru_maxrss : most_kib;
    }
    printf("], \"peak_kib\": %ld}\n", most_kib);
    return 0;
}
