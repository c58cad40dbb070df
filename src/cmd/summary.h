/* What a run of record came to, told at its end. */
#ifndef GS_CMD_SUMMARY_H
#define GS_CMD_SUMMARY_H

#include "cmd/args.h"
#include "profile/meter.h"
#include "recording/rotate.h"
#include "export/format.h"
#include "export/run.h"

struct gs_summary {
    const struct gs_args *args;
    const struct gs_format *format; /* NULL: the recording itself */
    const char *name;               /* of the output */
    const struct gs_meter *meter;
    const struct gs_rotation *rotation; /* NULL: there is one output */
    const struct gs_run_pushed *pushed; /* NULL: nothing was to be */
    bool file;                          /* there is one */
    const struct gs_run_end *end;
    uint64_t missed; /* processes */
};

/* The rest of it on stderr, for --verbose. name: of the output. */
void gs_summary_details(const char *name, const struct gs_run_summary *run);
/* As text on stderr or as JSON, as args ask for it. */
enum gs_status gs_summary_tell(const struct gs_summary *summary) GS_MUST_CHECK;

#endif
