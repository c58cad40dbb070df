/* A core's dump, byte by byte: what killed it, what it lacks, and nothing that is only true of what lives. */
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "support/golden.h"
#include "support/scene.h"
#include "support/unit.h"

/* Two files that are not to be had. */
static bool lack(const void *files, size_t i, const char **path, const char **why)
{
    static const char *const rows[][2] = {
        {"/usr/lib/libpython3.11.so.1.0", "is not the one that it ran: build id differs"},
        {"/tmp/\033[31mgone", "is missing"}};
    (void)files;
    if (i >= sizeof rows / sizeof *rows)
        return false;
    *path = rows[i][0];
    *why = rows[i][1];
    return true;
}

static void make_core(struct scene *scene, struct gs_postmortem *postmortem)
{
    scene_init(scene);
    *postmortem = (struct gs_postmortem){.signal = SIGSEGV, .signal_tid = 4250, .bytes = 4096, .whole_bytes = 4096};
    scene->target.postmortem = postmortem;
    scene->dump.uptime_s = -1;
    scene->gils[0].state = GS_GIL_HELD;
    scene->gils[0].holder = 4250;
    uint64_t match = scene_code(scene, "match", "match", "/usr/lib/python3.11/re/__init__.py", 166);
    uint64_t work = scene_code(scene, "run", "Worker.run", "/srv/app/lib/worker.py", 31);
    scene_thread(scene, 4242, "MainThread", GS_WAITS, GS_RUN_SYSCALL, SYS_futex)->evidence = GS_INFERRED;
    scene_frame(scene, work, 0);
    scene_thread(scene, 4250, "worker-2", GS_HOLDS, GS_RUN_RUNNING, 0);
    scene_frame(scene, match, 0);
    scene_frame(scene, work, 0);
    scene_thread(scene, 4251, "reader", GS_WITHOUT, GS_RUN_SYSCALL, SYS_read)->evidence = GS_INFERRED;
    scene_frame(scene, work, 1);
}

static void check_text(struct scene *scene, const char *name)
{
    FILE *out = golden_open();
    struct gs_console console = {.out = out, .utf8 = true, .columns = 0};
    assert_int_equal(gs_dump_text(&scene->dump, &console, false), GS_OK);
    golden_check(out, name);
}

UNIT_TEST(test_whole)
{
    struct scene *scene = malloc(sizeof *scene);
    struct gs_postmortem postmortem;
    make_core(scene, &postmortem);
    check_text(scene, "dump-core.txt");
    FILE *out = golden_open();
    assert_int_equal(gs_dump_json(&scene->dump, out), GS_OK);
    golden_check(out, "dump-core.json");
    free(scene);
}

/* It was cut off, files have changed since, the signal has no name, a stack ends where memory is missing. */
UNIT_TEST(test_lacking)
{
    struct scene *scene = malloc(sizeof *scene);
    struct gs_postmortem postmortem;
    make_core(scene, &postmortem);
    postmortem.bytes = 1234;
    postmortem.lack = lack;
    postmortem.signal = 1000;
    postmortem.signal_tid = 77;
    scene_thread(scene, 4252, "cut", GS_WITHOUT, GS_RUN_RUNNING, 0)->torn = true;
    scene_gap(scene, GS_GAP_UNREADABLE);
    check_text(scene, "dump-core-lacking.txt");
    free(scene);
}
