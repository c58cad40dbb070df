/* Which C library a target has: by its files, or by the struct of a thread. */
#include <string.h>

#include "python/libc.h"
#include "support/mem_fake.h"
#include "support/unit.h"

#define HEAD   UINT64_C(0x10000)
#define INTERP UINT64_C(0x11000)
#define TSTATE UINT64_C(0x12000)
#define THREAD UINT64_C(0x13000)

struct world {
    struct gs_target target;
    struct gs_python python;
    struct gs_map maps[3];
    char path[64];
};

static void open_world(struct world *w, const char *path)
{
    memset(w, 0, sizeof *w);
    strcpy(w->path, path);
    for (size_t i = 0; i < 3; i++)
        w->maps[i].path = w->path + strlen(w->path);
    w->maps[1].path = w->path;
    w->target = (struct gs_target){.maps = w->maps, .map_count = 3};
    w->python = (struct gs_python){.target = &w->target, .mem = mem_fake_new()};
    w->python.at.interp_head = HEAD;
    w->python.layout.is_threads_head = 8;
    w->python.layout.ts_thread_id = 152;
    mem_fake_map(w->python.mem, HEAD, 0x4000);
    mem_fake_put64(w->python.mem, HEAD, INTERP);
    mem_fake_put64(w->python.mem, INTERP + 8, TSTATE);
    mem_fake_put64(w->python.mem, TSTATE + 152, THREAD);
}

static bool by_file(const char *path)
{
    struct world w;
    open_world(&w, path);
    bool foreign = gs_libc_is_foreign(&w.python);
    gs_mem_free(w.python.mem);
    return foreign;
}

UNIT_TEST(test_files)
{
    assert_true(by_file("/lib/ld-musl-x86_64.so.1"));
    assert_true(by_file("/lib/libc.musl-x86_64.so.1"));
    assert_true(by_file("/usr/lib/x86_64-linux-musl/libc.so"));
    assert_false(by_file("/usr/lib/x86_64-linux-gnu/libc.so.6"));
    assert_false(by_file("/lib/x86_64-linux-gnu/libc-2.31.so"));
    assert_false(by_file("/srv/libc.so.old/app"));
    assert_false(by_file("libc.so"));
}

static bool by_thread(uint64_t self, uint64_t again, uint64_t next)
{
    struct world w;
    open_world(&w, "/srv/app");
    mem_fake_put64(w.python.mem, THREAD, self);
    mem_fake_put64(w.python.mem, THREAD + 16, again);
    mem_fake_put64(w.python.mem, THREAD + 24, next);
    bool foreign = gs_libc_is_foreign(&w.python);
    gs_mem_free(w.python.mem);
    return foreign;
}

UNIT_TEST(test_threads)
{
    assert_false(by_thread(THREAD, THREAD, 1));         /* glibc */
    assert_true(by_thread(THREAD, 0x20000, 0x21000));   /* musl, among other threads */
    assert_true(by_thread(THREAD, THREAD, THREAD));     /* musl, alone */
    assert_false(by_thread(0x20000, 0x20000, 0x20000)); /* no such struct */
}

UNIT_TEST(test_nothing_known)
{
    struct world w;
    open_world(&w, "/srv/app");
    mem_fake_put64(w.python.mem, TSTATE + 152, 0x900000);
    assert_false(gs_libc_is_foreign(&w.python));
    mem_fake_put64(w.python.mem, HEAD, 0);
    assert_false(gs_libc_is_foreign(&w.python));
    gs_mem_free(w.python.mem);
}
