/* A file is the one that was mapped when it has the build id, or the beginning, that the core has. Where the core has
 * nothing of it, when it was there as it is before the core was made, and each of its segments has the place and the
 * size that it had in the process. */
#include <string.h>

#include "mem/core_match.h"

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
static const struct gs_core_file *piece_at(const struct gs_core_image *image, gs_addr addr, uint64_t offset)
{
    const struct gs_core_file *piece = gs_core_file_at(image->core, addr);
    return piece && image->of[piece - image->core->files] == image->number && piece->start == addr &&
                   piece->offset == offset
               ? piece
               : NULL;
}

void gs_core_first_read(struct gs_core_first *first, const struct gs_core_image *image)
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
static bool is_mapped(const struct gs_core_image *image, const Elf64_Phdr *segment, gs_addr bias)
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

static bool laid_out_so(const struct gs_core_image *image, const struct gs_elf_head *head)
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

const char *gs_core_match(const struct gs_core_image *image, const struct gs_core_first *first,
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

bool gs_core_is_constant(const struct gs_core_image *image, const struct gs_elf_head *head, gs_addr addr,
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
