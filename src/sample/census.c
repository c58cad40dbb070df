/* Who holds the GIL, who waits for it: the holder from the GIL's own words, the rest from what the kernel says that
 * they sleep on, checked against the count of users that the GIL's mutex keeps. The kernel is asked about those that
 * may have changed; a full census asks about everybody. */
#include <time.h>

#include "base/clock.h"
#include "sample/reader.h"

enum {
    FALSE_ALARMS = 2,
    SHORT_LOOKS = 12, /* to see a thread that awoke for a moment asleep again, or all that are awake run, */
    SHORT_PAUSE_NS = 50000,
    LONG_LOOKS = 10, /* and one that computes go on: the kernel accounts for it at its ticks */
    LONG_PAUSE_NS = 1000000,
    FEW = 64 /* threads that can all be asked in every sample */
};

void gs_census_ask(struct gs_reader *reader, struct gs_member *member)
{
    struct gs_activity before = member->activity;
    if (member->ran_sample == reader->sample && !reader->full_census)
        member->activity = (struct gs_activity){.run = GS_RUN_RUNNING, .number = -1};
    else if (member->syscall_fd >= 0)
        gs_activity_read(member->syscall_fd, &member->activity);
    else
        gs_target_activity(reader->python->target, member->tid, &member->activity);
    member->futex = gs_gil_futex(&gs_lock_of(reader, member)->place, &member->activity);
    member->asked_ns = reader->taken_ns;
    member->news = true;
    reader->any_gone |= member->activity.run == GS_RUN_GONE;
    reader->changed |= before.run != member->activity.run || before.number != member->activity.number ||
                       before.args[0] != member->activity.args[0];
}

static bool is_awake(const struct gs_member *member)
{
    return member->activity.run == GS_RUN_RUNNING || member->activity.run == GS_RUN_BLOCKED;
}

static bool waits_in_cond(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(reader, member);
    return member->futex == GS_FUTEX_COND && member->tstate != lock->after.last_holder &&
           member->tstate != lock->last.last_holder;
}

/* Where most threads wait, the others are fewer to ask: when all that may have come to wait are known, and as many are
 * in the wait as did wait before, none of those has left it. */
static bool waiters_stay(struct gs_reader *reader)
{
    if (reader->full_census || !reader->all_asked || reader->lock_count != 1 || reader->member_count <= FEW)
        return false;
    const struct gs_lock *lock = &reader->locks[0];
    uint32_t waiters = 0;
    for (size_t i = 0; i < reader->member_count; i++)
        waiters += waits_in_cond(reader, reader->members[i]);
    if (!lock->after.has_users || waiters > lock->after.cond_users || reader->member_count >= 2 * (size_t)waiters)
        return false;
    for (size_t i = 0; i < reader->member_count; i++) {
        struct gs_member *member = reader->members[i];
        if (!member->tid || waits_in_cond(reader, member))
            continue;
        gs_census_ask(reader, member);
        waiters += member->futex == GS_FUTEX_COND;
    }
    return waiters == lock->after.cond_users;
}

/* It had the GIL at the last sample, or has it now, or had it in between, where that is known. */
static bool had_it(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(reader, member);
    return member->tstate == lock->after.last_holder || member->tstate == lock->last.last_holder ||
           (reader->movers_known && member->moved_sample == reader->sample);
}

/* Asks about those who may do something else than when they were last asked. */
static void ask_movers(struct gs_reader *reader, uint64_t moved)
{
    bool known = moved <= 1 || reader->movers_known;
    if (moved <= 1 && reader->all_asked && !reader->any_open && !reader->full_census) {
        const struct gs_lock *lock = &reader->locks[0];
        struct gs_member *now = gs_list_find(reader, lock->after.last_holder);
        struct gs_member *before = gs_list_find(reader, lock->last.last_holder);
        if (now && now->tid)
            gs_census_ask(reader, now);
        if (before && before != now && before->tid)
            gs_census_ask(reader, before);
        return;
    }
    if (!known && waiters_stay(reader))
        return;
    for (size_t i = 0; i < reader->member_count; i++) {
        struct gs_member *member = reader->members[i];
        bool mover = had_it(reader, member);
        /* Who was seen awake may have been so for that moment alone, as a waiter is at its timeout. */
        if (member->tid &&
            (reader->full_census || mover || is_awake(member) || !member->asked_ns || (!known && member->futex)))
            gs_census_ask(reader, member);
    }
    reader->all_asked = true;
}

/* What the counts say of one lock's threads. */
struct tally {
    uint32_t in_cond, in_mutex, in_switch; /* asleep on its words */
    uint32_t open;                         /* awake without holding it: cannot be told by what they sleep on */
    uint32_t waited;                       /* of these, such as waited in the last sample */
};

static struct tally count(const struct gs_reader *reader, const struct gs_lock *lock)
{
    struct tally tally = {0};
    for (size_t i = 0; i < reader->member_count; i++) {
        const struct gs_member *member = reader->members[i];
        if (gs_lock_of(reader, member) != lock || !member->tid || gs_member_holds(reader, member))
            continue;
        tally.in_cond += member->futex == GS_FUTEX_COND;
        tally.in_mutex += member->futex == GS_FUTEX_MUTEX;
        tally.in_switch += member->futex == GS_FUTEX_SWITCH;
        bool open = is_awake(member);
        tally.open += open;
        tally.waited += open && member->gil == GS_WAITS;
    }
    return tally;
}

static bool sleeps_for_it(const struct gs_member *member)
{
    return member->futex == GS_FUTEX_COND || member->futex == GS_FUTEX_SWITCH;
}

/* The search for waiters that are not known, or for those that are no more. */
struct search {
    struct gs_reader *reader;
    const struct gs_lock *lock;
    uint32_t known, users;
    uint32_t awake; /* of those who were asked: on the way in or out, maybe */
    size_t left;    /* members that were not looked at */
};

/* The next one that may be among them; NULL: no more. */
static struct gs_member *next_of(struct search *search, bool waits)
{
    struct gs_reader *reader = search->reader;
    while (search->left > 0) {
        search->left--;
        reader->rotation = (reader->rotation + 1) % reader->member_count;
        struct gs_member *member = reader->members[reader->rotation];
        if (gs_lock_of(reader, member) == search->lock && member->tid && sleeps_for_it(member) == waits &&
            member->asked_ns != reader->taken_ns)
            return member;
    }
    return NULL;
}

static void ask_one(struct search *search, struct gs_member *member)
{
    bool was = sleeps_for_it(member);
    gs_census_ask(search->reader, member);
    search->known += sleeps_for_it(member) - was;
    search->awake += is_awake(member);
}

/* Those first who went elsewhere since they were last seen asleep. */
static void ask_who_moved(struct search *search)
{
    struct gs_member *members[GS_TOPS_TOGETHER];
    struct gs_top tops[GS_TOPS_TOGETHER];
    for (size_t count = 1; count > 0 && search->known < search->users;) {
        struct gs_member *member;
        for (count = 0; count < GS_TOPS_TOGETHER && (member = next_of(search, false));) {
            if (gs_top_known(member))
                members[count++] = member;
        }
        gs_tops_read(search->reader, members, count, tops);
        for (size_t i = 0; i < count; i++) {
            if (gs_top_stands(members[i], &tops[i]))
                continue;
            ask_one(search, members[i]);
            gs_top_note(members[i], &tops[i]);
        }
    }
}

/* More wait than are known to, or less by more than a few that are awake for a moment at their timeout: asks on. */
static void ask_for_missing(struct gs_reader *reader, const struct gs_lock *lock)
{
    struct tally tally = count(reader, lock);
    struct search search = {.reader = reader,
                            .lock = lock,
                            .known = tally.in_cond + tally.in_switch,
                            .users = lock->after.cond_users + lock->after.switch_users,
                            .left = reader->member_count};
    if (!lock->after.has_users || (search.known >= search.users && search.known - search.users <= FALSE_ALARMS))
        return;
    if (search.known < search.users && reader->member_count > FEW)
        ask_who_moved(&search);
    if (search.known < search.users && search.known + search.awake >= search.users)
        return;
    search.left = reader->member_count;
    bool waits = search.known > search.users;
    for (struct gs_member *member; search.known != search.users && (member = next_of(&search, waits));)
        ask_one(&search, member);
}

/* Whoever waits for it leaves the wait only with it, and this one waited at the last sample and has not had it since.
 */
static bool waits_on(const struct gs_reader *reader, const struct gs_lock *lock, const struct gs_member *member)
{
    const struct gs_gil_words *last = &lock->last, *now = &lock->after;
    return member->gil == GS_WAITS && last->has_switches && now->has_switches && last->enabled &&
           (now->switches - last->switches <= 1 || reader->movers_known) && !had_it(reader, member);
}

/* Awake and not the holder: it may run C code without the GIL, or be on its way in or out. */
static enum gs_gil_word judge_open(const struct gs_reader *reader, const struct gs_lock *lock,
                                   const struct gs_member *member, const struct tally *tally)
{
    const struct gs_gil_words *words = &lock->after;
    enum gs_gil_word usual = waits_on(reader, lock, member) ? GS_WAITS : GS_UNKNOWN;
    if (!words->has_users || (words->mutex_owner && (pid_t)words->mutex_owner == member->ns_tid))
        return usual;
    /* Users of the mutex: all inside the wait for the GIL, and whoever has the mutex now. Threads that sleep on the
     * mutex itself may or may not count. */
    int64_t most = (int64_t)words->cond_users - tally->in_cond;
    int64_t least = most - tally->in_mutex - (words->mutex_owner != 0);
    int64_t switching = (int64_t)words->switch_users - tally->in_switch;
    /* Nobody is missing, but it may have let go this moment and not yet wait. Over many samples that is a matter of who
     * gets a processor, not of the GIL; of one moment it is to be said only if it is sure. */
    if (most <= 0 && switching <= 0) {
        bool sure = reader->python->target->still || gs_awake_outside(reader, member);
        return sure || !reader->full_census ? GS_WITHOUT : GS_UNKNOWN;
    }
    if (least + (switching > 0 ? switching : 0) >= tally->open)
        return GS_WAITS; /* as many are left over as are missing among the waiters */
    if (reader->polling && tally->waited >= least && tally->waited <= most)
        return member->gil == GS_WAITS ? GS_WAITS : GS_WITHOUT; /* as many were woken out of it as are missing */
    return usual;
}

static void judge(struct gs_reader *reader, struct gs_member *member, const struct tally *tally)
{
    const struct gs_lock *lock = gs_lock_of(reader, member);
    bool told = reader->python->layout.ts_gil_requested != GS_ABSENT && member->requested_sample == reader->sample;
    member->evidence = GS_INFERRED;
    if (!lock->after.enabled || gs_member_holds(reader, member)) {
        /* Whoever takes it marks it as locked before it writes its name there, and has the mutex meanwhile. */
        bool taken = lock->after.mutex_owner && (pid_t)lock->after.mutex_owner != member->ns_tid;
        member->gil = lock->after.enabled ? GS_HOLDS : GS_NONE;
        member->evidence = lock->after.enabled && taken ? GS_INFERRED : GS_EXACT;
    } else if (told && member->requested) {
        member->gil = GS_WAITS;
        member->evidence = GS_EXACT;
    } else if (!told && member->futex == GS_FUTEX_PERHAPS) {
        /* Nobody waits for it while nobody has it. */
        member->gil = lock->after.locked || lock->after.hidden ? GS_UNKNOWN : GS_WITHOUT;
    } else if (member->futex != GS_FUTEX_OTHER && member->futex != GS_FUTEX_PERHAPS) {
        member->gil = GS_WAITS;
    } else if (lock->after.hidden) {
        member->gil = GS_UNKNOWN;
    } else if (told || member->activity.run == GS_RUN_SYSCALL || member->activity.run == GS_RUN_GONE) {
        member->gil = GS_WITHOUT;
        member->evidence = told ? GS_EXACT : GS_INFERRED;
    } else if (member->activity.run == GS_RUN_UNKNOWN) {
        member->gil = GS_UNKNOWN;
    } else {
        member->gil = judge_open(reader, lock, member, tally);
    }
}

/* A thread that is seen awake now may have been asleep in the wait a moment ago, when the words were read, or the
 * other way round: what the kernel said counts only together with words that still stand. */
static void reread_words(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->lock_count; i++) {
        struct gs_lock *lock = &reader->locks[i];
        struct gs_gil_words now;
        size_t pieces = gs_gil_pieces(&lock->place, lock->bytes[1], lock->pieces[1]);
        lock->stands = gs_mem_read_many(reader->python->mem, lock->pieces[1], pieces) == GS_OK &&
                       gs_gil_decode(&lock->place, lock->bytes[1], lock->pieces[1], &now) &&
                       gs_gil_same(&lock->after, &now);
        if (!lock->stands)
            continue;
        /* When who waits changed meanwhile, the counts vouch for nobody. */
        lock->after.has_users = now.has_users && now.cond_users == lock->after.cond_users;
        lock->after.mutex_owner = now.mutex_owner;
        lock->after.cond_users = now.cond_users;
        lock->after.switch_users = now.switch_users;
    }
}

static void note_awake(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->member_count; i++) {
        struct gs_member *member = reader->members[i];
        bool awake = member->tid && member->activity.run == GS_RUN_RUNNING && !gs_member_holds(reader, member);
        gs_awake_note(reader, member, &gs_lock_of(reader, member)->after, awake);
    }
}

/* Some of the awake wait, but which? */
static bool undecided(const struct gs_reader *reader, const struct gs_lock *lock)
{
    struct tally tally = count(reader, lock);
    const struct gs_gil_words *words = &lock->after;
    uint32_t asleep = tally.in_cond + tally.in_switch, users = words->cond_users + words->switch_users;
    if (!lock->stands || !words->enabled || tally.open == 0 || !(lock->place.mutex.addr || lock->place.semaphore.addr))
        return false;
    return !words->has_users || words->mutex_owner || (users > asleep && tally.open > users - asleep);
}

static bool any_undecided(const struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->lock_count; i++) {
        if (undecided(reader, &reader->locks[i]))
            return true;
    }
    return false;
}

/* Somebody is awake of whom it is not known that it computes without the GIL, though that can be found out. */
static bool any_unproven(const struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->member_count; i++) {
        const struct gs_member *member = reader->members[i];
        const struct gs_lock *lock = gs_lock_of(reader, member);
        if (member->tid && member->activity.run == GS_RUN_RUNNING && lock->stands && lock->after.enabled &&
            lock->after.has_users && !gs_member_holds(reader, member) && !gs_awake_outside(reader, member))
            return true;
    }
    return false;
}

/* Everybody but those who sleep over something else than the GIL. */
static void ask_concerned(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->member_count; i++) {
        struct gs_member *member = reader->members[i];
        if (member->tid && (member->activity.run != GS_RUN_SYSCALL || member->futex || gs_member_holds(reader, member)))
            gs_census_ask(reader, member);
    }
}

static void look(struct gs_reader *reader, long pause_ns)
{
    struct gs_awake_span span;
    ask_concerned(reader);
    gs_awake_begin(reader, &span);
    nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
    gs_awake_end(reader, &span);
    ask_concerned(reader);
    gs_awake_judge(reader, &span);
    reread_words(reader);
}

/* A waiter wakes for a moment whenever its wait times out, and is asleep again at the next look; a thread that
 * computes without the GIL is not, and is on a processor. */
static void look_again(struct gs_reader *reader)
{
    if (reader->python->target->still)
        return;
    if (!reader->full_census) {
        if (reader->member_count <= FEW && any_undecided(reader))
            look(reader, SHORT_PAUSE_NS);
        return;
    }
    note_awake(reader);
    for (int i = 0;
         i < SHORT_LOOKS + LONG_LOOKS && (any_unproven(reader) || (i < SHORT_LOOKS && any_undecided(reader))); i++) {
        look(reader, i < SHORT_LOOKS ? SHORT_PAUSE_NS : LONG_PAUSE_NS);
        note_awake(reader);
    }
}

/* What the words say is not what they said last; or somebody is awake who must be watched. */
static bool words_changed(const struct gs_reader *reader)
{
    bool changed = reader->any_open;
    for (size_t i = 0; i < reader->lock_count && !changed; i++) {
        const struct gs_gil_words *now = &reader->locks[i].after, *last = &reader->locks[i].last;
        changed = now->locked != last->locked || now->holder != last->holder || now->enabled != last->enabled ||
                  now->cond_users != last->cond_users || now->switch_users != last->switch_users ||
                  now->mutex_owner != last->mutex_owner || now->has_users != last->has_users;
    }
    return changed;
}

/* Who does not hold it, and might be on the way in or out. */
static bool any_awake(const struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->member_count; i++) {
        const struct gs_member *member = reader->members[i];
        if (member->tid && is_awake(member) && !gs_member_holds(reader, member))
            return true;
    }
    return false;
}

/* A state of 3.12 bears the id of the thread that made its interpreter, whichever thread runs it
 * (Modules/_xxsubinterpretersmodule.c, _run_in_interpreter: "Using the head thread isn't strictly correct"). */
static bool is_doubtful(const struct gs_reader *reader, const struct gs_member *member)
{
    return member->tid && reader->interps[member->interpreter].id != 0;
}

/* A thread has one GIL at most: where states of several interpreters that bear its id have one each, those of other
 * interpreters than the main one may be run by others. From then on nothing that is known of the thread is said of
 * them. */
static void settle_doubles(struct gs_reader *reader)
{
    for (size_t i = 0; i < reader->member_count; i++) {
        struct gs_member *member = reader->members[i];
        bool held = member->gil == GS_HOLDS;
        for (size_t k = 0; k < reader->member_count && held && !member->apart; k++) {
            const struct gs_member *other = reader->members[k];
            if (other->tid == member->tid && gs_lock_of(reader, other) != gs_lock_of(reader, member) &&
                gs_member_holds(reader, other) && is_doubtful(reader, member)) {
                member->apart = true;
                reader->ordered = reader->placed = 0; /* it is to be shown by itself */
            }
        }
    }
    for (size_t i = 0; i < reader->member_count; i++) {
        struct gs_member *member = reader->members[i];
        if (!member->apart || member->gil == GS_NONE)
            continue;
        member->news |= member->gil != GS_UNKNOWN;
        member->gil = GS_UNKNOWN;
        member->evidence = GS_INFERRED;
    }
}

void gs_census(struct gs_reader *reader, uint64_t moved)
{
    for (size_t i = 0; i < reader->lock_count; i++)
        reader->locks[i].stands = true;
    ask_movers(reader, moved);
    if (!reader->full_census && reader->member_count)
        gs_rotation_ask(reader);
    reader->changed |= reader->full_census || moved || words_changed(reader);
    if (!reader->changed)
        return; /* everybody does what they did */
    for (size_t i = 0; i < reader->lock_count; i++)
        ask_for_missing(reader, &reader->locks[i]);
    if (reader->full_census || moved || (reader->polling && any_awake(reader)))
        reread_words(reader);
    reader->all_run = reader->any_open = false;
    if (!reader->polling || reader->full_census)
        look_again(reader);
    for (size_t i = 0; i < reader->lock_count; i++) {
        struct gs_lock *lock = &reader->locks[i];
        struct tally tally = count(reader, lock);
        reader->any_open |= tally.open > 0;
        for (size_t k = 0; k < reader->member_count; k++) {
            struct gs_member *member = reader->members[k];
            if (gs_lock_of(reader, member) != lock)
                continue;
            enum gs_gil_word gil = member->gil;
            enum gs_evidence evidence = member->evidence;
            judge(reader, member, &tally);
            if (!lock->stands && member->gil == GS_WITHOUT && member->evidence == GS_INFERRED &&
                member->activity.run != GS_RUN_SYSCALL)
                member->gil = GS_UNKNOWN;
            member->news |= member->gil != gil || member->evidence != evidence;
        }
    }
    if (reader->lock_count > 1)
        settle_doubles(reader);
}
