/* Processes are read beside one another, each in a process of ours that may be left behind; what they send is the
 * document of dump --json, as it stands in files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parallel.h"
#include "cmd/dump_merge.h"
#include "cmd/message.h"
#include "cmd/wire.h"
#include "export/merge.h"

/* For one process. Steps that get stuck in the kernel are given up after 2 s each (base/watch.h). */
#define PATIENCE_NS   (UINT64_C(10) * 1000000000)
#define DEBUGINFOD_NS (UINT64_C(600) * 1000000000) /* where files have to come by network first */

struct merging {
    const struct gs_args *args;
    struct gs_attach_options attach;
    struct gs_family_list list;
    struct gs_merged merged;
    int exit;
};

/* ---- one process, in a process of ours ---- */

/* What is to be told goes to whoever may print. */
static void note(void *context, const char *text)
{
    fprintf(context, "%s\n", text);
}

static int note_failure(void *context, enum gs_status status, const struct gs_err *err)
{
    note(context, err->what);
    return gs_status_exit(status);
}

/* A thread of the process stands still until we end. */
static void end_worker(void *context, const struct gs_err *err)
{
    (void)context;
    (void)err;
    _exit(1);
}

static enum gs_status read_document(const struct merging *merging, pid_t pid, FILE *remarks, FILE *document,
                                    struct gs_err *err)
{
    const struct gs_remarks noted = {.context = remarks, .tell = note, .fail = note_failure};
    struct gs_attach_options options = merging->attach;
    struct gs_attach *attach;
    options.remarks = &noted;
    options.end = end_worker;
    enum gs_status status = gs_attach_open(&attach, pid, &options, GS_ATTACH_WHOLE, err);
    if (!status) {
        struct gs_dump dump = gs_wire_dump(attach, merging->args);
        status = gs_dump_json(&dump, document);
    }
    gs_attach_close(attach);
    return status;
}

/* Writes the status, the length of the remarks, these, and the document or why there is none. */
static void read_one(const void *context, size_t i, FILE *out)
{
    const struct merging *merging = context;
    struct gs_err err = {0};
    char *text = NULL, *told = NULL;
    size_t len = 0, told_len = 0;
    FILE *document = open_memstream(&text, &len), *remarks = open_memstream(&told, &told_len);
    if (!document || !remarks)
        _exit(1);
    enum gs_status status = read_document(merging, merging->list.pids[i], remarks, document, &err);
    if (fclose(document) != 0 || fclose(remarks) != 0)
        _exit(1);
    const char *why = err.what[0] ? err.what : gs_status_text(status);
    fprintf(out, "%d %zu\n", (int)status, told_len);
    fwrite(told, 1, told_len, out);
    fwrite(status ? why : text, 1, status ? strlen(why) : len, out);
    free(text);
    free(told);
}

/* ---- all of them ---- */

static enum gs_status fail_one(struct merging *merging, size_t i, enum gs_status status, const char *why)
{
    struct gs_err err;
    if (i >= merging->list.named && gs_family_passes(status))
        return GS_OK;
    gs_fail(&err, status, "%s", why);
    int failed = gs_message(status, &err);
    merging->exit = merging->exit ? merging->exit : failed;
    return gs_merge_failure(&merging->merged, merging->list.pids[i], why) ? GS_OK : GS_NO_MEMORY;
}

static void tell(char *remarks)
{
    for (char *line; (line = strsep(&remarks, "\n"));) {
        if (*line)
            gs_remark("%s", line);
    }
}

/* Takes the remarks off what a process of ours sent: what is behind them. NULL: it makes no sense. */
static const char *open_letter(const char *bytes, size_t len, enum gs_status *status, struct gs_err *err)
{
    int number, at = 0;
    size_t told_len;
    if (sscanf(bytes, "%d %zu%n", &number, &told_len, &at) != 2 || len - (size_t)at - 1 < told_len)
        return NULL;
    char *told = strndup(bytes + at + 1, told_len);
    *status = told ? (enum gs_status)number : gs_fail(err, GS_NO_MEMORY, "out of memory");
    tell(told);
    free(told);
    return bytes + at + 1 + told_len;
}

static enum gs_status take_one(void *context, size_t i, enum gs_isolated outcome, const char *bytes, size_t len)
{
    struct merging *merging = context;
    struct gs_err err;
    char why[100];
    enum gs_status status = GS_FAILED;
    const char *rest = outcome == GS_ISOLATED_DONE ? open_letter(bytes, len, &status, &err) : NULL;
    if (rest && !status)
        return gs_merge_text(&merging->merged, rest, len - (size_t)(rest - bytes), &err);
    snprintf(why, sizeof why, "cannot read process %d: %s", (int)merging->list.pids[i],
             outcome == GS_ISOLATED_LATE ? "it took too long, and was left behind" : "whoever read it did not survive");
    return fail_one(merging, i, status, rest ? rest : why);
}

static enum gs_status read_all(struct merging *merging, struct gs_err *err)
{
    enum { WORKERS_LEAST = 4, WORKERS_MOST = 32 };
    const struct gs_args *args = merging->args;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct gs_parallel_work work = {.context = merging,
                                    .count = merging->list.count,
                                    .work = read_one,
                                    .done = take_one,
                                    .result = merging,
                                    .patience_ns = args->debuginfod ? DEBUGINFOD_NS : PATIENCE_NS,
                                    .workers = processors * 2 > WORKERS_MOST    ? WORKERS_MOST
                                               : processors * 2 > WORKERS_LEAST ? (size_t)processors * 2
                                                                                : WORKERS_LEAST};
    enum gs_status status = gs_parallel_run(&work);
    return status ? gs_fail(err, status, "cannot read the processes: %s", gs_status_text(status)) : GS_OK;
}

/* ---- files ---- */

/* All that a stream has; *text is malloc'ed. */
static enum gs_status read_stream(FILE *in, char **text, size_t *len)
{
    char chunk[65536];
    size_t got;
    FILE *whole = open_memstream(text, len);
    if (!whole)
        return GS_NO_MEMORY;
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0)
        fwrite(chunk, 1, got, whole);
    bool failed = fclose(whole) != 0;
    return failed ? GS_NO_MEMORY : ferror(in) ? GS_FAILED : GS_OK;
}

static enum gs_status add_file(struct merging *merging, const char *name, struct gs_err *err)
{
    bool standard = strcmp(name, "-") == 0;
    struct gs_err why = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *in = standard ? stdin : fopen(name, "re");
    if (!in)
        return gs_fail(err, GS_FAILED, "cannot open %.200s: %s", name, strerror(errno));
    enum gs_status status = read_stream(in, &text, &len);
    if (status)
        gs_fail(&why, status, "%s", status == GS_NO_MEMORY ? "out of memory" : strerror(errno));
    else
        status = gs_merge_text(&merging->merged, text, len, &why);
    free(text);
    if (!standard)
        fclose(in);
    return status ? gs_fail(err, status, "cannot merge %.100s: %.300s", name, why.what) : GS_OK;
}

/* Each that cannot be read is told, the others count. */
static void add_files(struct merging *merging)
{
    for (size_t i = 0; i < merging->args->word_count; i++) {
        struct gs_err err;
        enum gs_status status = add_file(merging, merging->args->words[i], &err);
        int failed = status ? gs_message(status, &err) : 0;
        merging->exit = merging->exit ? merging->exit : failed;
    }
}

static int show(struct merging *merging)
{
    const struct gs_args *args = merging->args;
    struct gs_output output;
    struct gs_console console;
    struct gs_err err;
    if (merging->merged.processes == 0 && !merging->exit)
        gs_fail(&err, GS_NOT_PYTHON, "cannot merge: none of these processes is a Python");
    if (merging->merged.processes == 0)
        return merging->exit ? merging->exit : gs_message(GS_NOT_PYTHON, &err);
    enum gs_status status = gs_output_open(&output, args->output, &gs_to_user, &err);
    if (status)
        return gs_message(status, &err);
    gs_console_init(&console, output.file, args->color);
    gs_merge_complete(&merging->merged);
    status = args->json ? gs_merge_json(&merging->merged, output.file)
                        : gs_merge_show(&merging->merged, &console, args->verbose);
    if (status)
        gs_fail(&err, status, "cannot show the stacks: %s", gs_status_text(status));
    status = gs_output_end(&output, status, &err);
    return status ? gs_output_message(status, &err) : merging->exit;
}

int gs_dump_merge(const struct gs_args *args)
{
    struct merging merging = {.args = args, .attach = gs_wire_attach(args, NULL)};
    struct gs_family_options family = gs_wire_family(args, NULL);
    struct gs_err err;
    family.at_once = true;
    merging.attach.tasks = false;
    enum gs_status status = gs_family_list(&merging.list, &family);
    if (status)
        gs_fail(&err, status, "cannot list the processes: %s", gs_status_text(status));
    else
        status = read_all(&merging, &err);
    if (!status)
        add_files(&merging);
    int exit = status ? gs_message(status, &err) : show(&merging);
    gs_merge_fini(&merging.merged);
    free(merging.list.pids);
    return exit;
}
