/* Adds up snapshots. Where there is no count of hand-overs (2.7), a hold goes on while the holder stays at the same
 * instruction. Who lets go and takes the GIL again leaves the count alone, but not while another thread waits that has
 * asked for it: then drop_gil waits until that one has it (FORCE_SWITCHING, Python/ceval_gil.c). */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "base/sorted.h"
#include "diagnose/why_watch.h"

enum { MOST_NS = 200 * 1000 * 1000 /* that one sample stands for */ };

/* One whose ids are another thread's is told apart by its state. */
static bool has_tid(const struct gs_thread *thread)
{
    return thread->tid > 0 && !thread->apart;
}

static uint64_t key_of(const struct gs_thread *thread)
{
    return has_tid(thread) ? (uint64_t)thread->tid : thread->tstate;
}

/* Where the thread is in the list, or would be. */
static size_t index_of(const struct gs_why_watch *watch, uint64_t key)
{
    return GS_FIRST_NOT(i, watch->thread_count, watch->threads[i].key < key);
}

const struct gs_why_thread *gs_why_watch_find(const struct gs_why_watch *watch, const struct gs_thread *thread)
{
    size_t at = index_of(watch, key_of(thread));
    return at < watch->thread_count && watch->threads[at].key == key_of(thread) ? &watch->threads[at] : NULL;
}

uint64_t gs_why_watch_still_ns(const struct gs_why_watch *watch, const struct gs_thread *thread)
{
    const struct gs_why_thread *known = gs_why_watch_find(watch, thread);
    return known && known->last_ns >= known->here_ns ? known->last_ns - known->here_ns : 0;
}

uint64_t gs_why_watch_in_c_ns(const struct gs_why_watch *watch, const struct gs_thread *thread)
{
    const struct gs_why_thread *known = gs_why_watch_find(watch, thread);
    return known && known->last_ns >= known->ran_on_ns ? known->last_ns - known->ran_on_ns : 0;
}

static struct gs_why_thread *find_or_add(struct gs_why_watch *watch, const struct gs_thread *thread, uint64_t now_ns)
{
    size_t at = index_of(watch, key_of(thread));
    if (at < watch->thread_count && watch->threads[at].key == key_of(thread))
        return &watch->threads[at];
    if (!gs_room((void **)&watch->threads, &watch->room, watch->thread_count + 1, sizeof *watch->threads))
        return NULL;
    struct gs_why_thread *added = &watch->threads[at];
    memmove(added + 1, added, (watch->thread_count - at) * sizeof *added);
    watch->thread_count++;
    *added = (struct gs_why_thread){
        .key = key_of(thread), .tid = thread->tid, .first_ns = now_ns, .here_ns = now_ns, .word = GS_UNKNOWN};
    return added;
}

static bool same_thread(const struct gs_snapshot *snapshot, size_t a, size_t b)
{
    return b < snapshot->thread_count && has_tid(&snapshot->threads[a]) &&
           key_of(&snapshot->threads[a]) == key_of(&snapshot->threads[b]);
}

/* Its states follow one another in the snapshot. */
bool gs_why_watch_speaks(const struct gs_snapshot *snapshot, size_t thread)
{
    const struct gs_thread *states = snapshot->threads;
    bool most = true;
    for (size_t i = thread; i-- > 0 && same_thread(snapshot, thread, i);)
        most = most && gs_gil_word_tells((uint8_t)states[thread].gil, (uint8_t)states[i].gil);
    for (size_t i = thread + 1; same_thread(snapshot, thread, i); i++)
        most = most && !gs_gil_word_tells((uint8_t)states[i].gil, (uint8_t)states[thread].gil);
    return most;
}

static const struct gs_frame *innermost(const struct gs_thread *thread)
{
    for (uint32_t i = 0; i < thread->frame_count; i++) {
        if (thread->frames[i].kind == GS_FRAME_PYTHON)
            return &thread->frames[i];
    }
    return NULL;
}

/* It ran Python code since. */
static bool ran_on(const struct gs_why_thread *before, const struct gs_frame *frame)
{
    return before->last_ns > 0 && frame &&
           (frame->frame != before->frame || frame->code != before->code || frame->instr != before->instr);
}

/* A waiter for the GIL wakes every few milliseconds: that is no move. */
static bool moved(const struct gs_why_thread *before, const struct gs_thread *thread, const struct gs_frame *frame)
{
    const struct gs_activity *then = &before->activity, *now = &thread->activity;
    if (before->last_ns == 0 || ran_on(before, frame))
        return true;
    if (before->word == GS_WAITS && thread->gil == GS_WAITS)
        return false;
    return then->run != now->run ||
           (now->run == GS_RUN_SYSCALL && (then->number != now->number || then->args[0] != now->args[0]));
}

/* A GIL that changed hands twice or more may have been everybody's in between, and was surely that of a waiter who has
 * moved: a thread whose turns are short is never seen to have one. 0: it has waited all the time. */
static double turns_between(const struct gs_why_thread *sum, const struct gs_why_gil *gil, bool ran)
{
    double share = gil->has_switches && gil->passed >= 2 && gil->track.waiters > 0
                       ? (double)gil->passed / 2 / gil->track.waiters
                       : 0;
    return sum->word != GS_WAITS ? 0 : ran && share < 1 ? 1 : share;
}

static void add_wait(struct gs_why_thread *sum, const struct gs_why_gil *gil, bool ran, uint64_t now_ns)
{
    double turns = turns_between(sum, gil, ran);
    sum->unseen_turns += turns;
    sum->waits += sum->word != GS_WAITS;
    if (sum->word == GS_WAITS && now_ns - sum->wait_ns > sum->longest_wait_ns)
        sum->longest_wait_ns = now_ns - sum->wait_ns;
    if (sum->word != GS_WAITS || sum->unseen_turns >= sum->turns_at_wait + 1) {
        sum->wait_ns = now_ns;
        sum->turns_at_wait = sum->unseen_turns;
    }
}

/* Half of the time is for what it did at the look before, if it was there, half for what it does now. */
static void add_word(struct gs_why_thread *sum, enum gs_gil_word word, uint64_t now_ns, uint64_t weight_ns)
{
    if (sum->last_ns > 0 && now_ns - sum->last_ns <= weight_ns)
        sum->word_ns[sum->word] += weight_ns / 2;
    sum->word_ns[word] += weight_ns - weight_ns / 2;
}

static void add_thread(struct gs_why_thread *sum, const struct gs_thread *thread, const struct gs_why_gil *gil,
                       bool stops, uint64_t now_ns, uint64_t weight_ns)
{
    const struct gs_frame *frame = innermost(thread);
    bool has_moved = moved(sum, thread, frame);
    if (sum->last_ns == 0 || thread->gil == GS_HOLDS || ran_on(sum, frame))
        sum->ran_on_ns = now_ns;
    add_word(sum, thread->gil, now_ns, weight_ns);
    sum->unknown_moved_ns += thread->gil == GS_UNKNOWN && ran_on(sum, frame) ? weight_ns : 0;
    sum->blocked_ns += thread->gil == GS_WAITS && gil->now.tid ? weight_ns : 0;
    sum->runs_ns += thread->activity.run == GS_RUN_RUNNING ? weight_ns : 0;
    if (thread->gil == GS_WAITS)
        add_wait(sum, gil, ran_on(sum, frame), now_ns);
    sum->collecting_ns += gs_why_watch_collects(thread) ? weight_ns : 0;
    sum->stopping_ns += stops ? weight_ns : 0;
    sum->late_ns += thread->late ? weight_ns : 0;
    if (has_moved) {
        sum->here_ns = now_ns;
        sum->frame = frame ? frame->frame : 0;
        sum->code = frame ? frame->code : 0;
        sum->instr = frame ? frame->instr : -1;
    }
    sum->activity = thread->activity;
    sum->word = thread->gil;
    sum->last_ns = now_ns;
}

/* ---- holds ---- */

static enum gs_why_spent spent_most(const struct gs_why_hold *hold)
{
    enum gs_why_spent most = GS_WHY_RUNNING;
    for (int i = 0; i < GS_WHY_SPENT_COUNT; i++) {
        if (hold->spent_ns[i] > hold->spent_ns[most])
            most = (enum gs_why_spent)i;
    }
    return most;
}

static void end_hold(struct gs_why_watch *watch, struct gs_why_hold *hold, uint64_t now_ns)
{
    uint64_t length_ns = hold->end_ns - hold->begin_ns;
    enum gs_why_spent spent = spent_most(hold);
    for (size_t i = 0; i < watch->thread_count && hold->tid && length_ns >= GS_WHY_LONG_NS; i++) {
        struct gs_why_thread *thread = &watch->threads[i];
        if (thread->tid != hold->tid)
            continue;
        thread->long_ns[spent] += length_ns;
        thread->long_contended_ns[spent] += hold->contended_ns;
        thread->long_count[spent]++;
        if (length_ns > thread->longest[spent].end_ns - thread->longest[spent].begin_ns) {
            thread->longest[spent] = *hold;
            thread->longest[spent].ended_ns = now_ns;
        }
        break;
    }
    *hold = (struct gs_why_hold){0};
}

/* Where hand-overs are not counted: it stands somewhere else than when the hold began. */
static bool has_moved(const struct gs_why_hold *hold, const struct gs_gil *gil, const struct gs_frame *frame)
{
    if (gil->has_switches && hold->counted)
        return false;
    return !frame || frame->frame != hold->frame || frame->code != hold->code || frame->instr != hold->instr;
}

/* Between its last look and the next, waiters wait on for as long as it is taken to go on. */
static void finish_hold(struct gs_why_watch *watch, struct gs_why_gil *sum, const struct gs_hold_span *ended,
                        bool waited, uint64_t now_ns)
{
    struct gs_why_hold *hold = &sum->now;
    if (hold->tid && waited)
        hold->contended_ns += ended->to_ns - hold->end_ns;
    hold->end_ns = ended->to_ns;
    end_hold(watch, hold, now_ns);
}

/* The last look at a GIL: by whom it is held, and what of that is more than the GIL's own. */
struct look {
    const struct gs_snapshot *snapshot;
    const struct gs_gil *gil;
    const struct gs_thread *holder; /* NULL: nobody, or not known */
    const struct gs_frame *frame;   /* where that one is; NULL: nowhere */
    uint32_t waiters;
};

static void step_gil(struct gs_why_watch *watch, struct gs_why_gil *sum, const struct look *now)
{
    const struct gs_hold_rule rule = gs_hold_rule(0);
    const struct gs_gil *gil = now->gil;
    struct gs_gil_look look = {.hold = {.ns = now->snapshot->time_ns,
                                        .holder = (uint64_t)gil->holder,
                                        .switches = gil->switches,
                                        .held = gil->state == GS_GIL_HELD,
                                        .counted = gil->has_switches,
                                        .moved = sum->now.tid && has_moved(&sum->now, gil, now->frame)},
                               .asked = true,
                               .waiters = now->waiters};
    struct gs_gil_step step;
    bool moved, waited = sum->track.waiters > 0, lost = gs_gil_track_lost(&sum->track, &look.hold, &rule, &moved);
    gs_gil_track_step(&sum->track, &look, &rule, lost, &sum->sum, &step);
    if (step.ended)
        finish_hold(watch, sum, &step.hold, waited, look.hold.ns);
    sum->passed = step.moved;
    sum->has_switches = gil->has_switches;
}

static struct gs_why_hold begin_hold(const struct gs_why_gil *sum, const struct look *now)
{
    const struct gs_frame *frame = now->frame;
    return (struct gs_why_hold){.tid = now->gil->holder,
                                .gil = (uint32_t)(now->gil - now->snapshot->gils),
                                .begin_ns = sum->track.follow.begin_ns,
                                .switches = now->gil->switches,
                                .counted = now->gil->has_switches,
                                .one_place = true,
                                .frame = frame ? frame->frame : 0,
                                .code = frame ? frame->code : 0,
                                .instr = frame ? frame->instr : -1};
}

static void add_hold(struct gs_why_gil *sum, const struct look *now, uint64_t weight_ns)
{
    const struct gs_gil *gil = now->gil;
    const struct gs_frame *frame = now->frame;
    struct gs_why_hold *hold = &sum->now;
    if (gil->state != GS_GIL_HELD || gil->holder == 0 || !now->holder)
        return;
    if (!hold->tid) {
        *hold = begin_hold(sum, now);
        weight_ns = now->snapshot->time_ns - hold->begin_ns;
    }
    const struct gs_activity *activity = &now->holder->activity;
    bool asleep = activity->run == GS_RUN_SYSCALL || activity->run == GS_RUN_BLOCKED;
    hold->spent_ns[gs_why_watch_collects(now->holder) ? GS_WHY_COLLECTING
                   : asleep                           ? GS_WHY_ASLEEP
                                                      : GS_WHY_RUNNING] += weight_ns;
    hold->contended_ns += now->waiters > 0 ? weight_ns : 0;
    hold->end_ns = now->snapshot->time_ns;
    hold->looks++;
    hold->asked += gil->has_drop && gil->drop_requested;
    hold->waiters = now->waiters > hold->waiters ? now->waiters : hold->waiters;
    if (frame && (frame->frame != hold->frame || frame->code != hold->code || frame->instr != hold->instr))
        hold->one_place = false;
    if (asleep)
        hold->activity = *activity;
}

static void add_gil(struct gs_why_watch *watch, size_t index, const struct gs_snapshot *snapshot, uint64_t weight_ns)
{
    struct gs_why_gil *sum = &watch->gils[index];
    struct look now = {.snapshot = snapshot, .gil = &snapshot->gils[index]};
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        const struct gs_interpreter *interpreter = &snapshot->interpreters[thread->interpreter];
        if (interpreter->gil != index)
            continue;
        now.waiters += thread->gil == GS_WAITS;
        if (thread->gil == GS_HOLDS && thread->tid == now.gil->holder) {
            now.holder = thread;
        }
    }
    now.frame = now.holder ? innermost(now.holder) : NULL;
    step_gil(watch, sum, &now);
    add_hold(sum, &now, weight_ns);
}

static void add_spell(struct gs_why_spell *spell, bool on, uint64_t now_ns, uint64_t weight_ns)
{
    spell->ns += on ? weight_ns : 0;
    spell->since_ns = !on ? 0 : spell->since_ns ? spell->since_ns : now_ns;
    if (on && now_ns - spell->since_ns > spell->longest_ns)
        spell->longest_ns = now_ns - spell->since_ns;
}

static void add_conditions(struct gs_why_watch *watch, const struct gs_snapshot *snapshot, uint64_t weight_ns)
{
    bool collecting = false, finalizing = false, stopped = false, stopping = false;
    for (size_t i = 0; i < snapshot->interpreter_count; i++) {
        const struct gs_interpreter *interpreter = &snapshot->interpreters[i];
        collecting |= interpreter->collecting_garbage;
        finalizing |= interpreter->finalizing;
        stopped |= interpreter->world.requested;
        stopping |= gs_why_watch_stopping(interpreter);
    }
    watch->finalizing_ns += finalizing ? weight_ns : 0;
    add_spell(&watch->collecting, collecting, snapshot->time_ns, weight_ns);
    add_spell(&watch->stopped, stopped, snapshot->time_ns, weight_ns);
    add_spell(&watch->stopping, stopping, snapshot->time_ns, weight_ns);
}

enum gs_status gs_why_watch_add(struct gs_why_watch *watch, const struct gs_snapshot *snapshot)
{
    static const struct gs_why_gil none;
    uint64_t now_ns = snapshot->time_ns, weight_ns = watch->samples > 0 ? now_ns - watch->last_ns : 0;
    if (weight_ns > MOST_NS)
        weight_ns = MOST_NS;
    watch->weighed_ns += weight_ns;
    if (watch->samples == 0)
        watch->first_ns = now_ns;
    for (size_t i = 0; i < snapshot->gil_count && i < GS_GILS_MOST; i++)
        add_gil(watch, i, snapshot, weight_ns);
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        if (!gs_why_watch_speaks(snapshot, i))
            continue;
        struct gs_why_thread *sum = find_or_add(watch, thread, now_ns);
        uint32_t gil = snapshot->interpreters[thread->interpreter].gil;
        if (!sum)
            return GS_NO_MEMORY;
        const struct gs_interpreter *interpreter = &snapshot->interpreters[thread->interpreter];
        bool stops = gs_why_watch_stopping(interpreter) && interpreter->world.requester == thread->tid;
        add_thread(sum, thread, gil < GS_GILS_MOST ? &watch->gils[gil] : &none, stops, now_ns, weight_ns);
    }
    add_conditions(watch, snapshot, weight_ns);
    watch->last_ns = now_ns;
    watch->samples++;
    return GS_OK;
}

void gs_why_watch_end(struct gs_why_watch *watch)
{
    for (size_t i = 0; i < GS_GILS_MOST; i++)
        end_hold(watch, &watch->gils[i].now, 0);
}

void gs_why_watch_fini(struct gs_why_watch *watch)
{
    free(watch->threads);
    *watch = (struct gs_why_watch){0};
}
