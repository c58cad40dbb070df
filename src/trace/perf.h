/* perf_event_open: watched addresses, and the rings that the kernel writes its records to. */
#ifndef GS_TRACE_PERF_H
#define GS_TRACE_PERF_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/mem.h"

enum { GS_RING_RECORD_MAX = 512 /* bytes; ours have less */ };

/* What is asked of the kernel for one address of a thread. */
struct gs_perf_watch {
    gs_addr addr;
    uint8_t len;    /* 1, 4 or 8 */
    bool reads;     /* not only what is stored: there is no watch for reading alone everywhere */
    bool registers; /* are to be part of each sample: GS_ARCH_PERF_MASK */
    bool inherit;   /* threads that it starts are watched too, but not processes that it forks, and nothing after an
                       exec (5.13 on: EINVAL before) */
    bool records;   /* of threads that begin and end, */
    bool switches;  /* and of each change of who is on a processor */
    bool silent;    /* counts only: there is no ring */
    bool ids;       /* records say of which descriptor they are */
    bool wakes;     /* its ring is readable with each of its records, not only when there is much in it */
};

/* What is asked of the kernel beside: something that it counts, or sees. */
struct gs_perf_gauge {
    uint32_t type; /* PERF_TYPE_ */
    uint64_t config;
    uint64_t period; /* a record for each so many */
    bool user;       /* only what is outside the kernel */
    bool raw;        /* records have the tracepoint's fields */
};

/* A descriptor that is disabled yet, or -errno. cpu -1: wherever the thread runs. */
int gs_perf_watch(const struct gs_perf_watch *watch, pid_t tid, int cpu);
/* The same for a gauge, whose records have ids; threads that it starts are counted too, as with inherit. */
int gs_perf_gauge(const struct gs_perf_gauge *gauge, pid_t tid, int cpu);
/* The id that its records have; 0: not known. */
uint64_t gs_perf_id(int fd);
/* An event that never comes: it lends its ring to others. */
int gs_perf_dummy(pid_t tid);

struct gs_ring {
    void *map; /* NULL: none */
    size_t map_bytes, data_bytes;
    uint8_t record[GS_RING_RECORD_MAX]; /* one that lies around the end of the ring */
};

/* The ring of an event, of so many pages (a power of two). 0, or errno: EPERM, there is too much locked memory. */
int gs_ring_open(struct gs_ring *ring, int fd, size_t pages);
void gs_ring_close(struct gs_ring *ring);
/* There may be no room for another record, so that the kernel leaves out what comes. */
bool gs_ring_full(const struct gs_ring *ring);
/* The next record, which stays until the next call; NULL: there is no more. */
const struct perf_event_header *gs_ring_next(struct gs_ring *ring);

/* A record of ours, decoded. */
struct gs_perf_record {
    uint32_t type; /* PERF_RECORD_ */
    uint16_t misc;
    pid_t pid, tid;
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    uint16_t cpu;
    gs_addr ip, addr;    /* of a sample: the instruction behind the one that did it, and what was watched */
    uint64_t id;         /* of a sample: of which descriptor it is, where ids were asked for */
    uint64_t lost;       /* PERF_RECORD_LOST: so many are missing here */
    const uint8_t *rest; /* of a sample: what else it has, */
    size_t rest_bytes;
};

/* ids: records have them. False: it is none that we know, or is not whole. */
bool gs_perf_decode(const struct perf_event_header *header, bool ids, struct gs_perf_record *record);
/* The registers in a sample of a watch that asked for them; NULL: there are none. */
const uint64_t *gs_perf_registers(const struct gs_perf_record *record);
/* An integer of so many bytes (1 to 8) among the raw fields of a sample of a gauge; false: it is not there. */
bool gs_perf_raw(const struct gs_perf_record *record, size_t offset, size_t bytes, uint64_t *value);

#endif
