/* What the kernel and its settings say about us. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "arch/arch.h"
#include "base/user.h"
#include "diagnose/exam.h"
#include "target/procfs.h"

/* PTRACE_SEIZE came with 3.4, process_vm_readv with 3.2. */
enum { OLDEST_MAJOR = 3, OLDEST_MINOR = 4 };

void gs_exam_kernel(struct gs_exam *exam, struct gs_check *check)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    (void)exam;
    if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2) {
        gs_check_fail(check, "the kernel does not tell its version");
        return;
    }
    if (strcmp(name.machine, GS_ARCH_UNAME) != 0)
        gs_check_fail(check, "%s %.64s on %.64s: this gilspy is for " GS_ARCH_NAME, name.sysname, name.release,
                      name.machine);
    else if (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR))
        gs_check_fail(check, "%s %.64s is too old: it takes %d.%d", name.sysname, name.release, OLDEST_MAJOR,
                      OLDEST_MINOR);
    else
        gs_check_pass(check, "%s %.64s on " GS_ARCH_NAME, name.sysname, name.release);
}

void gs_exam_proc(struct gs_exam *exam, struct gs_check *check)
{
    struct gs_err err;
    if (gs_proc_check(&err) == GS_OK) {
        gs_check_pass(check, "/proc is mounted, and shows the processes of our pid namespace");
        return;
    }
    exam->doctor->status = GS_FAILED;
    gs_check_fail(check, "%s", err.what);
    gs_check_mend(check, "mount -t proc proc /proc");
}

void gs_exam_hidepid(struct gs_exam *exam, struct gs_check *check)
{
    char status[64];
    struct gs_hidepid hide = gs_hidepid_read();
    if (!exam->facts_known)
        gs_check_fail(check, "not known without a whole /proc");
    else if (hide.level == 0)
        gs_check_pass(check, "/proc shows the processes of all users");
    else if (gs_proc_read(1, "status", status, sizeof status) > 0)
        gs_check_pass(check, "/proc hides processes (hidepid=%d), but shows process 1 to gilspy", hide.level);
    else {
        char mend[GS_BARRIER_TEXT];
        gs_check_fail(check, "/proc hides the processes of other users (hidepid=%d)", hide.level);
        gs_hidepid_mend(&hide, &exam->facts, mend, sizeof mend);
        gs_check_mend(check, "%s", mend);
    }
}

void gs_exam_namespace(struct gs_exam *exam, struct gs_check *check)
{
    if (!exam->facts_known)
        gs_check_fail(check, "not known without a whole /proc");
    else if (exam->facts.initial)
        gs_check_pass(check, "gilspy is in the machine's own user namespace");
    else {
        gs_check_fail(check, "gilspy is in a user namespace of its own: what runs outside of it cannot be read");
        gs_check_mend(check, "run gilspy outside of this user namespace (of the rootless container, of unshare)");
    }
}

void gs_exam_ptrace(struct gs_exam *exam, struct gs_check *check)
{
    char user[40], mend[GS_BARRIER_TEXT];
    if (!exam->facts_known) {
        gs_check_fail(check, "not known without a whole /proc");
    } else if (gs_barrier_privileged(&exam->facts)) {
        gs_check_pass(check, "with CAP_SYS_PTRACE: the processes of every user%s may be read",
                      exam->facts.initial ? "" : " of this user namespace");
    } else {
        gs_user_name(exam->facts.ours.uids[GS_REAL], user, sizeof user);
        gs_check_fail(check, "without CAP_SYS_PTRACE: only processes of the user %s may be read", user);
        gs_barrier_elevate(&exam->facts, mend, sizeof mend);
        gs_check_mend(check, "%s", mend);
    }
}

void gs_exam_yama(struct gs_exam *exam, struct gs_check *check)
{
    if (exam->facts_known) {
        gs_check_barrier(check, gs_barrier_find("yama"), &exam->facts, true);
    } else {
        gs_check_fail(check, "not known without a whole /proc");
        check->needed = false; /* it is /proc that is missing, which is said already */
    }
}

void gs_exam_locale(struct gs_exam *exam, struct gs_check *check)
{
    if (exam->place->utf8) {
        gs_check_pass(check, "the locale has UTF-8");
        return;
    }
    gs_check_fail(check, "the locale has no UTF-8: symbols and names are shown in ASCII");
    gs_check_mend(check, "export LC_ALL=C.UTF-8");
}

void gs_exam_terminal(struct gs_exam *exam, struct gs_check *check)
{
    const char *term = exam->place->term;
    if (exam->place->term_known) {
        gs_check_pass(check, "terminfo describes this terminal, %.60s: top has a screen", term);
        return;
    }
    if (!term || !*term)
        gs_check_fail(check, "TERM is not set: top has no screen here, only --once");
    else
        gs_check_fail(check, "terminfo does not describe the terminal %.60s: top has no screen here, only --once",
                      term);
    gs_check_mend(check, "export TERM=xterm");
}
