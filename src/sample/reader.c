/* Making and ending a reader; names of what a snapshot says. */
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "sample/reader.h"

const char *gs_gil_word_name(enum gs_gil_word word)
{
    static const char *const names[] = {[GS_HOLDS] = "holds",
                                        [GS_WAITS] = "waits",
                                        [GS_WITHOUT] = "without",
                                        [GS_NONE] = "none",
                                        [GS_UNKNOWN] = "unknown"};
    return names[word];
}

const char *gs_evidence_name(enum gs_evidence evidence)
{
    return evidence == GS_EXACT ? "exact" : "inferred";
}

const char *gs_lock_kind_name(enum gs_lock_kind kind)
{
    static const char *const names[] = {
        [GS_LOCK_NONE] = "none",     [GS_LOCK_LOCK] = "threading.Lock", [GS_LOCK_RLOCK] = "threading.RLock",
        [GS_LOCK_OBJECT] = "object", [GS_LOCK_PYMUTEX] = "PyMutex",     [GS_LOCK_PTHREAD] = "pthread",
        [GS_LOCK_OTHER] = "other"};
    return names[kind];
}

const char *gs_gil_state_name(enum gs_gil_state state)
{
    static const char *const names[] = {
        [GS_GIL_HELD] = "held", [GS_GIL_FREE] = "free", [GS_GIL_DISABLED] = "disabled", [GS_GIL_UNKNOWN] = "unknown"};
    return names[state];
}

const char *gs_gap_text(enum gs_gap gap)
{
    static const char *const texts[] = {[GS_GAP_CHANGED] = "the stack changed while it was read",
                                        [GS_GAP_UNREADABLE] = "its memory cannot be read",
                                        [GS_GAP_TOO_DEEP] = "deeper than 100000 frames",
                                        [GS_GAP_DAMAGED] = "its memory makes no sense from here on",
                                        [GS_GAP_TOO_LARGE] = "the stack is too large to read all of it",
                                        [GS_GAP_UNMERGED] = "the C stack and the Python stack do not fit together"};
    static const char *const ends[] = {
        [GS_NATIVE_WHOLE] = "the C stack ends here",
        [GS_NATIVE_NOT_YET] = "the C stack was not read",
        [GS_NATIVE_UNKNOWN] = "no unwind information leads on from here",
        [GS_NATIVE_REGISTER] = "a register of the sleeping thread would be needed to go on",
        [GS_NATIVE_DAMAGED] = "the C stack makes no sense from here on",
        [GS_NATIVE_CUT] = "the C stack is longer than what was read of it",
        [GS_NATIVE_MOVED] = "the thread went on while its C stack was read",
        [GS_NATIVE_RUNS] = "the C stack of a running thread is not read without stopping it",
        [GS_NATIVE_TRACED] = "it runs, and cannot be stopped to read its C stack: another program traces it",
        [GS_NATIVE_HIDDEN] = "the kernel does not tell where its C stack is",
    };
    return gap < GS_GAP_NATIVE ? texts[gap] : ends[gap - GS_GAP_NATIVE];
}

/* Bytes that are read of a thread state, and of a frame: up to the last field that is needed. */
static void set_sizes(struct gs_reader *reader)
{
    const struct gs_layout *layout = &reader->threads.python->layout;
    const int32_t tstate[] = {layout->ts_prev,
                              layout->ts_next,
                              layout->ts_interp,
                              layout->ts_frame,
                              layout->ts_cframe,
                              layout->ts_current_frame,
                              layout->ts_base_frame,
                              layout->ts_eval_breaker,
                              layout->ts_gil_requested,
                              layout->ts_thread_id,
                              layout->ts_native_thread_id,
                              layout->ts_id,
                              layout->ts_datastack_chunk,
                              layout->ts_datastack_top,
                              layout->ts_exc_info,
                              layout->ts_exc_state + layout->ei_value};
    const int32_t heap[] = {layout->fo_back,      layout->fo_code,  layout->fo_lasti,
                            layout->fo_executing, layout->fo_state, layout->fo_tstate};
    const int32_t chunk[] = {layout->if_code,     layout->if_previous, layout->if_instr,
                             layout->if_is_entry, layout->if_owner,    layout->if_tlbc_index};
    reader->stacks.heap_frames = layout->ts_frame != GS_ABSENT;
    const int32_t *frame = reader->stacks.heap_frames ? heap : chunk;
    size_t count = reader->stacks.heap_frames ? sizeof heap / sizeof *heap : sizeof chunk / sizeof *chunk;
    int32_t last_tstate = 0, last_frame = 0;
    for (size_t i = 0; i < sizeof tstate / sizeof *tstate; i++)
        last_tstate = tstate[i] > last_tstate ? tstate[i] : last_tstate;
    for (size_t i = 0; i < count; i++)
        last_frame = frame[i] > last_frame ? frame[i] : last_frame;
    reader->threads.tstate_bytes = (uint32_t)last_tstate + 8;
    reader->stacks.frame_head = (uint32_t)last_frame + 8;
    reader->stacks.frame_bytes =
        reader->stacks.heap_frames ? (uint32_t)layout->fo_localsplus + 8 : reader->stacks.frame_head;
}

/* From where to where the head of the interpreters lies, and close to it whether the runtime shuts down. */
static void set_runtime_window(struct gs_reader *reader)
{
    const struct gs_python *python = reader->threads.python;
    gs_addr head = python->at.interp_head, word = head, low, end;
    if (python->layout.rt_finalizing != GS_ABSENT)
        word = python->at.runtime + (gs_addr)python->layout.rt_finalizing;
    low = word < head ? word : head;
    end = (word > head ? word : head) + 8;
    if (end - low > GS_RUNTIME_BYTES) {
        low = head;
        end = head + 8;
    }
    reader->stacks.runtime_at = low;
    reader->stacks.runtime_len = (uint32_t)(end - low);
}

/* A descriptor is kept for each thread, as far as it goes: some must be left for everything else. Returns the first
 * that is not to be kept. */
static int allow_many_files(bool keep_limits)
{
    enum { LEFT_MOST = 64 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (keep_limits || (before < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit)))
        limit.rlim_cur = before;
    rlim_t most = limit.rlim_cur < INT_MAX ? limit.rlim_cur : INT_MAX;
    return (int)(most - (most / 2 < LEFT_MOST ? most / 2 : LEFT_MOST));
}

enum gs_status gs_reader_new(struct gs_reader **out, struct gs_python *python, const struct gs_reader_options *options)
{
    struct gs_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return GS_NO_MEMORY;
    reader->stacks.threads = reader->waiters.threads = &reader->threads;
    reader->threads.python = python;
    reader->threads.meet = gs_read_fresh;
    reader->threads.context = &reader->stacks;
    reader->stacks.options = *options;
    reader->threads.pthread_tid = GS_ABSENT;
    reader->waiters.recheck.last_ns = reader->codes_checked_ns = reader->checked_ns = gs_clock_ns();
    gs_budget_init(&reader->stacks.budget, options->max_pause, reader->checked_ns);
    set_sizes(reader);
    set_runtime_window(reader);
    reader->threads.kept_files = allow_many_files(options->keep_limits);
    reader->threads.cache = gs_mem_cache_new(python->mem);
    reader->stacks.codes = gs_codes_new(python);
    if (!reader->threads.cache || !reader->stacks.codes || reader->threads.tstate_bytes > GS_TSTATE_MAX ||
        gs_reader_native(reader, options->native, 0) != GS_OK) {
        gs_reader_free(reader);
        return GS_NO_MEMORY;
    }
    *out = reader;
    return GS_OK;
}

void gs_reader_free(struct gs_reader *reader)
{
    if (!reader)
        return;
    gs_stop_fini(&reader->stacks.stop);
    gs_list_free(&reader->threads);
    gs_natives_free(&reader->stacks);
    gs_publish_free(&reader->out);
    gs_codes_free(reader->stacks.codes);
    gs_mem_free(reader->threads.cache);
    gs_ids_fini(&reader->waiters.conds);
    free(reader->stacks.heads);
    free(reader->stacks.pieces);
    free(reader->stacks.arena);
    free(reader->stacks.chain);
    free(reader->all);
    free(reader);
}

void gs_reader_full_census(struct gs_reader *reader)
{
    reader->waiters.ask_all = true;
}

void gs_reader_locks(struct gs_reader *reader, bool locks)
{
    reader->waiters.locks = locks;
}

void gs_reader_drop(struct gs_reader *reader)
{
    reader->stacks.quality.samples--;
    reader->stacks.quality.torn -= reader->any_torn;
}

const struct gs_quality *gs_reader_quality(struct gs_reader *reader)
{
    reader->stacks.quality.cpu_us = gs_clock_cpu_us();
    return &reader->stacks.quality;
}

struct gs_codes *gs_reader_codes(struct gs_reader *reader)
{
    return reader->stacks.codes;
}

enum gs_status gs_reader_native(struct gs_reader *reader, enum gs_native_scope scope, pid_t tid)
{
    struct gs_natives *natives = &reader->stacks.natives;
    natives->scope = scope;
    natives->only = tid;
    if (scope == GS_NATIVE_NONE || natives->engine)
        return GS_OK;
    return gs_native_new(&natives->engine, reader->threads.python->target, &reader->stacks.options.native_options);
}

struct gs_native *gs_reader_natives(struct gs_reader *reader)
{
    return reader->stacks.natives.engine;
}
