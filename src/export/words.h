/* The words, symbols and styles for what a thread does: the same in every text and on every screen. */
#ifndef GS_EXPORT_WORDS_H
#define GS_EXPORT_WORDS_H

#include "base/text.h"
#include "gil/gilstat.h"
#include "gilspy/snapshot.h"

/* In the order in which readers look for them. */
enum gs_face {
    GS_FACE_HOLDS,
    GS_FACE_WAITS,
    GS_FACE_WITHOUT, /* runs, or is ready to, without the GIL */
    GS_FACE_NONE,    /* the same where there is no GIL to hold */
    GS_FACE_IDLE,
    GS_FACE_UNKNOWN,
    GS_FACE_COUNT
};

enum gs_face gs_face_of(const struct gs_thread *thread);
const char *gs_face_symbol(enum gs_face face, bool utf8);
enum gs_style gs_face_style(enum gs_face face);

enum gs_manner {
    GS_MANNER_SEVERAL = 1, /* of more than one thread: "wait for the GIL" */
    GS_MANNER_VERBOSE = 2,
    GS_MANNER_PAST = 4 /* of a moment long ago: "was running" */
};

/* "holds the GIL, running", "idle in futex (a lock)"; manner: any of enum gs_manner. */
void gs_words_state(struct gs_text *text, const struct gs_thread *thread, unsigned manner);
/* "ThreadPool…utor-0_3 (4250)": a name, cut in the middle to `columns` (0: not cut), and what no two threads share. */
void gs_words_thread(struct gs_text *text, const char *name, pid_t tid, int columns);
/* "41 s", "526 ms", "5.0 ms", "12 us", "3 h 12 min" */
void gs_words_time(struct gs_text *text, uint64_t time_us);
/* "1 thread waits", "3 threads wait": count, and the form that goes with it. */
void gs_words_count(struct gs_text *text, size_t count, const char *one, const char *many);
/* "2 of 5 threads are shown: those that --thread asks for" */
void gs_words_chosen(struct gs_text *text, size_t shown, size_t known);
enum { GS_WORDS_LOCK = 2 * GS_LOCK_NAME + 64 };
/* "app.cache (dict at 0x7f...)", "threading.Lock at 0x7f..."; names uncleaned. */
void gs_words_lock(char *words, size_t room, const struct gs_gilstat_lock *lock);
/* 1234567 as 1,234,567 */
void gs_words_number(struct gs_text *text, uint64_t number);

#endif
