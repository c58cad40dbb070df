/* Deep stacks, of which only what changed is walked: whatever their thread does, they are shown as they are. */
#include <stdio.h>
#include <string.h>

#include "python/code_read.h"
#include "sample/reader.h"
#include "support/mem_fake.h"
#include "support/process_event.h"
#include "support/unit.h"

#define CHUNKS GS_VERSION(3, 11)
#define SHIMS  GS_VERSION(3, 12)

enum { DEPTH_MOST = 320, CHUNKS_MOST = 8, FRAME_BYTES = 8 * PROCESS_FRAME_WORDS, STEPS = 1500, TRAMPOLINE = 3 };
enum kind { CALL, GENERATOR, SHIM };

struct made {
    gs_addr addr, top; /* and where the data stack ended before it was called, */
    size_t level;      /* in which of the chunks */
    size_t code;
    int instr;
    enum kind kind;
};

/* One thread, outermost frame first. Its memory is used again as CPython does. */
struct play {
    struct process *p;
    struct process_thread *thread;
    struct made frames[DEPTH_MOST];
    size_t count;
    gs_addr elsewhere[DEPTH_MOST], chunks[CHUNKS_MOST], top;
    size_t level;
    uint64_t random;
    struct gs_frame last[DEPTH_MOST]; /* as they were seen last, */
    uint32_t last_count, last_read;
    size_t seen, same;
    size_t when; /* before which piece of this reading it becomes another's: become_other */
};

static void put(struct play *play, gs_addr at, int32_t field, uint64_t value)
{
    mem_fake_put64(play->p->o.mem, at + (gs_addr)field, value);
}

static void set_top(struct play *play, size_t level, gs_addr top)
{
    const struct gs_layout *layout = &play->p->o.layout;
    play->level = level;
    play->top = top;
    put(play, play->thread->addr, layout->ts_datastack_chunk, play->chunks[level]);
    put(play, play->thread->addr, layout->ts_datastack_top, top);
}

static void set_current(struct play *play)
{
    process_set_current(play->p, play->thread, play->count > 0 ? play->frames[play->count - 1].addr : 0);
}

static void next_chunk(struct play *play)
{
    const struct gs_layout *layout = &play->p->o.layout;
    gs_addr before = play->chunks[play->level], chunk = play->chunks[play->level + 1];
    put(play, before, layout->ck_top, (play->top - before - (gs_addr)layout->ck_data) / 8);
    memset(mem_fake_at(play->p->o.mem, chunk, PROCESS_CHUNK_BYTES), 0, PROCESS_CHUNK_BYTES);
    put(play, chunk, layout->ck_previous, before);
    put(play, chunk, layout->ck_size, PROCESS_CHUNK_BYTES);
    set_top(play, play->level + 1, chunk + (gs_addr)layout->ck_data);
}

static void enter(struct play *play, enum kind kind, size_t code, int instr)
{
    const struct gs_layout *layout = &play->p->o.layout;
    struct made made = {play->elsewhere[play->count], play->top, play->level, code, instr, kind};
    if (kind == CALL) {
        if (play->chunks[play->level] + PROCESS_CHUNK_BYTES - play->top < FRAME_BYTES)
            next_chunk(play);
        made.addr = play->top;
        set_top(play, play->level, play->top + FRAME_BYTES);
    }
    process_step(play->p, made.addr, code, instr);
    put(play, made.addr, layout->if_previous, play->count > 0 ? play->frames[play->count - 1].addr : 0);
    objects_put8(&play->p->o, made.addr + (gs_addr)layout->if_owner, kind == SHIM ? (uint8_t)layout->owner_shim : kind);
    play->frames[play->count++] = made;
    set_current(play);
}

static void leave(struct play *play)
{
    const struct made *made = &play->frames[--play->count];
    set_current(play);
    set_top(play, made->level, made->top);
}

static void step(struct play *play, size_t index, int instr)
{
    struct made *made = &play->frames[index];
    if (made->kind == SHIM)
        return;
    made->instr = instr;
    process_step(play->p, made->addr, made->code, instr);
}

static void play_init(struct play *play, struct process *p)
{
    *play = (struct play){.p = p, .random = 1, .thread = process_thread(p, p->interp, p->sleepers[0])};
    for (size_t i = 0; i < DEPTH_MOST; i++)
        play->elsewhere[i] = objects_alloc(&p->o, 256);
    for (size_t i = 0; i < CHUNKS_MOST; i++)
        play->chunks[i] = process_map(p, PROCESS_CHUNK_BYTES);
    put(play, play->chunks[0], p->o.layout.ck_size, PROCESS_CHUNK_BYTES);
    set_top(play, 0, play->chunks[0] + (gs_addr)p->o.layout.ck_data + 8);
    process_take(p, play->thread);
}

static void call_deep(struct play *play, size_t depth)
{
    while (play->count < depth)
        enter(play, CALL, play->count % 3, (int)play->count % 20);
}

/* ---- what is seen ---- */

static void check_frames(const struct play *play, const struct gs_thread *seen)
{
    bool shims = play->p->o.layout.version >= SHIMS;
    gs_addr c_stack = play->p->o.layout.ts_cframe == GS_ABSENT ? 0 : play->thread->cframe;
    uint32_t at = 0;
    for (size_t i = play->count; i-- > 0;) {
        const struct made *made = &play->frames[i];
        if (made->kind == SHIM) {
            c_stack = made->addr;
            continue;
        }
        if (made->code == TRAMPOLINE)
            continue;
        const struct gs_frame *frame = &seen->frames[at++];
        assert_true(at <= seen->frame_count);
        assert_int_equal(frame->kind, GS_FRAME_PYTHON);
        assert_int_equal(frame->frame, made->addr);
        assert_int_equal(frame->code, play->p->codes[made->code]);
        assert_int_equal(frame->instr, 2 * made->instr);
        size_t outer = i;
        while (outer > 0 && play->frames[outer - 1].code == TRAMPOLINE && play->frames[outer - 1].kind == CALL)
            outer--;
        if (shims)
            assert_int_equal(frame->entry, outer > 0 && play->frames[outer - 1].kind == SHIM);
    }
    assert_int_equal(at, seen->frame_count);
    if (shims)
        assert_int_equal(seen->c_stack, c_stack);
}

/* So many frames as it says are those that were seen before. */
static void check_same(struct play *play, const struct gs_thread *seen)
{
    assert_true(seen->same_count <= seen->frame_count);
    bool known = seen->same_count > 0 && seen->same_read == play->last_read;
    if (known) {
        assert_true(seen->same_count <= play->last_count);
        assert_memory_equal(seen->frames + seen->frame_count - seen->same_count,
                            play->last + play->last_count - seen->same_count, seen->same_count * sizeof *seen->frames);
    }
    play->same += known ? seen->same_count : 0;
    play->seen += seen->frame_count;
    play->last_count = seen->frame_count;
    play->last_read = seen->read;
    memcpy(play->last, seen->frames, seen->frame_count * sizeof *seen->frames);
}

static const struct gs_thread *look(struct play *play)
{
    process_must_take(play->p);
    const struct gs_thread *seen = process_find(play->p, play->p->sleepers[0]);
    assert_false(seen->torn);
    check_frames(play, seen);
    check_same(play, seen);
    return seen;
}

/* ---- the tests ---- */

static void leaf_moves(struct process *p)
{
    struct play play;
    play_init(&play, p);
    call_deep(&play, 200);
    for (int i = 0; i < 3; i++) /* from then on it is kept, */
        assert_int_equal(look(&play)->same_count, 0);
    assert_int_equal(look(&play)->same_count, 200); /* and nothing moved */
    step(&play, 199, 7);
    uint32_t same = look(&play)->same_count;
    assert_true(same < 200 && same >= 196);
    step(&play, 10, 3);
    assert_true(look(&play)->same_count <= 10);
    leave(&play);
    assert_int_equal(look(&play)->same_count, 199);
}

PROCESS_TEST(test_only_what_changed_is_walked, CHUNKS, PROCESS_LAST, leaf_moves);

static uint32_t dice(struct play *play, uint32_t sides)
{
    play->random = play->random * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)(play->random >> 33) % sides;
}

static void enter_any(struct play *play)
{
    bool shims = play->p->o.layout.version >= SHIMS;
    uint32_t what = dice(play, 100);
    if (play->count > 0 && what < 8)
        enter(play, GENERATOR, dice(play, 3), (int)dice(play, 4));
    else if (shims && what < 12)
        enter(play, SHIM, 0, 0);
    else
        enter(play, CALL, shims && what < 14 ? TRAMPOLINE : dice(play, 3), (int)dice(play, 4));
}

static void move_any(struct play *play)
{
    uint32_t back = dice(play, 20) == 0 ? dice(play, (uint32_t)play->count) : dice(play, 6);
    for (uint32_t i = 0; i < back && play->count > 1; i++)
        leave(play);
    for (uint32_t i = dice(play, 20) == 0 ? dice(play, 300) : dice(play, 7); i > 0 && play->count < DEPTH_MOST; i--)
        enter_any(play);
    if (dice(play, 2) == 0)
        step(play, play->count - 1, (int)dice(play, 4));
    if (dice(play, 10) == 0)
        step(play, dice(play, (uint32_t)play->count), (int)dice(play, 4));
}

static void anything(struct process *p)
{
    struct play play;
    play_init(&play, p);
    enter(&play, CALL, 0, 0);
    for (int i = 0; i < STEPS; i++) {
        move_any(&play);
        look(&play);
    }
    assert_true(play.same > play.seen / 2);
}

PROCESS_TEST(test_whatever_it_does, CHUNKS, PROCESS_LAST, anything);

/* Another code object comes to lie where that of frames was which do not change. */
static void renamed(struct process *p)
{
    struct play play;
    play_init(&play, p);
    call_deep(&play, 60);
    for (int i = 0; i < 4; i++)
        assert_string_equal(gs_codes_find(gs_reader_codes(p->reader), look(&play)->frames[10].code)->function, "g");
    size_t span = gs_code_span(&p->o.layout);
    memcpy(mem_fake_at(p->o.mem, p->codes[1], span), mem_fake_at(p->o.mem, p->codes[2], span), span);
    assert_true(gs_codes_check(gs_reader_codes(p->reader)) > 0);
    const struct gs_thread *seen = look(&play);
    assert_int_equal(seen->same_count, 0);
    assert_string_equal(gs_codes_find(gs_reader_codes(p->reader), seen->frames[10].code)->function, "h");
}

PROCESS_TEST(test_other_code_at_the_same_address, CHUNKS, PROCESS_LAST, renamed);

/* Between two pieces of a reading it returns to the middle and comes back: some frames further in are other ones then,
 * in both chunks or elsewhere, but not where one chunk ends. What is shown is of one moment, or nothing is. */
enum { MIDDLE = 60, TORN_DEPTH = 120, EACH = 33 };
static struct play *moving;
static bool elsewhere;

static bool is_other(size_t index)
{
    return index >= MIDDLE && (elsewhere ? index % EACH == EACH - 1 : index % 20 >= 10 && index % EACH != EACH - 1);
}

static void come_back(struct process *p)
{
    (void)p;
    for (size_t i = 0; i < moving->count; i++)
        if (is_other(i))
            step(moving, i, (moving->frames[i].instr + 1) % 20);
}

static void check_moment(const struct gs_thread *seen)
{
    int first = -1;
    for (size_t i = 0; i < TORN_DEPTH; i++) {
        int steps = (seen->frames[TORN_DEPTH - 1 - i].instr / 2 - (int)i % 20 + 20) % 20;
        first = first < 0 && is_other(i) ? steps : first;
        assert_int_equal(steps, is_other(i) ? first : 0);
    }
}

static void comes_back(struct process *p)
{
    struct play play;
    struct process_event event = {0, 0, come_back, p, 1};
    size_t shown = 0, gaps = 0;
    play_init(&play, p);
    while (play.count < TORN_DEPTH)
        enter(&play, play.count % EACH == EACH - 1 ? GENERATOR : CALL, play.count % 3, (int)play.count % 20);
    moving = &play;
    for (size_t index = 0; event.times > 0; index++) {
        for (int i = 0; i < 3; i++)
            look(&play);
        event = (struct process_event){PROCESS_EVERY, index, come_back, p, 0};
        mem_script_set(p->mem, process_event_script, &event);
        process_must_take(p);
        mem_script_set(p->mem, NULL, NULL);
        const struct gs_thread *seen = process_find(p, p->sleepers[0]);
        assert_int_equal(seen->frame_count, seen->torn ? 1 : TORN_DEPTH);
        if (!seen->torn)
            check_moment(seen);
        check_same(&play, seen);
        gaps += seen->torn;
        shown += !seen->torn;
    }
    assert_true(shown > 0 && gaps > 0);
}

UNIT_TEST(test_it_moves_while_it_is_read)
{
    elsewhere = false;
    process_for_versions(CHUNKS, PROCESS_LAST, comes_back);
    elsewhere = true;
    process_for_versions(CHUNKS, PROCESS_LAST, comes_back);
}

/* Two code objects change places. */
static void exchange_codes(struct process *p)
{
    uint8_t *a = mem_fake_at(p->o.mem, p->codes[0], 1), *b = mem_fake_at(p->o.mem, p->codes[2], 1);
    for (size_t i = 0; i < gs_code_span(&p->o.layout); i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

/* One frame becomes another's while the names of new code are read: the stack that was walked already comes out torn,
 * and nothing of the next one is as in what was shown. */
static void become_other(void *context, size_t call, size_t index, const struct gs_piece *piece)
{
    struct play *play = context;
    (void)call, (void)piece;
    if (index == 0)
        play->when = dice(play, 24);
    if (index != play->when)
        return;
    play->frames[100].code = 1 - play->frames[100].code;
    step(play, 100, play->frames[100].instr);
}

static void names_are_read(struct process *p)
{
    struct play play;
    size_t gaps = 0;
    play_init(&play, p);
    while (play.count < TORN_DEPTH)
        enter(&play, CALL, play.count == 100 ? 1 : play.count % 3, (int)play.count % 20);
    for (int i = 0; i < 300; i++) {
        look(&play);
        exchange_codes(p);
        mem_script_set(p->mem, become_other, &play);
        process_must_take(p);
        mem_script_set(p->mem, NULL, NULL);
        const struct gs_thread *seen = process_find(p, p->sleepers[0]);
        check_same(&play, seen);
        gaps += seen->torn;
    }
    assert_true(gaps > 0);
}

PROCESS_TEST(test_it_moves_while_names_are_read, CHUNKS, PROCESS_LAST, names_are_read);

/* It is looked at between two samples whether it sleeps as it did: what that found was not shown. */
static void looked_at(struct process *p)
{
    struct play play;
    play_init(&play, p);
    call_deep(&play, 60);
    for (int i = 0; i < 4; i++)
        look(&play);
    struct gs_stack_reader *stacks = &p->reader->stacks;
    struct gs_member *member = gs_list_find(stacks->threads, play.thread->addr);
    assert_true(gs_unmoved_again(stacks, member, false));
    assert_true(gs_unmoved_again(stacks, member, false));
    assert_int_equal(look(&play)->same_count, 60);
    step(&play, 10, 19);
    assert_false(gs_unmoved_again(stacks, member, false));
    look(&play);
    step(&play, 10, 3);
    assert_false(gs_unmoved_again(stacks, member, false));
    step(&play, 20, 1);
    look(&play);
}

PROCESS_TEST(test_looked_at_between_samples, CHUNKS, PROCESS_LAST, looked_at);
