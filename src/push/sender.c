/* A queue and a thread. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/least.h"
#include "push/credentials.h"
#include "push/sender.h"

enum {
    PAUSE_S = 1, /* after the first try; twice as long after each */
    PAUSE_MOST_S = 60,
    RETRY_AFTER_MOST_S = 300, /* whatever the server asks for */
    LIMITED_MOST = 10 /* tries of a profile that a limit of the server is in the way of, which may be for good */
};

enum verdict { TAKEN, REFUSED, AGAIN, OTHERWISE };

/* What came of one try. */
struct outcome {
    enum verdict verdict;
    long status; /* 0: there was no answer */
    uint64_t retry_after_s, bytes;
    char why[GS_HTTP_WHY]; /* it was not taken */
};

struct gs_sender {
    struct gs_sender_options options;
    const struct gs_push_protocol *protocol;
    char *server;
    struct gs_http *http;
    atomic_bool give_up; /* the request that is under way is to end */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* what follows is both threads' */
    pthread_cond_t changed;
    struct gs_push_profile *first, *last; /* that wait */
    size_t kept_bytes;
    bool ends, done; /* all is taken that will be; the thread has ended */
    struct gs_sent sent;
    /* The sending thread's. */
    unsigned tries;       /* of the profile that is its turn */
    uint64_t away_ns;     /* since when nothing is taken; 0: it is */
    uint64_t lost_before; /* sent.lost then */
    uint64_t told[64];    /* bits: statuses that were told */
};

/* ---- one try ---- */

static enum verdict judge(const struct gs_push_protocol *protocol, const struct gs_http_answer *answer,
                          char why[GS_HTTP_WHY])
{
    long status = answer->status;
    bool missing = status == 404 || status == 405;
    if (status == 0) {
        snprintf(why, GS_HTTP_WHY, "%s", answer->why);
        return AGAIN;
    }
    if (status >= 200 && status < 300)
        return !protocol->taken || protocol->taken(answer, why) ? TAKEN : REFUSED;
    if (missing && protocol->otherwise)
        return OTHERWISE;
    if (missing)
        snprintf(why, GS_HTTP_WHY, "status %ld: it is not %s", status, protocol->wanted);
    else if (status >= 300 && status < 400)
        snprintf(why, GS_HTTP_WHY, "status %ld: it sends us elsewhere, which is not followed", status);
    else
        snprintf(why, GS_HTTP_WHY, "status %ld%s%.*s", status, answer->len > 0 ? ": " : "",
                 (int)strcspn((const char *)answer->body, "\r\n"), (const char *)answer->body);
    return status == 429 || status == 408 || status >= 500 ? AGAIN : REFUSED;
}

static void post(struct gs_sender *sender, const struct gs_push_message *message, struct gs_http_answer *answer)
{
    struct gs_push_credentials credentials;
    struct gs_err err;
    char *url = NULL;
    *answer = (struct gs_http_answer){0};
    if (gs_push_credentials_read(&credentials, &err)) {
        snprintf(answer->why, sizeof answer->why, "%.*s", GS_HTTP_WHY - 1, err.what);
    } else if (asprintf(&url, "%s%s", sender->server, message->path) < 0) {
        url = NULL;
        snprintf(answer->why, sizeof answer->why, "out of memory");
    } else {
        const char *headers[4] = {message->header};
        size_t count = message->header != NULL;
        for (size_t i = 0; credentials.headers[i]; i++)
            headers[count++] = credentials.headers[i];
        const struct gs_http_request request = {.url = url,
                                                .content_type = message->content_type,
                                                .body = message->body,
                                                .len = message->len,
                                                .gzip = message->gzip,
                                                .headers = headers,
                                                .ca_file = credentials.ca_file};
        gs_http_post(sender->http, &request, answer);
    }
    gs_push_credentials_free(&credentials);
    free(url);
}

static void try_protocol(struct gs_sender *sender, const struct gs_push_profile *profile, struct outcome *outcome)
{
    struct gs_push_message message = {0};
    struct gs_http_answer answer;
    *outcome = (struct outcome){.verdict = REFUSED};
    enum gs_status status = sender->protocol->encode(profile, &message);
    if (status) {
        outcome->verdict = status == GS_NO_MEMORY ? AGAIN : REFUSED;
        snprintf(outcome->why, sizeof outcome->why, "%s", gs_status_text(status));
    } else {
        post(sender, &message, &answer);
        outcome->verdict = judge(sender->protocol, &answer, outcome->why);
        outcome->status = answer.status;
        outcome->retry_after_s = answer.retry_after_s;
        outcome->bytes = message.len;
    }
    gs_push_message_free(&message);
}

static void try_once(struct gs_sender *sender, const struct gs_push_profile *profile, struct outcome *outcome)
{
    try_protocol(sender, profile, outcome);
    if (outcome->verdict == OTHERWISE) {
        gs_tell(sender->options.remarks, "%s is not %s: profiles go to its older /ingest", sender->server,
                sender->protocol->wanted);
        sender->protocol = sender->protocol->otherwise;
        try_protocol(sender, profile, outcome);
    }
    if (outcome->verdict == AGAIN && outcome->status == 429 && ++sender->tries >= LIMITED_MOST)
        outcome->verdict = REFUSED;
}

/* ---- the queue; the lock is held ---- */

static void lose(struct gs_sender *sender, struct gs_push_profile *profile, const char *why)
{
    sender->sent.lost++;
    sender->sent.lost_ns += profile ? profile->duration_ns : 0;
    snprintf(sender->sent.why, sizeof sender->sent.why, "%s", why);
    gs_push_profile_free(profile);
}

static struct gs_push_profile *take_first(struct gs_sender *sender)
{
    struct gs_push_profile *profile = sender->first;
    sender->first = profile->next;
    if (!sender->first)
        sender->last = NULL;
    sender->kept_bytes -= gs_push_profile_size(profile);
    profile->next = NULL;
    return profile;
}

static void put_last(struct gs_sender *sender, struct gs_push_profile *profile)
{
    if (sender->last)
        sender->last->next = profile;
    else
        sender->first = profile;
    sender->last = profile;
    sender->kept_bytes += gs_push_profile_size(profile);
}

static void put_first(struct gs_sender *sender, struct gs_push_profile *profile)
{
    profile->next = sender->first;
    sender->first = profile;
    if (!sender->last)
        sender->last = profile;
    sender->kept_bytes += gs_push_profile_size(profile);
}

/* ---- the spool ---- */

static size_t spooled(const struct gs_sender *sender)
{
    return sender->options.spool ? gs_spool_count(sender->options.spool) : 0;
}

/* What could not be read has been somebody's, too. */
static struct gs_push_profile *take_spooled(struct gs_sender *sender)
{
    struct gs_push_profile *profile = gs_spool_take(sender->options.spool);
    if (!profile)
        lose(sender, NULL, "it could not be read from the spool");
    return profile;
}

/* Of the first one. False: the disk is full, or fails: it waits on here. */
static bool spool_first(struct gs_sender *sender)
{
    struct gs_spool *to = sender->options.spool;
    struct gs_push_profile *profile = take_first(sender), *oldest;
    while (!gs_spool_fits(to, profile) && gs_spool_drop(to, &oldest))
        lose(sender, oldest, "the spool is full");
    if (!gs_spool_fits(to, profile)) {
        lose(sender, profile, "the spool is full");
        return true;
    }
    bool put = gs_spool_put(to, profile);
    if (put) {
        gs_push_profile_free(profile);
    } else {
        snprintf(sender->sent.why, sizeof sender->sent.why, "it cannot be kept in the spool: %s", strerror(errno));
        put_first(sender, profile);
    }
    return put;
}

static void spool_all(struct gs_sender *sender)
{
    while (sender->first && spool_first(sender))
        ;
}

/* ---- the thread; the lock is held but for the try ---- */

/* The end of the run ends it, too, once: there may be time for one more try. */
static void sleep_s(struct gs_sender *sender, uint64_t seconds)
{
    struct timespec until;
    bool ended = sender->ends;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ended ? PAUSE_S : seconds);
    while (!atomic_load(&sender->give_up) && sender->ends == ended &&
           pthread_cond_timedwait(&sender->changed, &sender->lock, &until) != ETIMEDOUT)
        ;
}

static bool told_before(struct gs_sender *sender, long status)
{
    uint64_t *word = &sender->told[(unsigned long)status / 64 % 64], bit = UINT64_C(1) << status % 64;
    bool told = *word & bit;
    *word |= bit;
    return told;
}

static void tell_back(struct gs_sender *sender)
{
    uint64_t lost = sender->sent.lost - sender->lost_before;
    double away_s = (double)(gs_clock_ns() - sender->away_ns) / 1e9;
    sender->away_ns = 0;
    if (lost > 0)
        gs_tell(sender->options.remarks, "%s takes profiles again, after %.0f s: %" PRIu64 " were lost", sender->server,
                away_s, lost);
    else
        gs_tell(sender->options.remarks, "%s takes profiles again, after %.0f s: none was lost", sender->server,
                away_s);
}

static uint64_t pause_s(const struct outcome *outcome, unsigned tries)
{
    uint64_t pause = tries < 6 ? PAUSE_S << tries : PAUSE_MOST_S;
    return gs_most(gs_least(pause, PAUSE_MOST_S), gs_least(outcome->retry_after_s, RETRY_AFTER_MOST_S));
}

static void keep_for_later(struct gs_sender *sender, struct gs_push_profile *profile, bool from_spool,
                           const struct outcome *outcome, unsigned tries)
{
    if (!sender->away_ns) {
        sender->away_ns = gs_clock_ns();
        sender->lost_before = sender->sent.lost;
        gs_tell(sender->options.remarks, "%s cannot be pushed to: %s: profiles are kept and tried again",
                sender->server, outcome->why);
    }
    snprintf(sender->sent.why, sizeof sender->sent.why, "%s", outcome->why);
    if (from_spool) {
        gs_push_profile_free(profile);
        gs_spool_give_back(sender->options.spool);
    } else {
        put_first(sender, profile);
    }
    if (sender->options.spool)
        spool_all(sender);
    sleep_s(sender, pause_s(outcome, tries));
}

static void send_first(struct gs_sender *sender, unsigned *tries)
{
    struct outcome outcome;
    bool from_spool = spooled(sender) > 0;
    struct gs_push_profile *profile = from_spool ? take_spooled(sender) : take_first(sender);
    if (!profile)
        return;
    pthread_mutex_unlock(&sender->lock);
    try_once(sender, profile, &outcome);
    pthread_mutex_lock(&sender->lock);
    sender->sent.bytes += outcome.bytes;
    if (outcome.verdict == AGAIN) {
        keep_for_later(sender, profile, from_spool, &outcome, (*tries)++);
        return;
    }
    *tries = sender->tries = 0;
    if (from_spool)
        gs_spool_done(sender->options.spool);
    if (outcome.verdict == REFUSED) {
        if (!told_before(sender, outcome.status))
            gs_tell(sender->options.remarks, "%s does not take profiles: %s", sender->server, outcome.why);
        lose(sender, profile, outcome.why);
        return;
    }
    if (sender->away_ns)
        tell_back(sender);
    sender->sent.sent++;
    gs_push_profile_free(profile);
}

static bool waits(const struct gs_sender *sender)
{
    return sender->first || spooled(sender) > 0;
}

static void *run(void *context)
{
    struct gs_sender *sender = context;
    unsigned tries = 0;
    pthread_mutex_lock(&sender->lock);
    while (!atomic_load(&sender->give_up) && (waits(sender) || !sender->ends)) {
        if (waits(sender))
            send_first(sender, &tries);
        else
            pthread_cond_wait(&sender->changed, &sender->lock);
    }
    sender->done = true;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
    return NULL;
}

/* ---- whoever sends ---- */

enum gs_status gs_sender_open(struct gs_sender **out, const struct gs_sender_options *options, struct gs_err *err)
{
    struct gs_sender *sender = calloc(1, sizeof *sender);
    struct gs_push_credentials credentials;
    pthread_condattr_t clock;
    *out = sender;
    if (!sender)
        return gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
    sender->options = *options;
    sender->protocol = options->protocol;
    pthread_mutex_init(&sender->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&sender->changed, &clock);
    pthread_condattr_destroy(&clock);
    enum gs_status status = gs_push_credentials_read(&credentials, err); /* rather now than after a span */
    gs_push_credentials_free(&credentials);
    if (!status)
        status = gs_http_open(&sender->http, &sender->give_up, err);
    if (status)
        return status;
    sender->server = strdup(options->server);
    sender->started = sender->server && pthread_create(&sender->thread, NULL, run, sender) == 0;
    return sender->started ? GS_OK : gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
}

void gs_sender_take(struct gs_sender *sender, struct gs_push_profile *profile)
{
    pthread_mutex_lock(&sender->lock);
    put_last(sender, profile);
    if (sender->options.spool && (sender->away_ns || spooled(sender) > 0))
        spool_all(sender);
    while (sender->kept_bytes > sender->options.keep_bytes) {
        char why[GS_HTTP_WHY];
        snprintf(why, sizeof why, "too many waited; %.200s", sender->sent.why);
        lose(sender, take_first(sender), why);
    }
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
}

void gs_sender_sum(struct gs_sender *sender, struct gs_sent *sent)
{
    pthread_mutex_lock(&sender->lock);
    *sent = sender->sent;
    sent->spooled = spooled(sender);
    pthread_mutex_unlock(&sender->lock);
}

static void wait_for_thread(struct gs_sender *sender)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(sender->options.patience_ns / GS_NS_PER_S);
    pthread_mutex_lock(&sender->lock);
    sender->ends = true;
    pthread_cond_broadcast(&sender->changed);
    while (!sender->done && pthread_cond_timedwait(&sender->changed, &sender->lock, &until) != ETIMEDOUT)
        ;
    atomic_store(&sender->give_up, true);
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
    pthread_join(sender->thread, NULL);
    sender->started = false;
}

void gs_sender_finish(struct gs_sender *sender, struct gs_sent *sent)
{
    if (sender->started)
        wait_for_thread(sender);
    if (sender->options.spool)
        spool_all(sender);
    while (sender->first) {
        char why[GS_HTTP_WHY];
        snprintf(why, sizeof why, "%s", sender->sent.why[0] ? sender->sent.why : "there was no time for it");
        lose(sender, take_first(sender), why);
    }
    *sent = sender->sent;
    sent->spooled = spooled(sender);
}

void gs_sender_close(struct gs_sender *sender)
{
    struct gs_sent sent;
    if (!sender)
        return;
    sender->options.patience_ns = 0;
    gs_sender_finish(sender, &sent);
    gs_http_close(sender->http);
    pthread_cond_destroy(&sender->changed);
    pthread_mutex_destroy(&sender->lock);
    free(sender->server);
    free(sender);
}
