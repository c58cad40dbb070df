/* libmicrohttpd, loaded by hand, behind a socket of our own: what is wrong with the address is told by us. */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "push/library.h"
#include "push/listen.h"

enum { CONNECTIONS = 16, TIMEOUT_S = 10, QUEUE = 16, REQUEST_BYTES = 16 << 10 };

/* What is called of it. */
#define FUNCTIONS(F)                                                                                                   \
    F(MHD_start_daemon)                                                                                                \
    F(MHD_stop_daemon)                                                                                                 \
    F(MHD_create_response_from_buffer)                                                                                 \
    F(MHD_add_response_header)                                                                                         \
    F(MHD_queue_response)                                                                                              \
    F(MHD_destroy_response)                                                                                            \
    F(MHD_lookup_connection_value)

struct gs_listen {
#define FUNCTION(name) __typeof__(&(name)) name;
    FUNCTIONS(FUNCTION)
#undef FUNCTION
    struct MHD_Daemon *daemon;
    struct gs_metrics *metrics;
    int fd;
    char where[NI_MAXHOST + NI_MAXSERV + 4];
};

static bool load(struct gs_listen *listening)
{
#define FUNCTION(name) {#name, offsetof(struct gs_listen, name)},
    static const struct gs_library_function functions[] = {FUNCTIONS(FUNCTION){NULL, 0}};
#undef FUNCTION
    return gs_library_load(listening, (const char *const[]){"libmicrohttpd.so.12", NULL}, functions);
}

/* ---- answers ---- */

static enum MHD_Result answer(const struct gs_listen *listening, struct MHD_Connection *connection, unsigned status,
                              const char *type, char *text, size_t len, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = listening->MHD_create_response_from_buffer(len, text, mode);
    if (!response) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(text);
        return MHD_NO;
    }
    listening->MHD_add_response_header(response, "Content-Type", type);
    enum MHD_Result queued = listening->MHD_queue_response(connection, status, response);
    listening->MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result say(const struct gs_listen *listening, struct MHD_Connection *connection, unsigned status,
                           const char *text)
{
    return answer(listening, connection, status, "text/plain; charset=utf-8", (char *)text, strlen(text),
                  MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result answer_metrics(const struct gs_listen *listening, struct MHD_Connection *connection)
{
    const char *accepted = listening->MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    bool open_metrics = accepted && strstr(accepted, "application/openmetrics-text");
    char *text = NULL;
    size_t len;
    if (gs_metrics_page(listening->metrics, open_metrics, &text, &len)) {
        free(text);
        return say(listening, connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    }
    return answer(listening, connection, MHD_HTTP_OK,
                  open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8",
                  text, len, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result asked(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                             const char *version, const char *body, size_t *body_len, void **own)
{
    const struct gs_listen *listening = context;
    (void)version, (void)body, (void)own;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        *body_len = 0;
        return say(listening, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(listening, connection);
    if (strcmp(url, "/healthz") != 0)
        return say(listening, connection, MHD_HTTP_NOT_FOUND, "there are /metrics and /healthz\n");
    bool well = gs_metrics_well(listening->metrics);
    return say(listening, connection, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
               well ? "ok\n" : "nothing was sampled lately\n");
}

/* ---- the address ---- */

static enum gs_status no_address(const char *address, struct gs_err *err)
{
    gs_fail(err, GS_USAGE, "cannot listen at '%.100s': it is no address and port", address);
    gs_err_todo(err, "Write 127.0.0.1:9464, [::1]:9464, or :9464 for everybody");
    return GS_USAGE;
}

/* Divides "[::1]:9464"; numbers only, so that no server of names is asked. */
static enum gs_status resolve(const char *address, struct addrinfo **found, struct gs_err *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    char host[128] = "";
    const char *colon = strrchr(address, ':'), *begin = address, *end = colon;
    if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return no_address(address, err);
    if (end - begin >= 2 && *begin == '[' && end[-1] == ']') {
        begin++;
        end--;
    }
    if ((size_t)(end - begin) >= sizeof host)
        return no_address(address, err);
    memcpy(host, begin, (size_t)(end - begin));
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    return getaddrinfo(*host ? host : NULL, colon + 1, &hints, found) == 0 ? GS_OK : no_address(address, err);
}

static enum gs_status bind_to(struct gs_listen *listening, const char *address, struct gs_err *err)
{
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const int one = 1;
    enum gs_status status = resolve(address, &found, err);
    if (status)
        return status;
    listening->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listens = listening->fd >= 0 && setsockopt(listening->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                   bind(listening->fd, found->ai_addr, found->ai_addrlen) == 0 && listen(listening->fd, QUEUE) == 0;
    int reason = errno;
    freeaddrinfo(found);
    if (!listens)
        return gs_fail(err, GS_FAILED, "cannot listen at %.100s: %s", address, strerror(reason));
    if (getsockname(listening->fd, (struct sockaddr *)&bound, &len) == 0 &&
        getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(listening->where, sizeof listening->where, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    return GS_OK;
}

enum gs_status gs_listen_open(struct gs_listen **out, const char *address, struct gs_metrics *metrics,
                              struct gs_err *err)
{
    struct gs_listen *listening = calloc(1, sizeof *listening);
    *out = listening;
    if (!listening)
        return gs_fail(err, GS_NO_MEMORY, "cannot listen: out of memory");
    listening->metrics = metrics;
    listening->fd = -1;
    if (!load(listening)) {
        gs_fail(err, GS_FAILED, "cannot listen: there is no libmicrohttpd here that can be used");
        gs_err_todo(err, "Install it (Debian: libmicrohttpd12), or write figures with --textfile");
        return GS_FAILED;
    }
    enum gs_status status = bind_to(listening, address, err);
    if (status)
        return status;
    listening->daemon = listening->MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD /* select(2) knows the first 1024 descriptors only */, 0, NULL, NULL, asked,
        listening, MHD_OPTION_LISTEN_SOCKET, listening->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
        MHD_OPTION_END);
    return listening->daemon ? GS_OK : gs_fail(err, GS_FAILED, "cannot listen at %.100s", address);
}

const char *gs_listen_where(const struct gs_listen *listening)
{
    return listening->where;
}

void gs_listen_close(struct gs_listen *listening)
{
    if (!listening)
        return;
    if (listening->daemon)
        listening->MHD_stop_daemon(listening->daemon); /* which closes the socket */
    else if (listening->fd >= 0)
        close(listening->fd);
    free(listening);
}
