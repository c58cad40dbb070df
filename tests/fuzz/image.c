/* Makes a target that stands still out of an image. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/book.h"
#include "fuzz/image.h"

/* The bytes that are left of a file. */
struct rest {
    const uint8_t *bytes;
    size_t len;
};

static bool take(struct rest *rest, void *dst, size_t len)
{
    if (rest->len < len)
        return false;
    memcpy(dst, rest->bytes, len);
    rest->bytes += len;
    rest->len -= len;
    return true;
}

static uint32_t at_most(uint32_t count, uint32_t limit)
{
    return count < limit ? count : limit;
}

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static bool take_maps(struct gs_target *target, struct rest *rest, size_t count)
{
    target->maps = must(calloc(count + 1, sizeof *target->maps));
    for (size_t i = 0; i < count; i++) {
        struct image_map from;
        if (!take(rest, &from, sizeof from))
            return false;
        target->maps[target->map_count++] = (struct gs_map){.start = from.start,
                                                            .end = from.end,
                                                            .file_offset = from.file_offset,
                                                            .inode = from.inode,
                                                            .readable = from.flags & IMAGE_READABLE,
                                                            .writable = from.flags & IMAGE_WRITABLE,
                                                            .executable = from.flags & IMAGE_EXECUTABLE,
                                                            .deleted = from.flags & IMAGE_DELETED,
                                                            .path = must(strndup(from.path, sizeof from.path))};
    }
    return true;
}

/* By tid, and each once, as the kernel has them. */
static void put_task(struct gs_postmortem *postmortem, const struct image_task *from)
{
    size_t at = postmortem->task_count;
    while (at > 0 && postmortem->tasks[at - 1].tid >= from->tid)
        at--;
    if (from->tid <= 0 || (at < postmortem->task_count && postmortem->tasks[at].tid == from->tid))
        return;
    size_t behind = postmortem->task_count++ - at;
    memmove(&postmortem->tasks[at + 1], &postmortem->tasks[at], behind * sizeof *postmortem->tasks);
    memmove(&postmortem->activities[at + 1], &postmortem->activities[at], behind * sizeof *postmortem->activities);
    postmortem->tasks[at] = (struct gs_task){.tid = from->tid, .ns_tid = from->ns_tid};
    postmortem->activities[at] =
        (struct gs_activity){.run = (enum gs_run)(from->run % (GS_RUN_GONE + 1)), .number = from->number};
    memcpy(postmortem->activities[at].args, from->args, sizeof from->args);
}

static bool take_tasks(struct gs_target *target, struct rest *rest, size_t count)
{
    struct gs_postmortem *postmortem = target->postmortem = must(calloc(1, sizeof *postmortem));
    postmortem->tasks = must(calloc(count + 1, sizeof *postmortem->tasks));
    postmortem->activities = must(calloc(count + 1, sizeof *postmortem->activities));
    strcpy(postmortem->comm, "python");
    for (size_t i = 0; i < count; i++) {
        struct image_task from;
        if (!take(rest, &from, sizeof from))
            return false;
        put_task(postmortem, &from);
    }
    return true;
}

static bool take_regions(struct gs_target *target, struct rest *rest, size_t count)
{
    struct rest bytes = *rest;
    if (bytes.len < count * sizeof(struct image_region))
        return false;
    bytes.bytes += count * sizeof(struct image_region);
    bytes.len -= count * sizeof(struct image_region);
    for (size_t i = 0; i < count; i++) {
        struct image_region from;
        if (!take(rest, &from, sizeof from))
            return false;
        size_t len = from.len < bytes.len ? from.len : bytes.len;
        book_page(target->mem, from.addr);
        book_write(target->mem, from.addr, bytes.bytes, len);
        bytes.bytes += len;
        bytes.len -= len;
    }
    return true;
}

size_t image_bytes_at(const uint8_t *data, size_t size)
{
    struct rest rest = {data, size};
    struct image_head head;
    if (!take(&rest, &head, sizeof head) || memcmp(head.magic, IMAGE_MAGIC, sizeof head.magic) != 0)
        return 0;
    size_t at = sizeof head + at_most(head.map_count, IMAGE_MAPS_MAX) * sizeof(struct image_map) +
                at_most(head.task_count, IMAGE_TASKS_MAX) * sizeof(struct image_task) +
                at_most(head.region_count, IMAGE_REGIONS_MAX) * sizeof(struct image_region);
    return at <= size ? at : 0;
}

struct gs_target *image_target(const uint8_t *data, size_t size)
{
    struct rest rest = {data, size};
    struct image_head head;
    if (!take(&rest, &head, sizeof head) || memcmp(head.magic, IMAGE_MAGIC, sizeof head.magic) != 0)
        return NULL;
    struct gs_target *target = must(calloc(1, sizeof *target));
    target->pid = target->ns_pid = head.pid > 0 ? head.pid : 1;
    target->mem_fd = -1;
    target->mem = book_new();
    target->exe = must(strndup(head.exe, sizeof head.exe));
    target->command = must(calloc(2, sizeof *target->command));
    target->command[target->command_count++] = must(strdup("python"));
    if (take_maps(target, &rest, at_most(head.map_count, IMAGE_MAPS_MAX)) &&
        take_tasks(target, &rest, at_most(head.task_count, IMAGE_TASKS_MAX)) &&
        take_regions(target, &rest, at_most(head.region_count, IMAGE_REGIONS_MAX)))
        return target;
    gs_target_close(target);
    return NULL;
}
