/* Lays out the stacks of a process made by hand, and says what a snapshot shows of them. */
#include <stdio.h>
#include <string.h>

#include "sample/reader.h"
#include "support/mem_fake.h"
#include "support/process_fake.h"
#include "support/unit.h"

enum { OWNER_THREAD = 0, OWNER_GENERATOR = 1 };

static void put64(struct process *p, gs_addr at, int32_t field, uint64_t value)
{
    if (field != GS_ABSENT)
        mem_fake_put64(p->o.mem, at + (gs_addr)field, value);
}

static void put8(struct process *p, gs_addr at, int32_t field, uint8_t value)
{
    if (field != GS_ABSENT)
        objects_put8(&p->o, at + (gs_addr)field, value);
}

void process_set_current(struct process *p, struct process_thread *thread, gs_addr frame)
{
    const struct gs_layout *layout = &p->o.layout;
    thread->frame = frame;
    if (layout->ts_frame != GS_ABSENT)
        put64(p, thread->addr, layout->ts_frame, frame);
    else if (layout->ts_cframe != GS_ABSENT)
        put64(p, thread->cframe, layout->cf_current_frame, frame);
    else
        put64(p, thread->addr, layout->ts_current_frame, frame);
}

void process_step(struct process *p, gs_addr frame, size_t code, int instr)
{
    const struct gs_layout *layout = &p->o.layout;
    if (layout->ts_frame != GS_ABSENT) {
        put64(p, frame, layout->fo_code, p->codes[code]);
        mem_fake_put32(p->o.mem, frame + (gs_addr)layout->fo_lasti,
                       (uint32_t)(instr < 0 ? instr : instr * 2 / layout->lasti_unit));
        return;
    }
    put64(p, frame, layout->if_code, p->codes[code] | (layout->ref_tag_mask & 1));
    put64(p, frame, layout->if_instr,
          p->codes[code] + (gs_addr)layout->co_code_adaptive + (gs_addr)(int64_t)(2 * instr));
}

/* A frame at addr becomes the innermost. */
static gs_addr enter(struct process *p, struct process_thread *thread, gs_addr addr, size_t code, int instr,
                     uint8_t owner)
{
    const struct gs_layout *layout = &p->o.layout;
    process_step(p, addr, code, instr);
    if (layout->ts_frame != GS_ABSENT) {
        put64(p, addr, layout->fo_back, thread->frame);
        put8(p, addr, layout->fo_executing, 1);
        put64(p, addr, layout->fo_tstate, thread->addr);
        put8(p, addr, layout->fo_state, 0);
    } else {
        put64(p, addr, layout->if_previous, thread->frame);
        put8(p, addr, layout->if_owner, owner);
    }
    process_set_current(p, thread, addr);
    return addr;
}

static void set_top(struct process *p, struct process_thread *thread, gs_addr top)
{
    thread->top = top;
    put64(p, thread->addr, p->o.layout.ts_datastack_top, top);
}

void process_chunk(struct process *p, struct process_thread *thread)
{
    const struct gs_layout *layout = &p->o.layout;
    gs_addr chunk = process_map(p, PROCESS_CHUNK_BYTES), data = (gs_addr)layout->ck_data;
    if (thread->chunk)
        put64(p, thread->chunk, layout->ck_top, (thread->top - thread->chunk - data) / 8);
    put64(p, chunk, layout->ck_previous, thread->chunk);
    put64(p, chunk, layout->ck_size, PROCESS_CHUNK_BYTES);
    set_top(p, thread, chunk + data + (thread->chunk ? 0 : 8));
    thread->chunk = chunk;
    put64(p, thread->addr, layout->ts_datastack_chunk, chunk);
}

gs_addr process_resume(struct process *p, struct process_thread *thread, size_t code, int instr)
{
    return enter(p, thread, objects_alloc(&p->o, 1024) + 512, code, instr, OWNER_GENERATOR);
}

gs_addr process_shim(struct process *p, struct process_thread *thread)
{
    return enter(p, thread, process_map(p, 4096) + 1024, 0, 0, (uint8_t)p->o.layout.owner_shim);
}

gs_addr process_call(struct process *p, struct process_thread *thread, size_t code, int instr)
{
    if (p->o.layout.ts_frame != GS_ABSENT)
        return process_resume(p, thread, code, instr);
    gs_addr end = thread->chunk + PROCESS_CHUNK_BYTES;
    if (!thread->chunk || end - thread->top < 8 * PROCESS_FRAME_WORDS)
        process_chunk(p, thread);
    gs_addr addr = thread->top;
    set_top(p, thread, addr + 8 * PROCESS_FRAME_WORDS);
    return enter(p, thread, addr, code, instr, OWNER_THREAD);
}

void process_return(struct process *p, struct process_thread *thread, size_t words)
{
    const struct gs_layout *layout = &p->o.layout;
    gs_addr back, field = (gs_addr)(layout->ts_frame != GS_ABSENT ? layout->fo_back : layout->if_previous);
    memcpy(&back, mem_fake_at(p->o.mem, thread->frame + field, 8), 8);
    if (layout->ts_frame == GS_ABSENT && words)
        set_top(p, thread, thread->frame);
    process_set_current(p, thread, back);
}

/* ---- what is seen ---- */

void process_open(struct process *p, enum gs_stopping stopping)
{
    struct gs_reader_options options = {.stopping = stopping};
    assert_int_equal(gs_reader_new(&p->reader, &p->python, &options), GS_OK);
}

void process_reopen(struct process *p)
{
    gs_reader_free(p->reader);
    process_open(p, GS_STOP_NEVER);
}

void process_for_versions(uint32_t from, uint32_t to, process_test *test)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct process p;
        if (objects_versions[i] < from || objects_versions[i] > to)
            continue;
        process_init(&p, objects_versions[i]);
        process_open(&p, GS_STOP_NEVER);
        test(&p);
        process_fini(&p);
    }
}

void process_must_take(struct process *p)
{
    assert_int_equal(process_take_snapshot(p), GS_OK);
}

/* Whoever was left as published before has no news. */
static void check_published(const struct process *p)
{
    for (size_t i = 0; i < p->reader->out.order_count; i++) {
        const struct gs_member *member = p->reader->out.order[i];
        if (member->place == SIZE_MAX)
            continue;
        const struct gs_thread *thread = &p->snapshot->threads[member->place];
        assert_int_equal(thread->tid, member->tid);
        assert_int_equal(thread->gil, member->wait.gil);
        assert_int_equal(thread->evidence, member->wait.evidence);
        assert_int_equal(thread->activity.run, member->wait.activity.run);
        assert_int_equal(thread->activity.number, member->wait.activity.number);
        assert_int_equal(thread->torn, member->stack.torn);
        assert_int_equal(thread->read, member->stack.read_sample);
        assert_ptr_equal(thread->frames, member->stack.frames);
        assert_int_equal(thread->frame_count, member->stack.frame_count);
    }
}

enum gs_status process_take_snapshot(struct process *p)
{
    enum gs_status status = gs_reader_take(p->reader, &p->snapshot);
    if (!status)
        check_published(p);
    return status;
}

static const struct gs_thread *find(struct process *p, pid_t tid)
{
    for (size_t i = 0; i < p->snapshot->thread_count; i++) {
        if (p->snapshot->threads[i].tid == tid)
            return &p->snapshot->threads[i];
    }
    return NULL;
}

const struct gs_thread *process_find(struct process *p, pid_t tid)
{
    const struct gs_thread *thread = find(p, tid);
    assert_non_null(thread);
    return thread;
}

bool process_has(struct process *p, pid_t tid)
{
    return find(p, tid) != NULL;
}

const char *process_stack(struct process *p, const struct gs_thread *thread)
{
    static char texts[4][4096];
    static size_t turn;
    char *text = texts[turn++ % 4];
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < thread->frame_count && used < sizeof texts[0] - 100; i++) {
        const struct gs_frame *frame = &thread->frames[i];
        const struct gs_code *code =
            frame->kind == GS_FRAME_GAP ? NULL : gs_codes_find(gs_reader_codes(p->reader), frame->code);
        if (i > 0)
            text[used++] = ' ';
        if (frame->kind == GS_FRAME_GAP)
            used += (size_t)sprintf(text + used, "?%d", frame->gap);
        else
            used += (size_t)sprintf(text + used, "%s:%d", code ? code->function : "unknown code",
                                    frame->instr < 0 ? -1 : frame->instr / 2);
    }
    return text;
}
