/* Of a gilspy that is one file, which can load no library: it says so. */
#include <stddef.h>

#include "push/listen.h"

enum gs_status gs_listen_open(struct gs_listen **listening, const char *address, struct gs_metrics *metrics,
                              struct gs_err *err)
{
    *listening = NULL;
    (void)address;
    (void)metrics;
    gs_fail(err, GS_FAILED, "cannot listen: this gilspy is a static program, which cannot load libmicrohttpd");
    gs_err_todo(err, "Take the gilspy of a package, or write figures with --textfile");
    return GS_FAILED;
}

const char *gs_listen_where(const struct gs_listen *listening)
{
    (void)listening;
    return "";
}

void gs_listen_close(struct gs_listen *listening)
{
    (void)listening;
}
