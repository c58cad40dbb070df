/* What doctor says of itself, and the renderings byte by byte. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <errno.h>
#include <jansson.h>

#include "diagnose/attempt.h"
#include "export/doctor.h"
#include "support/golden.h"
#include "support/unit.h"

static const struct gs_doctor machine = {
    .checks = {{.name = "kernel", .ok = true, .needed = true, .text = "Linux 6.12 on x86-64"},
               {.name = "ptrace",
                .text = "without CAP_SYS_PTRACE: only processes of the user www may be read",
                .mend = "sudo gilspy ..."},
               {.name = "perf", .text = "no address can be watched: kernel.perf_event_paranoid is 4"}},
    .count = 3,
    .usable = {true, false, false},
};

/* The words of a process in it could be anything. */
static const struct gs_doctor process = {
    .pid = 42,
    .status = GS_NOT_PERMITTED,
    .checks = {{.name = "proc", .ok = true, .needed = true, .text = "/proc is mounted"},
               {.name = "process", .ok = true, .needed = true, .text = "process 42: \033[2Jpy \xff\u202E\u65e5\u672c"},
               {.name = "process_user",
                .needed = true,
                .text = "it belongs to another user, root",
                .mend = "sudo gilspy ... -p 42"},
               {.name = "process_state",
                .text = "a signal has stopped it: it can be read, and does not move",
                .mend = "kill -CONT 42"}},
    .count = 4,
};

static void check_text(const struct gs_doctor *doctor, struct gs_console console, bool quiet, const char *name)
{
    console.out = golden_open();
    assert_int_equal(gs_doctor_text(doctor, &console, quiet), GS_OK);
    golden_check(console.out, name);
}

UNIT_TEST(text)
{
    check_text(&machine, (struct gs_console){.utf8 = true}, false, "doctor.txt");
    check_text(&process, (struct gs_console){.utf8 = true}, false, "doctor-process.txt");
    check_text(&process, (struct gs_console){.columns = 60, .depth = GS_COLORS_8}, false,
               "doctor-process-60-ascii-color.txt");
    check_text(&process, (struct gs_console){.utf8 = true}, true, "doctor-process-quiet.txt");
    FILE *nothing = golden_open();
    assert_int_equal(gs_doctor_text(&machine, &(struct gs_console){.out = nothing}, true), GS_OK);
    char *said = golden_text(nothing);
    assert_string_equal(said, "");
    free(said);
}

static void check_json(const struct gs_doctor *doctor, const char *name)
{
    FILE *out = golden_open();
    assert_int_equal(gs_doctor_json(doctor, out), GS_OK);
    fflush(out);
    rewind(out);
    json_t *parsed = json_loadf(out, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(parsed, "checks")), doctor->count);
    json_decref(parsed);
    fseek(out, 0, SEEK_END);
    golden_check(out, name);
}

UNIT_TEST(json)
{
    check_json(&machine, "doctor.json");
    check_json(&process, "doctor-process.json");
}

/* ---- attempts ---- */

static int works(void)
{
    return 0;
}

static int fails(void)
{
    return EPERM;
}

static int is_killed(void)
{
    return raise(SIGKILL);
}

UNIT_TEST(attempts)
{
    assert_int_equal(gs_attempt(works), 0);
    assert_int_equal(gs_attempt(fails), EPERM);
    assert_int_equal(gs_attempt(is_killed), GS_ATTEMPT_KILLED);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

UNIT_TEST(patients)
{
    volatile uint64_t word = 0;
    pid_t pid = gs_patient_begin(&word);
    assert_true(pid > 0);
    assert_int_equal(word, 0);
    assert_int_equal(kill(pid, 0), 0);
    gs_patient_end(pid);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* ---- the real machine ---- */

static const struct gs_check *find(const struct gs_doctor *doctor, const char *name)
{
    for (size_t i = 0; i < doctor->count; i++) {
        if (strcmp(doctor->checks[i].name, name) == 0)
            return &doctor->checks[i];
    }
    return NULL;
}

static void no_name_twice(const struct gs_doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++) {
        assert_ptr_equal(find(doctor, doctor->checks[i].name), &doctor->checks[i]);
        assert_true(strlen(doctor->checks[i].text) > 0);
    }
}

UNIT_TEST(the_machine)
{
    static struct gs_doctor doctor;
    gs_doctor_examine(&doctor, 0, &(struct gs_surroundings){.term = "dumb"});
    no_name_twice(&doctor);
    assert_int_equal(doctor.pid, 0);
    assert_true(find(&doctor, "kernel")->ok && find(&doctor, "proc")->ok && find(&doctor, "syscall")->ok);
    assert_false(find(&doctor, "locale")->ok);
    assert_string_equal(find(&doctor, "locale")->mend, "export LC_ALL=C.UTF-8");
    assert_non_null(strstr(find(&doctor, "terminal")->text, "dumb"));
    assert_null(find(&doctor, "process"));
    gs_doctor_examine(&doctor, 0, &(struct gs_surroundings){.utf8 = true, .term = "xterm", .term_known = true});
    assert_true(find(&doctor, "locale")->ok && find(&doctor, "terminal")->ok);
    assert_int_equal(doctor.usable[GS_USE_NATIVE], doctor.status == GS_OK);
    assert_int_equal(doctor.usable[GS_USE_EXACT], find(&doctor, "perf")->ok && doctor.status == GS_OK);
}

/* This program is no Python. */
UNIT_TEST(one_process)
{
    static struct gs_doctor doctor;
    gs_doctor_examine(&doctor, 1 << 30, &(struct gs_surroundings){.utf8 = true});
    assert_int_equal(doctor.status, GS_NO_PROCESS);
    assert_int_equal(doctor.pid, 1 << 30);
    assert_false(find(&doctor, "process")->ok);
    assert_null(find(&doctor, "process_user"));
    gs_doctor_examine(&doctor, getpid(), &(struct gs_surroundings){.utf8 = true});
    no_name_twice(&doctor);
    assert_int_equal(doctor.pid, getpid());
    assert_int_equal(doctor.status, GS_NOT_PYTHON);
    assert_true(find(&doctor, "process")->ok && find(&doctor, "process_user")->ok);
    assert_false(find(&doctor, "process_python")->ok || doctor.usable[GS_USE_DUMP]);
    assert_false(find(&doctor, "process_watch")->ok || doctor.usable[GS_USE_EXACT]);
}
