/* Command lines: the table of options, what is said about wrong ones, help, outputs that are whole or not there. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "base/output.h"
#include "support/golden.h"
#include "support/unit.h"

enum { WORDS_MOST = 16 };

/* Parses blank-separated words behind the name of a command. */
static enum gs_status parse(struct gs_args *args, const struct gs_cmd *cmd, const char *line, struct gs_err *err)
{
    static char words[256];
    char *argv[WORDS_MOST], *rest = NULL;
    int argc = 0;
    snprintf(words, sizeof words, "%s %s", cmd->name, line);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return gs_args_parse(args, argc, argv, cmd->options, err);
}

static void check_wrong(const struct gs_cmd *cmd, const char *line, const char *what, const char *todo)
{
    struct gs_args args;
    struct gs_err err;
    assert_int_equal(parse(&args, cmd, line, &err), GS_USAGE);
    assert_non_null(strstr(err.what, what));
    assert_string_equal(err.todo, todo);
    gs_args_fini(&args);
}

UNIT_TEST(options_in_every_form)
{
    static const char *const lines[] = {"-p 1,2 -p 3 -j -b -o x", "-jbp1,2 -p3 -ox",
                                        "--pid=1,2 --pid 3 --json --blocking --output=x", "-p1 -p2,3 --output x -bj"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct gs_args args;
        assert_int_equal(parse(&args, &gs_cmd_dump, lines[i], NULL), GS_OK);
        assert_int_equal(args.pid_count, 3);
        for (int pid = 1; pid <= 3; pid++)
            assert_int_equal(args.pids[pid - 1], pid);
        assert_true(args.json);
        assert_int_equal(args.stopping, GS_STOP_ALWAYS);
        assert_string_equal(args.output, "x");
        assert_int_equal(args.word_count, 0);
        gs_args_fini(&args);
    }
}

UNIT_TEST(defaults_and_values)
{
    struct gs_args args;
    assert_int_equal(parse(&args, &gs_cmd_top, "", NULL), GS_OK);
    assert_true(args.rate_hz == 100 && fabs(args.max_pause - 0.02) < 1e-12 && args.duration_us == 0);
    assert_int_equal(args.stopping, GS_STOP_TORN);
    assert_int_equal(args.color, GS_COLOR_AUTO);
    assert_null(args.output);
    gs_args_fini(&args);
    assert_int_equal(
        parse(&args, &gs_cmd_top, "-r max -d5m --color never --nonblocking --max-pause 10% -o - --once", NULL), GS_OK);
    assert_true(isinf(args.rate_hz) && fabs(args.max_pause - 0.1) < 1e-12 && args.once);
    assert_int_equal(args.duration_us, 300000000);
    assert_int_equal(args.color, GS_COLOR_NEVER);
    assert_int_equal(args.stopping, GS_STOP_NEVER);
    assert_string_equal(args.output, "-");
    gs_args_fini(&args);
    assert_int_equal(parse(&args, &gs_cmd_dump, "--assume-python 3.15 --thread a* --thread 7 -sFlqv", NULL), GS_OK);
    assert_int_equal(args.assume, GS_VERSION(3, 15));
    assert_int_equal(args.thread_count, 2);
    assert_string_equal(args.threads[1], "7");
    assert_true(args.subprocesses && args.function && args.locals && args.quiet && args.verbose);
    gs_args_fini(&args);
}

UNIT_TEST(a_value_that_can_be_left_out)
{
    static const struct {
        const char *line;
        enum gs_native_scope scope;
    } lines[] = {{"-j", GS_NATIVE_NONE},           {"-n", GS_NATIVE_ALL},
                 {"-nj", GS_NATIVE_ALL},           {"--native", GS_NATIVE_ALL},
                 {"--native leaf", GS_NATIVE_ALL}, {"--native=all", GS_NATIVE_ALL},
                 {"--native=leaf", GS_NATIVE_LEAF}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct gs_args args;
        assert_int_equal(parse(&args, &gs_cmd_dump, lines[i].line, NULL), GS_OK);
        assert_int_equal(args.native, lines[i].scope);
        gs_args_fini(&args);
    }
}

UNIT_TEST(words_end_options)
{
    struct gs_args args;
    assert_int_equal(parse(&args, &gs_cmd_dump, "a -j - -- -p --json", NULL), GS_OK);
    assert_int_equal(args.word_count, 4);
    assert_string_equal(args.words[0], "a");
    assert_string_equal(args.words[1], "-");
    assert_string_equal(args.words[2], "-p");
    assert_string_equal(args.words[3], "--json");
    assert_int_equal(args.pid_count, 0);
    gs_args_fini(&args);
}

UNIT_TEST(wrong_options_are_explained)
{
    check_wrong(&gs_cmd_dump, "--jsno", "there is no option --jsno", "Did you mean --json?");
    check_wrong(&gs_cmd_dump, "--sub", "there is no option --sub", "Did you mean --subprocesses?");
    check_wrong(&gs_cmd_dump, "-z", "there is no option -z", "See gilspy help dump");
    check_wrong(&gs_cmd_dump, "-jz", "there is no option -z", "See gilspy help dump");
    check_wrong(&gs_cmd_dump, "--native=some", "--native cannot be 'some'", "It is -n, --native=all or --native=leaf");
    check_wrong(&gs_cmd_dump, "-r 5", "dump does not take --rate", "See gilspy help dump");
    check_wrong(&gs_cmd_dump, "--once", "dump does not take --once", "See gilspy help dump");
    check_wrong(&gs_cmd_dump, "--json=1", "--json takes no value", "");
    check_wrong(&gs_cmd_dump, "-jp", "--pid needs PID[,PID]",
                "A process is named by its number, several with commas between");
    check_wrong(&gs_cmd_dump, "--pid=", "--pid cannot be ''",
                "A process is named by its number, several with commas between");
    static const char *const pids[] = {"-p0", "-p-1", "-p1,", "-p,1", "-p1,,2", "-p99999999999", "-p1x", "-p 1.5"};
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++)
        check_wrong(&gs_cmd_dump, pids[i], "--pid cannot be",
                    "A process is named by its number, several with commas between");
    check_wrong(&gs_cmd_dump, "--color pink", "--color cannot be 'pink'", "It is auto, always or never");
    check_wrong(&gs_cmd_top, "-d x", "--duration cannot be 'x'", "A time is written 30, 30s, 500ms, 5m or 2h");
}

UNIT_TEST(every_option_has_help_and_fits)
{
    for (int i = 0; i < GS_OPT_COUNT; i++) {
        assert_true(strlen(gs_options[i].help) > 5);
        assert_int_equal(gs_options[i].argument == NULL, gs_options[i].takes == NULL);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(gs_options[i].name, gs_options[j].name);
            assert_true(!gs_options[i].letter || gs_options[i].letter != gs_options[j].letter);
        }
    }
    for (size_t i = 0; gs_cmds[i]; i++) {
        FILE *out = golden_open();
        gs_help_command(gs_cmds[i], out);
        char *text = golden_text(out);
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            assert_true(strcspn(line, "\n") <= 80);
        assert_int_equal(strncmp(text, "Usage: gilspy ", 14), 0);
        free(text);
        assert_ptr_equal(gs_cmd_find(gs_cmds[i]->name), gs_cmds[i]);
    }
    assert_null(gs_cmd_find("dum"));
}

/* The names in a directory, "." and ".." left out. */
static size_t count_files(const char *directory)
{
    size_t count = 0;
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    return golden_text(file);
}

UNIT_TEST(files_appear_when_complete)
{
    char directory[] = "/tmp/gilspy-test-XXXXXX", path[64], link[64];
    struct gs_output output;
    struct gs_err err;
    struct stat info;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/out", directory);
    snprintf(link, sizeof link, "%s/link", directory);
    assert_int_equal(gs_output_open(&output, path, NULL, &err), GS_OK);
    fputs("one", output.file);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(gs_output_close(&output, true, &err), GS_OK);
    char *text = read_file(path);
    assert_string_equal(text, "one");
    free(text);

    assert_int_equal(chmod(path, 0600), 0); /* replaced through a link: its rights and the link stay */
    assert_int_equal(symlink("out", link), 0);
    assert_int_equal(gs_output_open(&output, link, NULL, &err), GS_OK);
    fputs("two", output.file);
    assert_int_equal(gs_output_close(&output, true, &err), GS_OK);
    text = read_file(path);
    assert_string_equal(text, "two");
    free(text);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);

    assert_int_equal(gs_output_open(&output, path, NULL, &err), GS_OK); /* given up: what was there stays */
    fputs("three", output.file);
    assert_int_equal(gs_output_close(&output, false, &err), GS_OK);
    text = read_file(path);
    assert_string_equal(text, "two");
    free(text);
    assert_int_equal(count_files(directory), 2);
    unlink(link);
    unlink(path);
    rmdir(directory);
}

UNIT_TEST(failures_to_write_are_noticed)
{
    struct gs_output output;
    struct gs_err err;
    assert_int_equal(gs_output_open(&output, "/nonexistent/x", NULL, &err), GS_OUTPUT);
    assert_string_equal(err.what, "cannot write to /nonexistent/x: No such file or directory");
    assert_int_equal(gs_output_open(&output, "/tmp", NULL, &err), GS_OUTPUT);
    assert_int_equal(gs_output_open(&output, "/dev/full", NULL, &err), GS_OK);
    fputs("x", output.file);
    assert_int_equal(gs_output_close(&output, true, &err), GS_OUTPUT);
    assert_string_equal(err.what, "cannot write to /dev/full: No space left on device");
}
