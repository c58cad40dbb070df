/* The system call, the memory that the kernel shares with us, and the records in it (perf_event_open(2)). */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/arch.h"
#include "trace/perf.h"

static int open_event(struct perf_event_attr *attr, pid_t tid, int cpu)
{
    long fd;
    do
        fd = syscall(SYS_perf_event_open, attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd >= 0 ? (int)fd : -errno;
}

static void use_our_clock(struct perf_event_attr *attr)
{
    attr->use_clockid = 1; /* Python's time.monotonic */
    attr->clockid = CLOCK_MONOTONIC;
}

int gs_perf_watch(const struct gs_perf_watch *watch, pid_t tid, int cpu)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_BREAKPOINT, .size = sizeof attr};
    attr.bp_type = watch->reads ? HW_BREAKPOINT_RW : HW_BREAKPOINT_W;
    attr.bp_addr = watch->addr;
    attr.bp_len = watch->len;
    attr.exclude_kernel = attr.exclude_hv = 1;
    attr.disabled = 1;
    attr.inherit = attr.inherit_thread = attr.remove_on_exec = watch->inherit;
    if (!watch->silent) {
        attr.sample_period = 1;
        attr.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU;
        if (watch->registers) {
            attr.sample_type |= PERF_SAMPLE_REGS_USER;
            attr.sample_regs_user = GS_ARCH_PERF_MASK;
        }
        attr.sample_id_all = 1;
        attr.task = watch->records;
        attr.context_switch = watch->switches;
        attr.wakeup_events = watch->wakes;
        if (watch->ids)
            attr.sample_type |= PERF_SAMPLE_IDENTIFIER;
        use_our_clock(&attr);
    }
    return open_event(&attr, tid, cpu);
}

int gs_perf_gauge(const struct gs_perf_gauge *gauge, pid_t tid, int cpu)
{
    struct perf_event_attr attr = {.type = gauge->type, .size = sizeof attr, .config = gauge->config};
    attr.exclude_kernel = gauge->user;
    attr.exclude_hv = 1;
    attr.disabled = attr.inherit = attr.inherit_thread = attr.remove_on_exec = 1;
    attr.sample_period = gauge->period;
    attr.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR |
                       PERF_SAMPLE_CPU | (gauge->raw ? PERF_SAMPLE_RAW : 0);
    attr.sample_id_all = 1;
    use_our_clock(&attr);
    return open_event(&attr, tid, cpu);
}

uint64_t gs_perf_id(int fd)
{
    uint64_t id;
    return ioctl(fd, PERF_EVENT_IOC_ID, &id) == 0 ? id : 0;
}

int gs_perf_dummy(pid_t tid)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_DUMMY};
    attr.exclude_kernel = attr.exclude_hv = 1;
    attr.sample_period = 1;
    attr.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU;
    use_our_clock(&attr);
    return open_event(&attr, tid, -1);
}

int gs_ring_open(struct gs_ring *ring, int fd, size_t pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    memset(ring, 0, sizeof *ring);
    void *map = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return errno;
    ring->map = map;
    ring->map_bytes = (pages + 1) * page;
    ring->data_bytes = pages * page;
    return 0;
}

void gs_ring_close(struct gs_ring *ring)
{
    if (ring->map)
        munmap(ring->map, ring->map_bytes);
    ring->map = NULL;
}

bool gs_ring_full(const struct gs_ring *ring)
{
    const struct perf_event_mmap_page *page = ring->map;
    return page && ring->data_bytes - (__atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) - page->data_tail) <=
                       GS_RING_RECORD_MAX;
}

const struct perf_event_header *gs_ring_next(struct gs_ring *ring)
{
    struct perf_event_mmap_page *page = ring->map;
    if (!page)
        return NULL;
    uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), tail = page->data_tail;
    const uint8_t *data = (const uint8_t *)ring->map + (ring->map_bytes - ring->data_bytes);
    size_t at = (size_t)(tail & (ring->data_bytes - 1));
    struct perf_event_header header;
    if (head - tail < sizeof header)
        return NULL;
    memcpy(&header, data + at, sizeof header); /* records are multiples of 8 bytes long: a head is never cut in two */
    if (header.size < sizeof header || header.size > head - tail || header.size > sizeof ring->record) {
        __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE); /* no sense in it: the hits tell what was lost */
        return NULL;
    }
    size_t first = ring->data_bytes - at < header.size ? ring->data_bytes - at : header.size;
    memcpy(ring->record, data + at, first);
    memcpy(ring->record + first, data, header.size - first);
    __atomic_store_n(&page->data_tail, tail + header.size, __ATOMIC_RELEASE);
    return (const struct perf_event_header *)(const void *)ring->record;
}

/* ---- records ---- */

/* What a record is followed by, and a sample has in its middle (sample_id_all). */
struct id {
    uint32_t pid, tid;
    uint64_t time_ns;
    uint32_t cpu, reserved;
};

struct sample {
    struct perf_event_header header;
    uint64_t ip;
    uint32_t pid, tid;
    uint64_t time_ns, addr;
    uint32_t cpu, reserved;
};

struct task { /* PERF_RECORD_FORK, PERF_RECORD_EXIT */
    struct perf_event_header header;
    uint32_t pid, parent_pid, tid, parent_tid;
    uint64_t time_ns;
};

struct lost {
    struct perf_event_header header;
    uint64_t id, lost;
};

enum { ID_BYTES = 8 /* at the beginning of a sample, and at the end of what a record is followed by */ };

static bool decode_sample(const struct perf_event_header *header, bool ids, struct gs_perf_record *record)
{
    struct sample sample;
    size_t shift = ids ? ID_BYTES : 0;
    const uint8_t *bytes = (const uint8_t *)header;
    if (header->size < sizeof sample + shift)
        return false;
    if (ids)
        memcpy(&record->id, bytes + sizeof *header, sizeof record->id);
    memcpy(&sample.ip, bytes + sizeof *header + shift, sizeof sample - sizeof *header);
    record->pid = (pid_t)sample.pid;
    record->tid = (pid_t)sample.tid;
    record->time_ns = sample.time_ns;
    record->cpu = (uint16_t)sample.cpu;
    record->ip = sample.ip;
    record->addr = sample.addr;
    record->rest = bytes + sizeof sample + shift;
    record->rest_bytes = header->size - (sizeof sample + shift);
    return true;
}

/* The ABI of the registers (0: there are none), and these. */
const uint64_t *gs_perf_registers(const struct gs_perf_record *record)
{
    const uint64_t *words = (const uint64_t *)(const void *)record->rest;
    if (record->rest_bytes < (1 + GS_ARCH_PERF_REGISTERS) * sizeof *words || words[0] != PERF_SAMPLE_REGS_ABI_64)
        return NULL;
    return words + 1;
}

/* How many bytes there are, and these. */
bool gs_perf_raw(const struct gs_perf_record *record, size_t offset, size_t bytes, uint64_t *value)
{
    uint32_t size;
    if (record->rest_bytes < sizeof size)
        return false;
    memcpy(&size, record->rest, sizeof size);
    if (size > record->rest_bytes - sizeof size || offset > size || bytes > size - offset || bytes > sizeof *value)
        return false;
    *value = 0;
    memcpy(value, record->rest + sizeof size + offset, bytes);
    return true;
}

static bool decode_other(const struct perf_event_header *header, bool ids, struct gs_perf_record *record)
{
    struct id id;
    size_t behind = sizeof id + (ids ? ID_BYTES : 0);
    if (header->size < sizeof *header + behind)
        return false;
    memcpy(&id, (const uint8_t *)header + header->size - behind, sizeof id);
    record->pid = (pid_t)id.pid;
    record->tid = (pid_t)id.tid;
    record->time_ns = id.time_ns;
    record->cpu = (uint16_t)id.cpu;
    if (header->type == PERF_RECORD_FORK || header->type == PERF_RECORD_EXIT) {
        struct task task;
        if (header->size < sizeof task + behind)
            return false;
        memcpy(&task, header, sizeof task);
        record->pid = (pid_t)task.pid;
        record->tid = (pid_t)task.tid;
    } else if (header->type == PERF_RECORD_LOST) {
        struct lost lost;
        if (header->size < sizeof lost + behind)
            return false;
        memcpy(&lost, header, sizeof lost);
        record->lost = lost.lost;
    }
    return true;
}

bool gs_perf_decode(const struct perf_event_header *header, bool ids, struct gs_perf_record *record)
{
    *record = (struct gs_perf_record){.type = header->type, .misc = header->misc};
    switch (header->type) {
    case PERF_RECORD_SAMPLE:
        return decode_sample(header, ids, record);
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
    case PERF_RECORD_LOST:
    case PERF_RECORD_THROTTLE:
    case PERF_RECORD_UNTHROTTLE:
    case PERF_RECORD_SWITCH:
        return decode_other(header, ids, record);
    default:
        return false;
    }
}
