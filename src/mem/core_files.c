/* The list of a core's mapped files, and where each may be found now. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/isolated.h"
#include "base/regular.h"
#include "base/watch.h"
#include "elf/core.h"
#include "elf/head.h"
#include "mem/core_files.h"

enum { GS_CORE_PAGE = 4096 };

/* A mapped file: `pieces` are those of core->files that are of it, by address; of[] is the number of each one's image.
 */
struct core_image {
    const struct gs_core *core;
    const uint32_t *of;
    uint32_t number;
    bool deleted;
    const uint32_t *pieces;
    size_t piece_count;
};

/* What the core has of the beginning of a mapped file. */
struct core_first {
    uint8_t bytes[GS_CORE_PAGE];
    size_t len;
    bool is_elf;
    struct gs_elf_head head;
};

/* A file is the one that was mapped when it has the build id, or the beginning, that the core has. Where the core has
 * nothing of it, when it was there as it is before the core was made, and each of its segments has the place and the
 * size that it had in the process. */
static uint64_t page_of(uint64_t at)
{
    return at & ~(uint64_t)(GS_CORE_PAGE - 1);
}

/* The segment's end in the file, as far as it is mapped. */
static uint64_t end_of(const Elf64_Phdr *segment)
{
    return page_of(segment->p_offset + segment->p_filesz + GS_CORE_PAGE - 1);
}

static const Elf64_Phdr *first_load(const struct gs_elf_head *head)
{
    for (size_t i = 0; i < head->segment_count; i++) {
        if (head->segments[i].p_type == PT_LOAD)
            return &head->segments[i];
    }
    return NULL;
}

/* The piece of the image that begins at addr with this offset. */
static const struct gs_core_file *piece_at(const struct core_image *image, gs_addr addr, uint64_t offset)
{
    const struct gs_core_file *piece = gs_core_file_at(image->core, addr);
    return piece && image->of[piece - image->core->files] == image->number && piece->start == addr &&
                   piece->offset == offset
               ? piece
               : NULL;
}

static void core_first_read(struct core_first *first, const struct core_image *image)
{
    first->len = 0;
    for (size_t i = 0; i < image->piece_count && first->len == 0; i++) {
        const struct gs_core_file *piece = &image->core->files[image->pieces[i]];
        if (piece->offset == 0)
            first->len = gs_core_read(image->core, piece->start, first->bytes, sizeof first->bytes);
    }
    struct gs_bytes bytes;
    gs_bytes_of_memory(&bytes, first->bytes, first->len);
    first->is_elf = gs_elf_head_read(&first->head, &bytes);
}

/* All of the segment was mapped where it belongs. */
static bool is_mapped(const struct core_image *image, const Elf64_Phdr *segment, gs_addr bias)
{
    gs_addr start = bias + page_of(segment->p_vaddr), at = start;
    uint64_t offset = page_of(segment->p_offset), len = end_of(segment) - offset;
    while (at - start < len) {
        const struct gs_core_file *piece = piece_at(image, at, offset + (at - start));
        if (!piece)
            return false;
        at = piece->end;
    }
    return at - start == len;
}

static bool laid_out_so(const struct core_image *image, const struct gs_elf_head *head)
{
    const Elf64_Phdr *load = first_load(head);
    const struct gs_core_file *base = NULL;
    for (size_t i = 0; i < image->piece_count && load && !base; i++) {
        const struct gs_core_file *piece = &image->core->files[image->pieces[i]];
        base = piece->offset == page_of(load->p_offset) ? piece : NULL;
    }
    for (size_t i = 0; i < head->segment_count && base; i++) {
        const Elf64_Phdr *segment = &head->segments[i];
        if (segment->p_type == PT_LOAD && segment->p_filesz > 0 &&
            !is_mapped(image, segment, base->start - page_of(load->p_vaddr)))
            return false;
    }
    return base != NULL;
}

/* NULL: it is the file, and *head is its head; else why not. named: by the user. */
static const char *core_match(const struct core_image *image, const struct core_first *first,
                              const struct gs_bytes *file, struct gs_elf_head *head, const struct stat *st, bool named,
                              int64_t made_at_ns)
{
    static const char other[] = "is not the one that it ran: its contents differ";
    uint8_t bytes[GS_CORE_PAGE];
    if (!gs_elf_head_read(head, file))
        return "is not the one that it ran: it is no ELF file";
    if (first->is_elf && first->head.build_id_len > 0) {
        if (!gs_elf_head_same_id(&first->head, head))
            return "is not the one that it ran: build id differs";
        /* Debug information of its own has the same id, and no contents. */
        return gs_elf_head_alike(&first->head, head) ? NULL : other;
    }
    if (first->is_elf) {
        bool same = gs_bytes_read(file, 0, bytes, first->len) && memcmp(bytes, first->bytes, first->len) == 0;
        return same ? NULL : other;
    }
    int64_t changed_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
    if (!named && (image->deleted || changed_ns > made_at_ns))
        return "may be another one than it ran: it is newer than the core, which has nothing to compare it with";
    return laid_out_so(image, head) ? NULL : other;
}

/* What lies at addr, which is `offset` in the file, belongs to a segment that is not writable. */
static bool core_is_constant(const struct core_image *image, const struct gs_elf_head *head, gs_addr addr,
                             uint64_t offset)
{
    const Elf64_Phdr *load = first_load(head);
    for (size_t i = 0; i < head->segment_count && load; i++) {
        const Elf64_Phdr *segment = &head->segments[i];
        uint64_t from = page_of(segment->p_offset);
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W || offset - from >= end_of(segment) - from)
            continue;
        /* Two segments may share a page of the file: the address tells them apart. */
        gs_addr bias = addr - (offset - from) - page_of(segment->p_vaddr);
        if (piece_at(image, bias + page_of(load->p_vaddr), page_of(load->p_offset)))
            return true;
    }
    return false;
}

/* One file, which may be mapped in several pieces. */
struct entry {
    const char *path; /* as it was */
    struct core_image image;
    struct gs_bytes bytes;    /* of the file, once it is open */
    struct gs_elf_head *head; /* NULL: it is not */
    char *step;               /* the name of reading it */
    bool tried;
    const char *why; /* it is not to be had, */
    char *where;     /* this one, which is another */
};

struct gs_core_files {
    const struct gs_core *core;
    struct gs_core_files_options options;
    char *exe, *root;
    const struct gs_core_file *program;
    const char *misled; /* why exe is not the program */
    uint32_t *of;       /* for each of core->files, its entry */
    uint32_t *order;    /* the same files entry by entry */
    struct entry *entries;
    size_t entry_count;
    uint32_t *lacks; /* entries, in the order in which they were needed */
    size_t lack_count;
};

/* ---- opening ---- */

/* One attempt to open a file. */
struct attempt {
    struct gs_core_files *files;
    struct entry *entry;
    struct core_first first;
    struct gs_elf_head head;
};

/* That it is missing at one place says less than what is wrong with it at another. */
static void note(struct entry *entry, const char *path, const char *why, bool missing)
{
    if (entry->why && (missing || entry->where))
        return;
    entry->why = why;
    if (!missing)
        entry->where = strdup(path);
}

/* A descriptor, or -1 and why not, NULL: it is missing. */
static int open_path(const struct attempt *attempt, const char *path, const char *step, struct stat *st,
                     const char **why)
{
    struct gs_watch *watch = attempt->files->options.watch;
    *why = "does not answer";
    if (!gs_isolated_answers(path) || !gs_watch_enter_spare(watch, step))
        return -1;
    /* What lies there now may be a FIFO, or a device. */
    int fd = gs_open_regular(path, st);
    *why = errno == ENOENT || errno == ENOTDIR    ? NULL
           : st->st_mode && !S_ISREG(st->st_mode) ? "is no regular file"
                                                  : "may not be read";
    gs_watch_leave(watch);
    return fd;
}

/* The same, when it is the one that was mapped; step is that of reading it. */
static bool try_step(struct attempt *attempt, const char *path, const char *step, bool named)
{
    struct entry *entry = attempt->entry;
    struct stat st;
    const char *why;
    int fd = open_path(attempt, path, step, &st, &why);
    if (fd < 0) {
        note(entry, path, why ? why : "is missing", !why);
        return false;
    }
    why = "may not be read";
    if (gs_bytes_of_file(&entry->bytes, fd, attempt->files->options.watch, step, true))
        why = core_match(&entry->image, &attempt->first, &entry->bytes, &attempt->head, &st, named,
                         attempt->files->options.made_at_ns);
    if (!why && (entry->head = malloc(sizeof *entry->head))) {
        *entry->head = attempt->head;
        return true;
    }
    close(fd);
    note(entry, path, why, false);
    return false;
}

/* named: by the user. */
static bool try_path(struct attempt *attempt, const char *path, bool named)
{
    char *step;
    if (asprintf(&step, "opening or reading %s", path) < 0)
        return false;
    bool found = try_step(attempt, path, step, named);
    if (found)
        attempt->entry->step = step;
    else
        free(step);
    return found;
}

static bool try_root(struct attempt *attempt)
{
    char path[PATH_MAX];
    const char *root = attempt->files->root;
    return root && snprintf(path, sizeof path, "%s%s", root, attempt->entry->path) < (int)sizeof path &&
           try_path(attempt, path, true);
}

/* Some distributions keep links to whole programs beside their debug information. */
static bool try_build_id(struct attempt *attempt)
{
    char path[PATH_MAX];
    const struct gs_elf_head *head = &attempt->first.head;
    const char *folder = attempt->files->options.build_ids;
    if (!folder || !attempt->first.is_elf || head->build_id_len < 2)
        return false;
    int used = snprintf(path, sizeof path, "%s/%02x/", folder, head->build_id[0]);
    for (size_t i = 1; i < head->build_id_len && used > 0 && used < (int)sizeof path; i++)
        used += snprintf(path + used, sizeof path - (size_t)used, "%02x", head->build_id[i]);
    return used > 0 && used < (int)sizeof path && access(path, F_OK) == 0 && try_path(attempt, path, true);
}

/* A program or a library; else it is data, which nobody misses: a locale, a font, a database. */
static bool is_code(const struct core_image *image)
{
    for (size_t i = 0; i < image->piece_count; i++) {
        const struct gs_core_segment *segment =
            gs_core_segment_at(image->core, image->core->files[image->pieces[i]].start);
        if (segment && segment->executable)
            return true;
    }
    return false;
}

static void open_entry(struct gs_core_files *files, struct entry *entry)
{
    struct attempt attempt = {.files = files, .entry = entry};
    bool program = files->program && files->of[files->program - files->core->files] == entry->image.number;
    entry->tried = true;
    core_first_read(&attempt.first, &entry->image);
    if (attempt.first.len > 0 && !attempt.first.is_elf)
        return; /* data of some kind: nothing that a Python is read from */
    if (program && files->exe) {
        if (try_path(&attempt, files->exe, true))
            return;
        files->misled = entry->why;
    }
    if (try_root(&attempt) || try_path(&attempt, entry->path, false) || try_build_id(&attempt))
        return;
    if (attempt.first.is_elf || is_code(&entry->image))
        files->lacks[files->lack_count++] = entry->image.number;
}

/* The entry of what is mapped there, opened; or NULL. */
static struct entry *entry_of(struct gs_core_files *files, const struct gs_core_file *file)
{
    if (!file)
        return NULL;
    struct entry *entry = &files->entries[files->of[file - files->core->files]];
    if (!entry->tried)
        open_entry(files, entry);
    return entry->head ? entry : NULL;
}

/* ---- what others ask ---- */

size_t gs_core_files_read(struct gs_core_files *files, gs_addr addr, void *dst, size_t len)
{
    const struct gs_core_file *file = gs_core_file_at(files->core, addr);
    const struct entry *entry = entry_of(files, file);
    if (!entry)
        return 0;
    size_t n = GS_CORE_PAGE - addr % GS_CORE_PAGE;
    n = n < len ? n : len;
    n = n < file->end - addr ? n : (size_t)(file->end - addr);
    uint64_t offset = file->offset + (addr - file->start);
    return core_is_constant(&entry->image, entry->head, addr, offset) && gs_bytes_read(&entry->bytes, offset, dst, n)
               ? n
               : 0;
}

int gs_core_files_open(struct gs_core_files *files, gs_addr addr)
{
    const struct entry *entry = entry_of(files, gs_core_file_at(files->core, addr));
    return entry ? fcntl(entry->bytes.fd, F_DUPFD_CLOEXEC, 0) : -1;
}

bool gs_core_files_lack(const struct gs_core_files *files, size_t i, const char **path, const char **why)
{
    if (i >= files->lack_count)
        return false;
    const struct entry *entry = &files->entries[files->lacks[i]];
    *path = entry->where ? entry->where : entry->path;
    *why = entry->why;
    return true;
}

const char *gs_core_files_misled(struct gs_core_files *files)
{
    if (files->exe && files->program) {
        size_t lacks = files->lack_count;
        entry_of(files, files->program);
        files->lack_count = lacks; /* nobody needed it */
    }
    return files->misled;
}

const struct gs_core_file *gs_core_files_program(const struct gs_core_files *files)
{
    return files->program;
}

size_t gs_core_files_number(const struct gs_core_files *files, const struct gs_core_file *file)
{
    return files->of[file - files->core->files];
}

/* ---- making the list ---- */

static int by_path(const void *a, const void *b, void *context)
{
    const struct gs_core_file *files = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = strcmp(files[x].path, files[y].path);
    if (order == 0)
        order = files[x].deleted - files[y].deleted;
    return order ? order : (x > y) - (x < y);
}

/* Pieces with the same path are one file. */
static bool list_entries(struct gs_core_files *files)
{
    const struct gs_core *core = files->core;
    size_t count = core->file_count;
    files->order = calloc(count + 1, sizeof *files->order);
    files->of = calloc(count + 1, sizeof *files->of);
    files->entries = calloc(count + 1, sizeof *files->entries);
    files->lacks = calloc(count + 1, sizeof *files->lacks);
    if (!files->order || !files->of || !files->entries || !files->lacks)
        return false;
    for (size_t i = 0; i < count; i++)
        files->order[i] = (uint32_t)i;
    qsort_r(files->order, count, sizeof *files->order, by_path, core->files);
    struct entry *entry = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct gs_core_file *file = &core->files[files->order[i]];
        if (!entry || strcmp(entry->path, file->path) != 0 || entry->image.deleted != file->deleted) {
            uint32_t number = (uint32_t)files->entry_count++;
            entry = &files->entries[number];
            *entry = (struct entry){.path = file->path, .bytes.fd = -1};
            entry->image = (struct core_image){core, files->of, number, file->deleted, &files->order[i], 0};
        }
        entry->image.piece_count++;
        files->of[files->order[i]] = entry->image.number;
    }
    return true;
}

/* What stands before the path that the program had, where the user says that it is now. */
static char *root_of(const char *exe, const char *was)
{
    size_t len = strlen(exe), tail = strlen(was);
    return was[0] == '/' && len > tail && strcmp(exe + len - tail, was) == 0 ? strndup(exe, len - tail) : NULL;
}

struct gs_core_files *gs_core_files_new(const struct gs_core *core, const struct gs_core_files_options *options)
{
    struct gs_core_files *files = calloc(1, sizeof *files);
    if (!files)
        return NULL;
    files->core = core;
    files->options = *options;
    files->program = gs_core_file_at(core, gs_core_aux(core, AT_PHDR));
    if (options->exe) {
        gs_watch_enter(options->watch, "looking for the program that --exe names", 0, 0);
        char *real = realpath(options->exe, NULL);
        gs_watch_leave(options->watch);
        files->exe = strdup(options->exe);
        files->root = files->program ? root_of(options->exe, files->program->path) : NULL;
        if (!files->root && files->program && real)
            files->root = root_of(real, files->program->path);
        free(real);
    }
    if (!list_entries(files) || (options->exe && !files->exe)) {
        gs_core_files_free(files);
        return NULL;
    }
    return files;
}

void gs_core_files_free(struct gs_core_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->entry_count; i++) {
        struct entry *entry = &files->entries[i];
        if (entry->head)
            close(entry->bytes.fd);
        free(entry->head);
        free(entry->step);
        free(entry->where);
    }
    free(files->entries);
    free(files->of);
    free(files->order);
    free(files->lacks);
    free(files->exe);
    free(files->root);
    free(files);
}
