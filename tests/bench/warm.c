/* What one warm snapshot of all threads costs: warm PID COUNT [PAUSE_US]
 * One line of JSON. With a pause between snapshots the CPU time of the pauses is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gilspy/snapshot.h"

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    struct gs_err err = {0};
    struct gs_target *target;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_reader_options options = {.stopping = GS_STOP_TORN};
    const struct gs_snapshot *snapshot;
    if (argc < 3) {
        fprintf(stderr, "usage: warm PID COUNT [PAUSE_US]\n");
        return 2;
    }
    long count = atol(argv[2]), pause_us = argc > 3 ? atol(argv[3]) : 0, lost = 0;
    if (gs_target_open(&target, atoi(argv[1]), NULL, &err) || gs_python_open(&python, target, NULL, &err) ||
        gs_reader_new(&reader, python, &options) || gs_reader_take(reader, &snapshot)) {
        fprintf(stderr, "warm: %s\n", err.what);
        return 1;
    }
    size_t threads = snapshot->thread_count;
    double used = 0;
    for (long i = 0; i < count; i++) {
        if (pause_us)
            nanosleep(&(struct timespec){pause_us / 1000000, pause_us % 1000000 * 1000}, NULL);
        double began = cpu_us();
        lost += gs_reader_take(reader, &snapshot) != GS_OK;
        used += cpu_us() - began;
    }
    const struct gs_quality *quality = gs_reader_quality(reader);
    printf("{\"threads\": %zu, \"us\": %.2f, \"lost\": %ld, \"torn\": %lu, \"retried\": %lu, \"stopped\": %lu}\n",
           threads, used / (double)(count ? count : 1), lost, (unsigned long)quality->torn,
           (unsigned long)quality->retried, (unsigned long)quality->stopped);
    gs_reader_free(reader);
    gs_python_close(python);
    gs_target_close(target);
    return 0;
}
