/* Processes whose threads stand at the same places: the groups of dump --json. */
#ifndef GS_EXPORT_DUMP_GROUPS_H
#define GS_EXPORT_DUMP_GROUPS_H

#include "export/dump.h"

struct gs_dump_groups {
    struct gs_dump_group *list;
    size_t count, room;
};

/* Puts the process with those that are like it. GS_NO_MEMORY or GS_OK. */
enum gs_status gs_dump_groups_add(struct gs_dump_groups *groups, const struct gs_dump *dump) GS_MUST_CHECK;
/* A JSON list, the rarest first, schema 1, without a line feed. Errors of the stream stay in it. */
enum gs_status gs_dump_groups_json(struct gs_dump_groups *groups, FILE *out) GS_MUST_CHECK;
void gs_dump_groups_fini(struct gs_dump_groups *groups);

#endif
