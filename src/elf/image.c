/* Looks symbols up in the tables that the dynamic linker uses, a few small reads each. */
#include <elf.h>
#include <string.h>

#include "elf/image.h"

enum { MAX_SEGMENTS = 64, MAX_DYNAMIC = 256, MAX_CHAIN = 4096, MAX_NAME = 64 };

static void read_segments(struct gs_image *image, const Elf64_Phdr *segments, size_t count, const Elf64_Phdr **dynamic)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        const Elf64_Phdr *segment = &segments[i];
        if (segment->p_type == PT_DYNAMIC)
            *dynamic = segment;
        if (segment->p_type != PT_LOAD)
            continue;
        if (first)
            image->bias = image->base - (segment->p_vaddr - segment->p_vaddr % 4096);
        first = false;
        gs_addr start = image->bias + segment->p_vaddr, end = start + segment->p_memsz;
        if (end > image->end)
            image->end = end;
        if (!(segment->p_flags & PF_W))
            continue;
        if (!image->data_start)
            image->data_start = start;
        image->data_end = end;
    }
}

/* The dynamic linker of glibc turns these into addresses in place, others leave them relative to the image. */
static gs_addr absolute(const struct gs_image *image, uint64_t value)
{
    return value - image->base < image->end - image->base ? value : image->bias + value;
}

static void read_dynamic(struct gs_image *image, const Elf64_Phdr *dynamic)
{
    Elf64_Dyn entries[MAX_DYNAMIC];
    size_t count = dynamic->p_memsz / sizeof *entries;
    if (count > MAX_DYNAMIC)
        count = MAX_DYNAMIC;
    if (gs_mem_read(image->mem, image->bias + dynamic->p_vaddr, entries, count * sizeof *entries))
        return;
    for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
        uint64_t value = entries[i].d_un.d_val;
        switch (entries[i].d_tag) {
        case DT_SYMTAB:
            image->symbols = absolute(image, value);
            break;
        case DT_STRTAB:
            image->strings = absolute(image, value);
            break;
        case DT_STRSZ:
            image->strings_bytes = value;
            break;
        case DT_GNU_HASH:
            image->gnu_hash = absolute(image, value);
            break;
        case DT_HASH:
            image->sysv_hash = absolute(image, value);
            break;
        }
    }
}

enum gs_status gs_image_open(struct gs_image *image, struct gs_mem *mem, gs_addr base)
{
    Elf64_Ehdr header;
    Elf64_Phdr segments[MAX_SEGMENTS];
    *image = (struct gs_image){.mem = mem, .base = base};
    enum gs_status status = gs_mem_read(mem, base, &header, sizeof header);
    if (status)
        return status;
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_phentsize != sizeof *segments ||
        header.e_phnum > MAX_SEGMENTS)
        return GS_NOT_PYTHON;
    status = gs_mem_read(mem, base + header.e_phoff, segments, header.e_phnum * sizeof *segments);
    if (status)
        return status;
    const Elf64_Phdr *dynamic = NULL;
    read_segments(image, segments, header.e_phnum, &dynamic);
    if (dynamic)
        read_dynamic(image, dynamic);
    return GS_OK;
}

/* The address of symbol no. `index` if it is defined and has this name. */
static gs_addr match(const struct gs_image *image, uint32_t index, const char *name)
{
    Elf64_Sym symbol;
    char found[MAX_NAME];
    if (gs_mem_read(image->mem, image->symbols + (uint64_t)index * sizeof symbol, &symbol, sizeof symbol) ||
        symbol.st_shndx == SHN_UNDEF || symbol.st_name >= image->strings_bytes ||
        gs_mem_read_cstr(image->mem, image->strings + symbol.st_name, found, sizeof found) || strcmp(found, name) != 0)
        return 0;
    return image->bias + symbol.st_value;
}

/* The table of -Wl,--hash-style=gnu: bucket -> run of hashes, the last with bit 0 set. */
static gs_addr find_gnu(const struct gs_image *image, const char *name)
{
    uint32_t head[4], index, hash = 5381;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    if (gs_mem_read(image->mem, image->gnu_hash, head, sizeof head) || head[0] == 0)
        return 0;
    uint32_t bucket_count = head[0], first = head[1];
    gs_addr buckets = image->gnu_hash + sizeof head + (uint64_t)head[2] * 8;
    gs_addr chains = buckets + (uint64_t)bucket_count * 4;
    if (gs_mem_read_u32(image->mem, buckets + hash % bucket_count * 4, &index) || index < first)
        return 0;
    for (size_t i = 0; i < MAX_CHAIN; i++, index++) {
        uint32_t entry;
        if (gs_mem_read_u32(image->mem, chains + (uint64_t)(index - first) * 4, &entry))
            return 0;
        gs_addr addr = (entry | 1) == (hash | 1) ? match(image, index, name) : 0;
        if (addr || entry & 1)
            return addr;
    }
    return 0;
}

/* The System V table: buckets and chains of symbol numbers. */
static gs_addr find_sysv(const struct gs_image *image, const char *name)
{
    uint32_t head[2], index, hash = 0;
    for (const char *c = name; *c; c++) {
        hash = (hash << 4) + (unsigned char)*c;
        hash ^= (hash & 0xf0000000) >> 24;
        hash &= 0x0fffffff;
    }
    if (gs_mem_read(image->mem, image->sysv_hash, head, sizeof head) || head[0] == 0)
        return 0;
    gs_addr buckets = image->sysv_hash + sizeof head, chains = buckets + (uint64_t)head[0] * 4;
    if (gs_mem_read_u32(image->mem, buckets + hash % head[0] * 4, &index))
        return 0;
    for (size_t i = 0; i < MAX_CHAIN && index != 0 && index < head[1]; i++) {
        gs_addr addr = match(image, index, name);
        if (addr)
            return addr;
        if (gs_mem_read_u32(image->mem, chains + (uint64_t)index * 4, &index))
            return 0;
    }
    return 0;
}

gs_addr gs_image_symbol(const struct gs_image *image, const char *name)
{
    if (!image->symbols || !image->strings)
        return 0;
    if (image->gnu_hash)
        return find_gnu(image, name);
    return image->sysv_hash ? find_sysv(image, name) : 0;
}
