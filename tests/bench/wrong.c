/* How many stacks are wrong: samples a target whose legal calls are known (oracle_fixed.py) and counts the stacks
 * that it cannot have. wrong PID KIND SAMPLES [torn|always|never]
 *
 * Legal, by function: who may call whom and on which of its lines. A stack is wrong when a pair of caller and callee
 * is not in the table, the caller's line is not one of those, or it does not begin and end where the thread does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gilspy/snapshot.h"

/* caller -> callee, and the lines from the caller's first on which it calls it. */
struct call {
    const char *caller, *callee;
    int lines[3];
};

static const struct call fixed_calls[] = {
    {"drive_fixed", "a1", {3}}, {"drive_fixed", "b1", {4}}, {"a1", "a2", {1}},
    {"a2", "a3", {1}},          {"b1", "b2", {1}},          {"b2", "b3", {1}},
    {"b3", "b4", {1}},          {"b4", "b5", {1}},          {"fixed", "drive_fixed", {30}},
    {"run", "fixed", {0}},
};

static const struct call mean_calls[] = {
    {"mean", "equal_a", {3}},
    {"mean", "equal_b", {4}},
    {"mean", "large", {5}},
    {"mean", "small", {6}},
    {"mean", "through_generator", {7}},
    {"equal_a", "shared", {1, 2}},
    {"equal_b", "shared", {1, 2}},
    {"large", "small", {2}},
    {"small", "shared", {1}},
    {"through_generator", "numbers", {1}},
    {"through_generator", "small", {2}},
    {"numbers", "shared", {2}},
    {"run", "mean", {0}},
};

struct oracle {
    const char *kind, *root;
    const struct call *calls;
    size_t count;
};

static const struct oracle oracles[] = {
    {"fixed", "fixed", fixed_calls, sizeof fixed_calls / sizeof *fixed_calls},
    {"mean", "mean", mean_calls, sizeof mean_calls / sizeof *mean_calls},
};

static bool legal(const struct oracle *oracle, const char *caller, int line, const char *callee)
{
    for (size_t i = 0; i < oracle->count; i++) {
        const struct call *call = &oracle->calls[i];
        if (strcmp(call->caller, caller) != 0 || strcmp(call->callee, callee) != 0)
            continue;
        for (size_t k = 0; k < 3; k++) {
            if (call->lines[k] == 0 && k == 0)
                return true;
            if (call->lines[k] && call->lines[k] == line)
                return true;
        }
    }
    return false;
}

/* NULL when the stack is one that the program can have. */
static const char *fault(const struct oracle *oracle, const struct gs_python *python, struct gs_codes *codes,
                         const struct gs_thread *thread)
{
    bool rooted = false;
    const char *callee = NULL;
    for (uint32_t i = 0; i < thread->frame_count; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        const struct gs_code *code = frame->kind == GS_FRAME_PYTHON ? gs_codes_find(codes, frame->code) : NULL;
        if (!code)
            return "a frame without code";
        int line = gs_code_line(&python->layout, code, frame->instr) - code->first_line;
        if (callee && !rooted && !legal(oracle, code->function, line, callee)) {
            static char text[256];
            snprintf(text, sizeof text, "%s called on line +%d of %s", callee, line, code->function);
            return text;
        }
        rooted |= strcmp(code->function, oracle->root) == 0;
        callee = code->function;
    }
    return !rooted ? "cut before its root" : strstr(callee, "_bootstrap") ? NULL : "cut behind its root";
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int sample(const struct oracle *oracle, struct gs_python *python, struct gs_reader *reader, long count)
{
    long taken = 0, wrong = 0, torn = 0, leaf = 0;
    double began = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    char first[256] = "";
    for (long i = 0; i < count; i++) {
        const struct gs_snapshot *snapshot;
        enum gs_status status = gs_reader_take(reader, &snapshot);
        if (gs_status_class(status) == GS_CLASS_LOST)
            continue;
        if (status)
            break;
        for (size_t k = 0; k < snapshot->thread_count; k++) {
            const struct gs_thread *thread = &snapshot->threads[k];
            if (thread->main)
                continue;
            if (thread->torn) {
                torn++;
                continue;
            }
            taken++;
            const char *why = fault(oracle, python, gs_reader_codes(reader), thread);
            wrong += why != NULL;
            if (why && !*first)
                snprintf(first, sizeof first, "%s", why);
            const struct gs_code *code =
                thread->frame_count ? gs_codes_find(gs_reader_codes(reader), thread->frames[0].code) : NULL;
            leaf += code && strcmp(code->function, oracle->root) == 0;
        }
        nanosleep(&(struct timespec){0, random() % 100000}, NULL);
    }
    const struct gs_quality *quality = gs_reader_quality(reader);
    double wall = seconds(CLOCK_MONOTONIC) - began;
    printf("{\"python\": \"%s\", \"kind\": \"%s\", \"stacks\": %ld, \"wrong\": %ld, \"wrong_per_100000\": %.1f, "
           "\"torn\": %ld, \"retried\": %lu, \"stopped\": %lu, \"stop_mean_us\": %.1f, \"root_share\": %.4f, "
           "\"cpu_us_per_sample\": %.1f, \"per_second\": %.0f, \"first\": \"%s\"}\n",
           python->version, oracle->kind, taken, wrong, taken ? 1e5 * (double)wrong / (double)taken : 0, torn,
           (unsigned long)quality->retried, (unsigned long)quality->stopped,
           quality->stopped ? (double)quality->stopped_us / (double)quality->stopped : 0,
           taken ? (double)leaf / (double)taken : 0,
           1e6 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)(count ? count : 1), (double)count / wall, first);
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const modes[] = {"torn", "always", "never"};
    struct gs_err err = {0};
    struct gs_target *target = NULL;
    struct gs_python *python = NULL;
    struct gs_reader *reader = NULL;
    struct gs_reader_options options = {.stopping = GS_STOP_TORN};
    const struct oracle *oracle = NULL;
    for (size_t i = 0; argc >= 4 && i < sizeof oracles / sizeof *oracles; i++)
        oracle = strcmp(oracles[i].kind, argv[2]) == 0 ? &oracles[i] : oracle;
    for (int i = 0; argc == 5 && i < 3; i++)
        options.stopping = strcmp(modes[i], argv[4]) == 0 ? (enum gs_stopping)i : options.stopping;
    if (!oracle) {
        fprintf(stderr, "usage: wrong PID fixed|mean SAMPLES [torn|always|never]\n");
        return 2;
    }
    if (gs_target_open(&target, atoi(argv[1]), NULL, &err) || gs_python_open(&python, target, NULL, &err) ||
        gs_reader_new(&reader, python, &options)) {
        fprintf(stderr, "wrong: %s\n", err.what);
        return 1;
    }
    int result = sample(oracle, python, reader, atol(argv[3]));
    gs_reader_free(reader);
    gs_python_close(python);
    gs_target_close(target);
    return result;
}
