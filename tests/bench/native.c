/* C stacks of a process, taken again and again: how long its threads stand still for it, and what it takes to follow a
 * stack that was copied. Prints JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "gilspy/snapshot.h"
#include "native/native.h"
#include "target/task.h"

enum { WARM = 200, PAUSE_NS = 1000000 };

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of all threads that sleep: what one stack takes on average, and how many frames it has. */
static void follow(struct gs_target *target, double *us, double *frames)
{
    struct gs_native *native;
    struct gs_native_options options = {0};
    struct gs_native_copy copy = {0};
    struct gs_native_stack stack = {0};
    struct gs_task *tasks = NULL;
    size_t count = 0, followed = 0;
    if (gs_native_new(&native, target, &options) || gs_target_tasks(target, &tasks, &count) ||
        !gs_native_copy_reserve(&copy, GS_NATIVE_COPY_SLEEPER))
        exit(1);
    for (size_t i = 0; i < count; i++) {
        struct gs_activity activity;
        gs_target_activity(target, tasks[i].tid, &activity);
        if (activity.run != GS_RUN_SYSCALL)
            continue;
        copy.registers = (struct gs_arch_registers){.known = GS_ARCH_BIT(GS_ARCH_SP) | GS_ARCH_BIT(GS_ARCH_PC)};
        copy.registers.value[GS_ARCH_SP] = activity.sp;
        copy.registers.value[GS_ARCH_PC] = activity.pc;
        if (!gs_native_copy_take(native, &copy, GS_NATIVE_COPY_SLEEPER))
            continue;
        gs_native_unwind(native, &copy, &stack);
        uint64_t begin_ns = gs_clock_ns();
        for (int k = 0; k < WARM; k++)
            gs_native_unwind(native, &copy, &stack);
        *us += (double)(gs_clock_ns() - begin_ns) / 1000 / WARM;
        *frames += (double)stack.count;
        followed++;
    }
    *us /= followed ? (double)followed : 1;
    *frames /= followed ? (double)followed : 1;
}

int main(int argc, char **argv)
{
    struct gs_err err;
    struct gs_target *target;
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_python_options python_options = {0};
    struct gs_reader_options options = {.stopping = GS_STOP_TORN, .native = GS_NATIVE_ALL};
    size_t wanted = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, count = 0;
    uint64_t *stops = calloc(wanted + 1, sizeof *stops);
    double us = 0, frames = 0;
    if (!wanted || !stops || gs_target_open(&target, atoi(argv[1]), NULL, &err) ||
        gs_python_open(&python, target, &python_options, &err) || gs_reader_new(&reader, python, &options))
        return 1;
    for (size_t i = 0; i < wanted; i++) {
        const struct gs_snapshot *snapshot;
        struct gs_quality before = *gs_reader_quality(reader);
        if (gs_reader_take(reader, &snapshot) == GS_OK) {
            const struct gs_quality *after = gs_reader_quality(reader);
            if (after->stopped - before.stopped == 1)
                stops[count++] = after->stopped_us - before.stopped_us;
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    qsort(stops, count, sizeof *stops, by_size);
    follow(target, &us, &frames);
    printf(
        "{\"stops\": %zu, \"stop_p50_us\": %llu, \"stop_p99_us\": %llu, \"stop_most_us\": %llu, \"unwind_us\": %.3f, "
        "\"frames\": %.1f}\n",
        count, (unsigned long long)stops[count / 2], (unsigned long long)stops[count * 99 / 100],
        (unsigned long long)stops[count > 0 ? count - 1 : 0], us, frames);
    return 0;
}
