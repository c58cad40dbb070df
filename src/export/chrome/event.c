/* Events in the Trace Event Format, one to a line. */
#include <stdlib.h>

#include "base/room.h"
#include "export/about.h"
#include "export/chrome/chrome.h"
#include "export/json.h"

/* The tracks of thread 4250 have the numbers 100042501 and 100042502: no tid is as large, and sorted by number, as they
 * are shown, they lie side by side. */
enum { FIRST_TRACK = 100000001, TRACKS_OF_THREAD = 10 };
static const char *const track_names[] = {[GS_CHROME_STATES] = "GIL",
                                          [GS_CHROME_FUNCTIONS] = "functions",
                                          [GS_CHROME_SCHEDULER] = "scheduler",
                                          [GS_CHROME_PAUSES] = "pauses"};

void gs_chrome_begin_event(struct gs_chrome *chrome, char phase, pid_t pid)
{
    FILE *out = chrome->out;
    fputs_unlocked(chrome->any ? ",\n{\"ph\":\"" : "\n{\"ph\":\"", out);
    putc_unlocked(phase, out);
    fputs_unlocked("\",\"pid\":", out);
    gs_about_write_number((uint32_t)pid, out);
    chrome->any = true;
}

void gs_chrome_put_track(struct gs_chrome *chrome, pid_t tid, enum gs_chrome_track track)
{
    fputs_unlocked(",\"tid\":", chrome->out);
    gs_about_write_number(FIRST_TRACK + (uint64_t)(uint32_t)tid * TRACKS_OF_THREAD + track, chrome->out);
}

void gs_chrome_put_time(struct gs_chrome *chrome, uint64_t ns)
{
    fputs_unlocked(",\"ts\":", chrome->out);
    gs_about_write_us(ns, chrome->out);
}

static pid_t pid_of(const struct gs_chrome *chrome, const struct gs_chrome_thread *thread)
{
    return thread->process < chrome->process_count ? chrome->processes[thread->process].pid : 0;
}

static void begin_slice(struct gs_chrome *chrome, char phase, const struct gs_chrome_thread *thread,
                        enum gs_chrome_track track, uint64_t ns)
{
    gs_chrome_begin_event(chrome, phase, pid_of(chrome, thread));
    gs_chrome_put_track(chrome, thread->tid, track);
    gs_chrome_put_time(chrome, ns);
}

enum gs_status gs_chrome_put_text(struct gs_chrome *chrome)
{
    enum gs_status status = GS_NO_MEMORY;
    if (!chrome->text.failed)
        status = chrome->text.len > 0 ? gs_json_write_text(chrome->text.bytes, chrome->out) : GS_OK;
    if (chrome->text.len == 0)
        fputs_unlocked("\"\"", chrome->out);
    gs_label_cut(&chrome->text, 0);
    return status;
}

static enum gs_status put_metadata(struct gs_chrome *chrome, const char *name, const char *argument)
{
    fprintf(chrome->out, ",\"name\":\"%s\",\"args\":{\"%s\":", name, argument);
    enum gs_status status = gs_chrome_put_text(chrome);
    fputs_unlocked("}}", chrome->out);
    return status;
}

enum gs_status gs_chrome_process(struct gs_chrome *chrome, pid_t pid, const char *command, const char *python)
{
    gs_chrome_begin_event(chrome, 'M', pid);
    gs_label_add(&chrome->text, command, 0);
    enum gs_status status = put_metadata(chrome, "process_name", "name");
    if (status || !*python)
        return status;
    gs_chrome_begin_event(chrome, 'M', pid);
    gs_label_put(&chrome->text, "Python ");
    gs_label_add(&chrome->text, python, 0);
    return put_metadata(chrome, "process_labels", "labels");
}

enum gs_status gs_chrome_name(struct gs_chrome *chrome, pid_t pid, pid_t tid, const char *name,
                              enum gs_chrome_track track)
{
    gs_chrome_begin_event(chrome, 'M', pid);
    gs_chrome_put_track(chrome, tid, track);
    gs_label_add(&chrome->text, *name ? name : "<no name>", 0);
    gs_label_put(&chrome->text, " (%d): %s", (int)tid, track_names[track]);
    return put_metadata(chrome, "thread_name", "name");
}

enum gs_status gs_chrome_thread(struct gs_chrome *chrome, uint32_t number, const char *name)
{
    const struct gs_chrome_thread *thread = &chrome->threads[number];
    enum gs_status status = GS_OK;
    pid_t pid = pid_of(chrome, thread);
    if (chrome->seen)
        return gs_chrome_name(chrome, pid, thread->tid, name, GS_CHROME_FUNCTIONS);
    for (int track = 0; track < GS_CHROME_TRACKS && status == GS_OK; track++) {
        status = gs_chrome_name(chrome, pid, thread->tid, name, track);
        gs_chrome_begin_event(chrome, 'M', pid);
        gs_chrome_put_track(chrome, thread->tid, track);
        fputs_unlocked(",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":", chrome->out);
        gs_about_write_number((uint64_t)number * GS_CHROME_TRACKS + (unsigned)track, chrome->out);
        fputs_unlocked("}}", chrome->out);
    }
    return status;
}

const char *gs_chrome_state_name(enum gs_gil_word word, bool at_lock)
{
    static const char *const names[] = {[GS_HOLDS] = "holds GIL",
                                        [GS_WAITS] = "waits for GIL",
                                        [GS_WITHOUT] = "no GIL",
                                        [GS_NONE] = "no GIL",
                                        [GS_UNKNOWN] = "unknown"};
    return at_lock ? "waits for a lock" : names[word];
}

enum gs_status gs_chrome_state(struct gs_chrome *chrome, const struct gs_chrome_thread *thread, uint64_t ns,
                               enum gs_gil_word word, bool at_lock, const struct gs_place *place)
{
    enum gs_status status = GS_OK;
    begin_slice(chrome, 'B', thread, GS_CHROME_STATES, ns);
    fprintf(chrome->out, ",\"name\":\"%s\",\"args\":{\"gil\":\"%s\"", gs_chrome_state_name(word, at_lock),
            gs_gil_word_name(word));
    if (place) {
        fputs_unlocked(",\"frame\":", chrome->out);
        gs_label_place(&chrome->text, place, NULL, 0);
        status = gs_chrome_put_text(chrome);
    }
    fputs_unlocked("}}", chrome->out);
    return status;
}

static void end_slice(struct gs_chrome *chrome, const struct gs_chrome_thread *thread, enum gs_chrome_track track,
                      uint64_t ns)
{
    begin_slice(chrome, 'E', thread, track, ns);
    putc_unlocked('}', chrome->out);
}

void gs_chrome_state_end(struct gs_chrome *chrome, const struct gs_chrome_thread *thread, uint64_t ns)
{
    end_slice(chrome, thread, GS_CHROME_STATES, ns);
}

/* A process is no slice: its threads are below it anyway. */
static bool is_slice(const struct gs_chrome *chrome, uint32_t node)
{
    return node != 0 && gs_node_kind(gs_calltree_node(chrome->tree, node)) != GS_NODE_PROCESS;
}

static bool add_to_path(struct gs_chrome *chrome, size_t *len, uint32_t node)
{
    if (!gs_room((void **)&chrome->path, &chrome->path_room, *len + 1, sizeof *chrome->path))
        return false;
    chrome->path[(*len)++] = node;
    return true;
}

enum gs_status gs_chrome_functions(struct gs_chrome *chrome, const struct gs_chrome_thread *thread, uint64_t ns,
                                   uint32_t from, uint32_t to)
{
    enum gs_status status = GS_OK;
    size_t len = 0;
    while (from != to) { /* a caller's number is lower: both climb to what they have in common */
        if (from > to) {
            if (is_slice(chrome, from))
                end_slice(chrome, thread, GS_CHROME_FUNCTIONS, ns);
            from = gs_calltree_node(chrome->tree, from)->parent;
        } else {
            if (is_slice(chrome, to) && !add_to_path(chrome, &len, to))
                return GS_NO_MEMORY;
            to = gs_calltree_node(chrome->tree, to)->parent;
        }
    }
    while (len > 0 && status == GS_OK) {
        begin_slice(chrome, 'B', thread, GS_CHROME_FUNCTIONS, ns);
        fputs_unlocked(",\"name\":", chrome->out);
        gs_label_node(&chrome->text, chrome->tree, chrome->path[--len], NULL, 0);
        status = gs_chrome_put_text(chrome);
        putc_unlocked('}', chrome->out);
    }
    return status;
}

void gs_chrome_waiters(struct gs_chrome *chrome, pid_t pid, uint64_t ns, unsigned lock, uint32_t count)
{
    gs_chrome_begin_event(chrome, 'C', pid);
    gs_chrome_put_time(chrome, ns);
    if (lock == 0)
        fputs_unlocked(",\"name\":\"waiters for the GIL\"", chrome->out);
    else
        fprintf(chrome->out, ",\"name\":\"waiters for GIL %u\"", lock + 1);
    fputs_unlocked(",\"args\":{\"threads\":", chrome->out);
    gs_about_write_number(count, chrome->out);
    fputs_unlocked("}}", chrome->out);
}
