/* A CPython found inside a target, and what its objects say: code, strings, names, values. */
#ifndef GILSPY_PYTHON_H
#define GILSPY_PYTHON_H

#include "gilspy/layout.h"
#include "gilspy/target.h"

/* Where a build keeps what the layout's structs do not contain; 0 where unknown or not there. */
struct gs_anchors {
    gs_addr runtime;     /* _PyRuntime, 3.7 on */
    gs_addr interp_head; /* the word that points to the first interpreter */
    gs_addr current;     /* the word that points to the running thread state: 2.7-3.11 */
    /* 2.7 */
    gs_addr interpreter_lock;
    gs_addr import_lock, import_lock_thread; /* of import statements, and the ident of who has it; 0 if stripped */
    /* 3.6, whose GIL is a set of variables; all but locked and interval are 0 in a stripped build */
    gs_addr gil_locked, gil_last_holder, gil_switch_number, gil_interval, gil_cond, gil_mutex, gil_switch_cond,
        gil_switch_mutex, gil_drop_request;
    /* Up to 3.6, ints: whether garbage is collected, whether Python has begun and not begun to end; 0: not found. */
    gs_addr collecting, initialized;
    /* Writable data of the image that holds the runtime. */
    gs_addr data_start, data_end;
};

struct gs_python {
    struct gs_target *target; /* not owned */
    struct gs_mem *mem;       /* target->mem */
    struct gs_layout layout;
    struct gs_anchors at;
    char version[48];  /* as sys.version's first word: "3.11.7", "3.14.0rc1" */
    char *library;     /* path of the ELF file that holds the runtime */
    char *note;        /* what could not be found out, for the user; NULL: nothing */
    bool foreign_libc; /* not glibc: its locks keep other words, and who waits for one may sleep elsewhere */
    gs_addr code_type; /* PyCode_Type, 0 until the first code object was seen or where not exported */
};

struct gs_python_options {
    uint32_t assume; /* GS_VERSION(x, y) for an unknown Python, 0: refuse it */
};

/* Finds the interpreter. GS_NOT_PYTHON, GS_UNKNOWN_PYTHON, GS_NOT_PERMITTED, GS_GONE; err is filled. */
enum gs_status gs_python_open(struct gs_python **python, struct gs_target *target,
                              const struct gs_python_options *options, struct gs_err *err) GS_MUST_CHECK;
void gs_python_close(struct gs_python *python);
/* "release", "debug", "free-threaded", "free-threaded-debug" */
const char *gs_python_build(const struct gs_python *python);
/* It tells which threads handle an exception: from 3.7 on. */
static inline bool gs_python_exceptions(const struct gs_python *python)
{
    return python->layout.ts_exc_info != GS_ABSENT;
}

/* A Python str (or 2.7 str/unicode) as UTF-8 into dst, cut to fit, always terminated; surrogates, invalid bytes
 * and NUL become U+FFFD. Other control characters are left as they are: outputs escape them. */
enum gs_status gs_str_read(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, char *dst,
                           size_t size) GS_MUST_CHECK;

/* ---- code objects ---- */

/* A place in a line table, and what was found out on the way there. */
struct gs_line_mark {
    uint32_t pos; /* in the table */
    uint32_t at;  /* in the bytecode */
    int64_t line;
    bool any_line; /* bytecode before it has a line */
};

/* What one code object says, read at first sight; addresses of code objects are used again, so each use is checked. */
struct gs_code {
    gs_addr addr;
    uint64_t serial;           /* of all that its gs_codes has read: never the same again */
    uint64_t read_ns, seen_ns; /* CLOCK_MONOTONIC: when it was read, and last seen to be the same still */
    gs_addr name_addr, file_addr, lines_addr; /* to know it again by, */
    struct gs_code_mark {
        uint64_t length, hash;
    } name_mark, file_mark; /* and of the two strings, whose addresses are used again just as well */
    int32_t first_line;
    int32_t frame_words;  /* size of its frame on the data stack in 8-byte words, 0 before 3.11 */
    int32_t code_bytes;   /* length of the bytecode */
    int32_t head_offset;  /* from addr to the first instruction, 3.11 on */
    bool trampoline;      /* made by the interpreter itself (3.12 on: no instruction is traceable): hidden */
    int32_t locals_count; /* local variables, cells and free variables */
    int32_t arg_count;
    uint32_t line_bytes;
    uint8_t *lines;             /* copy of the line table, NULL: it cannot be read */
    struct gs_line_mark *marks; /* in a long line table, so that nobody goes through all of it each time */
    uint32_t mark_count;
    char *function; /* UTF-8; never NULL */
    char *qualname; /* NULL before 3.11, but for methods that gs_codes_infer knows */
    char *file;
    bool inferred; /* qualname is; or could not be */
};

struct gs_codes; /* all code objects seen in one process, by address */

struct gs_codes *gs_codes_new(struct gs_python *python);
void gs_codes_free(struct gs_codes *codes);
/* The code object at addr, read if it is new. NULL (and the reason) when there is no code object or it cannot be
 * read whole. The result lives until gs_codes_free or until gs_codes_check replaces it. */
const struct gs_code *gs_codes_get(struct gs_codes *codes, gs_addr addr, enum gs_status *why);
/* Known already: no read. */
const struct gs_code *gs_codes_find(const struct gs_codes *codes, gs_addr addr);
/* Reads again what tells one code object from another for every known address, and forgets those that changed.
 * Returns how many. */
size_t gs_codes_check(struct gs_codes *codes);
/* The same for some of them (at most GS_CODES_TOGETHER), but for those that were seen to be the same lately (how lately
 * counts, depends on how long they have been known); what is another one now is read. */
enum { GS_CODES_TOGETHER = 256 };
void gs_codes_confirm(struct gs_codes *codes, const gs_addr *addrs, size_t count, uint64_t now_ns);
/* Another number whenever a known code object was forgotten. */
uint64_t gs_codes_generation(const struct gs_codes *codes);
/* Another number whenever one was read at an address at which another had been forgotten before. */
uint64_t gs_codes_renewed(const struct gs_codes *codes);
/* Before 3.11: finds out the qualified name of a method, when it is called for its code for the first time. first: the
 * first argument as it was read with the frame; 0: an inner function shares it, and the frame is asked. What cannot be
 * told then never is: a function has one name for the whole run. */
void gs_codes_infer(struct gs_codes *codes, gs_addr addr, gs_addr frame, gs_addr first);
/* Where the copy no. `number` of a code object's bytecode begins, which some threads of a free-threaded Python run
 * (3.14 on); 0: not known. What was found before is not asked again until gs_codes_check, unless `anew`. */
gs_addr gs_codes_copy(struct gs_codes *codes, gs_addr code, uint32_t number, bool anew);
/* The line of the instruction at byte offset `instr` (-1: not started); 0 where none. */
int gs_code_line(const struct gs_layout *layout, const struct gs_code *code, int instr);

/* ---- threads' names ---- */

struct gs_names; /* threading's names by ident */
struct gs_names *gs_names_new(struct gs_python *python);
void gs_names_free(struct gs_names *names);
/* Reads threading._active of one interpreter's modules again. */
void gs_names_refresh(struct gs_names *names, gs_addr interpreter);
/* UTF-8, or NULL: threading does not know this thread. Where several interpreters do, the one counts that was asked
 * first: the main one knows it best. */
const char *gs_names_get(const struct gs_names *names, uint64_t ident);

/* ---- values ---- */

enum { GS_REPR_MAX = 256 /* bytes of one value's repr, the terminating NUL included */ };

/* A bounded repr of the object at addr: numbers, strings, containers with a few items, other objects by their type.
 * Never fails: what cannot be read is shown as <unreadable>, and unless `secrets` the values of dicts whose keys are
 * names of secrets, and the second of two items whose first is one, as <hidden>. */
void gs_value_repr(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object, bool secrets,
                   char dst[GS_REPR_MAX]);

struct gs_local {
    char *name;  /* UTF-8 */
    char *value; /* a repr */
    bool argument;
};

/* Which values are wanted. Nothing is owned. */
struct gs_wish {
    bool locals;              /* of all arguments and local variables */
    bool secrets;             /* those that look secret, too */
    size_t bytes;             /* of each value at most, with attributes of instances; 0: as gs_value_repr */
    const char *const *paths; /* values by path, as request.environ['PATH_INFO'], whole: in frames that have them */
    size_t path_count;
};
enum { GS_WISH_LEAST = 64, GS_WISH_BYTES = 4096 /* unless told */, GS_WISH_MOST = 1 << 20 };

/* Whether text is a path; false when it is none, or too long. */
bool gs_path_check(const char *text);

/* The argument and local variables of a frame (frame: address of its _PyInterpreterFrame or PyFrameObject) that runs
 * code, and behind them the values by path, whose names are their paths; what is not there is left out. Unless secrets
 * are wished for, those whose names are names of secrets (base/secret.h) have the value <hidden>. GS_LOST when the
 * frame is another one by now. The caller frees the result with gs_locals_free. */
enum gs_status gs_locals_read(const struct gs_python *python, struct gs_mem *mem, gs_addr frame,
                              const struct gs_code *code, const struct gs_wish *wish, struct gs_local **locals,
                              size_t *count) GS_MUST_CHECK;
void gs_locals_free(struct gs_local *locals, size_t count);

#endif
