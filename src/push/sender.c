/* Two queues and two threads. Profiles come into the inbox, whose lock is held for moments alone; one thread takes them
 * out of it and to the disk where they are to wait there, the other one sends them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/least.h"
#include "base/thread.h"
#include "push/credentials.h"
#include "push/sender.h"

enum {
    PAUSE_S = 1, /* after the first try; twice as long after each */
    PAUSE_MOST_S = 60,
    RETRY_AFTER_MOST_S = 300, /* whatever the server asks for */
    LIMITED_MOST = 10 /* tries of a profile that a limit of the server is in the way of, which may be for good */
};
/* At the end so much of the time is left for a request to be given up, and the disk, and this much in any case. */
#define KEEP_NS       (GS_NS_PER_S * 3 / 2)
#define KEEP_LEAST_NS (GS_NS_PER_S / 2)

enum verdict { TAKEN, REFUSED, AGAIN, OTHERWISE };

/* What came of one try. */
struct outcome {
    enum verdict verdict;
    long status; /* 0: there was no answer */
    uint64_t retry_after_s, bytes;
    char why[GS_HTTP_WHY]; /* it was not taken */
};

struct queue {
    struct gs_push_profile *first, *last;
};

struct gs_sender {
    struct gs_sender_options options;
    const struct gs_push_protocol *protocol;
    char *server;
    struct gs_http *http;
    atomic_bool give_up; /* the request that is under way is to end, and no other to begin */
    pthread_t keeping, sending;
    bool started;               /* that keeps: it begins and ends the other one */
    pthread_mutex_t inbox_lock; /* for this: */
    pthread_cond_t inbox_changed;
    struct queue inbox;
    size_t kept, kept_bytes; /* of profiles that wait in memory, here or there */
    uint64_t kept_ns;
    bool ends, done; /* all has come that will; both threads have ended */
    struct gs_sent sent;
    pthread_mutex_t lock; /* of the two threads, for what follows: held while the disk is written to, too */
    pthread_cond_t changed;
    struct queue waiting;
    bool last_came;       /* there will be no more in it */
    unsigned limited;     /* tries of the profile that is its turn: answers of 429 */
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
    if (outcome->verdict == AGAIN && outcome->status == 429 && ++sender->limited >= LIMITED_MOST)
        outcome->verdict = REFUSED;
}

/* ---- queues ---- */

static struct gs_push_profile *take_first(struct queue *queue)
{
    struct gs_push_profile *profile = queue->first;
    queue->first = profile->next;
    if (!queue->first)
        queue->last = NULL;
    profile->next = NULL;
    return profile;
}

static void put_last(struct queue *queue, struct gs_push_profile *profile)
{
    if (queue->last)
        queue->last->next = profile;
    else
        queue->first = profile;
    queue->last = profile;
}

static void put_first(struct queue *queue, struct gs_push_profile *profile)
{
    profile->next = queue->first;
    queue->first = profile;
    if (!queue->last)
        queue->last = profile;
}

/* ---- what became of them ---- */

static void lock_inbox(struct gs_sender *sender)
{
    pthread_mutex_lock(&sender->inbox_lock);
}

static void unlock_inbox(struct gs_sender *sender)
{
    pthread_mutex_unlock(&sender->inbox_lock);
}

static void set_why(struct gs_sender *sender, const char *why)
{
    lock_inbox(sender);
    snprintf(sender->sent.why, sizeof sender->sent.why, "%s", why);
    unlock_inbox(sender);
}

/* It waits in memory no more. */
static void forget(struct gs_sender *sender, const struct gs_push_profile *profile)
{
    sender->kept--;
    sender->kept_bytes -= gs_push_profile_size(profile);
    sender->kept_ns -= profile->duration_ns;
}

/* in_memory false: it never waited there, but on the disk. */
static void let_go(struct gs_sender *sender, struct gs_push_profile *profile, bool in_memory)
{
    lock_inbox(sender);
    if (in_memory)
        forget(sender, profile);
    unlock_inbox(sender);
    gs_push_profile_free(profile);
}

/* profile NULL: it could not even be read. The lock of the inbox is held. */
static void count_lost(struct gs_sender *sender, const struct gs_push_profile *profile, const char *why)
{
    sender->sent.lost++;
    sender->sent.lost_ns += profile ? profile->duration_ns : 0;
    snprintf(sender->sent.why, sizeof sender->sent.why, "%s", why);
}

static void lose(struct gs_sender *sender, struct gs_push_profile *profile, bool in_memory, const char *why)
{
    lock_inbox(sender);
    count_lost(sender, profile, why);
    unlock_inbox(sender);
    let_go(sender, profile, in_memory);
}

/* The oldest go, while more than `most` bytes wait in memory; the lock of the inbox is held. */
static void lose_surplus(struct gs_sender *sender, struct queue *queue, size_t most)
{
    char why[GS_HTTP_WHY] = "";
    snprintf(why, sizeof why, "too many waited; %.200s", sender->sent.why);
    while (queue->first && sender->kept_bytes > most) {
        struct gs_push_profile *profile = take_first(queue);
        forget(sender, profile);
        count_lost(sender, profile, why);
        gs_push_profile_free(profile);
    }
}

/* ---- the spool ---- */

static size_t spooled(const struct gs_sender *sender)
{
    return sender->options.spool ? gs_spool_count(sender->options.spool) : 0;
}

static void note_spooled(struct gs_sender *sender)
{
    lock_inbox(sender);
    sender->sent.spooled = spooled(sender);
    unlock_inbox(sender);
}

/* What could not be read has been somebody's, too. */
static struct gs_push_profile *take_spooled(struct gs_sender *sender)
{
    struct gs_push_profile *profile = gs_spool_take(sender->options.spool);
    if (!profile)
        lose(sender, NULL, false, "it could not be read from the spool");
    return profile;
}

/* Of the first one. False: the disk is full, or fails: it waits on here. */
static bool spool_first(struct gs_sender *sender)
{
    struct gs_spool *to = sender->options.spool;
    struct gs_push_profile *profile = take_first(&sender->waiting), *oldest;
    while (!gs_spool_fits(to, profile) && gs_spool_drop(to, &oldest))
        lose(sender, oldest, false, "the spool is full");
    if (!gs_spool_fits(to, profile)) {
        lose(sender, profile, true, "the spool is full");
        return true;
    }
    bool put = gs_spool_put(to, profile);
    if (put) {
        let_go(sender, profile, true);
    } else {
        char why[GS_HTTP_WHY];
        snprintf(why, sizeof why, "it cannot be kept in the spool: %s", strerror(errno));
        set_why(sender, why);
        put_first(&sender->waiting, profile);
    }
    return put;
}

static void spool_all(struct gs_sender *sender)
{
    while (sender->options.spool && sender->waiting.first && spool_first(sender))
        ;
    note_spooled(sender);
}

/* ---- the thread that sends; the lock is held but for the try ---- */

/* The end of the run ends it, too, once: there may be time for one more try. */
static void sleep_s(struct gs_sender *sender, uint64_t seconds)
{
    bool last_came = sender->last_came;
    uint64_t until_ns = gs_clock_ns() + (last_came ? PAUSE_S : seconds) * GS_NS_PER_S;
    while (!atomic_load(&sender->give_up) && sender->last_came == last_came &&
           gs_thread_wait(&sender->changed, &sender->lock, until_ns))
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
    struct gs_sent sent;
    gs_sender_sum(sender, &sent);
    uint64_t lost = sent.lost - sender->lost_before;
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
    struct gs_sent sent;
    gs_sender_sum(sender, &sent);
    if (!sender->away_ns) {
        sender->away_ns = gs_clock_ns();
        sender->lost_before = sent.lost;
        gs_tell(sender->options.remarks, "%s cannot be pushed to: %s: profiles are kept and tried again",
                sender->server, outcome->why);
    }
    set_why(sender, outcome->why);
    if (from_spool) {
        gs_push_profile_free(profile);
        gs_spool_give_back(sender->options.spool);
    } else {
        put_first(&sender->waiting, profile);
    }
    spool_all(sender);
    sleep_s(sender, pause_s(outcome, tries));
}

static void count_try(struct gs_sender *sender, const struct outcome *outcome)
{
    lock_inbox(sender);
    sender->sent.bytes += outcome->bytes;
    sender->sent.sent += outcome->verdict == TAKEN;
    unlock_inbox(sender);
}

static void send_first(struct gs_sender *sender, unsigned *tries)
{
    struct outcome outcome;
    bool from_spool = spooled(sender) > 0;
    struct gs_push_profile *profile = from_spool ? take_spooled(sender) : take_first(&sender->waiting);
    if (!profile)
        return;
    pthread_mutex_unlock(&sender->lock);
    try_once(sender, profile, &outcome);
    pthread_mutex_lock(&sender->lock);
    count_try(sender, &outcome);
    if (outcome.verdict == AGAIN) {
        keep_for_later(sender, profile, from_spool, &outcome, (*tries)++);
        return;
    }
    *tries = sender->limited = 0;
    if (from_spool) {
        gs_spool_done(sender->options.spool);
        note_spooled(sender);
    }
    if (outcome.verdict == REFUSED) {
        if (!told_before(sender, outcome.status))
            gs_tell(sender->options.remarks, "%s does not take profiles: %s", sender->server, outcome.why);
        lose(sender, profile, !from_spool, outcome.why);
        return;
    }
    if (sender->away_ns)
        tell_back(sender);
    let_go(sender, profile, !from_spool);
}

static bool waits(const struct gs_sender *sender)
{
    return sender->waiting.first || spooled(sender) > 0;
}

static void *send_all(void *context)
{
    struct gs_sender *sender = context;
    unsigned tries = 0;
    pthread_mutex_lock(&sender->lock);
    while (!atomic_load(&sender->give_up) && (waits(sender) || !sender->last_came)) {
        if (waits(sender))
            send_first(sender, &tries);
        else
            pthread_cond_wait(&sender->changed, &sender->lock);
    }
    pthread_mutex_unlock(&sender->lock);
    return NULL;
}

/* ---- the thread that keeps ---- */

/* What came by now, for the other thread or the disk. */
static void take_over(struct gs_sender *sender, struct queue *came, bool last)
{
    pthread_mutex_lock(&sender->lock);
    while (came->first)
        put_last(&sender->waiting, take_first(came));
    if (sender->away_ns || spooled(sender) > 0)
        spool_all(sender);
    lock_inbox(sender);
    lose_surplus(sender, &sender->waiting, sender->options.keep_bytes / 4 * 3); /* the inbox has the rest */
    unlock_inbox(sender);
    sender->last_came = last;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
}

static void *keep_all(void *context)
{
    struct gs_sender *sender = context;
    bool sends = gs_thread_begin(&sender->sending, send_all, sender), last = false;
    while (!last) {
        lock_inbox(sender);
        while (!sender->inbox.first && !sender->ends)
            pthread_cond_wait(&sender->inbox_changed, &sender->inbox_lock);
        struct queue came = sender->inbox;
        sender->inbox = (struct queue){NULL, NULL};
        last = sender->ends;
        unlock_inbox(sender);
        take_over(sender, &came, last);
    }
    if (sends)
        pthread_join(sender->sending, NULL);
    spool_all(sender);
    lock_inbox(sender);
    sender->done = true;
    pthread_cond_broadcast(&sender->inbox_changed);
    unlock_inbox(sender);
    return NULL;
}

/* ---- whoever sends ---- */

enum gs_status gs_sender_open(struct gs_sender **out, const struct gs_sender_options *options, struct gs_err *err)
{
    struct gs_sender *sender = calloc(1, sizeof *sender);
    struct gs_push_credentials credentials;
    *out = sender;
    if (!sender)
        return gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
    sender->options = *options;
    sender->protocol = options->protocol;
    pthread_mutex_init(&sender->inbox_lock, NULL);
    pthread_mutex_init(&sender->lock, NULL);
    gs_thread_condition(&sender->inbox_changed);
    gs_thread_condition(&sender->changed);
    note_spooled(sender);
    enum gs_status status = gs_push_credentials_read(&credentials, err); /* rather now than after a span */
    gs_push_credentials_free(&credentials);
    if (!status)
        status = gs_http_open(&sender->http, &sender->give_up, err);
    if (status)
        return status;
    sender->server = strdup(options->server);
    sender->started = sender->server && gs_thread_begin(&sender->keeping, keep_all, sender);
    return sender->started ? GS_OK : gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
}

void gs_sender_take(struct gs_sender *sender, struct gs_push_profile *profile)
{
    lock_inbox(sender);
    put_last(&sender->inbox, profile);
    sender->kept++;
    sender->kept_bytes += gs_push_profile_size(profile);
    sender->kept_ns += profile->duration_ns;
    lose_surplus(sender, &sender->inbox, sender->options.keep_bytes);
    pthread_cond_broadcast(&sender->inbox_changed);
    unlock_inbox(sender);
}

void gs_sender_sum(struct gs_sender *sender, struct gs_sent *sent)
{
    lock_inbox(sender);
    *sent = sender->sent;
    unlock_inbox(sender);
}

static void wait_for_threads(struct gs_sender *sender, uint64_t until_ns)
{
    while (sender->started && !sender->done && gs_thread_wait(&sender->inbox_changed, &sender->inbox_lock, until_ns))
        ;
}

void gs_sender_finish(struct gs_sender *sender, uint64_t until_ns, struct gs_sent *sent)
{
    lock_inbox(sender);
    sender->ends = true;
    pthread_cond_broadcast(&sender->inbox_changed);
    wait_for_threads(sender, until_ns - KEEP_NS);
    atomic_store(&sender->give_up, true);
    pthread_cond_broadcast(&sender->changed);
    wait_for_threads(sender, gs_most(until_ns, gs_clock_ns() + KEEP_LEAST_NS));
    sender->sent.lost += sender->kept;
    sender->sent.lost_ns += sender->kept_ns;
    if (sender->kept > 0 && !sender->sent.why[0])
        snprintf(sender->sent.why, sizeof sender->sent.why, "there was no time for it");
    sender->kept = 0;
    sender->kept_ns = 0;
    *sent = sender->sent;
    unlock_inbox(sender);
}

static void free_queue(struct queue *queue)
{
    while (queue->first)
        gs_push_profile_free(take_first(queue));
}

bool gs_sender_close(struct gs_sender *sender)
{
    struct gs_sent sent;
    if (!sender)
        return true;
    gs_sender_finish(sender, gs_clock_ns(), &sent);
    lock_inbox(sender);
    bool stuck = sender->started && !sender->done;
    unlock_inbox(sender);
    if (stuck)
        return false;
    if (sender->started)
        pthread_join(sender->keeping, NULL);
    free_queue(&sender->inbox);
    free_queue(&sender->waiting);
    gs_http_close(sender->http);
    pthread_cond_destroy(&sender->inbox_changed);
    pthread_cond_destroy(&sender->changed);
    pthread_mutex_destroy(&sender->inbox_lock);
    pthread_mutex_destroy(&sender->lock);
    free(sender->server);
    free(sender);
    return true;
}
