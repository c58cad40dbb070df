/* The bytes of a .gilspy file, as its writer and its reader share them; doc/format.md describes them. */
#ifndef GS_RECORDING_WIRE_H
#define GS_RECORDING_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gilspy/sample.h"

#define GS_FILE_MAGIC  "gilspy" /* with its NUL */
#define GS_BLOCK_MAGIC "GSbk"

enum {
    GS_FILE_VERSION = 6, /* the first that may have threads at locks */
    GS_FILE_OLDEST = 1,  /* that is read */
    GS_FILE_STARTS = 2,  /* the first that says when processes started */
    GS_FILE_GILS = 3,    /* the first that has the GILs */
    GS_FILE_TASKS = 4,   /* the first that may have tasks */
    GS_FILE_EXCEPTIONS = 6,
    GS_FILE_HEAD = sizeof GS_FILE_MAGIC + 1,
    GS_BLOCK_HEAD = 20,
    GS_BLOCK_CRC_FROM = 8, /* where in the head that begins which the checksum is of */
    GS_BLOCK_RECORDS = 'R',
    GS_BLOCK_USUAL = 64 << 10, /* raw bytes at which a block is written */
    GS_BLOCK_MOST = 16 << 20,  /* raw bytes of a block that holds one record as big as that */
    GS_WINDOW_LOG = 18         /* of zstd: what a block may refer to of those before */
};

enum gs_record {
    GS_RECORD_RUN = 1,
    GS_RECORD_PROCESS,
    GS_RECORD_THREAD,
    GS_RECORD_PLACE,
    GS_RECORD_STACK,
    GS_RECORD_FORGET,
    GS_RECORD_END,
    GS_RECORD_SAMPLE = 0x40 /* and flags */
};

enum gs_sample_flags {
    GS_SAMPLE_PROCESS = 1,
    GS_SAMPLE_WEIGHT = 2,
    GS_SAMPLE_CHANGES = 4,
    GS_SAMPLE_LIST = 8,
    GS_SAMPLE_GILS = 16,
    GS_SAMPLE_GIL_COUNT = 32,
    GS_SAMPLE_TASKS = 128, /* 64 is what makes it a sample */
    GS_SAMPLE_FLAGS = 63 | GS_SAMPLE_TASKS
};

/* A change is a number: how many threads of the list before stay as they are, times 8, plus one of these. */
enum gs_change {
    GS_CHANGE_END,   /* and all the others stay as they are */
    GS_CHANGE_STACK, /* the next thread: stack */
    GS_CHANGE_STATE, /* the next thread: state */
    GS_CHANGE_BOTH,  /* the next thread: stack, state */
    GS_CHANGE_GONE,  /* the next thread is not in this sample */
    GS_CHANGE_NEW,   /* here comes one: thread, stack, state */
    GS_CHANGE_BITS = 3
};

/* What of a GIL is not as expected: bits of a number, above which it says how many GILs before stay as expected. */
enum gs_gil_change {
    GS_GIL_CHANGED_SWITCHES = 1,    /* switches - those before */
    GS_GIL_CHANGED_LAST = 2,        /* last thread + 1, 0: not known */
    GS_GIL_CHANGED_STATE = 4,       /* state and counted */
    GS_GIL_CHANGED_INTERPRETER = 8, /* id, signed */
    GS_GIL_CHANGES_MORE = 16,       /* another such number follows */
    GS_GIL_CHANGE_BITS = 5
};

/* A GIL that the process's sample before did not have. */
#define GS_WIRE_NEW_GIL ((struct gs_sampled_gil){.state = GS_GIL_FREE, .last = GS_NO_THREAD})
/* Makes of the GILs of the process's sample before what is expected of this one, whose holders are set: they stay as
 * they were, but for what follows from who has them. */
void gs_wire_expect_gils(struct gs_sampled_gil *gils, size_t count, const struct gs_thread_sample *threads);

static inline uint32_t gs_wire_gil_state(const struct gs_sampled_gil *gil)
{
    return (gil->state & 3u) | (gil->counted ? 4u : 0u);
}

/* What files may hold: more than any run has, little enough that what lies cannot take all memory. */
enum {
    GS_WIRE_STRING_MOST = 64 << 10,
    GS_WIRE_ARGUMENTS_MOST = 1 << 16,
    GS_WIRE_COMMAND_MOST = 1 << 20, /* bytes of all arguments; those that come then are left out */
    GS_WIRE_PROCESSES_MOST = 1 << 20,
    GS_WIRE_THREADS_MOST = 1 << 26,
    GS_WIRE_SAMPLE_MOST = 1 << 19, /* threads of one sample, */
    GS_WIRE_LISTED_MOST = 1 << 22, /* of the last samples of all processes */
    GS_WIRE_STACKS_BYTES = 1 << 30,
    GS_WIRE_NAMES_BYTES = 1 << 29,
    GS_WIRE_KIND_MOST = GS_FRAME_OPCODE /* of places */
};

enum { GS_WIRE_NUMBER_MOST = 10 /* bytes of one number */ };

/* A thread's state as one number: gil, run, evidence and torn in a byte, the GIL above them, and whether it waits for
 * a lock, whether it handles an exception, and who has that lock. */
enum { GS_WIRE_AT_LOCK = 16, GS_WIRE_HANDLES = 17, GS_WIRE_OWNER = 18 /* bits */ };
static inline uint64_t gs_wire_state(const struct gs_thread_sample *thread)
{
    return (thread->gil & 7u) | (thread->run & 7u) << 3 | (thread->evidence & 1u) << 6 | (thread->torn ? 1u << 7 : 0u) |
           (uint32_t)thread->lock << 8 | (thread->at_lock ? 1u << GS_WIRE_AT_LOCK : 0u) |
           (thread->handles ? 1u << GS_WIRE_HANDLES : 0u) | (uint64_t)thread->owner_at << GS_WIRE_OWNER;
}

static inline uint64_t gs_wire_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t gs_wire_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

/* Both return where the next byte goes. */
static inline uint8_t *gs_wire_put(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static inline uint8_t *gs_wire_put_bytes(uint8_t *to, const void *bytes, size_t len)
{
    memcpy(to, bytes, len);
    return to + len;
}

/* Bytes of a string that are written: one that is too long is cut. NULL has none. */
size_t gs_wire_string_len(const char *text);
/* Takes GS_WIRE_NUMBER_MOST + 1 bytes beside those. NULL is written as "". */
uint8_t *gs_wire_put_string(uint8_t *to, const char *text);

/* Records as they are read: once something is not what it should be, `bad` is set, and all that is got is 0. */
struct gs_wire {
    const uint8_t *at, *end;
    bool bad;
};

uint64_t gs_wire_get_long(struct gs_wire *wire);

static inline uint64_t gs_wire_get(struct gs_wire *wire)
{
    if (wire->at < wire->end && *wire->at < 0x80)
        return *wire->at++;
    return gs_wire_get_long(wire);
}

/* A number of at most `most`. */
static inline uint64_t gs_wire_get_most(struct gs_wire *wire, uint64_t most)
{
    uint64_t value = gs_wire_get(wire);
    if (value <= most)
        return value;
    wire->bad = true;
    return 0;
}

bool gs_wire_get_bytes(struct gs_wire *wire, void *bytes, size_t len);
/* A string that lies in the block; never NULL. */
const char *gs_wire_get_string(struct gs_wire *wire);

struct gs_block_head {
    uint32_t crc, raw_len, len; /* len: of the payload */
    uint8_t type;
};

void gs_block_head_put(uint8_t bytes[GS_BLOCK_HEAD], const struct gs_block_head *head);
/* false: there is no block. */
bool gs_block_head_get(const uint8_t bytes[GS_BLOCK_HEAD], struct gs_block_head *head);
/* The checksum of a block whose head is put but for the checksum. */
uint32_t gs_block_crc(const uint8_t head[GS_BLOCK_HEAD], const void *payload, size_t len);

#endif
