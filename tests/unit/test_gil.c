/* Where each generation keeps its GIL, what its words say, and which futexes are a wait for it. */
#include <string.h>
#include <sys/syscall.h>

#include "arch/arch.h"
#include "python/gil.h"
#include "support/mem_fake.h"
#include "support/objects_fake.h"
#include "support/unit.h"

#define DATA UINT64_C(0x600000)

struct world {
    struct objects o;
    struct gs_python python;
    struct gs_gil_place place;
    struct gs_gil_fields words;
};

static void open_world(struct world *w, uint32_t version)
{
    memset(w, 0, sizeof *w);
    objects_init(&w->o, version);
    w->python = (struct gs_python){.mem = w->o.mem, .layout = w->o.layout};
    mem_fake_map(w->o.mem, DATA, 65536);
}

static void close_world(struct world *w)
{
    objects_fini(&w->o);
}

static bool decode(struct world *w)
{
    uint8_t bytes[GS_GIL_BYTES];
    struct gs_piece pieces[GS_GIL_WINDOWS];
    size_t count = gs_gil_pieces(&w->place, bytes, pieces);
    assert_int_equal(count, w->place.window_count);
    assert_int_equal(gs_mem_read_many(w->o.mem, pieces, count), GS_OK);
    return gs_gil_decode(&w->place, bytes, pieces, &w->words);
}

static enum gs_gil_futex futex(const struct world *w, gs_addr addr)
{
    struct gs_activity activity = {.run = GS_RUN_SYSCALL, .number = SYS_futex, .args = {addr, 0x89}};
    return gs_gil_futex(&w->place, &activity);
}

/* Every edge of a range of words. */
static void assert_range(const struct world *w, gs_addr from, uint32_t len, enum gs_gil_futex inside,
                         enum gs_gil_futex below, enum gs_gil_futex above)
{
    assert_int_equal(futex(w, from - 1), below);
    assert_int_equal(futex(w, from), inside);
    assert_int_equal(futex(w, from + len - 1), inside);
    assert_int_equal(futex(w, from + len), above);
}

/* ---- a struct: 3.7 on ---- */

static void put_words(struct world *w, gs_addr gil, int32_t locked, uint64_t holder, uint64_t switches)
{
    const struct gs_layout *layout = &w->python.layout;
    mem_fake_put32(w->o.mem, gil + (gs_addr)layout->gil_locked, (uint32_t)locked);
    mem_fake_put64(w->o.mem, gil + (gs_addr)layout->gil_last_holder, holder);
    mem_fake_put64(w->o.mem, gil + (gs_addr)layout->gil_switch_number, switches);
    mem_fake_put64(w->o.mem, gil + (gs_addr)layout->gil_interval, 5000);
}

static void check_struct(struct world *w, gs_addr gil)
{
    const struct gs_layout *layout = &w->python.layout;
    assert_int_equal(w->place.window_count, 1);
    put_words(w, gil, 1, 0x7000, 42);
    gs_addr mutex = gil + (gs_addr)layout->gil_mutex, other = gil + (gs_addr)layout->gil_switch_mutex;
    mem_fake_put32(w->o.mem, mutex + 8, 77);
    mem_fake_put32(w->o.mem, mutex + 12, 3);
    mem_fake_put32(w->o.mem, other + 12, 2);
    assert_true(decode(w));
    assert_true(w->words.exists && w->words.enabled && w->words.locked && w->words.has_switches);
    assert_int_equal(w->words.last_holder, 0x7000);
    assert_int_equal(w->words.switches, 42);
    assert_int_equal(w->words.interval_us, 5000);
    assert_true(w->words.has_users);
    assert_int_equal(w->words.mutex_owner, 77);
    assert_int_equal(w->words.cond_users, 3);
    assert_int_equal(w->words.switch_users, 2);
    static const int32_t not_held[] = {0, -1, 2, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        put_words(w, gil, not_held[i], 0x7000, 42);
        assert_true(decode(w));
        assert_false(w->words.locked);
        assert_int_equal(w->words.exists, not_held[i] >= 0);
        assert_int_equal(w->words.last_holder, 0x7000);
    }
    gs_addr cond = gil + (gs_addr)layout->gil_cond, again = gil + (gs_addr)layout->gil_switch_cond;
    assert_range(w, cond, 48, GS_FUTEX_COND, GS_FUTEX_OTHER, GS_FUTEX_MUTEX);
    assert_range(w, mutex, GS_ARCH_MUTEX_BYTES, GS_FUTEX_MUTEX, GS_FUTEX_COND, GS_FUTEX_SWITCH);
    assert_range(w, again, 48, GS_FUTEX_SWITCH, GS_FUTEX_MUTEX, GS_FUTEX_SWITCH);
    assert_range(w, other, GS_ARCH_MUTEX_BYTES, GS_FUTEX_SWITCH, GS_FUTEX_SWITCH, GS_FUTEX_OTHER);
    assert_int_equal(futex(w, 0), GS_FUTEX_OTHER);
    assert_int_equal(futex(w, UINT64_MAX), GS_FUTEX_OTHER);
}

UNIT_TEST(test_struct)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        if (objects_versions[i] < GS_VERSION(3, 7))
            continue;
        open_world(&w, objects_versions[i]);
        bool own = w.python.layout.gil_home == GS_GIL_INTERPRETER;
        assert_int_equal(own, objects_versions[i] >= GS_VERSION(3, 12));
        w.python.at.runtime = DATA;
        gs_addr gil = own ? DATA + 0x2000 : DATA + (gs_addr)w.python.layout.rt_gil;
        assert_true(gs_gil_place(&w.python, own ? gil : 0, &w.place));
        check_struct(&w, gil);
        if (own)
            assert_false(gs_gil_place(&w.python, 0, &w.place));
        close_world(&w);
    }
}

UNIT_TEST(test_absurd_struct)
{
    static const int32_t sizes[] = {0, -1, GS_GIL_BYTES + 1, INT32_MAX};
    struct world w;
    open_world(&w, GS_VERSION(3, 12));
    for (size_t i = 0; i < 4; i++) {
        w.python.layout.gil_size = sizes[i];
        assert_false(gs_gil_place(&w.python, DATA, &w.place));
    }
    /* Words that lie outside it never make more than there is room for. */
    w.python.layout.gil_size = 16;
    w.python.layout.gil_locked = 20000;
    w.python.layout.gil_mutex = 30000;
    w.python.layout.gil_switch_mutex = 40000;
    assert_true(gs_gil_place(&w.python, DATA, &w.place));
    assert_true(w.place.window_count <= GS_GIL_WINDOWS);
    assert_true(decode(&w));
    /* Not mapped. */
    assert_true(gs_gil_place(&w.python, UINT64_MAX - 64, &w.place));
    assert_false(decode(&w));
    close_world(&w);
}

UNIT_TEST(test_free_threaded)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 13));
    struct gs_layout *layout = &w.python.layout;
    /* `enabled` comes first and moves the rest. */
    layout->free_threaded = true;
    layout->gil_enabled = 0;
    layout->gil_size += 8;
    int32_t *const moved[] = {&layout->gil_interval,      &layout->gil_last_holder, &layout->gil_locked,
                              &layout->gil_switch_number, &layout->gil_cond,        &layout->gil_mutex,
                              &layout->gil_switch_cond,   &layout->gil_switch_mutex};
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
        *moved[i] += 8;
    static const uint32_t values[] = {0, 1, INT32_MAX};
    assert_true(gs_gil_place(&w.python, DATA, &w.place));
    for (size_t i = 0; i < 3; i++) {
        mem_fake_put32(w.o.mem, DATA, values[i]);
        put_words(&w, DATA, 1, 0x7000, 9);
        assert_true(decode(&w));
        assert_int_equal(w.words.enabled, values[i] != 0);
        assert_int_equal(w.words.last_holder, 0x7000);
    }
    close_world(&w);
}

/* ---- 2.7 ---- */

UNIT_TEST(test_semaphore)
{
    struct world w;
    open_world(&w, GS_VERSION(2, 7));
    w.python.at.current = DATA;
    w.python.at.interpreter_lock = DATA + 0x3000;
    /* No thread was started yet: no semaphore. */
    mem_fake_put64(w.o.mem, DATA, 0x7000);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(w.words.locked && w.words.exists && w.words.enabled);
    assert_int_equal(w.words.last_holder, 0x7000);
    assert_false(w.words.has_users || w.words.has_switches);
    assert_int_equal(futex(&w, DATA + 0x4000), GS_FUTEX_OTHER);
    /* Value in the low half, waiters in the high one. */
    mem_fake_put64(w.o.mem, DATA + 0x3000, DATA + 0x4000);
    mem_fake_put64(w.o.mem, DATA + 0x4000, UINT64_C(5) << 32 | 0);
    mem_fake_put64(w.o.mem, DATA, 0);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_false(w.words.locked);
    assert_true(w.words.has_users);
    assert_int_equal(w.words.cond_users, 5);
    assert_int_equal(w.words.mutex_owner, 0);
    assert_range(&w, DATA + 0x4000, 32, GS_FUTEX_COND, GS_FUTEX_OTHER, GS_FUTEX_OTHER);
    /* A pointer to nowhere. */
    mem_fake_put64(w.o.mem, DATA + 0x3000, 64);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_false(decode(&w));
    close_world(&w);
}

/* ---- 3.6 ---- */

static void put_statics(struct world *w, const struct gs_anchors *at, int32_t locked)
{
    mem_fake_put64(w->o.mem, at->current, 0x7100);
    mem_fake_put32(w->o.mem, at->gil_locked, (uint32_t)locked);
    if (at->gil_last_holder) {
        mem_fake_put64(w->o.mem, at->gil_last_holder, 0x7000);
        mem_fake_put64(w->o.mem, at->gil_switch_number, 12);
        mem_fake_put32(w->o.mem, at->gil_mutex + 12, 4);
        mem_fake_put32(w->o.mem, at->gil_switch_mutex + 12, 1);
    }
    mem_fake_put64(w->o.mem, at->gil_interval, 5000);
}

static const struct gs_anchors all_symbols = {.current = DATA + 0x1200,
                                              .gil_locked = DATA + 0x100,
                                              .gil_interval = DATA + 0x110,
                                              .gil_switch_mutex = DATA + 0x1000,
                                              .gil_switch_cond = DATA + 0x1040,
                                              .gil_mutex = DATA + 0x1080,
                                              .gil_cond = DATA + 0x10c0,
                                              .gil_last_holder = DATA + 0x10f0,
                                              .gil_switch_number = DATA + 0x10f8,
                                              .data_start = DATA,
                                              .data_end = DATA + 0x2000};

UNIT_TEST(test_statics_all)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 6));
    w.python.at = all_symbols;
    put_statics(&w, &w.python.at, 1);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(w.words.locked && w.words.has_switches && w.words.has_users);
    assert_int_equal(w.words.last_holder, 0x7000);
    assert_int_equal(w.words.switches, 12);
    assert_int_equal(w.words.interval_us, 5000);
    assert_int_equal(w.words.cond_users, 4);
    assert_int_equal(w.words.switch_users, 1);
    put_statics(&w, &w.python.at, 0);
    assert_true(decode(&w));
    assert_false(w.words.locked);
    /* Before the first thread whoever is current has it. */
    put_statics(&w, &w.python.at, -1);
    assert_true(decode(&w));
    assert_true(w.words.locked && w.words.exists);
    assert_int_equal(w.words.last_holder, 0x7100);
    assert_false(w.words.has_switches);
    assert_range(&w, DATA + 0x10c0, 48, GS_FUTEX_COND, GS_FUTEX_OTHER, GS_FUTEX_OTHER);
    assert_range(&w, DATA + 0x1080, GS_ARCH_MUTEX_BYTES, GS_FUTEX_MUTEX, GS_FUTEX_OTHER, GS_FUTEX_OTHER);
    assert_range(&w, DATA + 0x1040, 48, GS_FUTEX_SWITCH, GS_FUTEX_OTHER, GS_FUTEX_OTHER);
    assert_range(&w, DATA + 0x1000, GS_ARCH_MUTEX_BYTES, GS_FUTEX_SWITCH, GS_FUTEX_OTHER, GS_FUTEX_OTHER);
    assert_int_equal(futex(&w, DATA + 0x1800), GS_FUTEX_OTHER);
    close_world(&w);
}

/* Only what the exported functions tell. */
UNIT_TEST(test_statics_stripped)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 6));
    w.python.at = (struct gs_anchors){.current = DATA + 0x1200,
                                      .gil_locked = DATA + 0x100,
                                      .gil_interval = DATA + 0x110,
                                      .data_start = DATA,
                                      .data_end = DATA + 0x2000};
    put_statics(&w, &w.python.at, 1);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(w.words.locked);
    assert_int_equal(w.words.last_holder, 0x7100);
    assert_int_equal(w.words.interval_us, 5000);
    assert_false(w.words.has_switches || w.words.has_users);
    mem_fake_put64(w.o.mem, w.python.at.current, 0);
    assert_true(decode(&w));
    assert_false(w.words.locked);
    assert_range(&w, DATA, 0x2000, GS_FUTEX_COND, GS_FUTEX_OTHER, GS_FUTEX_OTHER);
    close_world(&w);
}

UNIT_TEST(test_statics_nothing)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 6));
    w.python.at.current = DATA;
    mem_fake_put64(w.o.mem, DATA, 0x7100);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(w.words.locked && w.words.exists);
    assert_int_equal(w.words.last_holder, 0x7100);
    close_world(&w);
}

/* Wherever the linker put them, each word is read from its own place. */
UNIT_TEST(test_statics_scattered)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 6));
    for (uint32_t seed = 1; seed < 400; seed++) {
        struct gs_anchors *at = &w.python.at;
        *at = (struct gs_anchors){0};
        gs_addr *const words[] = {&at->current,           &at->gil_locked,      &at->gil_last_holder,
                                  &at->gil_switch_number, &at->gil_interval,    &at->gil_cond,
                                  &at->gil_mutex,         &at->gil_switch_cond, &at->gil_switch_mutex};
        uint32_t dice = seed * 2654435761u;
        for (size_t i = 0; i < 9; i++) {
            dice = dice * 1664525 + 1013904223;
            *words[i] = DATA + i * 64 + (dice >> 16 & 3) * 0x1000;
        }
        put_statics(&w, at, 1);
        assert_true(gs_gil_place(&w.python, 0, &w.place));
        assert_true(decode(&w));
        assert_true(w.words.locked);
        assert_int_equal(w.words.last_holder, 0x7000);
        assert_int_equal(w.words.switches, 12);
        assert_int_equal(w.words.interval_us, 5000);
        assert_int_equal(w.words.cond_users, 4);
        assert_int_equal(w.words.switch_users, 1);
        assert_int_equal(futex(&w, at->gil_cond + 47), GS_FUTEX_COND);
        assert_int_equal(futex(&w, at->gil_switch_cond), GS_FUTEX_SWITCH);
    }
    close_world(&w);
}

/* ---- what is a wait ---- */

UNIT_TEST(test_only_waits_are_waits)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 11));
    w.python.at.runtime = DATA;
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    gs_addr cond = DATA + (gs_addr)w.python.layout.rt_gil + (gs_addr)w.python.layout.gil_cond + 40;
    static const struct {
        int number;
        uint64_t op;
        bool waits;
    } calls[] = {{SYS_futex, 0, true},
                 {SYS_futex, 0x80, true},
                 {SYS_futex, 0x89, true},
                 {SYS_futex, 0x189, true},
                 {SYS_futex, 9, true},
                 {SYS_futex, 0x109, true},
                 {SYS_futex, 1, false},
                 {SYS_futex, 0x81, false},
                 {SYS_futex, 0x8a, false},
                 {SYS_futex, 0x84, false},
                 {SYS_futex, 6, false},
                 {SYS_futex, 11, false},
                 {SYS_futex, 0x8d, false},
                 {SYS_read, 0x89, false},
                 {SYS_ppoll, 0, false},
                 {SYS_restart_syscall, 0x89, true},
                 {SYS_restart_syscall, 0x81, false}};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct gs_activity activity = {.run = GS_RUN_SYSCALL, .number = calls[i].number, .args = {cond, calls[i].op}};
        assert_int_equal(gs_gil_futex(&w.place, &activity), calls[i].waits ? GS_FUTEX_COND : GS_FUTEX_OTHER);
        activity.run = GS_RUN_BLOCKED;
        assert_int_equal(gs_gil_futex(&w.place, &activity), GS_FUTEX_OTHER);
        activity.run = GS_RUN_RUNNING;
        assert_int_equal(gs_gil_futex(&w.place, &activity), GS_FUTEX_OTHER);
    }
    close_world(&w);
}

UNIT_TEST(test_same)
{
    struct gs_gil_fields a = {.locked = true, .last_holder = 1, .switches = 2}, b = a;
    assert_true(gs_gil_same(&a, &b));
    b.cond_users = 7;
    assert_true(gs_gil_same(&a, &b));
    b = a;
    b.locked = false;
    assert_false(gs_gil_same(&a, &b));
    b = a;
    b.last_holder = 2;
    assert_false(gs_gil_same(&a, &b));
    b = a;
    b.switches++;
    assert_false(gs_gil_same(&a, &b));
}

/* ---- what cannot be known ---- */

/* A build that tells neither who has it nor on what the others wait. */
UNIT_TEST(test_hidden)
{
    struct world w;
    open_world(&w, GS_VERSION(2, 7));
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(w.words.hidden && !w.words.exists && !w.words.locked && w.words.enabled);
    assert_int_equal(futex(&w, DATA + 0x4000), GS_FUTEX_PERHAPS);
    w.python.at.current = DATA;
    mem_fake_put64(w.o.mem, DATA, 0x7000);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(!w.words.hidden && w.words.exists && w.words.locked);
    assert_int_equal(futex(&w, DATA + 0x4000), GS_FUTEX_PERHAPS);
    close_world(&w);
    open_world(&w, GS_VERSION(3, 6));
    w.python.at = (struct gs_anchors){.data_start = DATA, .data_end = DATA + 0x2000};
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(w.words.hidden && !w.words.exists);
    assert_int_equal(futex(&w, DATA + 0x1000), GS_FUTEX_COND);
    assert_int_equal(futex(&w, DATA + 0x4000), GS_FUTEX_OTHER);
    close_world(&w);
}

/* A wait with the value and at the alignment that a waiter of musl's has. */
static enum gs_gil_futex barrier(const struct world *w, gs_addr addr, uint64_t value)
{
    struct gs_activity activity = {.run = GS_RUN_SYSCALL, .number = SYS_futex, .args = {addr, 0x80, value}};
    return gs_gil_futex(&w->place, &activity);
}

static void assert_listed(const struct world *w)
{
    assert_true(w->place.listed && !w->place.blind);
    assert_false(w->words.has_users);
    assert_int_equal(w->words.cond_users, 0);
    assert_int_equal(barrier(w, 0x7ffff004, 2), GS_FUTEX_PERHAPS);
    assert_int_equal(barrier(w, 0x7ffff000, 2), GS_FUTEX_OTHER);
    assert_int_equal(barrier(w, 0x7ffff004, 0x80000000), GS_FUTEX_OTHER);
}

/* Another C library than glibc: its mutexes count nothing that is known, and its waiters sleep on words of their own.
 */
UNIT_TEST(test_foreign_libc)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 6));
    w.python.at = all_symbols;
    w.python.foreign_libc = true;
    put_statics(&w, &w.python.at, 1);
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(decode(&w));
    assert_true(w.words.locked && w.words.has_switches && !w.words.hidden);
    assert_int_equal(w.words.last_holder, 0x7000);
    assert_listed(&w);
    assert_range(&w, DATA + 0x1080, GS_ARCH_MUTEX_BYTES, GS_FUTEX_MUTEX, GS_FUTEX_OTHER, GS_FUTEX_OTHER);
    w.python.at.gil_cond = 0;
    assert_true(gs_gil_place(&w.python, 0, &w.place));
    assert_true(w.place.blind && !w.place.listed);
    assert_int_equal(futex(&w, 0x7ffff000), GS_FUTEX_PERHAPS);
    close_world(&w);
    open_world(&w, GS_VERSION(3, 12));
    w.python.foreign_libc = true;
    assert_true(gs_gil_place(&w.python, DATA, &w.place));
    assert_true(decode(&w));
    assert_listed(&w);
    assert_int_equal(futex(&w, DATA + (gs_addr)w.python.layout.gil_mutex), GS_FUTEX_MUTEX);
    close_world(&w);
}
