/* What the texts of /proc say: stat, status, syscall, maps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gilspy/target.h"
#include "target/procfs.h"
#include "target/task.h"
#include "support/unit.h"

#define BEHIND_NAME                                                                                                    \
    " S 41 40 39 0 -1 4194560 1234 0 5 0 77 33 1 2 20 0 3 0 987654321 10000000 500 18446744073709551615 1 1 "          \
    "0 0 0 0 0 16781312 2 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

UNIT_TEST(test_stat)
{
    static const char *const names[] = {"python3", "", "a b", "tricky) S 1 2", "((((", "))))", "x) R 9 9 9 9 9 9 (y"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[512];
        struct gs_proc_stat stat;
        snprintf(text, sizeof text, "42 (%s)" BEHIND_NAME, names[i]);
        assert_true(gs_proc_stat_parse(text, &stat));
        assert_int_equal(stat.state, 'S');
        assert_int_equal(stat.parent, 41);
        assert_int_equal(stat.group, 40);
        assert_int_equal(stat.session, 39);
        assert_int_equal(stat.flags, 4194560);
        assert_false(stat.flags & GS_PF_KTHREAD);
        assert_int_equal(stat.user_ticks, 77);
        assert_int_equal(stat.system_ticks, 33);
        assert_int_equal(stat.start_ticks, 987654321);
    }
    struct gs_proc_stat stat;
    assert_true(gs_proc_stat_parse("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 3 0 0 20 0 1 0 25 0 0", &stat));
    assert_true(stat.flags & GS_PF_KTHREAD);
    assert_int_equal(stat.parent, 0);
}

UNIT_TEST(test_stat_that_is_none)
{
    static const char *const texts[] = {"",
                                        "42",
                                        "42 (python3",
                                        "42 (python3)",
                                        "42 (python3) S",
                                        "42 (python3) S 41 42 42 0 -1 4194560 1234 0 5 0 77 33 1 2 20 0 3 0",
                                        "42 (python3) S x 42 42 0 -1 4194560 1234 0 5 0 77 33 1 2 20 0 3 0 9"};
    struct gs_proc_stat stat;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(gs_proc_stat_parse(texts[i], &stat));
}

UNIT_TEST(test_status)
{
    const char *text =
        "Name:\tTgid:\\n 7\nUmask:\t0022\nTgid:\t42\nPid:\t43\nNStgid:\t42\t7\nNSpid:\t43\t17\t8\nEnd:\t\n";
    assert_int_equal(atoi(gs_status_field(text, "Tgid:")), 42);
    assert_int_equal(atoi(gs_status_field(text, "Pid:")), 43);
    assert_string_equal(gs_status_field(text, "End:"), "\n");
    assert_null(gs_status_field(text, "Missing:"));
    assert_null(gs_status_field("", "Tgid:"));
    assert_null(gs_status_field("\n\n", "Tgid:"));
    assert_int_equal(gs_status_innermost_pid(text, 1), 8);
    assert_int_equal(gs_status_innermost_pid("Name:\tx\nNSpid:\t43\n", 1), 43);
    assert_int_equal(gs_status_innermost_pid("Name:\tx\nNSpid:\t43\t2", 1), 2);
    assert_int_equal(gs_status_innermost_pid("Name:\tx\nNSpid:\nUid:\t5\n", 99), 99);
    assert_int_equal(gs_status_innermost_pid("Name:\tx\n", 99), 99);
    assert_true(gs_status_nested(text));
    assert_true(gs_status_nested("NSpid:\t43\t43\n"));
    assert_false(gs_status_nested("Name:\tx\nNSpid:\t43\n"));
    assert_false(gs_status_nested("Name:\tx\nNSpid:\n7 8\n"));
    assert_false(gs_status_nested("Name:\tx\n"));
}

UNIT_TEST(test_activity)
{
    struct gs_activity activity;
    gs_activity_parse("running\n", &activity);
    assert_int_equal(activity.run, GS_RUN_RUNNING);
    assert_int_equal(activity.number, -1);
    gs_activity_parse("-1 0x7ffe12 0x55aa\n", &activity);
    assert_int_equal(activity.run, GS_RUN_BLOCKED);
    assert_int_equal(activity.number, -1);
    gs_activity_parse("202 0x7f0012345678 0x189 0x0 0x7ffe1 0x0 0xffffffffffffffff 0x7ffd 0x7fff\n", &activity);
    assert_int_equal(activity.run, GS_RUN_SYSCALL);
    assert_int_equal(activity.number, 202);
    assert_int_equal(activity.args[0], 0x7f0012345678);
    assert_int_equal(activity.args[1], 0x189);
    assert_int_equal(activity.args[3], 0x7ffe1);
    assert_int_equal(activity.args[5], UINT64_MAX);
    gs_activity_parse("0 0x3\n", &activity);
    assert_int_equal(activity.run, GS_RUN_SYSCALL);
    assert_int_equal(activity.number, 0);
    assert_int_equal(activity.args[0], 3);
    assert_int_equal(activity.args[1], 0);
    static const char *const junk[] = {"", "\n", "nothing", "run", "x202 0x1"};
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        gs_activity_parse(junk[i], &activity);
        assert_int_equal(activity.run, GS_RUN_UNKNOWN);
        assert_int_equal(activity.number, -1);
    }
    gs_activity_read(-1, &activity);
    assert_int_equal(activity.run, GS_RUN_UNKNOWN);
}

UNIT_TEST(test_own_activity)
{
    struct gs_target target = {.pid = getpid(), .living = getpid(), .ns_pid = getpid()};
    struct gs_activity activity;
    gs_target_activity(&target, getpid(), &activity);
    assert_true(activity.run == GS_RUN_RUNNING || (activity.run == GS_RUN_SYSCALL && activity.number == SYS_pread64));
    gs_target_activity(&target, 1 << 30, &activity);
    assert_int_equal(activity.run, GS_RUN_GONE);
}

/* ---- maps ---- */

static size_t parse(const char *text, struct gs_map **maps)
{
    char *copy = strdup(text);
    size_t count;
    assert_non_null(copy);
    assert_true(gs_maps_parse(copy, maps, &count));
    free(copy);
    return count;
}

UNIT_TEST(test_maps)
{
    struct gs_map *maps;
    size_t count =
        parse("00400000-0041f000 r-xp 00001000 fd:01 1234                               /usr/bin/my python 3\n"
              "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
              "7f0000002000-7f0000003000 ---p 00000000 00:00 0\n"
              "7f0000004000-7f0000005000 r--s 00000000 103:abc 99   /lib/libx.so (deleted)\n"
              "7f0000006000-7f0000007000 rw-s 00000000 00:00 0   /strange (deleted)\n"
              "7f0000008000-7f0000009000 rw-p 00000000 00:00 0   [anon: a name]\n"
              "7f000000a000-7f000000b000 r--p 00000000 fd:01 77   /two\\012lines (deleted) (deleted)\n"
              "garbage\n"
              "\n"
              "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"
              "7f00000-7f000",
              &maps);
    assert_int_equal(count, 8);
    assert_int_equal(maps[0].start, 0x400000);
    assert_int_equal(maps[0].end, 0x41f000);
    assert_int_equal(maps[0].file_offset, 0x1000);
    assert_int_equal(maps[0].dev_major, 0xfd);
    assert_int_equal(maps[0].dev_minor, 1);
    assert_int_equal(maps[0].inode, 1234);
    assert_true(maps[0].readable && !maps[0].writable && maps[0].executable && !maps[0].deleted);
    assert_string_equal(maps[0].path, "/usr/bin/my python 3");
    assert_string_equal(maps[1].path, "");
    assert_true(maps[1].readable && maps[1].writable && !maps[1].executable);
    assert_string_equal(maps[2].path, "");
    assert_false(maps[2].readable);
    assert_string_equal(maps[3].path, "/lib/libx.so");
    assert_true(maps[3].deleted);
    assert_int_equal(maps[3].dev_minor, 0xabc);
    /* No file: that is its name. */
    assert_string_equal(maps[4].path, "/strange (deleted)");
    assert_false(maps[4].deleted);
    assert_string_equal(maps[5].path, "[anon: a name]");
    /* The kernel escapes the newline alone. */
    assert_string_equal(maps[6].path, "/two\nlines (deleted)");
    assert_true(maps[6].deleted);
    assert_int_equal(maps[7].start, 0xffffffffff600000);
    struct gs_target target = {.maps = maps, .map_count = count};
    assert_null(gs_target_map_at(&target, 0));
    assert_null(gs_target_map_at(&target, 0x3fffff));
    assert_ptr_equal(gs_target_map_at(&target, 0x400000), &maps[0]);
    assert_ptr_equal(gs_target_map_at(&target, 0x41efff), &maps[0]);
    assert_null(gs_target_map_at(&target, 0x41f000));
    assert_ptr_equal(gs_target_map_at(&target, 0x7f0000008800), &maps[5]);
    assert_null(gs_target_map_at(&target, UINT64_MAX));
    gs_maps_free(maps, count);
    assert_int_equal(parse("", &maps), 0);
    gs_maps_free(maps, 0);
}

UNIT_TEST(test_many_maps)
{
    enum { COUNT = 100000, LINE = 96 };
    char *text = malloc((size_t)COUNT * LINE + 1);
    struct gs_map *maps;
    size_t used = 0, count;
    assert_non_null(text);
    for (size_t i = 0; i < COUNT; i++)
        used += (size_t)snprintf(text + used, LINE, "%zx-%zx rw-p 00000000 fd:00 %zu   /file %zu\n", (2 * i + 1) << 12,
                                 (2 * i + 2) << 12, i, i);
    assert_true(gs_maps_parse(text, &maps, &count));
    assert_int_equal(count, COUNT);
    struct gs_target target = {.maps = maps, .map_count = count};
    for (size_t i = 0; i < COUNT; i += 977) {
        assert_ptr_equal(gs_target_map_at(&target, ((2 * i + 1) << 12) + 5), &maps[i]);
        assert_null(gs_target_map_at(&target, (2 * i) << 12));
    }
    assert_string_equal(maps[COUNT - 1].path, "/file 99999");
    gs_maps_free(maps, count);
    free(text);
}

UNIT_TEST(test_own_maps)
{
    struct gs_target target = {.pid = getpid(), .living = getpid(), .ns_pid = getpid()};
    struct gs_err err;
    assert_int_equal(gs_target_refresh_maps(&target, &err), GS_OK);
    const struct gs_map *map = gs_target_map_at(&target, (gs_addr)(uintptr_t)test_own_maps);
    assert_non_null(map);
    assert_true(map->executable);
    int fd = gs_target_open_file(&target, map);
    assert_true(fd >= 0);
    char magic[4];
    assert_int_equal(read(fd, magic, 4), 4);
    assert_memory_equal(magic, "\177ELF", 4);
    close(fd);
    gs_maps_free(target.maps, target.map_count);
    target = (struct gs_target){.pid = 1 << 30, .living = 1 << 30};
    assert_int_equal(gs_target_refresh_maps(&target, &err), GS_NO_PROCESS);
}

enum { MAPPED = 65536 /* of whatever size pages are */, FILE_BYTES = 260000, FILE_PAGES = 4 * MAPPED };

static void write_file(const char *path, int fill)
{
    char bytes[FILE_BYTES];
    memset(bytes, 'a', sizeof bytes);
    bytes[sizeof bytes - 1] = (char)fill;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
}

/* What the kernel says of a file in one place and in the other need not agree: then its contents count. */
UNIT_TEST(test_file_behind_a_map)
{
    char path[] = "/tmp/gilspy-test-XXXXXX", same[64], different[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    write_file(path, 'a');
    void *memory = mmap(NULL, FILE_PAGES, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(memory != MAP_FAILED);
    close(fd);
    struct gs_mem *mem = gs_mem_live_new(getpid(), NULL);
    assert_non_null(mem);
    struct gs_target target = {.pid = getpid(), .living = getpid(), .ns_pid = getpid(), .mem = mem};
    /* No link in map_files has this name. */
    struct gs_map map = {.start = (gs_addr)(uintptr_t)memory, .inode = 1, .readable = true, .path = path};
    map.end = map.start + FILE_PAGES;
    map.start += MAPPED;
    map.file_offset = MAPPED;
    snprintf(same, sizeof same, "%s.same", path);
    snprintf(different, sizeof different, "%s.different", path);

    fd = gs_target_open_file(&target, &map);
    assert_true(fd >= 0);
    close(fd);
    map.writable = true; /* may have changed since */
    assert_int_equal(gs_target_open_file(&target, &map), -1);
    map.writable = false;
    write_file(different, 'b');
    assert_int_equal(rename(different, path), 0);
    assert_int_equal(gs_target_open_file(&target, &map), -1);
    write_file(same, 'a');
    assert_int_equal(rename(same, path), 0);
    fd = gs_target_open_file(&target, &map);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(truncate(path, FILE_BYTES / 2), 0);
    assert_int_equal(gs_target_open_file(&target, &map), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(gs_target_open_file(&target, &map), -1);
    assert_int_equal(unlink(path), 0);
    gs_mem_free(mem);
    munmap(memory, FILE_PAGES);
}

UNIT_TEST(test_program)
{
    char told[GS_PROC_PATH], ours[GS_PROC_PATH] = "";
    assert_true(readlink("/proc/self/exe", ours, sizeof ours - 1) > 0);
    assert_true(gs_proc_exe(getpid(), told));
    assert_string_equal(told, ours);
    assert_false(gs_proc_exe(-1, told));
    assert_string_equal(told, "");
    assert_true(gs_called_python("/usr/bin/python3.11"));
    assert_true(gs_called_python("python"));
    assert_false(gs_called_python("/opt/python/bin/true"));
    assert_false(gs_called_python(""));
}

static void check_children(pid_t expected)
{
    pid_t *children = NULL;
    size_t count = 1;
    assert_int_equal(gs_target_children(getpid(), &children, &count), GS_OK);
    assert_int_equal(count, expected > 0);
    assert_int_equal(expected > 0 ? children[0] : 0, expected);
    free(children);
}

UNIT_TEST(test_children)
{
    int ends[2];
    char byte;
    check_children(0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    check_children(child);
    close(ends[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    check_children(0);
    close(ends[0]);
}
