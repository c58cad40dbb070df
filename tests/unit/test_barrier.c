/* Why a process may not be read: each rule of the kernel alone and together, from made-up facts and texts of /proc. */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/barrier.h"
#include "support/unit.h"

#define ALL_CAPS   UINT64_C(0x1ffffffffff)
#define PTRACE_BIT (UINT64_C(1) << CAP_SYS_PTRACE)
#define USER(id)                                                                                                       \
    {                                                                                                                  \
        .uids = {id, id, id}, .gids = {id, id, id}, .bounding = ALL_CAPS                                               \
    }
#define ROOT(caps)                                                                                                     \
    {                                                                                                                  \
        .permitted = caps, .effective = caps, .bounding = caps                                                         \
    }
#define NOBODY_USER 4000000 /* whom no machine has */

/* Nothing is in the way: 1000 looks at 1000. */
static struct gs_barrier_facts open_facts(void)
{
    return (struct gs_barrier_facts){.pid = 42, .ours = USER(1000), .theirs = USER(1000), .initial = true};
}

static void check(const struct gs_barrier_facts *facts, const char *name, const char *what, const char *todo)
{
    struct gs_err err;
    assert_string_equal(gs_barrier_first(facts)->name, name);
    assert_int_equal(gs_barrier_refuse(facts, &err), GS_NOT_PERMITTED);
    assert_int_equal(strncmp(err.what, "cannot read process 42: ", 24), 0);
    assert_string_equal(err.what + 24, what);
    assert_int_equal(strncmp(err.todo, "Try: ", 5), 0);
    assert_string_equal(err.todo + 5, todo);
}

/* ---- rights ---- */

static const char status_text[] = "Name:\tpython3\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nUid:\t1\t2\t3\t4\n"
                                  "Gid:\t5\t6\t7\t8\nGroups:\t \nCapInh:\t0000000000000000\nCapPrm:\t0000000000001400\n"
                                  "CapEff:\t0000000000000400\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n"
                                  "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

UNIT_TEST(test_rights)
{
    struct gs_rights rights;
    assert_true(gs_rights_parse(status_text, &rights));
    for (unsigned i = 0; i < GS_IDS_COUNT; i++) {
        assert_int_equal(rights.uids[i], i + 1);
        assert_int_equal(rights.gids[i], i + 5);
    }
    assert_int_equal(rights.permitted, 0x1400);
    assert_int_equal(rights.effective, 0x400);
    assert_int_equal(rights.bounding, ALL_CAPS);
    assert_int_equal(rights.seccomp, 2);
    assert_true(rights.no_new_privs);
    assert_true(gs_rights_read(getpid(), &rights));
    assert_int_equal(rights.uids[GS_EFFECTIVE], geteuid());
    assert_int_equal(rights.gids[GS_REAL], getgid());
    assert_false(gs_rights_read(1 << 30, &rights));
}

/* A text that ends or breaks anywhere is no rights, and nothing worse. */
UNIT_TEST(test_rights_in_pieces)
{
    struct gs_rights rights;
    char text[sizeof status_text];
    size_t needed = (size_t)(strstr(status_text, "CapBnd:\t") - status_text) + 9;
    for (size_t len = 0; len < sizeof status_text; len++) {
        memcpy(text, status_text, len);
        text[len] = '\0';
        assert_int_equal(gs_rights_parse(text, &rights), len >= needed);
        for (size_t i = 0; i < len; i += 3)
            text[i] = 'x';
        gs_rights_parse(text, &rights);
    }
    assert_false(gs_rights_parse("Uid:\t1\t2\t3\nGid:\ta\t1\t1\nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t0\n", &rights));
    assert_true(gs_rights_parse("Uid:\t1\t2\t3\nGid:\t1\t1\t1\nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t0\n", &rights));
    assert_int_equal(rights.seccomp, -1);
    assert_false(rights.no_new_privs);
}

UNIT_TEST(test_capabilities_by_name)
{
    char text[160], small[12];
    gs_caps_print(PTRACE_BIT, text, sizeof text);
    assert_string_equal(text, "CAP_SYS_PTRACE");
    gs_caps_print(PTRACE_BIT | 1 | UINT64_C(1) << CAP_CHECKPOINT_RESTORE | UINT64_C(1) << CAP_NET_ADMIN |
                      UINT64_C(1) << CAP_BPF,
                  text, sizeof text);
    assert_string_equal(text, "CAP_CHOWN, CAP_NET_ADMIN, CAP_SYS_PTRACE and 2 more");
    gs_caps_print(UINT64_C(1) << 63, text, sizeof text);
    assert_string_equal(text, "capability 63");
    gs_caps_print(0, text, sizeof text);
    assert_string_equal(text, "");
    gs_caps_print(UINT64_MAX, small, sizeof small);
    assert_string_equal(small, "CAP_CHOWN, ");
}

/* ---- the rules ---- */

UNIT_TEST(test_users)
{
    struct gs_barrier_facts facts = open_facts();
    facts.theirs = (struct gs_rights)USER(0);
    check(&facts, "user", "it belongs to another user, root", "sudo gilspy ... -p 42");
    facts.theirs = (struct gs_rights)USER(NOBODY_USER);
    check(&facts, "user", "it belongs to another user, number 4000000", "sudo gilspy ... -p 42");
    /* Each id alone, as the kernel compares them. */
    for (int i = 0; i < GS_IDS_COUNT; i++) {
        facts = open_facts();
        facts.theirs.uids[i] = 0;
        assert_string_equal(gs_barrier_first(&facts)->name, "user");
        facts = open_facts();
        facts.theirs.gids[i] = 7;
        assert_string_equal(gs_barrier_first(&facts)->name, "user");
    }
    facts = open_facts();
    facts.ours.uids[GS_EFFECTIVE] = facts.ours.uids[GS_SAVED] = NOBODY_USER; /* only our real ids count */
    assert_true(gs_rights_same_ids(&facts.ours, &facts.theirs));
    facts = open_facts();
    facts.theirs.uids[GS_REAL] = NOBODY_USER;
    facts.theirs.uids[GS_EFFECTIVE] = 0;
    check(&facts, "user", "it has changed its user: it belongs to number 4000000 and has the rights of root",
          "sudo gilspy ... -p 42");
    facts = open_facts();
    facts.theirs.gids[GS_EFFECTIVE] = 7;
    check(&facts, "user", "it has changed its group: it belongs to group 1000 and has the rights of 7",
          "sudo gilspy ... -p 42");
    for (int i = 0; i < GS_IDS_COUNT; i++)
        facts.theirs.gids[i] = 7;
    check(&facts, "user", "it belongs to another group, 7, than gilspy, 1000", "sudo gilspy ... -p 42");
}

UNIT_TEST(test_missing_capability)
{
    const char *give = "give gilspy CAP_SYS_PTRACE; a container gets it by --cap-add=SYS_PTRACE";
    struct gs_barrier_facts facts = {
        .pid = 42, .ours = ROOT(ALL_CAPS & ~PTRACE_BIT), .theirs = ROOT(ALL_CAPS), .initial = true};
    check(&facts, "capabilities", "it has a capability that gilspy lacks, CAP_SYS_PTRACE", give);
    facts.theirs = (struct gs_rights)USER(NOBODY_USER);
    check(&facts, "user", "it belongs to another user, number 4000000, and root lacks CAP_SYS_PTRACE here", give);
    facts = open_facts();
    facts.theirs.permitted = UINT64_C(1) << CAP_NET_RAW | UINT64_C(1) << CAP_NET_ADMIN;
    check(&facts, "capabilities", "it has capabilities that gilspy lacks, CAP_NET_ADMIN, CAP_NET_RAW",
          "sudo gilspy ... -p 42");
    facts.ours.permitted = facts.theirs.permitted; /* process_vm_readv compares the permitted sets */
    assert_string_equal(gs_barrier_first(&facts)->name, "security_module");
    /* Where sudo does not lead to it either. */
    facts.ours.permitted = 0;
    facts.ours.bounding &= ~PTRACE_BIT;
    check(&facts, "capabilities", "it has capabilities that gilspy lacks, CAP_NET_ADMIN, CAP_NET_RAW", give);
    facts.ours.bounding = ALL_CAPS;
    facts.ours.no_new_privs = true;
    check(&facts, "capabilities", "it has capabilities that gilspy lacks, CAP_NET_ADMIN, CAP_NET_RAW",
          "run it as root outside of this sandbox, where no_new_privs keeps sudo from working");
}

UNIT_TEST(test_dumpable)
{
    struct gs_barrier_facts facts = open_facts();
    facts.closed = true;
    check(&facts, "dumpable",
          "it does not let itself be looked at (not dumpable: by prctl, or since it changed its user)",
          "sudo gilspy ... -p 42");
    facts.ours.effective = PTRACE_BIT;
    assert_string_equal(gs_barrier_first(&facts)->name, "security_module");
}

UNIT_TEST(test_user_namespaces)
{
    const char *outside =
        "it lives outside of the user namespace that gilspy is in, where even root has no rights on it";
    const char *leave = "run gilspy outside of this user namespace (of the rootless container, of unshare)";
    struct gs_barrier_facts facts = open_facts();
    facts.elsewhere = GS_ELSE_OUTSIDE;
    facts.initial = false;
    check(&facts, "user_namespace", outside, leave);
    facts.ours = (struct gs_rights)ROOT(ALL_CAPS); /* of ours, where theirs is not */
    assert_false(gs_barrier_privileged(&facts));
    check(&facts, "user_namespace", outside, leave);
    facts = open_facts();
    facts.elsewhere = GS_ELSE_BELOW;
    facts.theirs.permitted = ALL_CAPS; /* these are of their namespace */
    check(&facts, "user_namespace", "it lives in another user namespace, on which only root has rights",
          "sudo gilspy ... -p 42");
    facts.theirs.uids[GS_REAL] = 0;
    assert_string_equal(gs_barrier_first(&facts)->name, "user");
}

UNIT_TEST(test_yama)
{
    static const char *const says[] = {
        "Yama lets only root and the process that started it read a process (kernel.yama.ptrace_scope = 1)",
        "Yama lets only root read a process (kernel.yama.ptrace_scope = 2)",
        "Yama lets nobody, until the next boot, read a process (kernel.yama.ptrace_scope = 3)"};
    const char *reboot = "set kernel.yama.ptrace_scope to 0 in /etc/sysctl.d and reboot; nothing else changes it";
    struct gs_barrier_facts facts = open_facts();
    const struct gs_barrier *yama = gs_barrier_find("yama");
    assert_false(yama->met(&facts));
    for (facts.yama = 1; facts.yama <= 3; facts.yama++) {
        facts.ours.effective = 0;
        check(&facts, "yama", says[facts.yama - 1], facts.yama < 3 ? "sudo gilspy ... -p 42" : reboot);
        facts.ours.effective = PTRACE_BIT;
        assert_int_equal(gs_barrier_stands(yama, &facts), facts.yama == 3);
    }
    check(&facts, "yama", "Yama lets nobody, until the next boot, read a process (kernel.yama.ptrace_scope = 4)",
          reboot);
    char mend[GS_BARRIER_TEXT];
    facts = (struct gs_barrier_facts){.ours = USER(1000), .yama = 1};
    yama->mend(&facts, mend, sizeof mend);
    assert_string_equal(mend, "sudo sysctl kernel.yama.ptrace_scope=0");
}

UNIT_TEST(test_seccomp)
{
    const char *container = "start the container with --cap-add=SYS_PTRACE, or with --security-opt seccomp=unconfined";
    struct gs_barrier_facts facts = open_facts();
    facts.theirs = (struct gs_rights)USER(0); /* it comes before all else */
    facts.unreadable = EPERM;
    facts.ours.seccomp = 2;
    check(&facts, "seccomp", "a seccomp filter forbids process_vm_readv to gilspy", container);
    facts.unreadable = GS_UNREADABLE_KILLED;
    check(&facts, "seccomp", "a seccomp filter kills gilspy when it calls process_vm_readv", container);
    facts.unreadable = ENOSYS;
    facts.ours.seccomp = 0;
    check(&facts, "seccomp", "this kernel has no process_vm_readv (CONFIG_CROSS_MEMORY_ATTACH)",
          "another kernel, or outside of this sandbox");
    facts.unreadable = EPERM;
    check(&facts, "seccomp", "process_vm_readv does not even work on ourselves (Operation not permitted)",
          "another kernel, or outside of this sandbox");
    facts.ours.effective = ALL_CAPS; /* nothing outweighs it */
    assert_string_equal(gs_barrier_first(&facts)->name, "seccomp");
    assert_int_equal(gs_barrier_try_ourselves(), 0);
}

UNIT_TEST(test_security_modules)
{
    struct gs_barrier_facts facts = {.pid = 42, .ours = ROOT(ALL_CAPS), .theirs = ROOT(ALL_CAPS), .initial = true};
    check(&facts, "security_module",
          "nothing that gilspy knows of forbids it; a security module may (AppArmor, SELinux, Landlock or another)",
          "sudo dmesg tells which, if it was logged");
    strcpy(facts.label, "docker-default (enforce)");
    check(&facts, "security_module",
          "nothing that gilspy knows of forbids it; a security module may, which calls gilspy docker-default (enforce)",
          "run it outside of that profile; a container with --security-opt apparmor=unconfined");
    strcpy(facts.label, "staff_u:staff_r:staff_t:s0");
    check(
        &facts, "security_module",
        "nothing that gilspy knows of forbids it; a security module may, which calls gilspy staff_u:staff_r:staff_t:s0",
        "sudo setsebool deny_ptrace 0");
    facts.label[0] = '\0';
    facts.initial = false;
    check(&facts, "security_module",
          "it lives outside of the user namespace that gilspy is in, or a security module forbids it (AppArmor, "
          "SELinux, Landlock or another)",
          "sudo dmesg tells which, if it was logged");
    facts.ours.effective = facts.ours.permitted = facts.ours.bounding = ALL_CAPS & ~PTRACE_BIT;
    facts.theirs = facts.ours;
    check(&facts, "security_module",
          "it does not let itself be looked at (not dumpable), or a security module forbids it (AppArmor, SELinux, "
          "Landlock or another)",
          "give gilspy CAP_SYS_PTRACE; a container gets it by --cap-add=SYS_PTRACE");
}

/* Who has CAP_SYS_PTRACE is kept out by nothing but what stands above it. */
UNIT_TEST(test_privileged)
{
    struct gs_barrier_facts facts = {.pid = 42,
                                     .ours = ROOT(PTRACE_BIT),
                                     .theirs = USER(1000),
                                     .elsewhere = GS_ELSE_BELOW,
                                     .closed = true,
                                     .yama = 2};
    facts.theirs.permitted = ALL_CAPS;
    assert_true(gs_barrier_privileged(&facts));
    assert_string_equal(gs_barrier_first(&facts)->name, "security_module");
    facts.yama = 3;
    assert_string_equal(gs_barrier_first(&facts)->name, "yama");
    facts.ours.effective = 0; /* what counts is what is in effect */
    assert_string_equal(gs_barrier_first(&facts)->name, "user");
}

/* No message is cut. */
UNIT_TEST(test_texts_fit)
{
    struct gs_barrier_facts facts = {.pid = INT32_MAX, .ours = USER(0), .theirs = USER(UINT32_MAX), .yama = 3};
    struct gs_err err;
    facts.theirs.uids[GS_EFFECTIVE] = facts.theirs.gids[GS_EFFECTIVE] = UINT32_MAX - 1;
    facts.theirs.permitted = ALL_CAPS;
    memset(facts.label, 'x', sizeof facts.label - 1);
    for (const struct gs_barrier *barrier = gs_barriers; barrier->name; barrier++) {
        char text[GS_BARRIER_TEXT];
        barrier->say(&facts, text, sizeof text);
        assert_in_range(strlen(text), 10, sizeof text - 2);
        barrier->mend(&facts, text, sizeof text);
        assert_in_range(strlen(text), 10, sizeof text - 2);
        assert_true(strlen(barrier->otherwise) > 10);
        assert_ptr_equal(gs_barrier_find(barrier->name), barrier);
    }
    assert_null(gs_barrier_find("nonsense"));
    assert_int_equal(gs_barrier_refuse(&facts, &err), GS_NOT_PERMITTED);
    assert_in_range(strlen(err.what), 10, sizeof err.what - 2);
}

/* ---- files ---- */

static int setting_of(const char *text)
{
    char path[] = "/tmp/gilspy-test-setting-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    int number = gs_setting_read(path, -7);
    close(fd);
    unlink(path);
    return number;
}

UNIT_TEST(test_settings)
{
    assert_int_equal(setting_of("0\n"), 0);
    assert_int_equal(setting_of("3\n"), 3);
    assert_int_equal(setting_of("-1\n"), -1);
    assert_int_equal(setting_of(""), -7);
    assert_int_equal(gs_setting_read("/nonexistent/ptrace_scope", 0), 0);
}

static void check_hidepid(const char *text, int level, bool has_exempt, unsigned exempt)
{
    struct gs_hidepid hide = gs_hidepid_parse(text, 0, 39);
    assert_int_equal(hide.level, level);
    assert_int_equal(hide.has_exempt, has_exempt);
    assert_int_equal(hide.exempt, exempt);
}

UNIT_TEST(test_hidepid)
{
    check_hidepid("", 0, false, 0);
    check_hidepid("63 45 0:39 / /proc rw,relatime - proc proc rw\n", 0, false, 0);
    check_hidepid("63 45 0:39 / /proc rw,relatime - proc proc rw,gid=44,hidepid=invisible\n", 2, true, 44);
    check_hidepid("63 45 0:39 / /proc rw shared:1 master:2 - proc proc rw,hidepid=noaccess", 1, false, 0);
    check_hidepid("63 45 0:39 / /proc rw - proc none rw,hidepid=ptraceable,subset=pid\n", 4, false, 0);
    check_hidepid("63 45 0:39 / /proc rw - proc proc hidepid=2,rw,gid=0\n", 2, true, 0);
    /* Another /proc, and what only looks like one. */
    check_hidepid("22 27 0:21 / /proc rw - proc proc rw,hidepid=2\n63 45 0:39 / /p rw - proc proc rw,hidepid=1\n", 1,
                  false, 0);
    check_hidepid("63 45 0:39 / /x rw - tmpfs x rw,hidepid=2\n63 45 10:39 / /x rw - proc proc rw,hidepid=2\n", 0, false,
                  0);
    check_hidepid("63 45 0:39\n - proc \n63 45 0:39 / /proc rw - proc ", 0, false, 0);
    assert_in_range(gs_hidepid_read().level, 0, 4);
    struct gs_barrier_facts facts = open_facts();
    char mend[GS_BARRIER_TEXT];
    gs_hidepid_mend(&(struct gs_hidepid){.level = 2, .has_exempt = true, .exempt = 44}, &facts, mend, sizeof mend);
    assert_string_equal(mend, "sudo gilspy ... -p 42, or become a member of group 44, which sees all");
    gs_hidepid_mend(&(struct gs_hidepid){.level = 4, .has_exempt = true, .exempt = 44}, &facts, mend, sizeof mend);
    assert_string_equal(mend, "sudo gilspy ... -p 42");
}

/* ---- real processes ---- */

UNIT_TEST(test_real_processes)
{
    struct gs_barrier_facts facts;
    struct gs_err err;
    int ends[2], status;
    assert_true(gs_barrier_gather(&facts, 0));
    assert_int_equal(facts.ours.uids[GS_REAL], getuid());
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(read(ends[0], &status, 1) != 0);
    assert_true(child > 0);
    assert_true(gs_barrier_gather(&facts, child));
    assert_int_equal(facts.elsewhere, GS_ELSE_SAME);
    assert_false(facts.closed);
    assert_true(gs_rights_same_ids(&facts.ours, &facts.theirs));
    assert_int_equal(facts.theirs.permitted, facts.ours.permitted);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(gs_barrier_gather(&facts, child));
    assert_int_equal(gs_barrier_missing(child, &err), GS_NO_PROCESS);
    assert_int_equal(gs_barrier_missing(0, &err), GS_NO_PROCESS);
    assert_int_equal(gs_barrier_missing(-1, &err), GS_NO_PROCESS);
    close(ends[0]);
    close(ends[1]);
}
