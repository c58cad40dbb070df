/* Who holds, who waits: judged from the words of the GIL, what each thread sleeps on, and the counts of the mutexes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sample/reader.h"
#include "support/mem_fake.h"
#include "support/unit.h"

enum { THREADS = 80 };

#define RUNTIME UINT64_C(0x10000)
#define GIL     (RUNTIME + 0x100)
#define COND    (GIL + 32)
#define MUTEX   (GIL + 80)
#define SWITCH  (GIL + 120)

/* Threads and fields of a GIL that are set by hand; the kernel's part comes from files of ours. */
struct world {
    struct gs_target target;
    struct gs_python python;
    struct gs_thread_list threads;
    struct gs_waiters waiters;
    struct gs_interp interp;
    struct gs_lock lock;
    struct gs_member members[THREADS];
    struct gs_member *list[THREADS];
};

static void open_world(struct world *w, size_t threads)
{
    memset(w, 0, sizeof *w);
    struct gs_layout *layout = &w->python.layout;
    *layout = (struct gs_layout){.gil_home = GS_GIL_RUNTIME,
                                 .rt_gil = 0x100,
                                 .gil_size = 208,
                                 .gil_enabled = GS_ABSENT,
                                 .gil_last_holder = 8,
                                 .gil_locked = 16,
                                 .gil_switch_number = 24,
                                 .gil_cond = 32,
                                 .gil_mutex = 80,
                                 .gil_switch_cond = 120,
                                 .gil_switch_mutex = 168,
                                 .ts_gil_requested = GS_ABSENT};
    w->python.target = &w->target;
    w->python.at.runtime = RUNTIME;
    w->python.mem = w->target.mem = mem_fake_new();
    mem_fake_map(w->python.mem, RUNTIME, 4096);
    assert_true(gs_gil_place(&w->python, 0, &w->lock.place));
    w->lock.sharers = 1;
    w->lock.after = (struct gs_gil_fields){.exists = true, .enabled = true, .has_users = true, .has_switches = true};
    w->lock.last = w->lock.after;
    w->threads = (struct gs_thread_list){.python = &w->python,
                                         .interps = &w->interp,
                                         .interp_count = 1,
                                         .locks = &w->lock,
                                         .lock_count = 1,
                                         .members = w->list,
                                         .member_count = threads,
                                         .sample = 1,
                                         .taken_ns = 1000000000};
    w->waiters = (struct gs_waiters){.threads = &w->threads, .recheck.last_ns = 1000000000};
    for (size_t i = 0; i < threads; i++) {
        int fd = memfd_create("syscall", 0);
        assert_true(fd >= 0);
        w->members[i] = (struct gs_member){
            .tstate = 0x5000 + i, .tid = 100 + (int)i, .ns_tid = 200 + (int)i, .syscall_fd = fd, .runs_fd = -1};
        w->members[i].wait.awake.outside = true; /* forgotten as soon as it sleeps or holds */
        w->list[i] = &w->members[i];
    }
    assert_true(gs_list_index(&w->threads));
}

static void close_world(struct world *w)
{
    for (size_t i = 0; i < w->threads.member_count; i++)
        close(w->members[i].syscall_fd);
    free(w->threads.by_tstate.slots);
    gs_ids_fini(&w->waiters.conds);
    gs_mem_free(w->python.mem);
}

static void does(struct world *w, size_t i, const char *text)
{
    int fd = w->members[i].syscall_fd;
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
}

static void waits_on(struct world *w, size_t i, gs_addr addr)
{
    char text[96];
    snprintf(text, sizeof text, "%d 0x%llx 0x89 0x0 0x7ffe 0x0 0xffffffff 0x1 0x2\n", SYS_futex,
             (unsigned long long)addr);
    does(w, i, text);
}

static void held_by(struct world *w, size_t i)
{
    w->lock.after.locked = true;
    w->lock.after.holder = w->lock.after.last_holder = w->members[i].tstate;
}

static void classify(struct world *w)
{
    w->threads.taken_ns += 1000;
    gs_classify_threads(&w->waiters, 0);
}

/* ---- musl: a waiter sleeps in a node of a list ---- */

#define STACKS UINT64_C(0x40000)

static gs_addr node_of(size_t i)
{
    return STACKS + i * 64;
}

static void link_waiters(struct world *w, gs_addr cond, const size_t *who, size_t count)
{
    mem_fake_put64(w->python.mem, cond + 8, count > 0 ? node_of(who[0]) : 0);
    for (size_t i = 0; i < count; i++) {
        mem_fake_put64(w->python.mem, node_of(who[i]), i > 0 ? node_of(who[i - 1]) : 0);
        mem_fake_put64(w->python.mem, node_of(who[i]) + 8, i + 1 < count ? node_of(who[i + 1]) : 0);
    }
}

static void waits_in_node(struct world *w, size_t i)
{
    char text[96];
    snprintf(text, sizeof text, "%d 0x%llx 0x80 0x2 0x7ffe 0x0 0x0 0x1 0x2\n", SYS_futex,
             (unsigned long long)node_of(i) + 20);
    does(w, i, text);
}

/* The first holds it, all others are in such waits. */
static void open_musl(struct world *w, size_t threads)
{
    open_world(w, threads);
    mem_fake_map(w->python.mem, STACKS, 65536);
    w->python.foreign_libc = true;
    assert_true(gs_gil_place(&w->python, 0, &w->lock.place));
    held_by(w, 0);
    does(w, 0, "running\n");
    for (size_t i = 1; i < threads; i++)
        waits_in_node(w, i);
}

#define assert_judged(w, i, word, how)                                                                                 \
    do {                                                                                                               \
        assert_int_equal((w)->members[i].wait.gil, word);                                                              \
        assert_int_equal((w)->members[i].wait.evidence, how);                                                          \
    } while (0)

UNIT_TEST(test_holder_and_sleepers)
{
    struct world w;
    open_world(&w, 7);
    held_by(&w, 0);
    does(&w, 0, "running\n");
    waits_on(&w, 1, COND + 40);
    waits_on(&w, 2, MUTEX);
    waits_on(&w, 3, SWITCH + 44);
    waits_on(&w, 4, 0x7000);
    does(&w, 5, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    does(&w, 6, "");
    w.lock.after.cond_users = 1;
    w.lock.after.switch_users = 1;
    classify(&w);
    assert_judged(&w, 0, GS_HOLDS, GS_EXACT);
    for (size_t i = 1; i <= 3; i++)
        assert_judged(&w, i, GS_WAITS, GS_INFERRED);
    assert_judged(&w, 4, GS_WITHOUT, GS_INFERRED);
    assert_judged(&w, 5, GS_WITHOUT, GS_INFERRED);
    assert_int_equal(w.members[6].wait.activity.run, GS_RUN_GONE);
    close_world(&w);
}

/* The holder may sleep in a call, or even be seen in the GIL's own futex: the words say that it holds. */
UNIT_TEST(test_holder_that_sleeps)
{
    static const char *const texts[] = {"running\n", "-1 0x1 0x2\n", "35 0x1 0x0 0 0 0 0 0x1 0x2\n", "junk"};
    struct world w;
    open_world(&w, 2);
    does(&w, 1, "35 0x1 0x0 0 0 0 0 0x1 0x2\n");
    held_by(&w, 0);
    for (size_t i = 0; i < 4; i++) {
        does(&w, 0, texts[i]);
        classify(&w);
        assert_judged(&w, 0, GS_HOLDS, GS_EXACT);
    }
    waits_on(&w, 0, COND + 40);
    classify(&w);
    assert_judged(&w, 0, GS_HOLDS, GS_EXACT);
    /* Free: being the last holder is nothing. */
    w.lock.after.locked = false;
    does(&w, 0, "35 0x1 0x0 0 0 0 0 0x1 0x2\n");
    classify(&w);
    assert_judged(&w, 0, GS_WITHOUT, GS_INFERRED);
    close_world(&w);
}

/* Awake without holding: by how many are missing among the waiters. */
UNIT_TEST(test_awake)
{
    static const struct {
        uint32_t cond_users, switch_users;
        bool has_users, owned;
        enum gs_gil_word expected;
    } cases[] = {
        {1, 0, true, false, GS_WITHOUT},                                 /* the one that sleeps is the only waiter */
        {0, 0, true, false, GS_WITHOUT},                                 /* even it is on its way out */
        {3, 0, true, false, GS_WAITS},                                   /* both that are awake */
        {2, 0, true, false, GS_UNKNOWN},                                 /* one of the two */
        {4, 0, true, false, GS_WAITS},                                   /* and one that we do not know */
        {3, 0, true, true, GS_UNKNOWN},                                  /* one of these only has the mutex */
        {4, 0, true, true, GS_WAITS},     {1, 2, true, false, GS_WAITS}, /* both gave it up on request */
        {2, 1, true, false, GS_WAITS},    {1, 1, true, false, GS_UNKNOWN},
        {3, 0, false, false, GS_UNKNOWN}, /* no counts: nothing is known */
        {1, 0, false, false, GS_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        open_world(&w, 5);
        held_by(&w, 0);
        does(&w, 0, "running\n");
        waits_on(&w, 1, COND + 40);
        does(&w, 2, "running\n");
        does(&w, 3, "-1 0x1 0x2\n"); /* in a page fault */
        does(&w, 4, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
        w.lock.after.cond_users = cases[i].cond_users;
        w.lock.after.switch_users = cases[i].switch_users;
        w.lock.after.has_users = cases[i].has_users;
        w.lock.after.mutex_owner = cases[i].owned ? 999 : 0;
        classify(&w);
        if (w.members[2].wait.gil != cases[i].expected || w.members[3].wait.gil != cases[i].expected)
            fail_msg("case %zu: %d %d", i, w.members[2].wait.gil, w.members[3].wait.gil);
        /* Who has the mutex may be about to write its name there. */
        assert_judged(&w, 0, GS_HOLDS, cases[i].owned ? GS_INFERRED : GS_EXACT);
        assert_judged(&w, 1, GS_WAITS, GS_INFERRED);
        assert_judged(&w, 4, GS_WITHOUT, GS_INFERRED);
        assert_judged(&w, 2, cases[i].expected, GS_INFERRED);
        close_world(&w);
    }
}

/* Of two that are awake one waits: it is the one that waited before, as long as it cannot have had the GIL. */
UNIT_TEST(test_waits_on)
{
    static const struct {
        uint64_t switches;
        bool had_it, waited;
        enum gs_gil_word expected;
    } cases[] = {{0, false, true, GS_WAITS},
                 {1, false, true, GS_WAITS},
                 {2, false, true, GS_UNKNOWN},
                 {1, true, true, GS_UNKNOWN},
                 {0, false, false, GS_UNKNOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        open_world(&w, 3);
        held_by(&w, 0);
        does(&w, 0, "running\n");
        waits_on(&w, 1, cases[i].waited ? COND + 40 : 0x77000);
        does(&w, 2, "running\n");
        w.lock.after.cond_users = 1;
        classify(&w);
        w.lock.last = w.lock.after;
        w.lock.last.last_holder = cases[i].had_it ? w.members[1].tstate : w.lock.last.last_holder;
        w.lock.after.switches += cases[i].switches;
        does(&w, 1, "running\n");
        w.threads.members[1]->wait.asked_ns = 0;
        classify(&w);
        assert_judged(&w, 1, cases[i].expected, GS_INFERRED);
        close_world(&w);
    }
}

UNIT_TEST(test_owner_of_the_mutex)
{
    struct world w;
    open_world(&w, 3);
    held_by(&w, 0);
    does(&w, 0, "running\n");
    does(&w, 1, "running\n");
    does(&w, 2, "running\n");
    w.lock.after.mutex_owner = 201; /* in the target's own numbers */
    w.lock.after.cond_users = 3;
    classify(&w);
    assert_judged(&w, 1, GS_UNKNOWN, GS_INFERRED);
    assert_judged(&w, 2, GS_WAITS, GS_INFERRED);
    close_world(&w);
}

/* 3.15: the thread state says whether its thread asks for the GIL, if it was read in this sample. */
UNIT_TEST(test_gil_requested)
{
    struct world w;
    open_world(&w, 5);
    w.python.layout.ts_gil_requested = 40;
    held_by(&w, 0);
    does(&w, 0, "running\n");
    for (size_t i = 1; i < 5; i++)
        does(&w, i, "running\n");
    w.members[0].stack.requested = true; /* just got it */
    w.members[0].stack.requested_sample = 1;
    w.members[1].stack.requested = true;
    w.members[1].stack.requested_sample = 1;
    w.members[2].stack.requested_sample = 1;
    w.members[3].stack.requested = true; /* but long ago */
    does(&w, 4, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    w.members[4].stack.requested_sample = 1;
    w.lock.after.cond_users = 1;
    classify(&w);
    assert_judged(&w, 0, GS_HOLDS, GS_EXACT);
    assert_judged(&w, 1, GS_WAITS, GS_EXACT);
    assert_judged(&w, 2, GS_WITHOUT, GS_EXACT);
    assert_int_equal(w.members[3].wait.evidence, GS_INFERRED);
    assert_judged(&w, 4, GS_WITHOUT, GS_EXACT);
    /* Asleep in the wait although the flag was not yet set when it was read. */
    waits_on(&w, 2, COND + 32);
    w.waiters.ask_all = true;
    classify(&w);
    assert_judged(&w, 2, GS_WAITS, GS_INFERRED);
    close_world(&w);
}

UNIT_TEST(test_disabled)
{
    struct world w;
    open_world(&w, 3);
    w.lock.after.enabled = false;
    held_by(&w, 0);
    does(&w, 0, "running\n");
    waits_on(&w, 1, COND + 40);
    does(&w, 2, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    classify(&w);
    for (size_t i = 0; i < 3; i++)
        assert_judged(&w, i, GS_NONE, GS_EXACT);
    close_world(&w);
}

/* Where any futex may be a wait for the GIL, who sleeps on one may wait while somebody has it. */
UNIT_TEST(test_perhaps)
{
    struct world w;
    open_world(&w, 4);
    w.lock.place.blind = true;
    w.lock.after.has_users = w.lock.last.has_users = false;
    waits_on(&w, 1, 0x7000);
    waits_on(&w, 2, MUTEX);
    does(&w, 0, "running\n");
    does(&w, 3, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    held_by(&w, 0);
    w.waiters.ask_all = true;
    classify(&w);
    assert_judged(&w, 0, GS_HOLDS, GS_EXACT);
    assert_judged(&w, 1, GS_UNKNOWN, GS_INFERRED);
    assert_judged(&w, 2, GS_WAITS, GS_INFERRED);
    assert_judged(&w, 3, GS_WITHOUT, GS_INFERRED);
    w.lock.after.locked = false;
    w.lock.after.holder = 0;
    does(&w, 0, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    w.waiters.ask_all = true;
    classify(&w);
    assert_judged(&w, 1, GS_WITHOUT, GS_INFERRED);
    close_world(&w);
}

/* Where nothing tells who has it, whoever sleeps may sleep with it. */
UNIT_TEST(test_hidden)
{
    struct world w;
    open_world(&w, 3);
    w.lock.after.hidden = true;
    w.lock.after.exists = w.lock.after.has_users = false;
    does(&w, 0, "running\n");
    does(&w, 1, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    waits_on(&w, 2, COND + 40);
    w.waiters.ask_all = true;
    classify(&w);
    assert_judged(&w, 0, GS_UNKNOWN, GS_INFERRED);
    assert_judged(&w, 1, GS_UNKNOWN, GS_INFERRED);
    assert_judged(&w, 2, GS_WAITS, GS_INFERRED);
    close_world(&w);
}

/* Who is asked: in a quiet time only the last holder, in turn the others, everybody when it is called for. */
UNIT_TEST(test_who_is_asked)
{
    enum { COUNT = 7 };
    struct world w;
    open_world(&w, COUNT);
    held_by(&w, 0);
    for (size_t i = 0; i < COUNT; i++)
        does(&w, i, "running\n");
    classify(&w);
    assert_judged(&w, 2, GS_WITHOUT, GS_INFERRED);
    for (size_t i = 1; i < COUNT; i++)
        waits_on(&w, i, COND + 40);
    /* As many users as are missing: found out in the same sample. */
    w.lock.after.cond_users = COUNT - 1;
    classify(&w);
    for (size_t i = 1; i < COUNT; i++)
        assert_judged(&w, i, GS_WAITS, GS_INFERRED);
    /* They all leave, and the count says so. */
    for (size_t i = 1; i < COUNT; i++)
        does(&w, i, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    w.lock.after.cond_users = 0;
    classify(&w);
    for (size_t i = 1; i < COUNT; i++)
        assert_judged(&w, i, GS_WITHOUT, GS_INFERRED);
    /* Nothing tells, but nobody goes without being asked for long. */
    w.lock.after.has_users = false;
    for (size_t i = 1; i < COUNT; i++)
        does(&w, i, "running\n");
    w.waiters.recheck.last_ns = w.threads.taken_ns;
    for (int i = 0; i < 20; i++) {
        w.threads.taken_ns += 5000000;
        gs_classify_threads(&w.waiters, 0);
    }
    for (size_t i = 1; i < COUNT; i++)
        assert_int_equal(w.members[i].wait.activity.run, GS_RUN_RUNNING);
    /* A hand-over more than one: those that waited are asked again. */
    w.lock.after.has_users = true;
    waits_on(&w, 5, COND + 40);
    w.waiters.ask_all = true;
    classify(&w);
    w.waiters.ask_all = false;
    assert_judged(&w, 5, GS_WAITS, GS_INFERRED);
    does(&w, 5, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    w.waiters.search_at = 0;
    w.waiters.recheck.last_ns = w.threads.taken_ns;
    w.threads.taken_ns += 1000;
    gs_classify_threads(&w.waiters, 2);
    assert_judged(&w, 5, GS_WITHOUT, GS_INFERRED);
    close_world(&w);
}

/* The first of many has it, and all others wait. */
static void open_crowd(struct world *w)
{
    open_world(w, THREADS);
    held_by(w, 0);
    does(w, 0, "running\n");
    for (size_t i = 1; i < THREADS; i++)
        waits_on(w, i, COND + 40);
    w->lock.after.cond_users = THREADS - 1;
    classify(w);
    w->waiters.recheck.last_ns = w->threads.taken_ns;
    w->lock.last = w->lock.after;
}

/* Where nearly all of many threads wait, only the others are asked, as long as the count says that nobody left. */
UNIT_TEST(test_many_wait)
{
    struct world w;
    open_crowd(&w);
    /* 0 let go and waits; two others had it meanwhile, and 1 has it now. */
    waits_on(&w, 0, COND + 40);
    does(&w, 1, "running\n");
    held_by(&w, 1);
    w.threads.taken_ns += 1000;
    gs_classify_threads(&w.waiters, 3);
    for (size_t i = 0; i < THREADS; i++)
        assert_judged(&w, i, i == 1 ? GS_HOLDS : GS_WAITS, i == 1 ? GS_EXACT : GS_INFERRED);
    assert_true(w.members[0].wait.asked_ns == w.threads.taken_ns && w.members[1].wait.asked_ns == w.threads.taken_ns);
    for (size_t i = 2; i < THREADS; i++)
        assert_true(w.members[i].wait.asked_ns < w.threads.taken_ns);
    /* One of those that had it meanwhile went elsewhere: the count no longer fits, and all are asked. */
    w.lock.last = w.lock.after;
    does(&w, 70, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    w.lock.after.cond_users--;
    w.threads.taken_ns += 1000;
    gs_classify_threads(&w.waiters, 3);
    assert_judged(&w, 70, GS_WITHOUT, GS_INFERRED);
    assert_true(w.members[2].wait.asked_ns == w.threads.taken_ns);
    close_world(&w);
}

/* Hand-overs that were all seen: only those who had it are asked, and whoever waited and did not have it waits on. */
UNIT_TEST(test_known_movers)
{
    struct world w;
    open_crowd(&w);
    /* 7 had it in between, and went elsewhere; 9 is awake at its timeout, and not asked. */
    waits_on(&w, 0, COND + 40);
    does(&w, 1, "running\n");
    does(&w, 7, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    does(&w, 9, "running\n");
    held_by(&w, 1);
    w.lock.after.switches = w.lock.last.switches + 2;
    w.lock.after.cond_users--;
    w.threads.sample++;
    w.waiters.movers_known = true;
    w.members[7].wait.moved_sample = w.threads.sample;
    w.threads.taken_ns += 1000;
    gs_classify_threads(&w.waiters, 2);
    assert_judged(&w, 7, GS_WITHOUT, GS_INFERRED);
    assert_judged(&w, 0, GS_WAITS, GS_INFERRED);
    assert_judged(&w, 9, GS_WAITS, GS_INFERRED);
    assert_true(w.members[9].wait.asked_ns < w.threads.taken_ns && w.members[2].wait.asked_ns < w.threads.taken_ns);
    /* Seen awake, it has waited on all the same; who had it meanwhile is not known to have. */
    w.members[9].wait.activity.run = GS_RUN_RUNNING;
    w.lock.last = w.lock.after;
    w.lock.after.switches += 2;
    w.lock.after.has_users = false;
    does(&w, 0, "running\n");
    w.threads.sample++;
    w.members[0].wait.moved_sample = w.threads.sample;
    w.threads.taken_ns += 1000;
    gs_classify_threads(&w.waiters, 2);
    assert_judged(&w, 9, GS_WAITS, GS_INFERRED);
    assert_judged(&w, 0, GS_UNKNOWN, GS_INFERRED);
    close_world(&w);
}

/* The words moved between the reading and the asking. */
UNIT_TEST(test_words_that_moved)
{
    struct world w;
    open_world(&w, 3);
    held_by(&w, 0);
    does(&w, 0, "running\n");
    does(&w, 1, "running\n");
    does(&w, 2, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    mem_fake_put64(w.python.mem, GIL + 8, w.members[0].tstate);
    mem_fake_put32(w.python.mem, GIL + 16, 1);
    gs_classify_threads(&w.waiters, 1);
    assert_true(w.lock.stands);
    assert_judged(&w, 1, GS_WITHOUT, GS_INFERRED);
    /* Other users meanwhile: the counts vouch for nobody until they are seen a second time. */
    w.lock.after.has_users = true;
    mem_fake_put32(w.python.mem, MUTEX + 12, 1);
    gs_classify_threads(&w.waiters, 1);
    assert_true(w.lock.stands);
    assert_judged(&w, 1, GS_WAITS, GS_INFERRED);
    /* Another hand-over. */
    w.lock.after.has_users = true;
    w.lock.after.cond_users = 0;
    mem_fake_put32(w.python.mem, MUTEX + 12, 0);
    mem_fake_put64(w.python.mem, GIL + 24, 5);
    gs_classify_threads(&w.waiters, 1);
    assert_false(w.lock.stands);
    assert_judged(&w, 0, GS_HOLDS, GS_EXACT); /* it did, when it was read */
    assert_judged(&w, 1, GS_UNKNOWN, GS_INFERRED);
    assert_judged(&w, 2, GS_WITHOUT, GS_INFERRED);
    close_world(&w);
}

/* Awake, and nobody is missing among the waiters: it may still be one that has just let go, which a sample of many may
 * call without the GIL, and a look at one moment may not. */
UNIT_TEST(test_awake_unproven)
{
    struct world w;
    open_world(&w, 2);
    held_by(&w, 0);
    does(&w, 0, "running");
    does(&w, 1, "running");
    w.members[1].wait.awake.outside = false;
    classify(&w);
    assert_judged(&w, 1, GS_WITHOUT, GS_INFERRED);
    w.waiters.ask_all = true;
    classify(&w);
    assert_judged(&w, 1, GS_UNKNOWN, GS_INFERRED);
    close_world(&w);
}

/* Uses a processor until the kernel has noticed. */
static uint64_t burn(const struct gs_target *target, pid_t tid, uint64_t until_ns)
{
    uint64_t ran_ns = 0;
    while (ran_ns < until_ns)
        assert_true(gs_target_ran_ns(target, tid, &ran_ns));
    return ran_ns;
}

UNIT_TEST(test_proof_of_computing)
{
    struct world w;
    uint64_t ran_ns;
    open_world(&w, 1);
    struct gs_member *member = &w.members[0];
    struct gs_gil_fields words = {.has_switches = true, .last_holder = 0x9999, .switches = 7};
    w.target.pid = getpid();
    member->tid = gettid();
    assert_true(gs_target_ran_ns(&w.target, member->tid, &ran_ns));

    member->wait.awake.outside = false;
    gs_awake_note(&w.waiters, member, &words, true);
    assert_false(gs_awake_outside(&w.waiters, member)); /* one look proves nothing */
    ran_ns = burn(&w.target, member->tid, ran_ns + 1000000);
    gs_awake_note(&w.waiters, member, &words, true);
    assert_false(gs_awake_outside(&w.waiters, member)); /* that may be of the time before the look */
    words.switches = 9;
    ran_ns = burn(&w.target, member->tid, ran_ns + 1000000);
    gs_awake_note(&w.waiters, member, &words, true);
    assert_false(gs_awake_outside(&w.waiters, member)); /* it may have held the GIL between: begins anew */
    words.switches = 10;
    ran_ns = burn(&w.target, member->tid, ran_ns + 1000000);
    gs_awake_note(&w.waiters, member, &words, true);
    assert_false(gs_awake_outside(&w.waiters, member));
    burn(&w.target, member->tid, ran_ns + 1000000);
    gs_awake_note(&w.waiters, member, &words, true);
    assert_true(gs_awake_outside(&w.waiters, member));

    struct gs_frame frame = {.frame = 0x100, .code = 0x200, .instr = 4};
    member->stack.frames = &frame;
    member->stack.frame_count = 1;
    assert_false(gs_awake_outside(&w.waiters, member)); /* it has moved since */
    member->stack.frame_count = 0;
    words.last_holder = member->tstate;
    gs_awake_note(&w.waiters, member, &words, true);
    assert_false(gs_awake_outside(&w.waiters, member));
    close_world(&w);
}

static void ran(struct world *w, size_t i, unsigned long long waited_ns, unsigned long long count)
{
    char text[64];
    int fd = w->members[i].runs_fd, len = snprintf(text, sizeof text, "1000 %llu %llu\n", waited_ns, count);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, text, (size_t)len, 0), len);
}

/* So much later; nobody was handed the GIL. */
static void later(struct world *w, uint64_t ms)
{
    w->threads.taken_ns += ms * 1000000;
    gs_classify_threads(&w->waiters, 0);
}

/* Threads that sleep are asked what they do only when they were put on a processor since. */
UNIT_TEST(test_sleep_on)
{
    static const char asleep[] = "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n", elsewhere[] = "9 0x1 0 0 0 0 0 0x7 0x8\n";
    struct world w;
    open_world(&w, 4);
    held_by(&w, 0);
    does(&w, 0, "running\n");
    w.threads.kept_files = 1 << 20;
    for (size_t i = 1; i < 4; i++) {
        w.members[i].runs_fd = memfd_create("schedstat", 0);
        does(&w, i, asleep);
        ran(&w, i, 0, 10);
    }
    classify(&w);
    later(&w, 100); /* the counts are read */
    /* What they do is no longer looked at while the counts stay, but known to be so. */
    does(&w, 1, elsewhere);
    later(&w, 100);
    assert_int_equal(w.members[1].wait.activity.number, 7);
    assert_true(w.members[1].wait.asked_ns == w.threads.taken_ns);
    ran(&w, 1, 2000, 11);
    later(&w, 100);
    assert_int_equal(w.members[1].wait.activity.number, 9);
    /* One waited long for a processor: the others may be waiting for one now. */
    ran(&w, 2, 5000000, 12);
    later(&w, 100);
    does(&w, 3, elsewhere);
    later(&w, 100);
    assert_int_equal(w.members[3].wait.activity.number, 9);
    /* That was long ago. */
    later(&w, 20000);
    later(&w, 100);
    does(&w, 3, asleep);
    later(&w, 100);
    assert_int_equal(w.members[3].wait.activity.number, 9);
    for (size_t i = 1; i < 4; i++)
        close(w.members[i].runs_fd);
    close_world(&w);
}

/* A process whose time on a processor grows when it is told to. */
struct worker {
    pid_t pid;
    int ask[2];
};

static void work(const struct worker *worker)
{
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(worker->ask[1]);
    while (read(worker->ask[0], &byte, 1) == 1) {
        for (uint64_t until_us = gs_clock_cpu_us() + 2000; gs_clock_cpu_us() < until_us;)
            ;
    }
    _exit(0);
}

static uint64_t worked_ns(const struct world *w)
{
    uint64_t ns = 0;
    assert_true(gs_target_clock_ns(&w->target, &ns));
    return ns;
}

/* Lets it work, and waits until it sleeps again. */
static void let_work(const struct world *w, const struct worker *worker)
{
    uint64_t before_ns = worked_ns(w);
    struct gs_activity activity = {.run = GS_RUN_UNKNOWN};
    assert_int_equal(write(worker->ask[1], "", 1), 1);
    while (worked_ns(w) - before_ns < 1000000 || activity.run != GS_RUN_SYSCALL || activity.number != SYS_read)
        gs_target_activity(&w->target, worker->pid, &activity);
}

static void ran_for(struct world *w, size_t i, uint64_t ns, unsigned long long count)
{
    char text[64];
    int fd = w->members[i].runs_fd, len = snprintf(text, sizeof text, "%llu 0 %llu\n", (unsigned long long)ns, count);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, text, (size_t)len, 0), len);
}

static size_t count_asked(const struct world *w)
{
    size_t asked = 0;
    for (size_t i = 0; i < w->threads.member_count; i++)
        asked += w->members[i].wait.asked_ns == w->threads.taken_ns;
    return asked;
}

/* As long as the process had a processor for no longer than those who are known to run, all others sleep on. */
UNIT_TEST(test_audit)
{
    enum { COUNT = 20, RAN = 11, SEEN = 7 };
    static const char asleep[] = "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n", elsewhere[] = "9 0x1 0 0 0 0 0 0x7 0x8\n";
    struct world w;
    struct worker worker;
    open_world(&w, COUNT);
    assert_int_equal(pipe(worker.ask), 0);
    worker.pid = fork();
    if (worker.pid == 0)
        work(&worker);
    w.target.pid = worker.pid;
    held_by(&w, 0);
    does(&w, 0, "running\n");
    w.threads.kept_files = 1 << 20;
    for (size_t i = 0; i < COUNT; i++) {
        w.members[i].runs_fd = memfd_create("schedstat", 0);
        if (i > 0)
            does(&w, i, asleep);
        ran_for(&w, i, 0, 10);
    }
    let_work(&w, &worker);
    classify(&w);
    later(&w, 100); /* all are looked at */
    later(&w, 100); /* and the rest of the time is known */
    later(&w, 100);
    assert_true(w.waiters.recheck.audit.complete);
    assert_in_range(count_asked(&w), 1, 3); /* the holder, and now and then somebody all the same */
    /* The holder goes on computing. */
    let_work(&w, &worker);
    uint64_t holder_ns = worked_ns(&w), before_ns = holder_ns;
    ran_for(&w, 0, holder_ns - w.waiters.recheck.audit.rest_ns, 10);
    later(&w, 100);
    assert_true(w.waiters.recheck.audit.complete);
    /* Somebody else ran: found within the time that it may take, and nobody is looked for any more then. */
    let_work(&w, &worker);
    w.waiters.recheck.turn_at = RAN - 5;
    does(&w, RAN, elsewhere);
    ran_for(&w, RAN, worked_ns(&w) - before_ns, 11);
    later(&w, 50);
    later(&w, 50);
    assert_int_equal(w.members[RAN].wait.activity.number, 9);
    assert_true(w.waiters.recheck.audit.complete);
    later(&w, 100);
    assert_true(w.waiters.recheck.audit.complete);
    assert_in_range(count_asked(&w), 1, 3);
    /* One that was seen to fall asleep ran again before that: it may sleep over something else now. */
    before_ns = worked_ns(&w);
    w.threads.taken_ns += 1000;
    gs_ask_thread(&w.waiters, &w.members[SEEN]);
    let_work(&w, &worker);
    does(&w, SEEN, elsewhere);
    ran_for(&w, SEEN, worked_ns(&w) - before_ns, 12);
    later(&w, 100);
    assert_true(w.waiters.recheck.audit.complete);
    assert_int_equal(w.members[SEEN].wait.activity.number, 9);
    /* Of two that ran one runs on after the audit: the other one is found all the same. */
    uint64_t ran_ns = worked_ns(&w) - before_ns;
    let_work(&w, &worker);
    w.waiters.recheck.turn_at = 13;
    does(&w, 15, elsewhere);
    does(&w, 17, elsewhere);
    ran_for(&w, 15, worked_ns(&w) - before_ns - ran_ns + 500000, 11);
    ran_for(&w, 17, 1000, 11);
    later(&w, 100);
    later(&w, 100);
    assert_int_equal(w.members[17].wait.activity.number, 9);
    close(worker.ask[1]);
    close(worker.ask[0]);
    assert_int_equal(waitpid(worker.pid, NULL, 0), worker.pid);
    for (size_t i = 0; i < COUNT; i++)
        close(w.members[i].runs_fd);
    close_world(&w);
}

/* A snapshot stands as long as nobody in the process ran, which its CPU time, the GIL and the last one who had it tell;
 * after a long sleep most looks ask for the CPU time alone. */
UNIT_TEST(test_asleep)
{
    static const char asleep[] = "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n",
                      elsewhere[] = "7 0x1 0x2 0x3 0x4 0x5 0x6 0x9 0x8\n";
    struct world w;
    struct worker worker;
    struct gs_thread published;
    open_world(&w, 2);
    assert_int_equal(pipe(worker.ask), 0);
    worker.pid = fork();
    if (worker.pid == 0)
        work(&worker);
    w.target.pid = worker.pid;
    let_work(&w, &worker);
    mem_fake_put64(w.python.mem, GIL + 8, w.members[0].tstate);
    assert_true(gs_gil_read(&w.lock.place, w.python.mem, &w.lock.last));
    w.lock.after = w.lock.last;
    does(&w, 0, asleep);
    gs_activity_read(w.members[0].syscall_fd, &w.members[0].wait.activity);
    struct gs_reader reader = {.threads = w.threads, .waiters = {.threads = &reader.threads, .all_asked = true}};
    reader.out.snapshot.threads = &published;
    uint64_t now_ns = w.threads.taken_ns;
    assert_false(gs_reader_asleep(&reader, now_ns, true)); /* since when? */
    assert_true(gs_reader_asleep(&reader, now_ns, true));
    assert_false(gs_reader_ran(&reader, now_ns + 1));
    /* Somebody ran. */
    let_work(&w, &worker);
    assert_false(gs_reader_asleep(&reader, now_ns + 5, true));
    assert_true(gs_reader_ran(&reader, now_ns + 1));
    assert_true(gs_reader_asleep(&reader, now_ns, true));
    /* Somebody has the GIL; has had it; the last one who did is awake, or sleeps elsewhere. */
    mem_fake_put32(w.python.mem, GIL + 16, 1);
    assert_false(gs_reader_asleep(&reader, now_ns, true));
    mem_fake_put32(w.python.mem, GIL + 16, 0);
    assert_true(gs_reader_asleep(&reader, now_ns, true));
    mem_fake_put64(w.python.mem, GIL + 24, 1);
    assert_false(gs_reader_asleep(&reader, now_ns, true));
    mem_fake_put64(w.python.mem, GIL + 24, 0);
    does(&w, 0, "running\n");
    assert_false(gs_reader_asleep(&reader, now_ns, true));
    does(&w, 0, elsewhere);
    assert_false(gs_reader_asleep(&reader, now_ns, true));
    does(&w, 0, asleep);
    assert_true(gs_reader_asleep(&reader, now_ns, true));
    /* Not all threads sleep; it was long ago. */
    reader.waiters.any_open = true;
    assert_false(gs_reader_asleep(&reader, now_ns, true));
    reader.waiters.any_open = false;
    assert_false(gs_reader_asleep(&reader, now_ns + GS_NS_PER_S, true));
    /* A long sleep. */
    size_t slept = 0;
    now_ns = reader.threads.taken_ns += 20 * GS_NS_PER_S;
    assert_true(gs_reader_asleep(&reader, now_ns, true));
    does(&w, 0, "running\n");
    for (int i = 0; i < 8; i++)
        slept += gs_reader_asleep(&reader, now_ns, true);
    assert_int_equal(slept, 6);
    let_work(&w, &worker);
    assert_false(gs_reader_asleep(&reader, now_ns, true));
    close(worker.ask[1]);
    close(worker.ask[0]);
    assert_int_equal(waitpid(worker.pid, NULL, 0), worker.pid);
    close_world(&w);
}

/* Its last thread ran and sleeps again as it did: that is the same where it matters to nobody what it did, unless it
 * waits for a lock anew. */
UNIT_TEST(test_asleep_again)
{
    struct world w;
    struct worker worker;
    struct gs_thread published;
    open_world(&w, 1);
    struct gs_member *member = &w.members[0];
    assert_int_equal(pipe(worker.ask), 0);
    worker.pid = fork();
    if (worker.pid == 0)
        work(&worker);
    w.target.pid = worker.pid;
    w.python.layout.rt_finalizing = GS_ABSENT;
    w.threads.kept_files = 1 << 20;
    member->runs_fd = memfd_create("schedstat", 0);
    let_work(&w, &worker);
    ran_for(&w, 0, worked_ns(&w), 1);
    mem_fake_put64(w.python.mem, GIL + 8, member->tstate);
    assert_true(gs_gil_read(&w.lock.place, w.python.mem, &w.lock.last));
    w.lock.after = w.lock.last;
    does(&w, 0, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n");
    gs_activity_read(member->syscall_fd, &member->wait.activity);
    struct gs_reader reader = {
        .threads = w.threads, .waiters = {.threads = &reader.threads, .all_asked = true}, .polled = true};
    reader.stacks.threads = &reader.threads;
    reader.stacks.runtime_at = w.python.at.interp_head = RUNTIME;
    reader.stacks.runtime_len = 8;
    reader.threads.cache = gs_mem_cache_new(w.python.mem);
    reader.threads.interp_count = 0; /* whose list is not read */
    assert_true(gs_pieces_arrange(&reader.stacks));
    reader.threads.interp_count = 1;
    reader.out.snapshot.threads = &published;
    uint64_t now_ns = w.threads.taken_ns;
    for (int i = 0; i < 4; i++) {
        bool again = i != 1;
        member->wait.lock.word = i == 2 ? 8 : 0;
        while (!gs_reader_asleep(&reader, now_ns, true))
            ;
        let_work(&w, &worker);
        ran_for(&w, 0, worked_ns(&w), 2);
        assert_int_equal(gs_reader_asleep(&reader, now_ns, again), i == 0 || i == 3);
    }
    /* Another one ran, too. */
    let_work(&w, &worker);
    assert_false(gs_reader_asleep(&reader, now_ns, true));
    close(worker.ask[1]);
    close(worker.ask[0]);
    assert_int_equal(waitpid(worker.pid, NULL, 0), worker.pid);
    close(member->runs_fd);
    gs_mem_free(reader.threads.cache);
    free(reader.stacks.heads);
    free(reader.stacks.pieces);
    free(reader.stacks.arena);
    close_world(&w);
}

/* Nobody goes without being asked for a tenth of a second, and whoever was asked a moment ago is not asked in turn. */
UNIT_TEST(test_gil_spans)
{
    enum { COUNT = 12, FRESH = 7 }; /* the CPU time of so few is not audited */
    static const char asleep[] = "7 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n", elsewhere[] = "9 0x1 0 0 0 0 0 0x7 0x8\n";
    struct world w;
    open_world(&w, COUNT);
    held_by(&w, 0);
    does(&w, 0, "running\n");
    for (size_t i = 1; i < COUNT; i++)
        does(&w, i, asleep);
    classify(&w);
    later(&w, 100);
    does(&w, FRESH, elsewhere);
    uint32_t dice = 1;
    for (int sample = 0; sample < 20000; sample++) {
        w.members[FRESH].wait.asked_ns = w.threads.taken_ns;
        uint32_t before = dice;
        dice = dice * 1103515245 + 12345;
        later(&w, 10 + (dice >> 16) % 10 - (before >> 16) % 10); /* a random point in each slot of 10 ms */
        for (size_t i = 0; i < COUNT; i++)
            assert_in_range(w.threads.taken_ns - w.members[i].wait.asked_ns, 0, 100000000);
    }
    assert_int_equal(w.members[FRESH].wait.activity.number, 7);
    for (int sample = 0; sample < 12; sample++)
        later(&w, 10);
    assert_int_equal(w.members[FRESH].wait.activity.number, 9);
    close_world(&w);
}

/* Asleep with its stack there, whose top tells where it was called from. */
static void sleeps_at(struct world *w, size_t i, gs_addr sp, uint64_t caller)
{
    char text[96];
    snprintf(text, sizeof text, "7 0x1 0x2 0x3 0x4 0x5 0x6 0x%llx 0x8\n", (unsigned long long)sp);
    does(w, i, text);
    memcpy(mem_fake_at(w->python.mem, sp, sizeof caller), &caller, sizeof caller);
}

/* Of many that sleep, those are asked first whose stacks say that they are elsewhere now. */
UNIT_TEST(test_who_moved)
{
    enum { MOVED = 40, SILENT = 50 };
    const gs_addr stacks = 0x100000, apart = 0x100;
    struct world w;
    open_world(&w, THREADS);
    mem_fake_map(w.python.mem, stacks, THREADS * apart);
    held_by(&w, 0);
    does(&w, 0, "running\n");
    for (size_t i = 1; i < THREADS; i++)
        sleeps_at(&w, i, stacks + i * apart, 7);
    classify(&w);
    w.lock.last = w.lock.after;
    /* One is said to wait, but nobody does: all are asked, and it is known how their stacks look. */
    w.lock.after.cond_users = 1;
    classify(&w);
    assert_int_equal(count_asked(&w), THREADS);
    w.lock.last = w.lock.after;
    sleeps_at(&w, MOVED, stacks + MOVED * apart, 9);
    waits_on(&w, MOVED, COND + 40);
    classify(&w);
    assert_judged(&w, MOVED, GS_WAITS, GS_INFERRED);
    assert_int_equal(count_asked(&w), 2); /* and the holder */
    /* The stack of another one tells nothing, but the count does. */
    w.lock.last = w.lock.after;
    w.lock.after.cond_users = 2;
    waits_on(&w, SILENT, COND + 40);
    classify(&w);
    assert_judged(&w, SILENT, GS_WAITS, GS_INFERRED);
    /* Nor does one that cannot be read: it is asked. */
    w.lock.last = w.lock.after;
    does(&w, 60, "7 0x1 0x2 0x3 0x4 0x5 0x6 0xdead000 0x8\n");
    w.waiters.ask_all = true;
    classify(&w);
    w.waiters.ask_all = false;
    w.lock.last = w.lock.after;
    w.lock.after.cond_users = 3;
    waits_on(&w, 60, COND + 40);
    classify(&w);
    assert_judged(&w, 60, GS_WAITS, GS_INFERRED);
    close_world(&w);
}

UNIT_TEST(test_musl)
{
    static const size_t waiting[] = {3, 1, 2}, joined[] = {5, 3, 1, 2}, switching[] = {4};
    struct world w;
    open_musl(&w, 6);
    link_waiters(&w, COND, waiting, 3);
    link_waiters(&w, SWITCH, switching, 1);
    w.waiters.ask_all = true;
    classify(&w);
    assert_int_equal(w.lock.after.cond_users, 3);
    assert_int_equal(w.lock.after.switch_users, 1);
    for (size_t i = 1; i < 4; i++)
        assert_judged(&w, i, GS_WAITS, GS_INFERRED);
    assert_int_equal(w.members[4].wait.futex, GS_FUTEX_SWITCH);
    assert_int_equal(w.members[5].wait.futex, GS_FUTEX_OTHER);
    assert_judged(&w, 5, GS_WITHOUT, GS_INFERRED);
    /* It comes to wait, for it and not for something else. */
    link_waiters(&w, COND, joined, 4);
    w.waiters.ask_all = true;
    classify(&w);
    assert_int_equal(w.lock.after.cond_users, 4);
    assert_judged(&w, 5, GS_WAITS, GS_INFERRED);
    close_world(&w);
}

/* A list that leads round, or nowhere, says nothing. */
UNIT_TEST(test_musl_damaged)
{
    static const size_t waiting[] = {1, 2};
    static const gs_addr ends[] = {STACKS + 64, STACKS + 3, 0xdead000};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct world w;
        open_musl(&w, 4);
        link_waiters(&w, COND, waiting, 2);
        mem_fake_put64(w.python.mem, node_of(2) + 8, ends[i]);
        w.waiters.ask_all = true;
        classify(&w);
        assert_false(w.lock.after.has_users);
        assert_judged(&w, 1, GS_WAITS, GS_INFERRED);
        assert_judged(&w, 3, GS_UNKNOWN, GS_INFERRED);
        close_world(&w);
    }
}
