/* The rules by which the kernel refuses one process the memory of another: kernel/ptrace.c (__ptrace_may_access),
 * security/commoncap.c (cap_ptrace_access_check), security/yama/yama_lsm.c; Linux 6.12. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/user.h"
#include "target/barrier.h"

bool gs_barrier_privileged(const struct gs_barrier_facts *facts)
{
    return gs_caps_have_ptrace(facts->ours.effective) && facts->elsewhere != GS_ELSE_OUTSIDE;
}

static bool never(const struct gs_barrier_facts *facts)
{
    (void)facts;
    return false;
}

static bool always(const struct gs_barrier_facts *facts)
{
    (void)facts;
    return true;
}

/* ---- seccomp ---- */

static bool seccomp_met(const struct gs_barrier_facts *facts)
{
    return facts->unreadable != 0;
}

static void seccomp_say(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    if (facts->unreadable < 0)
        snprintf(dst, size, "a seccomp filter kills gilspy when it calls process_vm_readv");
    else if (facts->ours.seccomp > 0)
        snprintf(dst, size, "a seccomp filter forbids process_vm_readv to gilspy");
    else if (facts->unreadable == ENOSYS)
        snprintf(dst, size, "this kernel has no process_vm_readv (CONFIG_CROSS_MEMORY_ATTACH)");
    else
        snprintf(dst, size, "process_vm_readv does not even work on ourselves (%s)", strerror(facts->unreadable));
}

static void seccomp_mend(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    if (facts->ours.seccomp > 0)
        snprintf(dst, size, "start the container with --cap-add=SYS_PTRACE, or with --security-opt seccomp=unconfined");
    else
        snprintf(dst, size, "another kernel, or outside of this sandbox");
}

/* ---- user namespaces ---- */

/* From the machine's own namespace, other ids explain more than another namespace does. */
static bool namespace_met(const struct gs_barrier_facts *facts)
{
    return facts->elsewhere == GS_ELSE_OUTSIDE ||
           (facts->elsewhere == GS_ELSE_BELOW && gs_rights_same_ids(&facts->ours, &facts->theirs));
}

static void namespace_say(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    snprintf(dst, size,
             facts->elsewhere == GS_ELSE_OUTSIDE
                 ? "it lives outside of the user namespace that gilspy is in, where even root has no rights on it"
                 : "it lives in another user namespace, on which only root has rights");
}

static void namespace_mend(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    if (facts->elsewhere == GS_ELSE_OUTSIDE)
        snprintf(dst, size, "run gilspy outside of this user namespace (of the rootless container, of unshare)");
    else
        gs_barrier_elevate(facts, dst, size);
}

/* ---- users and groups ---- */

static bool user_met(const struct gs_barrier_facts *facts)
{
    return !gs_rights_same_ids(&facts->ours, &facts->theirs);
}

static void print_user(uid_t uid, char dst[48])
{
    char name[40];
    snprintf(dst, 48, "%s%s", gs_user_name(uid, name, sizeof name) ? "" : "number ", name);
}

static void user_say(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    const uid_t *uids = facts->theirs.uids;
    const gid_t *gids = facts->theirs.gids;
    char real[48], effective[48];
    const char *root = facts->ours.uids[GS_EFFECTIVE] == 0 ? ", and root lacks CAP_SYS_PTRACE here" : "";
    print_user(uids[GS_REAL], real);
    print_user(uids[GS_EFFECTIVE], effective);
    if (uids[GS_REAL] != uids[GS_EFFECTIVE] || uids[GS_REAL] != uids[GS_SAVED])
        snprintf(dst, size, "it has changed its user: it belongs to %s and has the rights of %s%s", real, effective,
                 root);
    else if (uids[GS_REAL] != facts->ours.uids[GS_REAL])
        snprintf(dst, size, "it belongs to another user, %s%s", real, root);
    else if (gids[GS_REAL] != gids[GS_EFFECTIVE] || gids[GS_REAL] != gids[GS_SAVED])
        snprintf(dst, size, "it has changed its group: it belongs to group %u and has the rights of %u%s",
                 (unsigned)gids[GS_REAL], (unsigned)gids[GS_EFFECTIVE], root);
    else
        snprintf(dst, size, "it belongs to another group, %u, than gilspy, %u%s", (unsigned)gids[GS_REAL],
                 (unsigned)facts->ours.gids[GS_REAL], root);
}

/* ---- dumpable ---- */

static bool dumpable_met(const struct gs_barrier_facts *facts)
{
    return facts->closed;
}

static void dumpable_say(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    (void)facts;
    snprintf(dst, size, "it does not let itself be looked at (not dumpable: by prctl, or since it changed its user)");
}

/* ---- capabilities ---- */

static bool capabilities_met(const struct gs_barrier_facts *facts)
{
    return facts->elsewhere == GS_ELSE_SAME && (facts->theirs.permitted & ~facts->ours.permitted) != 0;
}

static void capabilities_say(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    char list[160];
    uint64_t lacking = facts->theirs.permitted & ~facts->ours.permitted;
    gs_caps_print(lacking, list, sizeof list);
    snprintf(dst, size, "it has %s that gilspy lacks, %s", lacking & (lacking - 1) ? "capabilities" : "a capability",
             list);
}

/* ---- Yama ---- */

enum { YAMA_FREE, YAMA_ANCESTORS, YAMA_PRIVILEGED, YAMA_NOBODY };

static bool yama_met(const struct gs_barrier_facts *facts)
{
    return facts->yama > YAMA_FREE;
}

static bool yama_outweighed(const struct gs_barrier_facts *facts)
{
    return gs_barrier_privileged(facts) && facts->yama < YAMA_NOBODY;
}

static void yama_say(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    static const char *const who[] = {
        [YAMA_FREE] = "everybody of its user",
        [YAMA_ANCESTORS] = "only root and the process that started it",
        [YAMA_PRIVILEGED] = "only root",
        [YAMA_NOBODY] = "nobody, until the next boot,",
    };
    snprintf(dst, size, "Yama lets %s read a process (kernel.yama.ptrace_scope = %d)",
             who[facts->yama < YAMA_NOBODY ? facts->yama : YAMA_NOBODY], facts->yama);
}

static void yama_mend(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    if (facts->yama >= YAMA_NOBODY)
        snprintf(dst, size, "set kernel.yama.ptrace_scope to 0 in /etc/sysctl.d and reboot; nothing else changes it");
    else if (facts->pid == 0 && facts->yama == YAMA_ANCESTORS)
        snprintf(dst, size, "sudo sysctl kernel.yama.ptrace_scope=0");
    else
        gs_barrier_elevate(facts, dst, size);
}

/* ---- what is left ---- */

static void module_say(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    static const char some[] = "(AppArmor, SELinux, Landlock or another)";
    const char *perhaps = facts->initial ? NULL : "it lives outside of the user namespace that gilspy is in";
    /* Whose files belong to root anyway does not show that it is closed. */
    if (!gs_barrier_privileged(facts) && facts->theirs.uids[GS_EFFECTIVE] == 0)
        perhaps = "it does not let itself be looked at (not dumpable)";
    if (!perhaps)
        snprintf(dst, size, "nothing that gilspy knows of forbids it; a security module may%s %s",
                 facts->label[0] ? ", which calls gilspy" : "", facts->label[0] ? facts->label : some);
    else
        snprintf(dst, size, "%s, or a security module forbids it%s %s", perhaps,
                 facts->label[0] ? " to gilspy, which it calls" : "", facts->label[0] ? facts->label : some);
}

static void module_mend(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    if (!gs_barrier_privileged(facts))
        gs_barrier_elevate(facts, dst, size);
    else if (strchr(facts->label, ':')) /* SELinux: user:role:type */
        snprintf(dst, size, "sudo setsebool deny_ptrace 0");
    else if (facts->label[0])
        snprintf(dst, size, "run it outside of that profile; a container with --security-opt apparmor=unconfined");
    else
        snprintf(dst, size, "sudo dmesg tells which, if it was logged");
}

const struct gs_barrier gs_barriers[] = {
    {"seccomp", "process_vm_readv works", seccomp_met, never, seccomp_say, seccomp_mend},
    {"user_namespace", "it lives in the same user namespace, or below it", namespace_met, gs_barrier_privileged,
     namespace_say, namespace_mend},
    {"user", "it has the same user and group", user_met, gs_barrier_privileged, user_say, gs_barrier_elevate},
    {"dumpable", "it lets itself be looked at (dumpable)", dumpable_met, gs_barrier_privileged, dumpable_say,
     gs_barrier_elevate},
    {"capabilities", "it has no capability that gilspy lacks", capabilities_met, gs_barrier_privileged,
     capabilities_say, gs_barrier_elevate},
    {"yama", "Yama forbids nothing", yama_met, yama_outweighed, yama_say, yama_mend},
    {"security_module", "no security module forbids it", always, never, module_say, module_mend},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct gs_barrier *gs_barrier_find(const char *name)
{
    for (const struct gs_barrier *barrier = gs_barriers; barrier->name; barrier++) {
        if (strcmp(barrier->name, name) == 0)
            return barrier;
    }
    return NULL;
}

bool gs_barrier_stands(const struct gs_barrier *barrier, const struct gs_barrier_facts *facts)
{
    return barrier->met(facts) && !barrier->outweighed(facts);
}

const struct gs_barrier *gs_barrier_first(const struct gs_barrier_facts *facts)
{
    const struct gs_barrier *barrier = gs_barriers;
    while (!gs_barrier_stands(barrier, facts)) /* the last one does */
        barrier++;
    return barrier;
}

enum gs_status gs_barrier_refuse(const struct gs_barrier_facts *facts, struct gs_err *err)
{
    char text[GS_BARRIER_TEXT];
    const struct gs_barrier *barrier = gs_barrier_first(facts);
    barrier->say(facts, text, sizeof text);
    gs_fail(err, GS_NOT_PERMITTED, "cannot read process %d: %s", (int)facts->pid, text);
    barrier->mend(facts, text, sizeof text);
    gs_err_todo(err, "Try: %s", text);
    return GS_NOT_PERMITTED;
}

enum gs_status gs_barrier_tell(const struct gs_target *target, struct gs_err *err)
{
    struct gs_barrier_facts facts;
    if (!gs_barrier_gather(&facts, target->pid))
        return gs_barrier_missing(target->pid, err);
    facts.unreadable = gs_barrier_try_ourselves();
    return gs_barrier_refuse(&facts, err);
}
