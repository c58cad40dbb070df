/* What this machine allows, what is missing, and what mends it: the machine alone, or for one process.
 *
 * What can be tried is tried, on ourselves and on children that are forked for it; settings only explain what was
 * found. Nothing is changed, and the process is not stopped. */
#ifndef GS_DIAGNOSE_DOCTOR_H
#define GS_DIAGNOSE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "gilspy/status.h"

enum { GS_CHECKS_MOST = 32, GS_CHECK_TEXT = 480, GS_CHECK_MEND = 320 };

/* A finding. Its text may hold words of the target's, which are escaped where they are shown. */
struct gs_check {
    const char *name; /* an identifier that stays the same */
    bool ok;
    bool needed; /* not ok: dump cannot be used */
    char text[GS_CHECK_TEXT];
    char mend[GS_CHECK_MEND]; /* a command, or what else mends it; "" where nothing does or nothing needs to */
};

/* What gilspy can be used for. */
enum gs_use { GS_USE_DUMP, GS_USE_NATIVE, GS_USE_EXACT, GS_USE_COUNT };
const char *gs_use_name(enum gs_use use);

struct gs_doctor {
    pid_t pid;             /* 0: the machine alone */
    enum gs_status status; /* GS_OK: dump can be used; else why not */
    struct gs_check checks[GS_CHECKS_MOST];
    size_t count;
    bool usable[GS_USE_COUNT];
};

/* What is known of the place where output goes. */
struct gs_surroundings {
    bool utf8;
    const char *term; /* TERM, NULL: not set */
    bool term_known;  /* terminfo describes it */
    bool thorough;    /* what takes a second or two is tried, too */
};

/* pid: a process, or a thread of it; 0: the machine alone. */
void gs_doctor_examine(struct gs_doctor *doctor, pid_t pid, const struct gs_surroundings *place);

#endif
