/* The notes of a core: the process, its threads' registers, the files that it had mapped. Written by the kernel
 * (fs/binfmt_elf.c) or by gdb (gdb/linux-tdep.c), which agree on the formats. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "base/room.h"
#include "elf/core.h"

enum { NOTES_MAX = 1 << 20, PATH_BYTES_MAX = 4096 };

static const char deleted_mark[] = " (deleted)";

/* One note's contents, in the file. */
struct note {
    uint64_t offset, len;
};

/* The first `size` bytes of a note that has no fewer. */
static bool read_note(const struct gs_core *core, const struct note *note, void *dst, size_t size)
{
    return note->len >= size && gs_bytes_read(&core->bytes, note->offset, dst, size);
}

static bool add_thread(struct gs_core *core, const struct note *note)
{
    struct elf_prstatus status;
    if (!read_note(core, note, &status, sizeof status) || status.pr_pid <= 0 ||
        core->thread_count == GS_CORE_THREADS_MAX)
        return true;
    if (!gs_room((void **)&core->threads, &core->thread_room, core->thread_count + 1, sizeof *core->threads))
        return false;
    struct gs_core_thread *thread = &core->threads[core->thread_count++];
    struct user_regs_struct registers;
    _Static_assert(sizeof registers == sizeof status.pr_reg, "the same registers");
    memcpy(&registers, status.pr_reg, sizeof registers);
    *thread = (struct gs_core_thread){.tid = status.pr_pid, .signal = status.pr_cursig};
    gs_arch_thread_read(&thread->state, &registers);
    return true;
}

static bool set_process(struct gs_core *core, const struct note *note)
{
    struct elf_prpsinfo info;
    if (core->has_process || !read_note(core, note, &info, sizeof info) || info.pr_pid <= 0)
        return true;
    core->has_process = true;
    core->pid = info.pr_pid;
    memcpy(core->comm, info.pr_fname, sizeof core->comm - 1);
    memcpy(core->arguments, info.pr_psargs, sizeof core->arguments - 1);
    return true;
}

static bool set_auxv(struct gs_core *core, const struct note *note)
{
    size_t count =
        note->len / sizeof *core->auxv < GS_CORE_AUXV_MAX ? note->len / sizeof *core->auxv : GS_CORE_AUXV_MAX;
    if (core->aux_count > 0 || !read_note(core, note, core->auxv, count * sizeof *core->auxv))
        return true;
    while (core->aux_count < count && core->auxv[core->aux_count].type != AT_NULL)
        core->aux_count++;
    return true;
}

/* ---- NT_FILE: count, size of a page, `count` times start, end and offset in pages, then as many paths ---- */

static int by_start(const void *a, const void *b)
{
    const struct gs_core_file *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* Sorts them, and drops those that lie over one before. */
static void sort_files(struct gs_core *core)
{
    size_t kept = 0;
    gs_addr behind = 0;
    if (core->file_count > 0)
        qsort(core->files, core->file_count, sizeof *core->files, by_start);
    for (size_t i = 0; i < core->file_count; i++) {
        if (core->files[i].start < behind)
            continue;
        behind = core->files[i].end;
        core->files[kept++] = core->files[i];
    }
    core->file_count = kept;
}

/* One mapping of a file; path is cut behind the file's own name. */
static void add_file(struct gs_core *core, const uint64_t numbers[3], uint64_t page, char *path)
{
    size_t len = strlen(path), mark = sizeof deleted_mark - 1;
    bool deleted = len > mark && strcmp(path + len - mark, deleted_mark) == 0;
    uint64_t start = numbers[0], end = numbers[1], offset;
    if (start >= end || len >= PATH_BYTES_MAX || __builtin_mul_overflow(numbers[2], page, &offset) ||
        offset + (end - start) < offset)
        return;
    if (deleted)
        path[len - mark] = '\0';
    core->files[core->file_count++] = (struct gs_core_file){start, end, offset, path, deleted};
}

/* The note's bytes are in core->file_note, terminated. */
static void parse_files(struct gs_core *core, uint64_t len)
{
    uint64_t head[2], numbers[3];
    memcpy(head, core->file_note, sizeof head);
    uint64_t count = head[0], page = head[1], most = (len - sizeof head) / (sizeof numbers + 1);
    if (count == 0 || count > most || count > GS_CORE_FILES_MAX || page == 0)
        return;
    core->files = calloc(count, sizeof *core->files);
    char *path = core->file_note + sizeof head + count * sizeof numbers, *end = core->file_note + len;
    for (uint64_t i = 0; core->files && i < count && path < end; i++) {
        char *next = path + strlen(path) + 1;
        memcpy(numbers, core->file_note + sizeof head + i * sizeof numbers, sizeof numbers);
        add_file(core, numbers, page, path);
        path = next;
    }
    sort_files(core);
}

static bool set_files(struct gs_core *core, const struct note *note)
{
    if (core->file_note || note->len < 2 * sizeof(uint64_t) || note->len > GS_CORE_FILES_BYTES_MAX)
        return true;
    core->file_note = malloc(note->len + 1);
    if (!core->file_note)
        return false;
    core->file_note[note->len] = '\0';
    if (gs_bytes_read(&core->bytes, note->offset, core->file_note, note->len))
        parse_files(core, note->len);
    return true;
}

/* ---- all ---- */

static const struct {
    uint32_t type;
    bool (*read)(struct gs_core *core, const struct note *note); /* false: out of memory */
} kinds[] = {{NT_PRSTATUS, add_thread}, {NT_PRPSINFO, set_process}, {NT_AUXV, set_auxv}, {NT_FILE, set_files}};

bool gs_core_notes_read(struct gs_core *core, uint64_t offset, uint64_t len)
{
    Elf64_Nhdr header;
    char name[5];
    uint64_t at = 0;
    if (offset > core->bytes.size)
        return true;
    if (len > core->bytes.size - offset)
        len = core->bytes.size - offset;
    for (; core->note_count < NOTES_MAX && len - at >= sizeof header; core->note_count++) {
        if (!gs_bytes_read(&core->bytes, offset + at, &header, sizeof header))
            return true;
        at += sizeof header;
        uint64_t name_len = ((uint64_t)header.n_namesz + 3) & ~UINT64_C(3);
        uint64_t note_len = ((uint64_t)header.n_descsz + 3) & ~UINT64_C(3);
        if (name_len > len - at || header.n_descsz > len - at - name_len)
            return true;
        bool of_core = header.n_namesz == sizeof name && gs_bytes_read(&core->bytes, offset + at, name, sizeof name) &&
                       memcmp(name, "CORE", sizeof name) == 0;
        struct note note = {offset + at + name_len, header.n_descsz};
        for (size_t k = 0; of_core && k < sizeof kinds / sizeof *kinds; k++) {
            if (kinds[k].type == header.n_type && !kinds[k].read(core, &note))
                return false;
        }
        at += name_len;
        at += note_len < len - at ? note_len : len - at;
    }
    return true;
}
