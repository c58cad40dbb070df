/* Playing a recording into a format. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/draw.h"
#include "cmd/message.h"
#include "base/output.h"
#include "profile/nonempty.h"
#include "export/words.h"

/* "svg, folded and gilspy" */
static void list_formats(char list[256])
{
    size_t len = 0;
    for (size_t i = 0; gs_formats[i] && len < 200; i++)
        len += (size_t)snprintf(list + len, 256 - len, "%s%.30s", i > 0 ? ", " : "", gs_formats[i]->name);
    snprintf(list + len, 256 - len, " and " GS_FORMAT_RECORDING);
}

enum gs_status gs_draw_choose(const struct gs_format **format, const struct gs_args *args, struct gs_err *err)
{
    const char *name = args->format;
    size_t len = args->output ? strlen(args->output) : 0;
    char formats[256];
    list_formats(formats);
    *format = gs_format_find("svg");
    if (name && strcmp(name, GS_FORMAT_RECORDING) == 0) {
        *format = NULL;
    } else if (name) {
        *format = gs_format_find(name);
        if (!*format) {
            gs_fail(err, GS_USAGE, "cannot write the format '%.60s': there is none of that name", name);
            gs_err_todo(err, "Formats are %s", formats);
            return GS_USAGE;
        }
    } else if (len > 7 && strcmp(args->output + len - 7, ".gilspy") == 0) {
        *format = NULL;
    } else if (args->output && strcmp(args->output, "-") != 0) {
        const struct gs_format *told = gs_format_of_file(args->output);
        if (told)
            *format = told;
        else if (strncmp(args->output, "/dev/", 5) != 0) {
            gs_fail(err, GS_USAGE, "cannot tell the format from the name %.200s", args->output);
            gs_err_todo(err, "Name it with -f; formats are %s", formats);
            return GS_USAGE;
        }
    }
    return GS_OK;
}

void gs_draw_extension(const struct gs_format *format, char extension[32])
{
    const char *extensions = format ? format->extensions : "." GS_FORMAT_RECORDING;
    snprintf(extension, 32, "%.*s", (int)strcspn(extensions, " "), extensions);
}

enum gs_status gs_draw_open(struct gs_join *join, const char *const *names, size_t count, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < count && !status; i++) {
        struct gs_recording *opened;
        status = gs_recording_open(&opened, names[i], err);
        if (!status)
            status = gs_join_add(join, opened, names[i], err);
    }
    return status;
}

/* What of a recording could not be drawn. */
static void tell_state(const struct gs_join *recordings, size_t i)
{
    const struct gs_recording_state *state = gs_join_state(recordings, i);
    const char *name = gs_join_name(recordings, i);
    if (state->damaged)
        gs_remark("%s is damaged from byte %" PRIu64 " on: drawn up to there", name, state->damaged_at);
    else if (state->error)
        gs_remark("%s cannot be read to its end: %s: drawn up to there", name, strerror(state->error));
    else if (!state->complete)
        gs_remark("%s has no end: it still grows, or was cut: drawn as far as it goes", name);
}

/* And what lies between several. */
static void tell_gap(const struct gs_join *recordings, size_t i)
{
    struct gs_text text;
    uint64_t gap_ns = gs_join_gap_ns(recordings, i);
    if (gap_ns < GS_NS_PER_S)
        return;
    gs_text_init(&text, false);
    gs_words_time(&text, gap_ns / 1000);
    gs_remark("nothing was recorded for %s before %s: that time counts as time in which nobody did anything",
              text.bytes ? text.bytes : "a while", gs_join_name(recordings, i));
    gs_text_fini(&text);
}

static void tell(const struct gs_join *recordings)
{
    for (size_t i = 0; i < gs_join_count(recordings); i++) {
        tell_state(recordings, i);
        tell_gap(recordings, i);
    }
}

enum gs_status gs_draw_play(struct gs_join *recordings, struct gs_sink *sink, const struct gs_args *args,
                            struct gs_err *err)
{
    err->what[0] = '\0';
    enum gs_status status =
        gs_join_play(recordings, sink, args->from_us * 1000, args->to_us ? args->to_us * 1000 : UINT64_MAX, err);
    if (status && !err->what[0])
        gs_fail(err, status, "cannot draw %.200s: %s", gs_join_name(recordings, 0), gs_status_text(status));
    if (!status && !args->quiet)
        tell(recordings);
    return status;
}

static enum gs_status keep_begin(struct gs_sink *sink, const struct gs_run_info *run)
{
    ((struct gs_draw_whole *)sink)->rate_hz = run->rate_hz;
    return GS_OK;
}

static enum gs_status keep_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    ((struct gs_draw_whole *)sink)->end = *end;
    return GS_OK;
}

enum gs_status gs_draw_whole(struct gs_join *recordings, struct gs_draw_whole *whole, const struct gs_args *args,
                             struct gs_err *err)
{
    *whole = (struct gs_draw_whole){.sink = {.begin = keep_begin, .end = keep_end}};
    enum gs_status status = gs_draw_play(recordings, &whole->sink, args, err);
    if (status || whole->end.samples > 0)
        return status;
    return gs_fail(err, GS_FAILED, "cannot play %.200s: there is no sample in that part of it",
                   gs_join_name(recordings, 0));
}

struct gs_selection gs_draw_selection(const struct gs_args *args)
{
    return (struct gs_selection){.mode = args->mode,
                                 .threads = args->threads_first || args->mode == GS_MODE_AWAIT ||
                                            (args->given & GS_OPT(TASKS) && args->tasks != GS_TASKS_OFF),
                                 .function = args->function,
                                 .json = args->json,
                                 .no_source = args->no_source,
                                 .patterns = args->threads,
                                 .pattern_count = args->thread_count};
}

/* ---- nothing to draw ---- */

/* What can be read only once is not asked how long it is. */
static void tell_length(struct gs_join *recordings, struct gs_err *err)
{
    struct gs_draw_whole whole = {.sink = {.end = keep_end}};
    struct gs_err why;
    struct gs_text text;
    for (size_t i = 0; i < gs_join_count(recordings); i++) {
        if (strcmp(gs_join_name(recordings, i), "-") == 0)
            return;
    }
    if (gs_join_play(recordings, &whole.sink, 0, UINT64_MAX, &why))
        return;
    gs_text_init(&text, false);
    gs_words_time(&text, (whole.end.end_ns - whole.end.begin_ns) / 1000);
    gs_err_todo(err, "All of it lasted %s", text.bytes ? text.bytes : "less");
    gs_text_fini(&text);
}

static enum gs_status tell_nothing(struct gs_join *recordings, const struct gs_nonempty *nonempty, struct gs_err *err)
{
    const char *name = gs_join_name(recordings, 0);
    if (!nonempty->tells) {
        gs_fail(err, GS_FAILED, "cannot draw %.200s: it does not tell which threads handled an exception", name);
        gs_err_todo(err, "Recordings of format 6 do, of CPython 3.7 and later");
    } else if (nonempty->fits) {
        gs_fail(err, GS_FAILED, "cannot draw %.200s: there is no sample in that part of it", name);
        tell_length(recordings, err);
    } else {
        gs_fail(err, GS_FAILED, "cannot draw %.200s: none of its threads is meant by --thread", name);
        gs_err_todo(err, "Patterns are for whole names, as 'worker-*', or are the number of a thread; "
                         "-i -t -f folded -o - shows the names");
    }
    return GS_FAILED;
}

static enum gs_status play(struct gs_join *recordings, const struct gs_format *format, FILE *out, const char *name,
                           const struct gs_args *args, bool must, struct gs_meter *meter, struct gs_err *err)
{
    struct gs_selection selection = gs_draw_selection(args);
    selection.folder = format->folder ? name : NULL;
    selection.function = selection.function && !format->folder; /* which is about lines */
    struct gs_nonempty nonempty;
    struct gs_sink *sink;
    enum gs_status status = format->open(&sink, out, &selection);
    if (status)
        return gs_fail(err, status, "cannot draw: %s", gs_status_text(status));
    gs_nonempty_init(&nonempty, sink, &selection, must);
    if (meter)
        gs_meter_init(meter, &nonempty.sink);
    status = gs_draw_play(recordings, meter ? &meter->sink : &nonempty.sink, args, err);
    format->close(sink);
    if (nonempty.empty)
        return tell_nothing(recordings, &nonempty, err);
    if (!status && must && args->mode == GS_MODE_LOCKS && !nonempty.locks && !args->quiet)
        gs_remark(
            "no thread waited for a lock but the GIL, as far as it tells: of other locks a recording knows only if it "
            "was made with --locks");
    if (!status && !nonempty.fits && !args->quiet)
        gs_remark("no thread is meant by --thread: nothing is drawn of those that were there");
    return status;
}

static enum gs_status make_folder(const char *name, struct gs_err *err)
{
    if (strcmp(name, "-") == 0)
        return gs_fail(err, GS_USAGE, "cannot write a folder to the output");
    bool made = mkdir(name, 0777) == 0;
    int fd = made || errno == EEXIST ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return gs_fail(err, GS_OUTPUT, "cannot write to the folder %.300s: %s", name, strerror(errno));
    if (made)
        gs_output_give_to_sudo_user(fd, &gs_to_user);
    close(fd);
    return GS_OK;
}

enum gs_status gs_draw_first_file(char **first, const struct gs_format *format, const char *name, struct gs_err *err)
{
    *first = NULL;
    enum gs_status status = format->folder ? make_folder(name, err) : GS_OK;
    if (!status && asprintf(first, format->folder ? "%s/index.html" : "%s", name) < 0) {
        *first = NULL;
        status = gs_fail(err, GS_NO_MEMORY, "out of memory");
    }
    return status;
}

enum gs_status gs_draw(struct gs_join *recordings, const struct gs_format *format, const char *output_name,
                       const struct gs_args *args, bool must, struct gs_meter *meter, struct gs_err *err)
{
    struct gs_output output;
    char *first;
    enum gs_status status = gs_draw_first_file(&first, format, output_name, err);
    if (!status)
        status = gs_output_open(&output, first, &gs_to_user, err);
    if (!status) {
        status = play(recordings, format, output.file, output_name, args, must, meter, err);
        status = gs_output_end(&output, status, err);
    }
    free(first);
    return status;
}
