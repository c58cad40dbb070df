/* Of a gilspy that is one file, which can load no library: it says so. */
#include "push/http.h"

enum gs_status gs_http_open(struct gs_http **http, const atomic_bool *give_up, struct gs_err *err)
{
    *http = NULL;
    (void)give_up;
    gs_fail(err, GS_FAILED, "cannot push: this gilspy is a static program, which cannot load libcurl");
    gs_err_todo(err, "Take the gilspy of a package, or record with -o and without --push");
    return GS_FAILED;
}

void gs_http_close(struct gs_http *http)
{
    (void)http;
}

void gs_http_post(struct gs_http *http, const struct gs_http_request *request, struct gs_http_answer *answer)
{
    (void)http;
    (void)request;
    *answer = (struct gs_http_answer){.why = "there is no libcurl"};
}
