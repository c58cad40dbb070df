/* Lays out a process: everything but its stacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/mem_fake.h"
#include "support/process_fake.h"
#include "support/unit.h"

enum { PAGE = 4096, PTHREAD_BYTES = 4096, PTHREAD_TID = 720 };

static void put64(struct process *p, gs_addr at, int32_t field, uint64_t value)
{
    if (field != GS_ABSENT)
        mem_fake_put64(p->o.mem, at + (gs_addr)field, value);
}

static gs_addr get64(struct process *p, gs_addr addr)
{
    gs_addr value;
    memcpy(&value, mem_fake_at(p->o.mem, addr, 8), 8);
    return value;
}

gs_addr process_map(struct process *p, size_t bytes)
{
    gs_addr addr = p->next_region;
    bytes = (bytes + PAGE - 1) / PAGE * PAGE;
    mem_fake_map(p->o.mem, addr, bytes);
    p->next_region += bytes + 16 * PAGE;
    return addr;
}

/* ---- threads of ours ---- */

struct start {
    struct process *process;
    size_t index;
};

static void *sleeper(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    char byte;
    int fd = start.process->pipe[0];
    __atomic_store_n(&start.process->sleepers[start.index], (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    while (read(fd, &byte, 1) < 0)
        ;
    return NULL;
}

static bool asleep(pid_t tid)
{
    char path[64], text[64] = "";
    long call;
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)tid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, sizeof text, file))
        text[0] = '\0';
    if (file)
        fclose(file);
    return sscanf(text, "%ld", &call) == 1 && call == SYS_read;
}

static void start_sleepers(struct process *p)
{
    assert_int_equal(pipe(p->pipe), 0);
    for (size_t i = 0; i < PROCESS_SLEEPERS; i++) {
        struct start *start = malloc(sizeof *start);
        assert_non_null(start);
        *start = (struct start){p, i};
        assert_int_equal(pthread_create(&p->pthreads[i], NULL, sleeper, start), 0);
        pid_t tid;
        while ((tid = __atomic_load_n(&p->sleepers[i], __ATOMIC_ACQUIRE)) == 0 || !asleep(tid))
            usleep(100);
    }
}

/* ---- the runtime ---- */

static void set_anchors(struct process *p)
{
    const struct gs_layout *layout = &p->o.layout;
    struct gs_anchors *at = &p->python.at;
    if (layout->rt_size != GS_ABSENT) {
        p->runtime = at->runtime = process_map(p, (size_t)layout->rt_size);
        p->interp_head = at->interp_head = p->runtime + (gs_addr)layout->rt_interpreters_head;
        return;
    }
    gs_addr data = process_map(p, PAGE);
    at->current = data;
    p->interp_head = at->interp_head = data + 8;
    at->data_start = data;
    at->data_end = data + PAGE;
    if (layout->gil_home == GS_GIL_SEMAPHORE) {
        at->interpreter_lock = data + 16;
        return;
    }
    at->gil_interval = data + 64;
    at->gil_locked = data + 72;
    at->gil_last_holder = data + 1024;
    at->gil_switch_number = data + 1032;
    at->gil_cond = data + 1040;
    at->gil_mutex = data + 1088;
    at->gil_switch_cond = data + 1136;
    at->gil_switch_mutex = data + 1184;
    at->gil_drop_request = data + 1240;
}

gs_addr process_gil_word(struct process *p, gs_addr gil, enum process_word word)
{
    const struct gs_layout *layout = &p->o.layout;
    const struct gs_anchors *at = &p->python.at;
    const struct {
        gs_addr variable;
        int32_t field;
    } words[] = {[PROCESS_LOCKED] = {at->gil_locked, layout->gil_locked},
                 [PROCESS_LAST_HOLDER] = {at->gil_last_holder, layout->gil_last_holder},
                 [PROCESS_SWITCHES] = {at->gil_switch_number, layout->gil_switch_number},
                 [PROCESS_INTERVAL] = {at->gil_interval, layout->gil_interval},
                 [PROCESS_COND] = {at->gil_cond, layout->gil_cond},
                 [PROCESS_MUTEX] = {at->gil_mutex, layout->gil_mutex},
                 [PROCESS_SWITCH_COND] = {at->gil_switch_cond, layout->gil_switch_cond},
                 [PROCESS_SWITCH_MUTEX] = {at->gil_switch_mutex, layout->gil_switch_mutex}};
    return layout->gil_home == GS_GIL_STATICS ? words[word].variable : gil + (gs_addr)words[word].field;
}

gs_addr process_interpreter(struct process *p, gs_addr *gil)
{
    const struct gs_layout *layout = &p->o.layout;
    gs_addr interp = process_map(p, (size_t)layout->is_size);
    gs_addr head = get64(p, p->interp_head);
    uint64_t id = 0;
    for (gs_addr at = head; at; at = get64(p, at + (gs_addr)layout->is_next))
        id++;
    put64(p, interp, layout->is_next, head);
    put64(p, interp, layout->is_id, id);
    mem_fake_put64(p->o.mem, p->interp_head, interp);
    if (layout->gil_home == GS_GIL_INTERPRETER) {
        gs_addr own = gil ? process_map(p, (size_t)layout->gil_size) : p->gil;
        put64(p, interp, layout->is_gil, own);
        if (gil)
            *gil = own;
    } else if (layout->gil_home == GS_GIL_RUNTIME && gil) {
        *gil = p->runtime + (gs_addr)layout->rt_gil;
    }
    return interp;
}

void process_init(struct process *p, uint32_t version)
{
    memset(p, 0, sizeof *p);
    objects_init(&p->o, version);
    p->mem = mem_script_new(p->o.mem);
    p->next_region = UINT64_C(0x7f6600000000);
    start_sleepers(p);
    p->target = (struct gs_target){
        .pid = getpid(), .living = getpid(), .mem_fd = -1, .ns_pid = getpid(), .mem = p->mem, .exe = strdup("")};
    p->python = (struct gs_python){.target = &p->target, .mem = p->mem, .layout = p->o.layout};
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    unsigned long long start = 0;
    assert_int_equal(sscanf(strrchr(text, ')') + 1,
                            " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                            &start),
                     1);
    p->target.start_ticks = start;
    set_anchors(p);
    p->interp = process_interpreter(p, &p->gil);
    if (p->o.layout.gil_home == GS_GIL_SEMAPHORE) {
        gs_addr semaphore = process_map(p, PAGE);
        mem_fake_put64(p->o.mem, p->python.at.interpreter_lock, semaphore);
    } else {
        mem_fake_put64(p->o.mem, process_gil_word(p, p->gil, PROCESS_INTERVAL), 5000);
    }
    static const uint8_t lines[] = {0x80, 0x00, 0xd8, 0x04, 0x05, 0x02};
    static const char *const names[] = {"f", "g", "h", "t"};
    for (size_t i = 0; i < 4; i++) {
        struct objects_code code = {.name = names[i],
                                    .file = "/srv/app.py",
                                    .first_line = 10 * (int)i + 1,
                                    .stack = PROCESS_FRAME_WORDS - 9,
                                    .frame = PROCESS_FRAME_WORDS,
                                    .lines = lines,
                                    .line_bytes = sizeof lines,
                                    .code_bytes = PROCESS_CODE_BYTES};
        p->codes[i] = objects_code(&p->o, &code);
    }
    if (p->o.layout.co_firsttraceable != GS_ABSENT)
        mem_fake_put32(p->o.mem, p->codes[3] + (gs_addr)p->o.layout.co_firsttraceable, PROCESS_CODE_BYTES / 2);
}

void process_fini(struct process *p)
{
    gs_reader_free(p->reader);
    gs_mem_free(p->mem);
    free(p->target.exe);
    close(p->pipe[1]);
    for (size_t i = 0; i < PROCESS_SLEEPERS; i++)
        pthread_join(p->pthreads[i], NULL);
    close(p->pipe[0]);
}

/* ---- thread states ---- */

void process_link(struct process *p, struct process_thread *thread)
{
    const struct gs_layout *layout = &p->o.layout;
    gs_addr word = thread->interp + (gs_addr)layout->is_threads_head, head = get64(p, word);
    put64(p, thread->addr, layout->ts_prev, 0);
    put64(p, thread->addr, layout->ts_next, head);
    if (head)
        put64(p, head, layout->ts_prev, thread->addr);
    mem_fake_put64(p->o.mem, word, thread->addr);
}

void process_unlink(struct process *p, struct process_thread *thread)
{
    const struct gs_layout *layout = &p->o.layout;
    gs_addr before = 0, at = get64(p, thread->interp + (gs_addr)layout->is_threads_head);
    for (; at != thread->addr; at = get64(p, at + (gs_addr)layout->ts_next))
        before = at;
    gs_addr next = get64(p, at + (gs_addr)layout->ts_next);
    mem_fake_put64(
        p->o.mem, before ? before + (gs_addr)layout->ts_next : thread->interp + (gs_addr)layout->is_threads_head, next);
    if (next)
        put64(p, next, layout->ts_prev, before);
}

struct process_thread *process_thread(struct process *p, gs_addr interp, pid_t tid)
{
    const struct gs_layout *layout = &p->o.layout;
    assert_true(p->thread_count < PROCESS_THREADS);
    struct process_thread *thread = &p->threads[p->thread_count++];
    memset(thread, 0, sizeof *thread);
    thread->interp = interp;
    thread->addr = process_map(p, 2 * PAGE);
    thread->ident = process_map(p, PTHREAD_BYTES);
    mem_fake_put32(p->o.mem, thread->ident + PTHREAD_TID, (uint32_t)tid);
    put64(p, thread->addr, layout->ts_interp, interp);
    put64(p, thread->addr, layout->ts_thread_id, thread->ident);
    put64(p, thread->addr, layout->ts_native_thread_id, (uint64_t)tid);
    put64(p, thread->addr, layout->ts_id, p->thread_count);
    if (layout->ts_cframe != GS_ABSENT) {
        thread->cframe = process_map(p, PAGE) + 512;
        put64(p, thread->addr, layout->ts_cframe, thread->cframe);
    }
    process_link(p, thread);
    return thread;
}

/* ---- the GIL ---- */

void process_take(struct process *p, struct process_thread *holder)
{
    const struct gs_layout *layout = &p->o.layout;
    if (p->python.at.current)
        mem_fake_put64(p->o.mem, p->python.at.current, holder->addr);
    if (layout->gil_home == GS_GIL_SEMAPHORE)
        return;
    gs_addr last = process_gil_word(p, p->gil, PROCESS_LAST_HOLDER);
    if (get64(p, last) != holder->addr)
        p->switches++;
    mem_fake_put64(p->o.mem, last, holder->addr);
    mem_fake_put32(p->o.mem, process_gil_word(p, p->gil, PROCESS_LOCKED), 1);
    mem_fake_put64(p->o.mem, process_gil_word(p, p->gil, PROCESS_SWITCHES), p->switches);
}

void process_drop(struct process *p)
{
    if (p->python.at.current)
        mem_fake_put64(p->o.mem, p->python.at.current, 0);
    if (p->o.layout.gil_home != GS_GIL_SEMAPHORE)
        mem_fake_put32(p->o.mem, process_gil_word(p, p->gil, PROCESS_LOCKED), 0);
}
