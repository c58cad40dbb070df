/* why --json of several processes, schema 1. */
#include "export/json.h"
#include "export/why_many.h"

static json_t *pids_of(const struct gs_why_group *group)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < group->count; i++) {
        if (json_array_append_new(list, json_integer(group->members[i]->dump.target->pid)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum gs_status write_group(const struct gs_why_group *group, FILE *out)
{
    return gs_json_write(json_pack("{s:o, s:s, s:o, s:o}", "pids", pids_of(group), "kind",
                                   gs_why_kind_name(group->worst->kind), "text", gs_json_text(group->worst->text),
                                   "role", gs_json_text(group->members[0]->role)),
                         out);
}

enum gs_status gs_why_many_json(const struct gs_why_many *many, FILE *out)
{
    enum gs_status status = GS_OK;
    fputs("{\"schema\": 1, \"processes\": [", out);
    for (size_t i = 0; i < many->count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_why_json(many->members[i].why, &many->members[i].dump, out);
    }
    fputs("], \"groups\": [", out);
    for (size_t i = 0; i < many->group_count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = write_group(&many->groups[i], out);
    }
    fputs("]}", out);
    return status;
}
