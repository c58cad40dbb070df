/* The last words of a recording. */
#include <string.h>

#include "export/run.h"
#include "support/unit.h"

static void says(const struct gs_run_summary *run, const char *wanted)
{
    struct gs_text text;
    gs_text_init(&text, false);
    gs_run_text(&text, run);
    if (!strstr(text.bytes, wanted))
        fail_msg("%s: not in: %s", wanted, text.bytes);
    gs_text_fini(&text);
}

/* Who was born and ended between two looks is known to nobody. */
UNIT_TEST(children_never_sampled_are_a_lower_bound)
{
    struct gs_run_end end = {.samples = 10};
    struct gs_run_summary run = {.threads = 1, .processes = 1, .missed = 58, .end = &end};
    says(&run, "; at least 58 Python processes were never sampled");
}

UNIT_TEST(what_was_not_stopped_is_told)
{
    struct gs_run_end end = {.samples = 10, .quality = {.skipped = 7, .refused = 1234}};
    struct gs_run_summary run = {.threads = 1, .processes = 1, .end = &end};
    says(&run, "7 left out, to stop threads for no longer than --max-pause");
    says(&run, "could not be stopped 1,234 times, because another program traces them");
}
