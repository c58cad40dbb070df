/* Processes made to be slow to look at, or large: lists without end, stacks without end, tables and texts as long as a
 * number can be. Each is an image of a real process in whose memory a few words were changed. A look at it must end,
 * and must not take memory without bound.
 *
 *   worst IMAGE...    prints what each took */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/book.h"
#include "fuzz/image.h"
#include "fuzz/show.h"
#include "gilspy/snapshot.h"

enum {
    TSTATE_BYTES = 512,
    CODE_BYTES = 512,
    FRAME_ROOM = 512,
    SECONDS_MAX = 60 /* of a processor */,
    FILE_MAX = 1 << 20
};
#define MEMORY_MAX (UINT64_C(1) << 30)
#if defined(__SANITIZE_ADDRESS__)
enum { BOUNDED = 0 }; /* sanitizers take memory of their own */
#else
enum { BOUNDED = 1 };
#endif

/* A process on its way to be the worst, and what of it can be copied. */
struct world {
    struct gs_target *target;
    struct gs_mem *mem;
    struct gs_layout layout;
    gs_addr interp_head, interp, tstate;
    gs_addr frame, code; /* of a function with arguments */
    size_t frame_bytes;
    gs_addr next; /* free memory */
};

static gs_addr alloc(struct world *w, size_t bytes)
{
    gs_addr addr = w->next;
    w->next += (bytes + 63) / 64 * 64;
    return addr;
}

static gs_addr copy(struct world *w, gs_addr from, size_t bytes)
{
    gs_addr to = alloc(w, bytes);
    for (size_t at = 0; at < bytes; at += 8) {
        uint64_t word = 0; /* where the image has nothing */
        if (gs_mem_read_addr(w->mem, from + at, &word) == GS_OK)
            book_put64(w->mem, to + at, word);
    }
    return to;
}

static gs_addr get(struct world *w, gs_addr at, int32_t field)
{
    gs_addr value = 0;
    if (field == GS_ABSENT || gs_mem_read_addr(w->mem, at + (gs_addr)field, &value))
        return 0;
    return value;
}

static void put(struct world *w, gs_addr at, int32_t field, uint64_t value)
{
    if (field != GS_ABSENT)
        book_put64(w->mem, at + (gs_addr)field, value);
}

/* 2^40 bytes that all read as this word. */
static gs_addr endless(struct world *w, uint64_t word)
{
    uint64_t page[BOOK_PAGE / sizeof word];
    gs_addr start = (w->next + (UINT64_C(1) << 40)) & ~((UINT64_C(1) << 40) - 1);
    for (size_t i = 0; i < sizeof page / sizeof *page; i++)
        page[i] = word;
    book_repeat(w->mem, start, start + (UINT64_C(1) << 40), (const uint8_t *)page);
    w->next = start + (UINT64_C(1) << 40);
    return start;
}

/* ---- pieces ---- */

/* `count` thread states, of which the first is the head of the interpreter's list; all are the same kernel thread. */
static gs_addr add_threads(struct world *w, gs_addr interp, size_t count)
{
    gs_addr first = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        gs_addr tstate = copy(w, w->tstate, TSTATE_BYTES);
        put(w, tstate, w->layout.ts_interp, interp);
        put(w, tstate, w->layout.ts_prev, before);
        put(w, tstate, w->layout.ts_next, 0);
        if (before)
            put(w, before, w->layout.ts_next, tstate);
        first = first ? first : tstate;
        before = tstate;
    }
    put(w, interp, w->layout.is_threads_head, first);
    return first;
}

static int32_t code_field(const struct world *w)
{
    return w->layout.ts_frame != GS_ABSENT ? w->layout.fo_code : w->layout.if_code;
}

/* A frame outside of any chunk that calls nothing and runs `code`, a copy of w->code. */
static gs_addr new_frame(struct world *w, gs_addr code, size_t apart)
{
    gs_addr frame = copy(w, w->frame, w->frame_bytes);
    w->next = frame + (apart > w->frame_bytes ? apart : (w->frame_bytes + 7) / 8 * 8);
    uint64_t tag = get(w, w->frame, code_field(w)) & (uint64_t)(uint32_t)w->layout.ref_tag_mask;
    put(w, frame, code_field(w), code | tag);
    if (w->layout.ts_frame == GS_ABSENT) {
        put(w, frame, w->layout.if_instr, get(w, w->frame, w->layout.if_instr) - w->code + code);
        book_write(w->mem, frame + (gs_addr)w->layout.if_owner, "\1", 1);
    }
    return frame;
}

static void set_back(struct world *w, gs_addr frame, gs_addr back)
{
    put(w, frame, w->layout.ts_frame != GS_ABSENT ? w->layout.fo_back : w->layout.if_previous, back);
}

/* A stack of `count` frames; the last one goes back to the first if it turns. */
static gs_addr new_stack(struct world *w, size_t count, size_t apart, bool turns)
{
    gs_addr first = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        gs_addr frame = new_frame(w, w->code, apart);
        if (before)
            set_back(w, before, frame);
        first = first ? first : frame;
        before = frame;
    }
    set_back(w, before, turns ? first : 0);
    return first;
}

static void set_stack(struct world *w, gs_addr tstate, gs_addr frame)
{
    const struct gs_layout *layout = &w->layout;
    put(w, tstate, layout->ts_datastack_chunk, 0);
    put(w, tstate, layout->ts_base_frame, 0);
    put(w, tstate, layout->ts_frame, frame);
    put(w, tstate, layout->ts_current_frame, frame);
    if (layout->ts_cframe != GS_ABSENT) {
        gs_addr cframe = alloc(w, 64);
        put(w, cframe, layout->cf_current_frame, frame);
        put(w, tstate, layout->ts_cframe, cframe);
    }
}

/* All threads from this one on have the same stack. */
static void set_stacks(struct world *w, gs_addr tstate, gs_addr frame)
{
    for (; tstate; tstate = get(w, tstate, w->layout.ts_next))
        set_stack(w, tstate, frame);
}

/* ---- the worst ---- */

static void many_threads(struct world *w)
{
    add_threads(w, w->interp, 50000);
}

static void threads_in_a_circle(struct world *w)
{
    gs_addr first = add_threads(w, w->interp, 8000), last = first;
    for (gs_addr next; (next = get(w, last, w->layout.ts_next));)
        last = next;
    put(w, last, w->layout.ts_next, first);
}

static void deep_stacks(struct world *w)
{
    set_stacks(w, add_threads(w, w->interp, 8000), new_stack(w, 99999, 0, false));
}

static void stacks_in_a_circle(struct world *w)
{
    set_stacks(w, add_threads(w, w->interp, 8000), new_stack(w, 1 << 17, 0, true));
}

static void stacks_all_over_memory(struct world *w)
{
    set_stacks(w, add_threads(w, w->interp, 8000), new_stack(w, 20000, 8192, false));
}

/* As many chunks as there may be, and a stack that is in none of them. */
static void many_chunks(struct world *w)
{
    gs_addr frame = new_stack(w, 99999, 0, false), first = add_threads(w, w->interp, 2000), before = 0;
    if (w->layout.ts_datastack_chunk == GS_ABSENT)
        return;
    for (int i = 0; i < 8000; i++) {
        gs_addr chunk = alloc(w, 1024);
        put(w, chunk, w->layout.ck_previous, before);
        put(w, chunk, w->layout.ck_size, 1024);
        put(w, chunk, w->layout.ck_top, 16);
        before = chunk;
    }
    set_stacks(w, first, frame);
    for (gs_addr at = first; at; at = get(w, at, w->layout.ts_next)) {
        put(w, at, w->layout.ts_datastack_chunk, before);
        put(w, at, w->layout.ts_datastack_top, before + 512);
    }
}

/* Code objects of their own for each frame, with something that each of them says at length. */
static void many_codes(struct world *w, int32_t field, gs_addr object, size_t count)
{
    gs_addr first = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        gs_addr code = copy(w, w->code, CODE_BYTES), frame = new_frame(w, code, 0);
        put(w, code, field, object);
        if (before)
            set_back(w, before, frame);
        first = first ? first : frame;
        before = frame;
    }
    set_back(w, before, 0);
    set_stack(w, w->tstate, first);
}

/* A copy of the beginning of an object, with endless contents. */
static gs_addr endless_object(struct world *w, gs_addr like, uint64_t word, int32_t size_field, uint64_t size)
{
    uint8_t head[64];
    gs_addr object = endless(w, word);
    if (gs_mem_read(w->mem, like, head, (size_t)w->layout.bytes_data))
        abort();
    book_write(w->mem, object, head, (size_t)w->layout.bytes_data);
    for (size_t at = (size_t)w->layout.bytes_data; at < BOOK_PAGE; at++)
        book_write(w->mem, object + at, (uint8_t *)&word + at % 8, 1);
    put(w, object, size_field, size);
    return object;
}

/* Entries that never reach the instruction. */
static void long_line_tables(struct world *w)
{
    gs_addr like = get(w, w->code, w->layout.co_linetable);
    gs_addr lines = endless_object(w, like, 0, w->layout.ob_size, UINT64_C(1) << 39);
    many_codes(w, w->layout.co_linetable, lines, 20000);
}

/* A few of these tables, asked again and again. */
static void deep_in_line_tables(struct world *w)
{
    enum { CODES = 20, FRAMES = 99000 };
    gs_addr codes[CODES], like = get(w, w->code, w->layout.co_linetable), first = 0, before = 0;
    gs_addr lines = endless_object(w, like, 0, w->layout.ob_size, UINT64_C(1) << 39);
    for (size_t i = 0; i < CODES; i++) {
        codes[i] = copy(w, w->code, CODE_BYTES);
        put(w, codes[i], w->layout.co_linetable, lines);
    }
    for (size_t i = 0; i < FRAMES; i++) {
        gs_addr frame = new_frame(w, codes[i % CODES], 0);
        if (before)
            set_back(w, before, frame);
        first = first ? first : frame;
        before = frame;
    }
    set_back(w, before, 0);
    set_stack(w, w->tstate, first);
}

static void long_names(struct world *w)
{
    bool two = w->layout.str_length == GS_ABSENT;
    gs_addr like = get(w, w->code, w->layout.co_name);
    gs_addr name = endless_object(w, like, UINT64_C(0x4141414141414141), two ? w->layout.ob_size : w->layout.str_length,
                                  UINT64_C(1) << 60);
    many_codes(w, w->layout.co_name, name, 10000);
    many_codes(w, w->layout.co_filename, name, 10000);
}

static void many_interpreters(struct world *w)
{
    gs_addr head = get(w, w->interp_head, 0);
    for (int i = 0; i < 1000; i++) {
        gs_addr interp = copy(w, w->interp, 16384);
        put(w, interp, w->layout.is_next, head);
        put(w, interp, w->layout.is_id, (uint64_t)i + 1);
        add_threads(w, interp, 8);
        head = interp;
    }
    put(w, w->interp_head, 0, head);
}

static void endless_dict_at(struct world *w, gs_addr dict, gs_addr key)
{
    const struct gs_layout *layout = &w->layout;
    gs_addr table = endless(w, key);
    put(w, dict, layout->dict_used, UINT64_C(1) << 30);
    put(w, dict, layout->dict_mask, (UINT64_C(1) << 30) - 1);
    put(w, dict, layout->dict_table, table);
    put(w, dict, layout->dict_keys, table);
    put(w, dict, layout->dict_values, 0);
    put(w, table, layout->dk_size, UINT64_C(1) << 30);
    if (layout->dk_log2_size != GS_ABSENT) {
        book_write(w->mem, table + (gs_addr)layout->dk_log2_size, "\36", 1);
        book_write(w->mem, table + (gs_addr)layout->dk_log2_index_bytes, "\40", 1);
        book_write(w->mem, table + (gs_addr)layout->dk_kind, "\0", 1);
    }
    put(w, table, layout->dk_nentries, UINT64_C(1) << 30);
}

/* The modules of many interpreters are one endless dict. */
static void endless_modules(struct world *w)
{
    endless_dict_at(w, get(w, w->interp, w->layout.is_modules), get(w, w->code, w->layout.co_name));
    many_interpreters(w);
}

/* Code with as many variables as are shown, in each of many frames; each is a list of lists. */
static void many_variables(struct world *w)
{
    enum { VARIABLES = 4096, FRAMES = 20000 };
    const struct gs_layout *layout = &w->layout;
    bool plus = layout->co_localsplusnames != GS_ABSENT;
    int32_t names_field = plus ? layout->co_localsplusnames : layout->co_varnames;
    int32_t slots_at = layout->ts_frame != GS_ABSENT ? layout->fo_localsplus : layout->if_localsplus;
    gs_addr old = get(w, w->code, names_field), name = get(w, w->code, layout->co_name);
    gs_addr names = copy(w, old, (size_t)layout->tuple_items);
    alloc(w, 8 * VARIABLES);
    put(w, names, layout->ob_size, VARIABLES);
    for (int i = 0; i < VARIABLES; i++)
        book_put64(w->mem, names + (gs_addr)layout->tuple_items + 8 * (gs_addr)i, name);
    /* A tuple of itself, five times. */
    gs_addr value = copy(w, old, (size_t)layout->tuple_items);
    alloc(w, 64);
    put(w, value, layout->ob_size, 5);
    for (int i = 0; i < 5; i++)
        book_put64(w->mem, value + (gs_addr)layout->tuple_items + 8 * (gs_addr)i, names);
    put(w, w->code, names_field, names);
    if (plus) {
        gs_addr kinds = endless_object(w, get(w, w->code, layout->co_localspluskinds), 0, layout->ob_size, VARIABLES);
        put(w, w->code, layout->co_localspluskinds, kinds);
    }
    gs_addr frames = new_stack(w, FRAMES, 0, false);
    for (int i = 0; i < VARIABLES; i++)
        book_put64(w->mem, w->next - w->frame_bytes + (gs_addr)slots_at + 8 * (gs_addr)i, value);
    set_stack(w, w->tstate, frames);
}

static const struct scenario {
    const char *name;
    void (*make)(struct world *w);
} scenarios[] = {{"as it is", NULL},
                 {"many threads", many_threads},
                 {"threads in a circle", threads_in_a_circle},
                 {"deep stacks", deep_stacks},
                 {"stacks in a circle", stacks_in_a_circle},
                 {"stacks all over memory", stacks_all_over_memory},
                 {"many chunks", many_chunks},
                 {"long line tables", long_line_tables},
                 {"deep in line tables", deep_in_line_tables},
                 {"long names", long_names},
                 {"many interpreters", many_interpreters},
                 {"endless modules", endless_modules},
                 {"many variables", many_variables}};

/* ---- running ---- */

/* The thread whose innermost function has arguments. */
static bool choose(struct world *w, struct gs_python *python)
{
    struct gs_reader *reader;
    const struct gs_snapshot *snapshot;
    struct gs_reader_options options = {.stopping = GS_STOP_NEVER};
    bool found = false;
    if (gs_reader_new(&reader, python, &options))
        abort();
    if (gs_reader_take(reader, &snapshot))
        abort();
    for (size_t i = 0; i < snapshot->thread_count && !found; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        for (uint32_t k = 0; k < thread->frame_count && !found; k++) {
            const struct gs_code *code = gs_codes_find(gs_reader_codes(reader), thread->frames[k].code);
            found = code && strcmp(code->function, "recurse") == 0;
            w->tstate = thread->tstate;
            w->frame = thread->frames[k].frame;
            w->code = thread->frames[k].code;
        }
        w->interp = snapshot->interpreters[thread->interpreter].addr;
    }
    gs_reader_free(reader);
    return found;
}

static void open_world(struct world *w, const char *path)
{
    static uint8_t bytes[FILE_MAX];
    struct gs_python *python;
    struct gs_err err;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    w->target = image_target(bytes, size);
    if (!w->target || gs_python_open(&python, w->target, NULL, &err) || !choose(w, python)) {
        fprintf(stderr, "%s: cannot be used\n", path);
        exit(1);
    }
    fclose(file);
    w->mem = w->target->mem;
    w->layout = python->layout;
    w->interp_head = python->at.interp_head;
    w->next = UINT64_C(0x100000000000);
    w->frame_bytes =
        w->layout.ts_frame != GS_ABSENT ? (size_t)w->layout.fo_localsplus + 16 : (size_t)w->layout.if_localsplus + 16;
    gs_python_close(python);
}

/* In a process of its own, so that what it takes is known. */
static bool run(const char *path, const struct scenario *scenario)
{
    struct rusage before, used;
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct world w = {0};
        struct show show;
        open_world(&w, path);
        if (scenario->make)
            scenario->make(&w);
        getrusage(RUSAGE_SELF, &before);
        struct rlimit limit = {.rlim_cur = SECONDS_MAX + (rlim_t)before.ru_utime.tv_sec, .rlim_max = RLIM_INFINITY};
        setrlimit(RLIMIT_CPU, &limit);
        show_target(&show, w.target, true);
        getrusage(RUSAGE_SELF, &used);
        double seconds = (double)(used.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                         (double)(used.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6;
        uint64_t kilobytes = (uint64_t)(used.ru_maxrss - before.ru_maxrss);
        printf("%-24s %6.2f s %6lu MB %7zu threads %8zu frames %9zu bytes of text\n", scenario->name, seconds,
               (unsigned long)kilobytes >> 10, show.threads, show.frames, show.text_len);
        fflush(stdout);
        _exit(BOUNDED && kilobytes << 10 > MEMORY_MAX ? 2 : 0);
    }
    if (waitpid(child, &status, 0) != child || status == 0)
        return true;
    printf("%s: %s: %s\n", path, scenario->name,
           WIFEXITED(status) ? "takes too much memory" : strsignal(WTERMSIG(status)));
    return false;
}

int main(int argc, char **argv)
{
    bool ok = argc > 1;
    setlocale(LC_CTYPE, "C.UTF-8");
    for (int i = 1; i < argc; i++) {
        printf("%s\n", argv[i]);
        for (size_t k = 0; k < sizeof scenarios / sizeof *scenarios; k++)
            ok &= run(argv[i], &scenarios[k]);
    }
    return ok ? 0 : 1;
}
