/* The file that w writes on the screen of top. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/message.h"
#include "cmd/top_dump.h"
#include "cmd/wire.h"

enum { NAME = 80, SAME_SECOND = 100 };

/* "gilspy-4242-20260131-120000.txt", or with "-2" and so on behind it. */
static bool choose_name(pid_t pid, char name[NAME])
{
    char time_text[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(time_text, sizeof time_text, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    snprintf(name, NAME, "gilspy-%d-%s.txt", (int)pid, time_text);
    for (int i = 2; faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0; i++) { /* a link is none of ours */
        if (i == SAME_SECOND)
            return false;
        snprintf(name, NAME, "gilspy-%d-%s-%d.txt", (int)pid, time_text, i);
    }
    return true;
}

static enum gs_status dump_one(const struct gs_args *args, pid_t pid, const struct gs_output *output,
                               struct gs_err *err)
{
    const struct gs_attach_options options = gs_wire_attach(args, output);
    struct gs_attach *attach;
    struct gs_console console;
    enum gs_status status = gs_attach_open(&attach, pid, &options, GS_ATTACH_WHOLE, err);
    if (status == GS_OK) {
        struct gs_dump shown = gs_wire_dump(attach, args);
        gs_console_init(&console, output->file, GS_COLOR_NEVER);
        status = gs_dump_text(&shown, &console, true);
        if (status)
            gs_fail(err, status, "cannot show process %d: %s", (int)pid, gs_status_text(status));
    }
    gs_attach_close(attach);
    return status;
}

void gs_top_dump(const struct gs_args *args, const pid_t *pids, size_t count, char *note, size_t size)
{
    char name[NAME];
    struct gs_output output;
    struct gs_err err = {0}, why = {0};
    size_t written = 0;
    if (count == 0 || !choose_name(pids[0], name)) {
        snprintf(note, size, count == 0 ? "there is nobody to dump any more" : "too many dumps in one second");
        return;
    }
    enum gs_status status = gs_output_open(&output, name, &gs_to_user, &err);
    for (size_t i = 0; !status && i < count; i++) {
        if (written > 0)
            fputc('\n', output.file);
        written += dump_one(args, pids[i], &output, &why) == GS_OK;
    }
    if (!status)
        status = gs_output_close(&output, written > 0, &err);
    if (status)
        snprintf(note, size, "%.200s", err.what);
    else if (written == 0)
        snprintf(note, size, "%.200s", why.what);
    else
        snprintf(note, size, "wrote %s", name);
}
