/* Where a GIL keeps its fields, and what they say. */
#ifndef GS_PYTHON_GIL_H
#define GS_PYTHON_GIL_H

#include "gilspy/python.h"

enum {
    GS_GIL_BYTES = 1024, /* of all windows together */
    GS_GIL_WINDOWS = 7   /* one for each word, if the linker put them that far from each other (3.6) */
};

/* A variable of the GIL: where it lies in the target (0: this build does not tell), and in the bytes of a reading. */
struct gs_gil_field_place {
    gs_addr addr;
    uint32_t at;
};

/* The fields of one GIL: a struct, or variables that the linker spread over a few windows of memory. */
struct gs_gil_place {
    struct {
        gs_addr addr;
        uint32_t len, at; /* at: where its bytes begin in a reading */
    } windows[GS_GIL_WINDOWS];
    size_t window_count;
    struct gs_gil_field_place locked, last_holder, switch_number, interval, enabled, current;
    struct gs_gil_field_place cond, mutex, switch_cond, switch_mutex;
    struct gs_gil_field_place semaphore; /* 2.7: its sem_t; 0 before the first thread was started */
    bool lazy;    /* made with the first thread only: until then whoever is current has it (3.6) */
    bool hidden;  /* nothing tells who has it */
    bool foreign; /* its mutexes are not glibc's: what they count is not known */
    bool listed;  /* musl: whoever waits for it sleeps on a word of its own, in a list of cond or switch_cond */
    bool blind;   /* who waits for it may sleep on words of memory that are not known */
    gs_addr data_start, data_end; /* any futex in here is the GIL's (stripped 3.6); 0, 0 otherwise */
};

/* One reading of them. */
struct gs_gil_fields {
    bool exists;  /* created, and not destroyed yet */
    bool hidden;  /* who has it is not known */
    bool enabled; /* false: a free-threaded Python that runs without it */
    bool locked;
    gs_addr last_holder; /* thread state that took it last */
    gs_addr holder;      /* thread state that has it, 0 when not locked: with several interpreters on one GIL its thread
                            may have gone over to another state since it took it */
    bool has_switches;
    uint64_t switches;
    uint64_t interval_us; /* 0: unknown */
    bool has_users;
    uint32_t mutex_owner;  /* ns_tid of the thread that has the GIL's mutex for a moment, 0: none */
    uint32_t cond_users;   /* threads inside the wait for the GIL, and the owner of its mutex */
    uint32_t switch_users; /* threads that gave it up on request and wait until it is taken */
    bool skips_woken;      /* these do not count threads that were woken and did not yet go on */
};

/* Fills place from the anchors (2.7-3.11), or from the GIL's address (3.12 on). False when there is none. */
bool gs_gil_place(const struct gs_python *python, gs_addr gil, struct gs_gil_place *place);

/* How many pieces a reading takes, set to read into `bytes` (GS_GIL_BYTES long). */
size_t gs_gil_pieces(const struct gs_gil_place *place, uint8_t *bytes, struct gs_piece pieces[GS_GIL_WINDOWS]);
/* Decodes such a reading; false when it failed. */
bool gs_gil_decode(const struct gs_gil_place *place, const uint8_t *bytes, const struct gs_piece *pieces,
                   struct gs_gil_fields *fields);
/* Both at once: what the fields are now. */
bool gs_gil_read(const struct gs_gil_place *place, struct gs_mem *mem, struct gs_gil_fields *fields);
/* The same thread has it (or had it last), and nobody else had it between the two readings. */
bool gs_gil_same(const struct gs_gil_fields *a, const struct gs_gil_fields *b);

/* On which of the GIL's futexes a thread sleeps. */
enum gs_gil_futex {
    GS_FUTEX_OTHER,  /* none of them */
    GS_FUTEX_COND,   /* waits for the GIL */
    GS_FUTEX_MUTEX,  /* waits for its mutex, for a moment */
    GS_FUTEX_SWITCH, /* gave it up on request and waits until somebody took it */
    GS_FUTEX_PERHAPS /* some other word, which may be one that they sleep on who wait for it (see `listed`) */
};
enum gs_gil_futex gs_gil_futex(const struct gs_gil_place *place, const struct gs_activity *activity);

#endif
