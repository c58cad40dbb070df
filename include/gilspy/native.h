/* The C stacks of a target's threads: copied without stopping whoever sleeps, unwound afterwards, named.
 *
 * Who wants merged stacks does not need this header: a reader with native stacks on (gs_reader_native) and
 * gs_merge_threads give frames of the kind GS_FRAME_NATIVE, whose `code` gs_native_name names. */
#ifndef GILSPY_NATIVE_H
#define GILSPY_NATIVE_H

#include "gilspy/target.h"

enum {
    GS_NATIVE_FRAMES_MAX = 1 << 15 /* of one C stack; deeper ones end in a gap that says so */
};

/* Which C frames are shown: none, all, or those above the innermost Python frame. */
enum gs_native_scope { GS_NATIVE_NONE, GS_NATIVE_ALL, GS_NATIVE_LEAF };

/* How a C stack ends. */
enum gs_native_end {
    GS_NATIVE_WHOLE,    /* at the function that the thread or the program began with */
    GS_NATIVE_NOT_YET,  /* it was not looked at */
    GS_NATIVE_UNKNOWN,  /* no unwind information for the code that it runs, or none that leads on */
    GS_NATIVE_REGISTER, /* a frame is found by a register of a sleeping thread, and no guess leads on */
    GS_NATIVE_DAMAGED,  /* the stack leads nowhere, or back to where it was */
    GS_NATIVE_CUT,      /* it is longer than what was copied of it, or than GS_NATIVE_FRAMES_MAX */
    GS_NATIVE_MOVED,    /* the thread went on while its stack was copied */
    GS_NATIVE_RUNS,     /* it runs, and was not to be stopped */
    GS_NATIVE_TRACED,   /* it runs, and may not be stopped: another program traces it */
    GS_NATIVE_HIDDEN    /* the kernel does not tell where its stack is */
};

struct gs_native_frame {
    gs_addr pc;    /* within the instruction that it runs: of callers, the call */
    gs_addr cfa;   /* its end: what its caller's stack pointer is after it returned; rises from frame to frame */
    gs_addr start; /* of the piece of code that it runs, as its unwind information has it; 0: unknown */
    bool inferred; /* rests on a register that was guessed */
};

struct gs_native_stack {
    struct gs_native_frame *frames; /* innermost first */
    size_t count, room;
    enum gs_native_end end;
    gs_addr second_sp; /* cut where it goes on upon another stack, here; 0: not so */
};

/* What a place in the code is called. It stays until the reader has taken another snapshot; the strings are the
 * target's: outputs clean them. */
struct gs_native_name {
    const char *function; /* demangled; where no symbol is known, "module+0x1234" */
    const char *module;   /* base name of the ELF file, "[vdso]", or "[unknown]" */
    const char *path;     /* of the ELF file, "" where there is none */
    const char *file;     /* source file, NULL: unknown, or not asked for (gs_native_place) */
    int32_t line;         /* 0: unknown */
    bool has_symbol;
};

/* Whether these servers can be asked: they are named, and so is who asks them. */
enum gs_status gs_native_debuginfod(struct gs_err *err) GS_MUST_CHECK;

struct gs_native; /* the unwind tables and symbols of one target */

struct gs_native_options {
    bool thorough;   /* lines of source also where it takes long to unpack them */
    bool debuginfod; /* debug information from the servers of DEBUGINFOD_URLS, if it is not here */
};

/* target: not owned. GS_NO_MEMORY. */
enum gs_status gs_native_new(struct gs_native **native, struct gs_target *target,
                             const struct gs_native_options *options) GS_MUST_CHECK;
void gs_native_free(struct gs_native *native);

/* Another number whenever an address that was named may be something else by now. */
uint64_t gs_native_generation(const struct gs_native *native);
/* The name of the code at pc. Reads files at first sight of a module; never NULL. */
const struct gs_native_name *gs_native_name(struct gs_native *native, gs_addr pc);
/* The same, and where in the source that is. */
const struct gs_native_name *gs_native_place(struct gs_native *native, gs_addr pc);

/* Which of a thread's C functions tells what it does, from the innermost on: the first that does not merely serve its
 * caller, as allocators, copying, locks and the way into the kernel do, nor is a stub of the linker. Begin with zeros.
 */
struct gs_native_telling {
    size_t count;       /* functions that were given */
    size_t told;        /* the one that tells, counted from 0; of nothing but servants the outermost */
    bool tells;         /* it is none of these */
    bool done;          /* it stays that one */
    const char *module; /* of one that has no name, while its caller is not known; NULL */
    size_t called;      /* what was called for it: the outermost that is not of the interpreter, else the outermost, */
    bool calls;         /* past CPython's own way to a C function; there is one, */
    bool foreign;       /* and it is not of the interpreter */
};
/* The strings must stay until the next one is given. */
void gs_native_tell(struct gs_native_telling *telling, const char *function, const char *module);

#endif
