/* doctor --json, schema 1. */
#include "export/doctor.h"
#include "export/json.h"

static enum gs_status write_check(const struct gs_check *check, FILE *out)
{
    return gs_json_write(json_pack("{s:s, s:b, s:o, s:o}", "name", check->name, "ok", check->ok, "text",
                                   gs_json_text(check->text), "mend", gs_json_text_or_null(check->mend)),
                         out);
}

enum gs_status gs_doctor_json(const struct gs_doctor *doctor, FILE *out)
{
    enum gs_status status = GS_OK;
    fputs("{\"schema\": 1, \"pid\": ", out);
    if (doctor->pid != 0)
        fprintf(out, "%d", (int)doctor->pid);
    else
        fputs("null", out);
    fputs(", \"checks\": [", out);
    for (size_t i = 0; i < doctor->count && status == GS_OK; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = write_check(&doctor->checks[i], out);
    }
    fputs("], \"usable\": {", out);
    for (int use = 0; use < GS_USE_COUNT; use++)
        fprintf(out, "%s\"%s\": %s", use > 0 ? ", " : "", gs_use_name(use), doctor->usable[use] ? "true" : "false");
    fputs("}}\n", out);
    return status;
}
