/* Answering who asks for figures, by libmicrohttpd, which is loaded when somebody shall be answered and not before. */
#ifndef GS_PUSH_LISTEN_H
#define GS_PUSH_LISTEN_H

#include "push/metrics.h"

struct gs_listen;

/* address: "127.0.0.1:9464", "[::1]:9464", ":9464" (everybody); port 0: any that is free. GET /metrics and /healthz are
 * answered from a thread of its own. Signals are to be blocked by then. GS_USAGE: it is no address. GS_FAILED: this
 * gilspy cannot, there is no libmicrohttpd, or the address is not to be had. err is filled. Close it in any case. */
enum gs_status gs_listen_open(struct gs_listen **listening, const char *address, struct gs_metrics *metrics,
                              struct gs_err *err) GS_MUST_CHECK;
/* "127.0.0.1:9464": where it does. */
const char *gs_listen_where(const struct gs_listen *listening);
void gs_listen_close(struct gs_listen *listening);

#endif
