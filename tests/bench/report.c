/* What a report costs that is as large as they come: an hour of 50 threads at 100 Hz unless told otherwise, with stacks
 * that change from minute to minute. report FILE [SAMPLES [THREADS [FORMAT [MODE [STACKS]]]]]; STACKS: that are used in
 * a minute. Tells size, time and memory. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "export/format.h"
#include "support/stream.h"

enum { SLOT_NS = 10000000, STACKS = 3000, DEPTH = 24, PHASE = 6000 /* samples */ };

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void make_stacks(struct stream *stream, uint32_t *stacks, uint32_t *seed)
{
    for (int i = 0; i < STACKS; i++) {
        uint32_t at = 0;
        int depth = 6 + (int)(next(seed) % (DEPTH - 6));
        for (int level = 0; level < depth; level++) {
            char function[40], file[80];
            uint32_t which = level < 4 ? (uint32_t)level : next(seed) % (uint32_t)(level * 40);
            snprintf(function, sizeof function, "function_%d_%u", level, which);
            snprintf(file, sizeof file, "/srv/application/package_%u/module_%u.py", which % 7, which % 60);
            at = stream_call(stream, at, function, file, (int)(which % 900) + 1);
        }
        stacks[i] = at;
    }
}

/* One thread holds, most others want to, some sleep. */
static void fill(struct stream *stream, const uint32_t *stacks, uint32_t used_of, int threads, int sample,
                 uint32_t *seed)
{
    int holder = (int)(next(seed) % (uint32_t)threads);
    stream_clear(stream);
    for (int i = 0; i < threads; i++) {
        uint32_t used = next(seed) % used_of, stack = stacks[((uint32_t)(sample / PHASE) * 37 + used * used) % STACKS];
        bool sleeps = i % 5 == 4 && i != holder;
        stream_add(stream, (uint32_t)i, stack,
                   i == holder ? GS_HOLDS
                   : sleeps    ? GS_WITHOUT
                               : GS_WAITS,
                   i == holder ? GS_RUN_RUNNING : GS_RUN_SYSCALL);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static char names[STREAM_THREADS][32];
    static char *command[] = {"python3", "-m", "application", "--threads", "50", NULL};
    static uint32_t stacks[STACKS];
    static struct stream stream;
    int samples = argc > 2 ? atoi(argv[2]) : 360000, threads = argc > 3 ? atoi(argv[3]) : 50;
    uint32_t used = argc > 6 ? (uint32_t)atoi(argv[6]) : 60;
    struct gs_selection selection = {.mode = GS_MODE_ACTIVE};
    const struct gs_format *format = gs_format_find(argc > 4 ? argv[4] : "html");
    struct gs_sink *sink;
    struct rusage usage;
    struct stat file;
    uint32_t seed = 7;
    FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (argc > 5 && !gs_mode_find(argv[5], &selection.mode))
        return 1;
    if (!out || !format || used < 1 || threads > STREAM_THREADS || format->open(&sink, out, &selection) != GS_OK)
        return 1;
    double begin = seconds();
    enum gs_status status = GS_OK;
    stream_begin(&stream, sink);
    stream_process(&stream, 4242, command);
    for (int i = 0; i < threads; i++) {
        snprintf(names[i], sizeof names[i], "worker-%d", i);
        stream_thread(&stream, 5000 + i, names[i]);
    }
    make_stacks(&stream, stacks, &seed);
    for (int i = 0; i < samples && status == GS_OK; i++) {
        fill(&stream, stacks, used, threads, i, &seed);
        status = stream_tick(&stream, SLOT_NS, 0);
    }
    if (status == GS_OK)
        status = stream_end(&stream);
    format->close(sink);
    if (fclose(out) || status != GS_OK || stat(argv[1], &file) || getrusage(RUSAGE_SELF, &usage))
        return 1;
    printf("%d thread samples: %.1f MB in %.1f s, %ld MB of memory\n", samples * threads, (double)file.st_size / 1e6,
           seconds() - begin, usage.ru_maxrss / 1024);
    return 0;
}
