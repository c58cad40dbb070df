/* A process in a file: what gilspy needs of its maps, threads and memory. Whatever the bytes are, they are some
 * process.
 *
 * The file: a head, then its maps, tasks and regions as the structs below, then the bytes of the regions one after the
 * other. Little-endian, no padding. A page that a region touches is readable, and zero where no region says more. */
#ifndef TESTS_IMAGE_H
#define TESTS_IMAGE_H

#include "gilspy/target.h"

enum { IMAGE_MAPS_MAX = 64, IMAGE_TASKS_MAX = 1024, IMAGE_REGIONS_MAX = 4096 };
enum { IMAGE_READABLE = 1, IMAGE_WRITABLE = 2, IMAGE_EXECUTABLE = 4, IMAGE_DELETED = 8 };

#define IMAGE_MAGIC "gilspy1\n"

struct image_head {
    char magic[8];
    uint32_t map_count, task_count, region_count;
    int32_t pid;
    char exe[64];
};

struct image_map {
    uint64_t start, end, file_offset, inode;
    uint32_t flags;
    char path[60];
};

struct image_task {
    int32_t tid, ns_tid;
    uint32_t run; /* enum gs_run */
    int32_t number;
    uint64_t args[6];
};

struct image_region {
    uint64_t addr;
    uint32_t len, unused;
};

/* The process as a target that stands still; NULL: no image. To be closed with gs_target_close. */
struct gs_target *image_target(const uint8_t *data, size_t size);

/* Where the bytes of the regions begin, 0: no image. */
size_t image_bytes_at(const uint8_t *data, size_t size);

#endif
