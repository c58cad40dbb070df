/* Reads an ELF file's program headers and the note that holds its build id. */
#include <string.h>

#include "arch/arch.h"
#include "elf/head.h"

enum { NOTE_BYTES_MAX = 65536, NOTES_MAX = 64 };

static uint64_t align(uint64_t len, uint64_t to)
{
    return (len + to - 1) & ~(to - 1);
}

void gs_elf_head_read_notes(struct gs_elf_head *head, const struct gs_bytes *bytes, uint64_t start,
                            const Elf64_Phdr *segment)
{
    uint64_t to = segment->p_align == 8 ? 8 : 4, at = 0;
    uint64_t len = segment->p_filesz < NOTE_BYTES_MAX ? segment->p_filesz : NOTE_BYTES_MAX;
    Elf64_Nhdr note;
    char name[4];
    if (start > bytes->size)
        return;
    for (size_t i = 0; i < NOTES_MAX && at < len && len - at >= sizeof note + sizeof name; i++) {
        uint64_t offset = start + at;
        if (!gs_bytes_read(bytes, offset, &note, sizeof note) ||
            !gs_bytes_read(bytes, offset + sizeof note, name, sizeof name))
            return;
        uint64_t contents = align(sizeof note + note.n_namesz, to);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof name && memcmp(name, "GNU", sizeof name) == 0 &&
            note.n_descsz > 0 && note.n_descsz <= sizeof head->build_id &&
            gs_bytes_read(bytes, offset + contents, head->build_id, note.n_descsz)) {
            head->build_id_len = note.n_descsz;
            return;
        }
        at += align(contents + note.n_descsz, to);
    }
}

bool gs_elf_head_read(struct gs_elf_head *head, const struct gs_bytes *bytes)
{
    Elf64_Ehdr header;
    memset(head, 0, sizeof *head);
    if (!gs_bytes_read(bytes, 0, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != GS_ARCH_ELF_MACHINE || header.e_phentsize != sizeof *head->segments ||
        header.e_phnum == 0 || header.e_phnum > GS_ELF_SEGMENTS_MAX ||
        !gs_bytes_read(bytes, header.e_phoff, head->segments, header.e_phnum * sizeof *head->segments))
        return false;
    head->type = header.e_type;
    head->entry = header.e_entry;
    head->segment_count = header.e_phnum;
    for (size_t i = 0; i < head->segment_count && head->build_id_len == 0; i++) {
        if (head->segments[i].p_type == PT_NOTE)
            gs_elf_head_read_notes(head, bytes, head->segments[i].p_offset, &head->segments[i]);
    }
    return true;
}

bool gs_elf_head_alike(const struct gs_elf_head *a, const struct gs_elf_head *b)
{
    return a->type == b->type && a->entry == b->entry && a->segment_count == b->segment_count &&
           memcmp(a->segments, b->segments, a->segment_count * sizeof *a->segments) == 0;
}

bool gs_elf_head_same_id(const struct gs_elf_head *a, const struct gs_elf_head *b)
{
    return a->build_id_len == b->build_id_len && memcmp(a->build_id, b->build_id, a->build_id_len) == 0;
}
