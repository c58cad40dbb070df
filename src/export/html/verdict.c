/* What the samples say of the GIL, in words. web/report.js says the same of a part of the run. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "export/html/html.h"

enum { LONG_HOLD_NS = 20000000, TURN_NS = 5000000 /* sys.getswitchinterval() */ };
#define FEW_WAIT  0.05
#define SOME_WAIT 0.3
#define MANY_WAIT 0.5
#define FULL      0.9

/* One lock, and who used it. */
struct gil {
    uint32_t process;
    uint8_t lock;
    uint64_t held_ns, waits_ns;
    const struct gs_html_thread *most, *longest;
};

struct gils {
    struct gil *list; /* room for one of each thread; NULL: there was no memory */
    size_t count;
    bool left_out;                     /* threads wanted some that are not told apart */
    uint64_t runs_ns, none_ns, all_ns; /* of all threads */
};

void gs_html_thread_name(struct gs_label *text, const struct gs_html_thread *thread, size_t most)
{
    gs_label_name(text, *thread->name ? thread->name : "<no name>", most);
    if (thread->shared || !*thread->name)
        gs_label_put(text, " (%d)", (int)thread->tid);
}

void gs_html_thread_tid(struct gs_label *text, const struct gs_html_thread *thread)
{
    gs_label_name(text, *thread->name ? thread->name : "<no name>", GS_HTML_NAME_MOST);
    gs_label_put(text, " (%d)", (int)thread->tid);
}

/* NULL: it is none that is told apart. */
static struct gil *gil_of(struct gils *gils, const struct gs_html_thread *thread)
{
    gils->left_out |= thread->lock >= GS_GILS_MOST;
    if (!gils->list || thread->lock >= GS_GILS_MOST)
        return NULL;
    for (size_t i = 0; i < gils->count; i++) {
        if (gils->list[i].process == thread->process && gils->list[i].lock == thread->lock)
            return &gils->list[i];
    }
    gils->list[gils->count] = (struct gil){.process = thread->process, .lock = thread->lock};
    return &gils->list[gils->count++];
}

static void sum_up(struct gils *gils, const struct gs_html *html)
{
    for (uint32_t i = 0; i < html->thread_count; i++) {
        const struct gs_html_thread *thread = &html->threads[i];
        uint64_t held_ns = thread->hue_ns[GS_HUE_HOLDS], waits_ns = thread->hue_ns[GS_HUE_WAITS];
        struct gil *gil = held_ns + waits_ns > 0 ? gil_of(gils, thread) : NULL;
        gils->runs_ns += thread->runs_ns;
        gils->none_ns += thread->hue_ns[GS_HUE_NONE];
        for (int k = 0; k < GS_HUE_COUNT; k++)
            gils->all_ns += thread->hue_ns[k];
        if (!gil)
            continue;
        gil->held_ns += held_ns;
        gil->waits_ns += waits_ns;
        if (held_ns > 0 && (!gil->most || held_ns > gil->most->hue_ns[GS_HUE_HOLDS]))
            gil->most = thread;
        if (thread->hogged_ns > 0 && (!gil->longest || thread->hogged_ns > gil->longest->hogged_ns))
            gil->longest = thread;
    }
}

static void put_percent(struct gs_label *text, double share)
{
    share = share > 1 ? 1 : share;
    gs_label_put(text, share > 0 && share < 0.0095 ? "%.1f %%" : "%.0f %%", share * 100);
}

/* How often somebody waited, and how many did, when those are counted who did not at all. */
static void put_contention(struct gs_label *text, const struct gs_html *html, const struct gs_html_data *data,
                           const struct gil *gil)
{
    const struct gs_html_lock *lock = gs_locks_find(&html->locks, gil->process, gil->lock);
    double all_ns = (double)data->end_ns;
    gs_label_put(text, ". Threads waited for it ");
    if (lock) {
        put_percent(text, (double)lock->contended_ns / all_ns);
        gs_label_put(text, " of the time, ");
    }
    gs_label_put(text, "%.1f on average", (double)gil->waits_ns / all_ns);
}

static void put_gil(struct gs_label *text, const struct gs_html *html, const struct gs_html_data *data,
                    const struct gil *gil)
{
    double all_ns = (double)data->end_ns, waits = (double)gil->waits_ns / all_ns;
    put_percent(text, (double)gil->held_ns / all_ns);
    gs_label_put(text, " of the time");
    if (gil->most && gil->most->hue_ns[GS_HUE_HOLDS] * 4 < gil->held_ns) {
        gs_label_put(text, "; no thread held it more than ");
        put_percent(text, (double)gil->most->hue_ns[GS_HUE_HOLDS] / all_ns);
    } else if (gil->most) {
        gs_label_put(text, "; ");
        gs_html_thread_name(text, gil->most, GS_HTML_NAME_MOST);
        gs_label_put(text, " held it ");
        put_percent(text, (double)gil->most->hue_ns[GS_HUE_HOLDS] / all_ns);
        if (gil->most->leaf) {
            gs_label_put(text, ", most of that in ");
            gs_label_node(text, html->tree, gil->most->leaf, &data->files, 80);
        }
    }
    if (waits < FEW_WAIT)
        gs_label_put(text, ". Hardly any thread waited for it");
    else
        put_contention(text, html, data, gil);
    gs_label_put(text, ".");
}

/* Between two samples, as it was: a sampler that had no processor took fewer than it wanted to. */
static double spacing_ns(const struct gs_html_thread *thread)
{
    uint64_t all_ns = 0;
    for (int i = 0; i < GS_HUE_COUNT; i++)
        all_ns += thread->hue_ns[i];
    return thread->samples > 0 ? (double)all_ns / (double)thread->samples : 0;
}

/* Longer than what taking turns may look like: of many samples some find the same thread again and again by chance. */
static bool is_hog(const struct gs_html_data *data, const struct gil *gil, double waits)
{
    if (waits < SOME_WAIT || !gil->longest || gil->longest->hogged_ns < LONG_HOLD_NS)
        return false;
    double turn_ns = spacing_ns(gil->longest);
    turn_ns = turn_ns < TURN_NS ? TURN_NS : turn_ns;
    double chance_ns = log((double)data->end_ns / turn_ns + 2) / log(1 + waits) * turn_ns;
    return (double)gil->longest->hogged_ns > 2 * chance_ns;
}

static void put_conclusion(struct gs_label *text, const struct gs_html_data *data, const struct gil *gil)
{
    double held = (double)gil->held_ns / (double)data->end_ns, waits = (double)gil->waits_ns / (double)data->end_ns;
    if (waits < FEW_WAIT) {
        gs_label_put(text, " It is not what slows this program down.");
    } else if (is_hog(data, gil, waits)) {
        gs_label_put(text, " ");
        gs_html_thread_name(text, gil->longest, GS_HTML_NAME_MOST);
        gs_label_put(text, " was seen to keep it for ");
        gs_label_time(text, gil->longest->hogged_ns);
        gs_label_put(text, " at a stretch, while the others stood still.");
    } else if (waits >= MANY_WAIT && held >= FULL) {
        gs_label_put(text, " They take turns on one core: more threads do not make this faster, more processes do.");
    }
}

/* "1.4 threads waited for other locks on average, the longest in append (app.py:12)." */
static void put_locks(struct gs_label *text, const struct gs_html *html, const struct gs_html_data *data, bool gils)
{
    const struct gs_key *most = NULL;
    uint64_t ns = 0;
    for (uint32_t i = 0; i < html->keys.count; i++) {
        const struct gs_key *key = &html->keys.list[i];
        if (gs_key_hue(key->code) != GS_HUE_LOCKS)
            continue;
        ns += key->ns;
        most = !most || key->ns > most->ns ? key : most;
    }
    if (!most)
        return;
    gs_label_put(text, " %.1f threads waited for %slocks on average, the longest in ",
                 (double)ns / (double)data->end_ns, gils ? "other " : "");
    gs_label_node(text, html->tree, most->leaf, &data->files, 80);
    gs_label_put(text, ".");
}

void gs_html_verdict(struct gs_label *text, const struct gs_html *html, const struct gs_html_data *data)
{
    struct gils gils = {.list = calloc((size_t)html->thread_count + 1, sizeof *gils.list)};
    double all_ns = (double)(data->end_ns ? data->end_ns : 1);
    sum_up(&gils, html);
    const struct gil *most = gils.list;
    for (size_t i = 1; i < gils.count; i++)
        most = gils.list[i].held_ns > most->held_ns ? &gils.list[i] : most;
    if (gils.all_ns == 0) {
        gs_label_put(text, "Nothing was sampled: there was no thread to look at.");
    } else if (gils.count == 0 && gils.none_ns > 0) {
        gs_label_put(text,
                     "There is no GIL here that threads could wait for; %.1f of them ran at the same time on average.",
                     (double)gils.runs_ns / all_ns);
    } else if (gils.count == 0) {
        gs_label_put(text, "Nobody held the GIL, and nobody waited for it: the threads were idle, or ran without it.");
    } else if (gils.count == 1) {
        gs_label_put(text, "The GIL was held ");
        put_gil(text, html, data, most);
        put_conclusion(text, data, most);
    } else {
        gs_label_put(text, "There were %zu GILs. The busiest, of process %d, was held ", gils.count,
                     (int)gs_calltree_process(html->tree, most->process)->pid);
        put_gil(text, html, data, most);
        put_conclusion(text, data, most);
    }
    put_locks(text, html, data, gils.count > 0);
    if (gils.left_out)
        gs_label_put(text, " Of interpreters beyond the first %d GILs of a process only the stacks are known.",
                     GS_GILS_MOST);
    if (html->locks.left_out)
        gs_label_put(text, " When threads waited is known of the first %d GILs only that they waited for.",
                     GS_GILS_MOST);
    free(gils.list);
}
