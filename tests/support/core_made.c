/* Headers, notes and memory of a core, laid out one behind the other. */
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "support/core_made.h"
#include "support/unit.h"

Elf64_Ehdr *core_made_header(struct core_made *m)
{
    return (Elf64_Ehdr *)m->bytes;
}

Elf64_Phdr *core_made_segment(struct core_made *m, size_t i)
{
    return (Elf64_Phdr *)(m->bytes + sizeof(Elf64_Ehdr)) + i;
}

Elf64_Phdr *core_made_load(struct core_made *m, gs_addr addr, uint64_t memory, uint64_t offset, uint64_t file)
{
    Elf64_Phdr *load = core_made_segment(m, m->segments++);
    *load = (Elf64_Phdr){.p_type = PT_LOAD,
                         .p_flags = PF_R | PF_W,
                         .p_offset = offset,
                         .p_vaddr = addr,
                         .p_filesz = file,
                         .p_memsz = memory};
    core_made_header(m)->e_phnum = (Elf64_Half)m->segments;
    return load;
}

uint8_t *core_made_note(struct core_made *m, const char *name, uint32_t type, const void *contents, size_t len)
{
    Elf64_Nhdr *note = (Elf64_Nhdr *)(m->bytes + CORE_MADE_NOTES + m->notes);
    size_t name_len = strlen(name) + 1;
    *note = (Elf64_Nhdr){(Elf64_Word)name_len, (Elf64_Word)len, type};
    uint8_t *at = (uint8_t *)(note + 1) + (name_len + 3) / 4 * 4;
    memcpy(note + 1, name, name_len);
    memcpy(at, contents, len);
    m->notes = (size_t)(at + (len + 3) / 4 * 4 - m->bytes) - CORE_MADE_NOTES;
    core_made_segment(m, 0)->p_filesz = m->notes;
    return at;
}

void core_made_thread(struct core_made *m, int tid, int signal)
{
    struct elf_prstatus status = {.pr_pid = tid, .pr_cursig = (short)signal};
    memset(&status.pr_reg, CORE_MADE_REGISTERS, sizeof status.pr_reg);
    core_made_note(m, "CORE", NT_PRSTATUS, &status, sizeof status);
}

struct core_made *core_made_begin(void)
{
    struct core_made *m = calloc(1, sizeof *m);
    m->bytes = calloc(1, CORE_MADE_ROOM);
    m->size = CORE_MADE_ROOM;
    *core_made_header(m) =
        (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                     .e_type = ET_CORE,
                     .e_machine = GS_ARCH_ELF_MACHINE,
                     .e_phoff = sizeof(Elf64_Ehdr),
                     .e_phentsize = sizeof(Elf64_Phdr)};
    core_made_load(m, 0, 0, CORE_MADE_NOTES, 0)->p_type = PT_NOTE;
    core_made_thread(m, 42, 11);
    return m;
}

enum gs_status core_made_open(struct core_made *m)
{
    struct gs_bytes bytes;
    uint8_t *copy = malloc(m->size ? m->size : 1);
    memcpy(copy, m->bytes, m->size);
    gs_bytes_of_memory(&bytes, copy, m->size);
    return gs_core_open(&m->core, &bytes, &m->err);
}

void core_made_reopen(struct core_made *m)
{
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    assert_int_equal(core_made_open(m), GS_OK);
}

void core_made_end(struct core_made *m)
{
    free((void *)m->core.bytes.memory);
    gs_core_close(&m->core);
    free(m->bytes);
    free(m);
}

void core_made_refused(struct core_made *m, const char *why)
{
    assert_int_equal(core_made_open(m), GS_FAILED);
    assert_string_equal(m->err.what, why);
    core_made_end(m);
}
