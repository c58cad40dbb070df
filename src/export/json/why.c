/* why --json, schema 1. */
#include "export/json.h"
#include "export/why.h"

static json_t *threads_of(const struct gs_verdict *verdict)
{
    json_t *list = json_array();
    for (size_t i = 0; i < verdict->thread_count; i++) {
        if (json_array_append_new(list, json_integer(verdict->threads[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The sentences, and at their end on what the confidence rests. */
static json_t *evidence_of(const struct gs_verdict *verdict)
{
    json_t *list = gs_json_texts(verdict->evidence, verdict->evidence_count);
    if (list && verdict->basis && json_array_append_new(list, gs_json_text(verdict->basis)) != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static enum gs_status write_verdict(const struct gs_verdict *verdict, FILE *out)
{
    return gs_json_write(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "kind", gs_why_kind_name(verdict->kind),
                                   "confidence", verdict->certain ? "certain" : "likely", "text",
                                   gs_json_text(verdict->text), "threads", threads_of(verdict), "evidence",
                                   evidence_of(verdict), "advice", gs_json_text_or_null(verdict->advice)),
                         out);
}

enum gs_status gs_why_json(const struct gs_why *why, const struct gs_dump *dump, FILE *out)
{
    enum gs_status status = GS_OK;
    fprintf(out, "{\"schema\": 1, \"pid\": %d, \"watched_s\": %.3f, \"verdicts\": [", (int)dump->target->pid,
            why->watched_s);
    for (size_t i = 0; i < why->count && status == GS_OK; i++) {
        if (i > 0)
            fputs(", ", out);
        status = write_verdict(&why->list[i], out);
    }
    fputs("], \"dump\": ", out);
    if (status == GS_OK)
        status = gs_dump_json(dump, out);
    fputs("}", out);
    return status;
}
