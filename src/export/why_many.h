/* The verdicts on several processes as one answer: those that are alike together, the worst first. */
#ifndef GS_EXPORT_WHY_MANY_H
#define GS_EXPORT_WHY_MANY_H

#include "export/why.h"

/* Nothing is owned. */
struct gs_why_member {
    const struct gs_why *why;
    const struct gs_why_watch *watch;
    struct gs_dump dump;
    const char *role; /* as of gs_roles_find */
    bool master;
};

/* Processes of one role (but for the numbers in it) with the same verdicts at the same place. */
struct gs_why_group {
    const struct gs_why_member **members; /* by pid */
    size_t count;
    const struct gs_verdict *worst; /* of the first one: what all of them are told by */
    bool healthy;
    bool differs;               /* it is not well, or there are more of its role that do something else */
    double held, contended;     /* shares of the time, of their main GILs: the mean */
    struct gs_frame_info where; /* the function that it is about; function NULL: not known */
    bool same_line;             /* of all of them */
};

struct gs_why_many {
    const struct gs_why_member *members;
    size_t count;
    struct gs_why_group *groups; /* the worst first, idle masters last */
    size_t group_count;
    const struct gs_why_member **order;
};

/* members must outlive it. GS_NO_MEMORY or GS_OK; free with gs_why_many_fini in any case. */
enum gs_status gs_why_many_init(struct gs_why_many *many, const struct gs_why_member *members,
                                size_t count) GS_MUST_CHECK;
void gs_why_many_fini(struct gs_why_many *many);

/* A table of the groups, then what is to be told of one process of each that differs; of one by itself, what
 * gs_why_text tells. verbose: of each process. */
enum gs_status gs_why_many_text(const struct gs_why_many *many, const struct gs_console *console,
                                bool verbose) GS_MUST_CHECK;
/* One JSON document without a line feed. Errors of the stream stay in it. */
enum gs_status gs_why_many_json(const struct gs_why_many *many, FILE *out) GS_MUST_CHECK;

#endif
