/* The headers of a core file, and its memory: read by pread, counted by nobody's word but the file's size. Its notes
 * (the process, its threads' registers, the files that it had mapped) are written by the kernel (fs/binfmt_elf.c) or by
 * gdb (gdb/linux-tdep.c), which agree on the formats. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "base/room.h"
#include "base/sorted.h"
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
    *thread = (struct gs_core_thread){.tid = status.pr_pid, .signal = status.pr_cursig};
    _Static_assert(sizeof thread->registers == sizeof status.pr_reg, "the same registers");
    memcpy(&thread->registers, status.pr_reg, sizeof thread->registers);
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

GS_BY(by_file_start, struct gs_core_file, start);

/* Sorts them, and drops those that lie over one before. */
static void sort_files(struct gs_core *core)
{
    size_t kept = 0;
    gs_addr behind = 0;
    if (core->file_count > 0)
        qsort(core->files, core->file_count, sizeof *core->files, by_file_start);
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

/* Reads the notes at [offset, offset + len) of the file, as far as they make sense; false when out of memory. */
static bool read_notes(struct gs_core *core, uint64_t offset, uint64_t len)
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

enum { HEADERS_AT_ONCE = 512 };

/* ---- what it is, if it is no core for us ---- */

static const struct {
    uint16_t machine;
    const char *name;
} machines[] = {{EM_386, "i386"},   {EM_ARM, "ARM"},      {EM_AARCH64, "aarch64"}, {EM_PPC64, "ppc64"},
                {EM_S390, "s390x"}, {EM_RISCV, "RISC-V"}, {EM_X86_64, "x86-64"},   {EM_MIPS, "MIPS"}};

static const char *machine_name(uint16_t machine)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (machines[i].machine == machine)
            return machines[i].name;
    }
    return "another machine";
}

static enum gs_status check_header(const Elf64_Ehdr *header, struct gs_err *err)
{
    /* These lie at the same place in files of 32 bits. */
    const unsigned char *ident = header->e_ident;
    if (memcmp(ident, ELFMAG, SELFMAG) != 0)
        return gs_fail(err, GS_FAILED, "it is not a core file");
    if (ident[EI_DATA] != ELFDATA2LSB)
        return gs_fail(err, GS_FAILED, "it comes from a big-endian machine; this gilspy reads cores of " GS_ARCH_NAME);
    if (header->e_type != ET_CORE)
        return gs_fail(err, GS_FAILED, "it is a program or a library, not a core file");
    if (ident[EI_CLASS] != ELFCLASS64 || header->e_machine != GS_ARCH_ELF_MACHINE)
        return gs_fail(err, GS_FAILED, "it is the core of a %s process on %s; this gilspy reads those of %s",
                       ident[EI_CLASS] == ELFCLASS64 ? "64-bit" : "32-bit", machine_name(header->e_machine),
                       "64-bit processes on " GS_ARCH_NAME);
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff == 0)
        return gs_fail(err, GS_FAILED, "its headers make no sense");
    return GS_OK;
}

/* The number of program headers, which does not fit its field when there are many: then section header 0 has it. */
static bool count_headers(const struct gs_core *core, const Elf64_Ehdr *header, uint64_t *count)
{
    Elf64_Shdr section;
    *count = header->e_phnum;
    if (header->e_phnum != PN_XNUM)
        return true;
    if (!gs_bytes_read(&core->bytes, header->e_shoff, &section, sizeof section))
        return false;
    *count = section.sh_info;
    return true;
}

/* ---- segments ---- */

static bool add_segment(struct gs_core *core, const Elf64_Phdr *header)
{
    uint64_t end = header->p_vaddr + header->p_memsz, dumped = header->p_filesz, size = core->bytes.size;
    if (header->p_memsz == 0 || end < header->p_vaddr)
        return true;
    if (dumped > header->p_memsz)
        dumped = header->p_memsz;
    if (header->p_offset + dumped < dumped)
        dumped = 0;
    if (dumped > 0 && header->p_offset + dumped > core->whole_bytes)
        core->whole_bytes = header->p_offset + dumped;
    if (header->p_offset >= size)
        dumped = 0;
    else if (dumped > size - header->p_offset)
        dumped = size - header->p_offset;
    if (!gs_room((void **)&core->segments, &core->segment_room, core->segment_count + 1, sizeof *core->segments))
        return false;
    core->segments[core->segment_count++] = (struct gs_core_segment){.start = header->p_vaddr,
                                                                     .end = end,
                                                                     .dumped = dumped,
                                                                     .offset = header->p_offset,
                                                                     .readable = header->p_flags & PF_R,
                                                                     .writable = header->p_flags & PF_W,
                                                                     .executable = header->p_flags & PF_X};
    return true;
}

GS_BY_BOTH(by_start, struct gs_core_segment, start, offset);

/* What lies over one before it is cut off. */
static void sort_segments(struct gs_core *core)
{
    size_t kept = 0;
    gs_addr behind = 0;
    if (core->segment_count > 0)
        qsort(core->segments, core->segment_count, sizeof *core->segments, by_start);
    for (size_t i = 0; i < core->segment_count; i++) {
        struct gs_core_segment segment = core->segments[i];
        if (segment.end <= behind)
            continue;
        if (segment.start < behind) {
            uint64_t cut = behind - segment.start;
            segment.start = behind;
            segment.offset += cut;
            segment.dumped = segment.dumped > cut ? segment.dumped - cut : 0;
        }
        behind = segment.end;
        core->segments[kept++] = segment;
    }
    core->segment_count = kept;
}

/* Reads `count` program headers from `offset` on, as many as the file has. */
static bool read_headers(struct gs_core *core, uint64_t offset, uint64_t count)
{
    Elf64_Phdr headers[HEADERS_AT_ONCE];
    for (uint64_t done = 0; done < count;) {
        uint64_t n = count - done < HEADERS_AT_ONCE ? count - done : HEADERS_AT_ONCE;
        while (n > 0 && !gs_bytes_read(&core->bytes, offset, headers, n * sizeof *headers))
            n /= 2;
        if (n == 0)
            return true;
        for (uint64_t i = 0; i < n; i++) {
            const Elf64_Phdr *header = &headers[i];
            if (header->p_type == PT_NOTE && header->p_offset + header->p_filesz > core->whole_bytes)
                core->whole_bytes = header->p_offset + header->p_filesz;
            if ((header->p_type == PT_LOAD && !add_segment(core, header)) ||
                (header->p_type == PT_NOTE && !read_notes(core, header->p_offset, header->p_filesz)))
                return false;
        }
        done += n;
        offset += n * sizeof *headers;
    }
    return true;
}

/* ---- the whole ---- */

enum gs_status gs_core_open(struct gs_core *core, const struct gs_bytes *bytes, struct gs_err *err)
{
    Elf64_Ehdr header;
    uint64_t count;
    *core = (struct gs_core){.bytes = *bytes};
    if (bytes->size == 0)
        return gs_fail(err, GS_FAILED, "it is empty");
    if (!gs_bytes_read(bytes, 0, &header, sizeof header))
        return gs_fail(err, GS_FAILED, "it is not a core file, or its beginning is all that there is of it");
    enum gs_status status = check_header(&header, err);
    if (status)
        return status;
    if (!count_headers(core, &header, &count))
        return gs_fail(err, GS_FAILED, "it is cut off: its list of segments is missing");
    if (count > GS_CORE_SEGMENTS_MAX)
        return gs_fail(err, GS_FAILED, "its headers make no sense");
    if (!read_headers(core, header.e_phoff, count))
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    sort_segments(core);
    if (core->thread_count > 0)
        return GS_OK;
    if (core->whole_bytes > bytes->size)
        return gs_fail(err, GS_FAILED, "it is cut off, and the list of the process's threads is in the missing part");
    return gs_fail(err, GS_FAILED, "it says nothing of any thread");
}

void gs_core_close(struct gs_core *core)
{
    free(core->segments);
    free(core->files);
    free(core->file_note);
    free(core->threads);
    *core = (struct gs_core){0};
}

const struct gs_core_segment *gs_core_segment_at(const struct gs_core *core, gs_addr addr)
{
    size_t at = GS_FIRST_NOT(i, core->segment_count, core->segments[i].end <= addr);
    return at < core->segment_count && core->segments[at].start <= addr ? &core->segments[at] : NULL;
}

const struct gs_core_file *gs_core_file_at(const struct gs_core *core, gs_addr addr)
{
    size_t at = GS_FIRST_NOT(i, core->file_count, core->files[i].end <= addr);
    return at < core->file_count && core->files[at].start <= addr ? &core->files[at] : NULL;
}

size_t gs_core_read(const struct gs_core *core, gs_addr addr, void *dst, size_t len)
{
    size_t done = 0;
    while (done < len) {
        const struct gs_core_segment *segment = gs_core_segment_at(core, addr + done);
        uint64_t at = segment ? addr + done - segment->start : 0;
        if (!segment || at >= segment->dumped)
            break;
        size_t n = segment->dumped - at < len - done ? (size_t)(segment->dumped - at) : len - done;
        if (!gs_bytes_read(&core->bytes, segment->offset + at, (uint8_t *)dst + done, n))
            break;
        done += n;
    }
    return done;
}

uint64_t gs_core_aux(const struct gs_core *core, uint64_t type)
{
    for (size_t i = 0; i < core->aux_count; i++) {
        if (core->auxv[i].type == type)
            return core->auxv[i].value;
    }
    return 0;
}
