/* The programs that never ran. */
#include <stdio.h>
#include <string.h>

#include "support/plays.h"
#include "support/stream.h"

enum { MS = 1000000 };

static char *app_command[] = {"python3", "app.py", "--workers", "4", NULL};

/* A worker that parses keeps the GIL, a second one and the main thread want it, a third compresses without it, one
 * thread is idle. What each does changes in a fixed pattern. */
static enum gs_status run_app(struct gs_sink *sink)
{
    static const char threading[] = "/usr/lib/python3.11/threading.py", parser[] = "/srv/app/parser.py",
                      worker[] = "/srv/app/worker.py", re[] = "/usr/lib/python3.11/re/__init__.py";
    struct stream s;
    stream_begin(&s, sink);
    stream_process(&s, 4242, app_command);
    uint32_t main_thread = stream_thread(&s, 4242, "MainThread"), one = stream_thread(&s, 4249, "worker-1");
    uint32_t two = stream_thread(&s, 4250, "worker-2"), zip = stream_thread(&s, 4251, "zip; \"fast\"");
    uint32_t logger = stream_thread(&s, 4252, "log-writer");
    uint32_t module = stream_call(&s, 0, "<module>", "/srv/app/app.py", 40);
    uint32_t serve = stream_call(&s, module, "serve", "/srv/app/app.py", 22);
    uint32_t select = stream_call(&s, serve, "select", "/usr/lib/python3.11/selectors.py", 468);
    uint32_t handle = stream_call(&s, serve, "handle", "/srv/app/app.py", 31);
    uint32_t start = stream_call(&s, 0, "_bootstrap", threading, 1002);
    uint32_t run = stream_call(&s, stream_call(&s, start, "run", threading, 982), "work", worker, 31);
    uint32_t tokenize = stream_call(&s, run, "tokenize", parser, 88);
    uint32_t match = stream_call(&s, tokenize, "match", re, 166);
    uint32_t build = stream_call(&s, run, "build_tree", parser, 120);
    uint32_t fold = stream_call(&s, build, "make.<locals>.Parser.fold", parser, 140);
    uint32_t compress = stream_call(&s, stream_call(&s, run, "store", worker, 52), "compress", worker, 60);
    uint32_t wait = stream_call(&s, start, "wait", threading, 327);
    uint32_t torn = stream_call(&s, stream_gap(&s, GS_GAP_CHANGED), "tokenize", parser, 91);
    for (int i = 0; i < 200; i++) {
        bool turn = i / 8 % 3 == 0;
        stream_clear(&s);
        stream_add(&s, main_thread, i % 10 < 3 ? handle : select, i % 10 < 3 ? GS_WAITS : GS_WITHOUT, GS_RUN_SYSCALL);
        stream_add(&s, one,
                   turn    ? match
                   : i % 5 ? build
                           : fold,
                   turn ? GS_HOLDS : GS_WAITS, turn ? GS_RUN_RUNNING : GS_RUN_SYSCALL);
        stream_add(&s, two, turn ? tokenize : match, turn ? GS_WAITS : GS_HOLDS,
                   turn ? GS_RUN_SYSCALL : GS_RUN_RUNNING);
        stream_add(&s, zip, i % 25 == 3 ? torn : compress, i % 25 == 3 ? GS_UNKNOWN : GS_WITHOUT, GS_RUN_RUNNING);
        stream_add(&s, logger, i % 50 == 7 ? 0 : wait, GS_WITHOUT, i % 40 == 1 ? GS_RUN_RUNNING : GS_RUN_SYSCALL);
        enum gs_status status = stream_tick(&s, 10 * MS, i == 120 ? 130 * MS : 0);
        if (status != GS_OK)
            return status;
    }
    s.quality.torn = 8;
    s.quality.late = 13;
    s.quality.stopped = 7;
    s.quality.stopped_us = 240;
    return stream_end(&s);
}

static enum gs_status run_hostile(struct gs_sink *sink)
{
    static char *command[] = {"py\nthon", "\033]0;title\a", "\xff\xfe</title><script>alert(1)</script>", NULL};
    static char long_name[10001];
    static const char *const names[] = {"</script><script>alert(1)</script>",
                                        "]]><script>alert(2)</script>",
                                        "\"onload=\"alert(3)\" 'x' &amp; <b>",
                                        "semi;colon 12",
                                        "two\nlines\r\ttab",
                                        "\033[31mred\033[0m\b\177\302\233",
                                        "\xed\xa0\x80\xc0\xaf\xf5\xff",
                                        "\u202egnp.exe\u2066\u2028\u200f",
                                        "日本語関数",
                                        "\xef\xbf\xbe\xef\xbf\xbf",
                                        "__proto__",
                                        "${alert(4)} {{x}} %s%n",
                                        "",
                                        long_name};
    struct stream s;
    memset(long_name, 'n', sizeof long_name - 1);
    stream_begin(&s, sink);
    stream_process(&s, 666, command);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint32_t thread = stream_thread(&s, 700 + (int)i, names[i]);
        uint32_t outer = stream_call(&s, 0, names[i], names[(i + 1) % 14], 1);
        stream_add(&s, thread, stream_call(&s, outer, names[(i + 2) % 14], names[i], 2), GS_HOLDS, GS_RUN_RUNNING);
    }
    enum gs_status status = stream_tick(&s, 10 * MS, 0);
    return status == GS_OK ? stream_end(&s) : status;
}

/* Two processes whose threads have the same names, one in an interpreter with a GIL of its own. */
static enum gs_status run_processes(struct gs_sink *sink)
{
    static char *child[] = {"python3", "-c", "from multiprocessing.spawn import spawn_main", NULL};
    enum gs_status status = GS_OK;
    struct stream s;
    stream_begin(&s, sink);
    for (int process = 0; process < 2; process++) {
        stream_clear(&s);
        stream_process(&s, 100 + process, process ? child : app_command);
        uint32_t a = stream_thread(&s, 110 + 10 * process, "pool"), b = stream_thread(&s, 111 + 10 * process, "pool");
        uint32_t c = stream_thread(&s, 112 + 10 * process, "sub"), d = stream_thread(&s, 113 + 10 * process, "");
        uint32_t work = stream_call(&s, 0, "work", "pool.py", 3 + process);
        stream_add(&s, a, work, GS_HOLDS, GS_RUN_RUNNING);
        stream_add(&s, b, stream_call(&s, work, "get", "queue.py", 9), GS_WAITS, GS_RUN_SYSCALL);
        stream_add(&s, c, stream_call(&s, 0, "inner", "<string>", 0), process ? GS_HOLDS : GS_WAITS, GS_RUN_RUNNING)
            ->lock = 1;
        stream_add(&s, d, 0, GS_WITHOUT, GS_RUN_RUNNING);
        for (int i = 0; i < 3 && status == GS_OK; i++)
            status = stream_tick(&s, 10 * MS, 0);
    }
    return status == GS_OK ? stream_end(&s) : status;
}

static enum gs_status run_deep(struct gs_sink *sink)
{
    struct stream s;
    uint32_t stack = 0;
    enum gs_status status = GS_OK;
    stream_begin(&s, sink);
    stream_process(&s, 4242, app_command);
    uint32_t thread = stream_thread(&s, 4242, "MainThread");
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, i % 2 ? "walk_%d" : "visit", i);
        stack = stream_call(&s, stack, name, "/srv/app/tree.py", 10 + i % 7);
        if (i % 20 != 19 || status != GS_OK)
            continue;
        stream_clear(&s);
        stream_add(&s, thread, stack, i % 40 == 19 ? GS_HOLDS : GS_WITHOUT, GS_RUN_RUNNING);
        status = stream_tick(&s, 10 * MS, 0);
    }
    return status == GS_OK ? stream_end(&s) : status;
}

/* Each stack once: ten by ten by ... functions. */
static enum gs_status run_huge(struct gs_sink *sink)
{
    struct stream s;
    enum gs_status status = GS_OK;
    stream_begin(&s, sink);
    stream_process(&s, 4242, app_command);
    uint32_t thread = stream_thread(&s, 4242, "MainThread");
    for (unsigned i = 0; i < 900000 && status == GS_OK; i++) {
        uint32_t stack = 0, number = i * 2654435761U % 900000;
        for (int level = 0; level < 6; level++, number /= 10) {
            char name[32];
            snprintf(name, sizeof name, "function_%d_%u", level, number % 10);
            stack = stream_call(&s, stack, name, "/srv/app/generated.py", 100 * level + (int)(number % 10));
        }
        stream_clear(&s);
        stream_add(&s, thread, stack, i % 3 ? GS_HOLDS : GS_WITHOUT, GS_RUN_RUNNING);
        status = stream_tick(&s, MS, 0);
        if (gs_stacks_count(s.stacks) > 100000)
            stream_forget(&s);
    }
    return status == GS_OK ? stream_end(&s) : status;
}

static enum gs_status run_free(struct gs_sink *sink)
{
    struct stream s;
    stream_begin(&s, sink);
    stream_process(&s, 4242, app_command);
    for (int i = 0; i < 3; i++) {
        uint32_t thread = stream_thread(&s, 4242 + i, i ? "worker" : "MainThread");
        uint32_t stack = stream_call(&s, stream_call(&s, 0, "<module>", "app.py", 1), i ? "work" : "join", "app.py", 7);
        stream_add(&s, thread, stack, GS_NONE, i ? GS_RUN_RUNNING : GS_RUN_SYSCALL);
    }
    enum gs_status status = stream_tick(&s, 10 * MS, 0);
    return status == GS_OK ? stream_end(&s) : status;
}

/* One has a lock and reads, one waits for it, one for a lock of nobody, one for the GIL behind the last. */
static enum gs_status run_locks(struct gs_sink *sink)
{
    static const char pool[] = "/srv/app/pool.py";
    struct stream s;
    stream_begin(&s, sink);
    stream_process(&s, 4242, app_command);
    for (uint32_t i = 0; i < 5; i++) {
        static const char *const names[] = {"MainThread", "second", "third", "fourth", "fifth"};
        static const char *const functions[] = {"read", "get", "put", "load", "parse"};
        uint32_t thread = stream_thread(&s, 4242 + (int)i, names[i]);
        uint32_t stack =
            stream_call(&s, stream_call(&s, 0, "run", "/srv/app/app.py", 1), functions[i], pool, 10 + (int)i);
        struct gs_thread_sample *sample = stream_add(&s, thread, stack,
                                                     i == 4   ? GS_HOLDS
                                                     : i == 3 ? GS_WAITS
                                                              : GS_WITHOUT,
                                                     i == 4 ? GS_RUN_RUNNING : GS_RUN_SYSCALL);
        sample->at_lock = i == 1 || i == 2;
        sample->owner_at = i == 1;
    }
    enum gs_status status = stream_tick(&s, 10 * MS, 0);
    s.threads[1].at_lock = false;
    s.threads[1].owner_at = 0;
    if (status == GS_OK)
        status = stream_tick(&s, 10 * MS, 0);
    return status == GS_OK ? stream_end(&s) : status;
}

static enum gs_status run_empty(struct gs_sink *sink)
{
    struct stream s;
    stream_begin(&s, sink);
    return stream_end(&s);
}

/* app in its next release, for twice as long: another parser, which keeps the GIL less. */
static enum gs_status run_later(struct gs_sink *sink)
{
    static const char worker[] = "/srv/app-2/worker.py", lexer[] = "/srv/app-2/lexer.py";
    struct stream s;
    stream_begin(&s, sink);
    stream_process(&s, 977, app_command);
    uint32_t main_thread = stream_thread(&s, 977, "MainThread"), one = stream_thread(&s, 980, "worker-1");
    uint32_t zip = stream_thread(&s, 981, "zip; \"fast\"");
    uint32_t module = stream_call(&s, 0, "<module>", "/srv/app-2/app.py", 44);
    uint32_t handle =
        stream_call(&s, stream_call(&s, module, "serve", "/srv/app-2/app.py", 30), "handle", "/srv/app-2/app.py", 35);
    uint32_t start = stream_call(&s, 0, "_bootstrap", "/usr/lib/python3.11/threading.py", 1002);
    uint32_t run =
        stream_call(&s, stream_call(&s, start, "run", "/usr/lib/python3.11/threading.py", 982), "work", worker, 33);
    uint32_t scan = stream_call(&s, run, "scan", lexer, 12), build = stream_call(&s, run, "build_tree", lexer, 40);
    uint32_t compress = stream_call(&s, stream_call(&s, run, "store", worker, 60), "compress", worker, 66);
    for (int i = 0; i < 400; i++) {
        stream_clear(&s);
        stream_add(&s, main_thread, handle, i % 10 < 3 ? GS_HOLDS : GS_WITHOUT, GS_RUN_RUNNING);
        stream_add(&s, one, i % 10 < 5 ? scan : build, i % 10 < 3 ? GS_WAITS : GS_HOLDS, GS_RUN_RUNNING);
        stream_add(&s, zip, compress, GS_WITHOUT, GS_RUN_RUNNING);
        enum gs_status status = stream_tick(&s, 10 * MS, 0);
        if (status != GS_OK)
            return status;
    }
    return stream_end(&s);
}

/* A loop: one task computes in turns with another, which another thread keeps from the GIL; a third one waits all
 * along. */
static enum gs_status run_tasks(struct gs_sink *sink)
{
    static const char app[] = "/srv/app/app.py";
    struct stream s;
    enum gs_status status = GS_OK;
    stream_begin(&s, sink);
    stream_process(&s, 4242, app_command);
    uint32_t loop = stream_thread(&s, 4242, "MainThread"), other = stream_thread(&s, 4243, "worker");
    uint32_t first = stream_call(&s, stream_task(&s, "fetch"), "fetch", app, 10);
    uint32_t second = stream_call(&s, stream_task(&s, "parse </script>"), "parse", app, 20);
    uint32_t third = stream_call(&s, stream_task(&s, "waits"), "waits", app, 30);
    uint32_t waits = stream_call(&s, third, "get", "/usr/lib/python3.11/asyncio/queues.py", 158);
    uint32_t works = stream_call(&s, 0, "works", app, 40);
    for (int i = 0; i < 100 && status == GS_OK; i++) {
        bool turn = i < 50;
        stream_clear(&s);
        stream_add(&s, loop, turn ? first : second, turn ? GS_HOLDS : GS_WAITS, turn ? GS_RUN_RUNNING : GS_RUN_SYSCALL);
        stream_add(&s, other, works, turn ? GS_WITHOUT : GS_HOLDS, GS_RUN_RUNNING);
        stream_suspend(&s, 0, turn ? second : first);
        stream_suspend(&s, 0, waits);
        status = stream_tick(&s, 10 * MS, 0);
    }
    return status == GS_OK ? stream_end(&s) : status;
}

const struct play plays[] = {{"app", run_app},
                             {"later", run_later},
                             {"hostile", run_hostile},
                             {"processes", run_processes},
                             {"deep", run_deep},
                             {"huge", run_huge},
                             {"free", run_free},
                             {"locks", run_locks},
                             {"empty", run_empty},
                             {"tasks", run_tasks},
                             {NULL, NULL}};

const struct play *play_find(const char *name)
{
    for (const struct play *play = plays; play->name; play++) {
        if (strcmp(play->name, name) == 0)
            return play;
    }
    return NULL;
}
