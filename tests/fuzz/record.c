/* Makes the image of a live process: only the pages that gilspy reads of it, and of these only what changes what it
 * shows. The process is stopped by a signal meanwhile.
 *
 *   record PID IMAGE [FROM=TO]    FROM at the beginning of paths becomes TO */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/book.h"
#include "fuzz/image.h"
#include "fuzz/show.h"

enum { BLOCK = 64, PAGES_MAX = IMAGE_REGIONS_MAX };

/* The memory of the process, kept page by page as it is asked for. */
struct notes {
    struct gs_mem mem;
    struct gs_mem *live, *book;
    gs_addr pages[PAGES_MAX];
    size_t count;
    bool complete; /* no more are asked for */
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "record: %s: %s\n", what, why);
    exit(1);
}

static bool noted(const struct notes *notes, gs_addr page)
{
    for (size_t i = 0; i < notes->count; i++) {
        if (notes->pages[i] == page)
            return true;
    }
    return false;
}

static enum gs_status notes_read(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    struct notes *notes = (struct notes *)mem;
    uint8_t bytes[BOOK_PAGE];
    gs_addr first = addr - addr % BOOK_PAGE;
    for (gs_addr page = first; len > 0 && page - first < addr - first + len; page += BOOK_PAGE) {
        if (noted(notes, page))
            continue;
        enum gs_status status = notes->complete ? GS_UNREADABLE : gs_mem_read(notes->live, page, bytes, sizeof bytes);
        if (status)
            return status;
        if (notes->count == PAGES_MAX)
            die("the process", "too many pages are needed");
        notes->pages[notes->count++] = page;
        book_write(notes->book, page, bytes, sizeof bytes);
    }
    return gs_mem_read(notes->book, addr, dst, len);
}

static enum gs_status notes_read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pieces[i].ok = notes_read(mem, pieces[i].addr, pieces[i].dst, pieces[i].len) == GS_OK;
    return GS_OK;
}

static void notes_free(struct gs_mem *mem)
{
    (void)mem;
}

static const struct gs_mem_ops notes_ops = {notes_read, notes_read_many, notes_free};

/* What is shown of the process as its memory is noted now. */
static void show(struct show *result, struct gs_target *target)
{
    show_target(result, target, true);
    if (!result->text || result->frames == 0)
        die("the process", "no stack can be read");
}

static bool same(const struct show *a, const struct show *b)
{
    return a->text && b->text && a->text_len == b->text_len && a->json_len == b->json_len &&
           memcmp(a->text, b->text, a->text_len) == 0 && memcmp(a->json, b->json, a->json_len) == 0;
}

/* Whether the process looks the same without the blocks [first, first + count): then they are left out. */
static bool leave_out(const struct notes *notes, struct gs_target *target, const struct show *wanted, size_t first,
                      size_t count)
{
    static uint8_t saved[PAGES_MAX * BOOK_PAGE];
    enum { PER_PAGE = BOOK_PAGE / BLOCK };
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        uint8_t *block = book_page(notes->book, notes->pages[(first + i) / PER_PAGE]) + (first + i) % PER_PAGE * BLOCK;
        memcpy(saved + i * BLOCK, block, BLOCK);
        for (size_t k = 0; k < BLOCK; k++)
            any |= block[k] != 0;
        memset(block, 0, BLOCK);
    }
    struct show now = {0};
    if (any)
        show_target(&now, target, true);
    bool unchanged = !any || same(wanted, &now);
    show_fini(&now);
    for (size_t i = 0; i < count && !unchanged; i++) {
        uint8_t *block = book_page(notes->book, notes->pages[(first + i) / PER_PAGE]) + (first + i) % PER_PAGE * BLOCK;
        memcpy(block, saved + i * BLOCK, BLOCK);
    }
    return unchanged;
}

static void minimise(const struct notes *notes, struct gs_target *target, const struct show *wanted, size_t first,
                     size_t count)
{
    if (leave_out(notes, target, wanted, first, count) || count == 1)
        return;
    minimise(notes, target, wanted, first, count / 2);
    minimise(notes, target, wanted, first + count / 2, count - count / 2);
}

/* ---- writing ---- */

static void rename_into(char *dst, size_t size, const char *path, const char *rule)
{
    const char *equals = rule ? strchr(rule, '=') : NULL;
    size_t len = equals ? (size_t)(equals - rule) : 0;
    bool applies = equals && strncmp(path, rule, len) == 0;
    if ((size_t)snprintf(dst, size, "%s%s", applies ? equals + 1 : "", applies ? path + len : path) >= size)
        die(path, "the path is too long for an image");
}

static bool is_needed(const struct gs_target *target, const struct gs_map *map)
{
    return map->inode && (strstr(map->path, "/libpython") || strcmp(map->path, target->exe) == 0);
}

static uint32_t put_maps(FILE *out, const struct gs_target *target, const char *rule)
{
    uint32_t count = 0;
    for (size_t i = 0; i < target->map_count; i++) {
        const struct gs_map *map = &target->maps[i];
        if (!is_needed(target, map) || count == IMAGE_MAPS_MAX)
            continue;
        struct image_map to = {.start = map->start,
                               .end = map->end,
                               .file_offset = map->file_offset,
                               .inode = 1,
                               .flags = (map->readable ? IMAGE_READABLE : 0u) | (map->writable ? IMAGE_WRITABLE : 0u) |
                                        (map->executable ? IMAGE_EXECUTABLE : 0u)};
        rename_into(to.path, sizeof to.path, map->path, rule);
        count++;
        if (out)
            fwrite(&to, sizeof to, 1, out);
    }
    return count;
}

static void put_tasks(FILE *out, const struct gs_postmortem *postmortem)
{
    for (size_t i = 0; i < postmortem->task_count; i++) {
        const struct gs_activity *activity = &postmortem->activities[i];
        struct image_task to = {
            postmortem->tasks[i].tid, postmortem->tasks[i].ns_tid, activity->run, activity->number, {0}};
        memcpy(to.args, activity->args, sizeof to.args);
        fwrite(&to, sizeof to, 1, out);
    }
}

/* The stretches of a page that are not zero, as regions; a page without any is one without bytes. */
static uint32_t put_page(FILE *out, const uint8_t *page, gs_addr addr, bool bytes)
{
    uint32_t regions = 0;
    for (size_t at = 0, end; at < BOOK_PAGE; at = end) {
        size_t zeros = at;
        while (zeros < BOOK_PAGE && page[zeros] == 0)
            zeros++;
        zeros -= zeros % 8;
        for (end = zeros; end < BOOK_PAGE; end += 8) {
            static const uint8_t nothing[BLOCK];
            size_t len = BOOK_PAGE - end < BLOCK ? BOOK_PAGE - end : BLOCK;
            if (memcmp(page + end, nothing, len) == 0)
                break;
        }
        struct image_region region = {addr + zeros, (uint32_t)(end - zeros), 0};
        if (zeros == BOOK_PAGE && regions > 0)
            break;
        if (zeros == BOOK_PAGE)
            region.addr = addr;
        regions++;
        if (out && bytes)
            fwrite(page + zeros, 1, region.len, out);
        else if (out)
            fwrite(&region, sizeof region, 1, out);
    }
    return regions;
}

static uint32_t put_pages(FILE *out, const struct notes *notes, bool bytes)
{
    uint32_t regions = 0;
    for (size_t i = 0; i < notes->count; i++)
        regions += put_page(out, book_page(notes->book, notes->pages[i]), notes->pages[i], bytes);
    return regions;
}

static void write_image(const char *path, const struct notes *notes, const struct gs_target *target, const char *rule)
{
    struct image_head head = {.map_count = put_maps(NULL, target, rule),
                              .task_count = (uint32_t)target->postmortem->task_count,
                              .region_count = put_pages(NULL, notes, false),
                              .pid = target->pid};
    memcpy(head.magic, IMAGE_MAGIC, sizeof head.magic);
    rename_into(head.exe, sizeof head.exe, target->exe, rule);
    FILE *out = fopen(path, "wb");
    if (!out)
        die(path, strerror(errno));
    fwrite(&head, sizeof head, 1, out);
    put_maps(out, target, rule);
    put_tasks(out, target->postmortem);
    put_pages(out, notes, false);
    put_pages(out, notes, true);
    if (fclose(out))
        die(path, strerror(errno));
}

/* ---- reading ---- */

static struct gs_postmortem *note_tasks(const struct gs_target *target)
{
    struct gs_postmortem *postmortem = calloc(1, sizeof *postmortem);
    if (!postmortem || gs_target_tasks(target, &postmortem->tasks, &postmortem->task_count))
        die("the process", "its threads cannot be listed");
    postmortem->activities = calloc(postmortem->task_count + 1, sizeof *postmortem->activities);
    for (size_t i = 0; i < postmortem->task_count && postmortem->activities; i++)
        gs_target_activity(target, postmortem->tasks[i].tid, &postmortem->activities[i]);
    strcpy(postmortem->comm, "python");
    return postmortem;
}

/* Until it is stopped, all of it. */
static void stop(const struct gs_target *target)
{
    pid_t tracer;
    kill(target->pid, SIGSTOP);
    while (gs_target_stopped(target, &tracer) != 'T')
        usleep(100);
}

int main(int argc, char **argv)
{
    static struct notes notes = {.mem = {&notes_ops}};
    struct gs_err err;
    struct gs_target *target;
    struct show wanted;
    if (argc < 3)
        die("usage", "record PID IMAGE [FROM=TO]");
    setlocale(LC_CTYPE, "C.UTF-8");
    if (gs_target_open(&target, atoi(argv[1]), NULL, &err))
        die("the process", err.what);
    struct gs_postmortem *postmortem = note_tasks(target);
    stop(target);
    target->postmortem = postmortem;
    notes.live = target->mem;
    notes.book = book_new();
    target->mem = &notes.mem;
    show(&wanted, target);
    fwrite(wanted.text, 1, wanted.text_len, stdout);
    notes.complete = true;
    minimise(&notes, target, &wanted, 0, notes.count * (BOOK_PAGE / BLOCK));
    write_image(argv[2], &notes, target, argc > 3 ? argv[3] : NULL);
    show_fini(&wanted);
    kill(target->pid, SIGCONT);
    target->mem = notes.live;
    gs_mem_free(notes.book);
    gs_target_close(target);
    return 0;
}
