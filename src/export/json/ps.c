/* ps --json, schema 1. */
#include "export/json.h"
#include "export/ps.h"

static enum gs_status write_row(const struct gs_ps_row *row, FILE *out)
{
    return gs_json_write(
        json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "pid", (int)row->pid, "ns_pid",
                  (int)row->ns_pid, "user", gs_json_text_or_null(row->user), "python",
                  gs_json_text_or_null(row->python), "build", gs_json_text_or_null(row->build), "threads",
                  gs_json_number(row->threads > 0, row->threads), "gil", gs_gil_state_name(row->gil), "holder",
                  gs_json_number(row->holder > 0, (uint64_t)row->holder), "command",
                  gs_json_texts(row->command, row->command_count), "watchable", row->watchable, "why_not",
                  gs_json_text_or_null(row->why_not), "parent", gs_json_number(row->parent > 0, (uint64_t)row->parent),
                  "role", gs_json_text_or_null(row->role)),
        out);
}

enum gs_status gs_ps_json(const struct gs_ps *ps, FILE *out)
{
    enum gs_status status = GS_OK;
    fputs("{\"schema\": 1, \"processes\": [", out);
    for (size_t i = 0; i < ps->count && status == GS_OK; i++) {
        if (i > 0)
            fputs(", ", out);
        status = write_row(&ps->rows[i], out);
    }
    fputs("]}\n", out);
    return status;
}
