/* Prints who holds the GIL of a process, and for whom others wait: cc holders.c $(pkg-config --cflags --libs gilspy) */
#include <gilspy/gilspy.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, const struct gilspy_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->what);
    return 1;
}

static void print_stack(const gilspy_sample *sample, size_t number)
{
    static const char *const words[] = {"holds the GIL", "waits for the GIL", "is without the GIL", "has no GIL", "?"};
    struct gilspy_thread thread;
    struct gilspy_frame frame;
    thread.struct_size = sizeof thread;
    frame.struct_size = sizeof frame;
    if (gilspy_sample_thread(sample, number, &thread) != GILSPY_OK)
        return;
    printf("%d %s %s\n", (int)thread.tid, thread.name, words[thread.gil]);
    for (size_t i = 0; i < thread.frame_count && gilspy_sample_frame(sample, number, i, &frame) == GILSPY_OK; i++)
        printf("    %s %s:%d\n", frame.function, frame.file, frame.line);
}

static int count(void *context, const gilspy_sample *sample)
{
    (void)sample;
    return ++*(int *)context == 20; /* enough */
}

int main(int argc, char **argv)
{
    struct gilspy_error error;
    struct gilspy_options options = {0, 0, 0, NULL};
    gilspy_process *process;
    const gilspy_sample *sample;
    gilspy_figures *figures;
    struct gilspy_gil_figures gil;
    int samples = 0;
    error.struct_size = sizeof error;
    gil.struct_size = sizeof gil;
    if (argc != 2)
        return 2;
    options.struct_size = sizeof options;
    options.stop = 1; /* so that the stacks of threads that run are whole */
    if (gilspy_attach((pid_t)atoi(argv[1]), &options, &process, &error) != GILSPY_OK)
        return fail("attach", &error);
    printf("Python %s\n", gilspy_python(process));
    if (gilspy_snapshot(process, &sample, &error) != GILSPY_OK)
        return fail("snapshot", &error);
    for (size_t i = 0; i < gilspy_sample_threads(sample); i++)
        print_stack(sample, i);
    if (gilspy_run(process, 100, 5, count, &samples, &error) != GILSPY_OK)
        return fail("run", &error);
    printf("%d samples\n", samples);
    if (gilspy_stat(process, 0, 0.5, &figures, &error) != GILSPY_OK)
        return fail("stat", &error);
    if (gilspy_figures_gil(figures, 0, &gil) == GILSPY_OK)
        printf("held %.0f %% of %.1f s\n", 100 * gil.held, gilspy_figures_seconds(figures));
    gilspy_figures_free(figures);
    gilspy_close(process);
    return 0;
}
