/* A core file: what it says of a process and its threads, and where it has which memory. Hostile input. */
#ifndef GS_ELF_CORE_H
#define GS_ELF_CORE_H

#include <sys/types.h>

#include "arch/arch.h"
#include "elf/bytes.h"
#include "gilspy/status.h"

enum {
    GS_CORE_SEGMENTS_MAX = 1 << 20, /* vm.max_map_count is 65530 unless somebody raised it */
    GS_CORE_THREADS_MAX = 1 << 17,
    GS_CORE_FILES_BYTES_MAX = 32 << 20, /* of NT_FILE: the kernel makes 16 MiB at most */
    GS_CORE_FILES_MAX = 1 << 18,
    GS_CORE_AUXV_MAX = 64
};

struct gs_core_segment {
    gs_addr start, end;
    uint64_t dumped; /* how many bytes from start on are in the core: [offset, offset + dumped) */
    uint64_t offset;
    bool readable, writable, executable;
};

/* A mapped file. */
struct gs_core_file {
    gs_addr start, end;
    uint64_t offset;  /* in the file */
    const char *path; /* without " (deleted)" */
    bool deleted;
};

struct gs_core_thread {
    pid_t tid;
    int signal;
    gs_arch_regset registers;
};

struct gs_core_aux {
    uint64_t type, value;
};

struct gs_core {
    struct gs_bytes bytes;
    uint64_t whole_bytes;             /* size that the file should have */
    struct gs_core_segment *segments; /* by address; none overlaps another */
    size_t segment_count, segment_room;
    struct gs_core_file *files; /* by address; none overlaps another */
    size_t file_count;
    char *file_note;                /* has the paths */
    struct gs_core_thread *threads; /* in the order of the file: the one that got the signal first */
    size_t thread_count, thread_room;
    bool has_process;
    pid_t pid;
    char comm[16], arguments[81];
    struct gs_core_aux auxv[GS_CORE_AUXV_MAX];
    size_t aux_count;
    size_t note_count; /* read so far */
};

/* Reads all but the memory; bytes is copied, its descriptor or memory must stay. GS_FAILED when it is no core of a
 * 64-bit process of this kind of machine, or has no threads; err then says why, without the name of the file. Close it
 * in any case. */
enum gs_status gs_core_open(struct gs_core *core, const struct gs_bytes *bytes, struct gs_err *err) GS_MUST_CHECK;
void gs_core_close(struct gs_core *core);

/* NULL: there is none. */
const struct gs_core_segment *gs_core_segment_at(const struct gs_core *core, gs_addr addr);
const struct gs_core_file *gs_core_file_at(const struct gs_core *core, gs_addr addr);
/* How many bytes of memory from addr on, at most len, are in the core and now in dst. */
size_t gs_core_read(const struct gs_core *core, gs_addr addr, void *dst, size_t len);
/* An entry of the auxiliary vector, 0 when it is not there. */
uint64_t gs_core_aux(const struct gs_core *core, uint64_t type);

/* ---- core_notes.c ---- */

#endif
