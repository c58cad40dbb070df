/* What the queues of event loops tell in made memory: the steps of trio's tasks, and where uvloop has its callbacks. */
#include "python/trio.h"
#include "python/uvloop.h"
#include "support/objects_fake.h"
#include "support/unit.h"

enum { WORDS = 624, VERSION = GS_VERSION(3, 11) };

/* A loop of trio as its memory shows it. */
struct runner {
    struct objects o;
    struct gs_event_loop loop;
    struct gs_trio_turns turns;
    gs_addr batch;
    uint64_t state, queued, left, drawn, steps;
    uint64_t taken, ready;
};

static void begin(struct runner *r)
{
    *r = (struct runner){.drawn = WORDS};
    objects_init(&r->o, VERSION);
    r->loop.queue = objects_new(&r->o, objects_type(&r->o, "collections.deque"), 64);
    r->loop.trio = (struct gs_trio_place){.generator = 1,
                                          .batch_at = objects_alloc(&r->o, 8),
                                          .random = objects_new(&r->o, objects_type(&r->o, "Random"), 8)};
    r->batch = objects_new(&r->o, objects_type(&r->o, "list"), 16);
    objects_put64(&r->o, r->loop.trio.batch_at, r->batch);
}

static void wake(struct runner *r, uint64_t tasks)
{
    r->queued += tasks;
    r->state += tasks;
}

static void pass(struct runner *r)
{
    r->state += r->queued > 0;
    r->left = r->queued;
    r->queued = 0;
    r->drawn = (r->drawn >= WORDS ? 0 : r->drawn) + 2;
}

static void step(struct runner *r)
{
    r->left--;
    r->steps++;
}

/* All of a pass, each of whose tasks is to run again. */
static void turn(struct runner *r)
{
    for (pass(r); r->left > 0; wake(r, 1))
        step(r);
}

static bool look(struct runner *r)
{
    const gs_addr size = (gs_addr)r->o.layout.ob_size, head = (gs_addr)r->o.layout.head_bytes;
    objects_put64(&r->o, r->loop.queue + size, r->queued);
    objects_put64(&r->o, r->loop.queue + size + 40, r->state);
    objects_put64(&r->o, r->batch + size, r->left);
    objects_put32(&r->o, r->loop.trio.random + head, (uint32_t)r->drawn);
    return gs_trio_queue(&r->o.layout, r->o.mem, &r->loop, &r->turns, &r->taken, &r->ready);
}

/* Between two looks are `turns` passes: each step of them is counted. */
static void count_turns(struct runner *r, int turns)
{
    uint64_t before = r->taken, stepped = r->steps;
    for (int i = 0; i < turns; i++)
        turn(r);
    assert_true(look(r));
    assert_int_equal(r->taken - before, r->steps - stepped);
}

UNIT_TEST(steps_are_those_that_were_taken)
{
    struct runner r;
    begin(&r);
    wake(&r, 3);
    assert_true(look(&r));
    assert_int_equal(r.ready, 3);
    for (int turns = 0; turns < 100; turns++)
        count_turns(&r, turns);
    uint64_t before = r.taken;
    pass(&r);
    step(&r);
    wake(&r, 7); /* a long step: it wakes others, and nothing is taken */
    assert_true(look(&r));
    assert_int_equal(r.taken - before, 1);
    assert_int_equal(r.ready, 9);
    assert_true(look(&r));
    assert_int_equal(r.taken - before, 1);
    objects_fini(&r.o);
}

UNIT_TEST(passes_without_tasks_take_none)
{
    struct runner r;
    begin(&r);
    assert_true(look(&r));
    uint64_t before = r.taken;
    for (int i = 0; i < 50; i++)
        pass(&r);
    assert_true(look(&r));
    assert_int_equal(r.taken, before);
    objects_fini(&r.o);
}

/* The random numbers come round after 312 passes. */
UNIT_TEST(many_passes_are_as_those_that_are_known)
{
    struct runner r;
    begin(&r);
    wake(&r, 4);
    assert_true(look(&r));
    for (int i = 0; i < 1000; i++)
        turn(&r);
    assert_false(look(&r));
    for (int i = 0; i < 30; i++)
        count_turns(&r, 20);
    count_turns(&r, 1000);
    objects_fini(&r.o);
}

UNIT_TEST(nonsense_is_no_queue)
{
    struct runner r;
    begin(&r);
    r.left = UINT64_MAX;
    assert_false(look(&r));
    r.left = 0;
    r.drawn = WORDS + 1;
    assert_false(look(&r));
    r.loop.trio.generator = 0;
    assert_false(look(&r));
    objects_fini(&r.o);
}

UNIT_TEST(the_queue_of_uvloop)
{
    struct objects o;
    objects_init(&o, VERSION);
    struct gs_awaits awaits = {.layout = &o.layout, .mem = o.mem, .live = o.mem};
    gs_addr loop = objects_new(&o, objects_type(&o, "uvloop.Loop"), 320), uv = objects_alloc(&o, 16);
    gs_addr deque = objects_new(&o, objects_type(&o, "collections.deque"), 64);
    gs_addr field = loop + (gs_addr)o.layout.head_bytes;
    assert_int_equal(gs_uvloop_queue(&awaits, loop), 0);
    objects_put64(&o, field + 8, uv);
    objects_put64(&o, field + 88, deque);
    assert_int_equal(gs_uvloop_queue(&awaits, loop), 0); /* its uv_loop_t is another one's */
    objects_put64(&o, uv, loop);
    assert_int_equal(gs_uvloop_queue(&awaits, loop), 0); /* no set stands behind it */
    objects_put64(&o, field + 96, objects_new(&o, objects_type(&o, "set"), 64));
    assert_int_equal(gs_uvloop_queue(&awaits, loop), deque);
    objects_fini(&o);
}
