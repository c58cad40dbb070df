/* Why a process may not be read, in words for the user: the rules that the kernel applies, as rows of a table.
 *
 * Whether a process may be read is found out by reading it. The rules only explain a refusal, or say beforehand what to
 * expect: a kernel has more ways to refuse than anybody can see from outside. */
#ifndef GS_TARGET_BARRIER_H
#define GS_TARGET_BARRIER_H

#include "gilspy/target.h"
#include "target/rights.h"

enum { GS_BARRIER_TEXT = 300, GS_UNREADABLE_KILLED = -1 /* whoever tries is killed */ };

/* Where the user namespace of the other process lies, seen from ours. */
enum gs_elsewhere {
    GS_ELSE_SAME,  /* the same, or one that looks the same from here */
    GS_ELSE_BELOW, /* another one, while we are in the machine's own: it lies below that */
    GS_ELSE_OUTSIDE
};

struct gs_barrier_facts {
    pid_t pid; /* 0: no process in particular, theirs are our own rights */
    struct gs_rights ours, theirs;
    enum gs_elsewhere elsewhere;
    bool initial;   /* we are in the machine's own user namespace */
    bool closed;    /* its files in /proc belong to root and not to its user: it is not dumpable */
    int yama;       /* kernel.yama.ptrace_scope, 0 where there is no Yama */
    int unreadable; /* as gs_barrier_try_ourselves says, or GS_UNREADABLE_KILLED */
    char label[96]; /* what a security module calls us, "" where none does */
};

struct gs_barrier {
    const char *name;      /* an identifier that stays the same */
    const char *otherwise; /* what is so where it is not met */
    bool (*met)(const struct gs_barrier_facts *facts);
    /* CAP_SYS_PTRACE lets pass. */
    bool (*outweighed)(const struct gs_barrier_facts *facts);
    void (*say)(const struct gs_barrier_facts *facts, char *dst, size_t size);
    /* A command, or what else mends it: fits behind "Try: ". */
    void (*mend)(const struct gs_barrier_facts *facts, char *dst, size_t size);
};

/* In the order in which they are looked for; the last one is met always, its name NULL ends the list. */
extern const struct gs_barrier gs_barriers[];

/* One of the list; NULL: there is none of that name. */
const struct gs_barrier *gs_barrier_find(const char *name);
/* It keeps us from reading the process. */
bool gs_barrier_stands(const struct gs_barrier *barrier, const struct gs_barrier_facts *facts);
/* The one that explains why reading was refused. */
const struct gs_barrier *gs_barrier_first(const struct gs_barrier_facts *facts);
/* We have CAP_SYS_PTRACE where the process lives. */
bool gs_barrier_privileged(const struct gs_barrier_facts *facts);
/* The way to more rights: fits behind "Try: ". */
void gs_barrier_elevate(const struct gs_barrier_facts *facts, char *dst, size_t size);

/* Collects the facts about us and a process (0: about us alone), all but `unreadable`. False: it is gone, or hidden. */
bool gs_barrier_gather(struct gs_barrier_facts *facts, pid_t pid);
/* What process_vm_readv on ourselves fails with (errno), 0: it works. Nobody is refused that, except by a filter. */
int gs_barrier_try_ourselves(void);
/* The number in a file of /proc/sys; `otherwise` where there is no such file. */
int gs_setting_read(const char *path, int otherwise);

/* Fills err with what stands in the way, and what to do. Returns GS_NOT_PERMITTED. */
enum gs_status gs_barrier_refuse(const struct gs_barrier_facts *facts, struct gs_err *err);
/* The same for a process that could not be read. Returns GS_NOT_PERMITTED, or
 * GS_NO_PROCESS when it has just ended. */
enum gs_status gs_barrier_tell(const struct gs_target *target, struct gs_err *err);

/* ---- processes that /proc hides ---- */

/* When /proc does not show a process: GS_NO_PROCESS if there is none, GS_NOT_PERMITTED if it is only hidden, GS_FAILED
 * when /proc is not there or not ours; err is filled. */
enum gs_status gs_barrier_missing(pid_t pid, struct gs_err *err);

/* How /proc hides processes of other users. */
struct gs_hidepid {
    int level;       /* 0 not, 1 closed, 2 invisible, 4 only for who may trace them */
    bool has_exempt; /* there is a group that sees all */
    gid_t exempt;
};
/* From the text of mountinfo: the line of the file system with this device number. */
struct gs_hidepid gs_hidepid_parse(const char *mountinfo, unsigned major, unsigned minor);
/* Of the /proc that we see. */
struct gs_hidepid gs_hidepid_read(void);
/* Who sees all: fits behind "Try: ". */
void gs_hidepid_mend(const struct gs_hidepid *hide, const struct gs_barrier_facts *facts, char *dst, size_t size);

#endif
