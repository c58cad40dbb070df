/* glibc or another C library: by the file that is mapped; a program without one has its library in it, and the struct
 * of its threads tells. */
#include <string.h>

#include "python/libc.h"

/* musl's library and its dynamic linker are one file, of which either name may be the real one. */
static const struct {
    const char *name; /* how the file's name begins */
    bool whole;       /* and ends */
    bool foreign;
} files[] = {
    {"ld-musl-", false, true},   {"libc.musl-", false, true}, {"libc.so", true, true},
    {"libc.so.6", false, false}, {"libc-2.", false, false},
};

/* glibc's struct begins with two pointers to itself, the thread's vector of modules between them (tcbhead_t in
 * sysdeps/x86_64/nptl/tls.h); musl's with one, followed by the vector and the threads before and behind it in a list
 * (struct pthread in src/internal/pthread_impl.h): in a process with one thread these are itself. */
static bool is_foreign_thread(const struct gs_python *python)
{
    enum { SELF = 0, AGAIN = 2, NEXT = 3, WORDS = 4 };
    const struct gs_layout *layout = &python->layout;
    gs_addr interp, tstate, words[WORDS];
    uint64_t ident;
    if (gs_mem_read_addr(python->mem, python->at.interp_head, &interp) ||
        gs_mem_read_addr(python->mem, interp + (gs_addr)layout->is_threads_head, &tstate) ||
        gs_mem_read(python->mem, tstate + (gs_addr)layout->ts_thread_id, &ident, sizeof ident) ||
        gs_mem_read(python->mem, ident, words, sizeof words) || words[SELF] != ident)
        return false;
    return words[AGAIN] != ident || words[NEXT] == ident;
}

bool gs_libc_is_foreign(const struct gs_python *python)
{
    const struct gs_target *target = python->target;
    for (size_t i = 0; i < target->map_count; i++) {
        const char *slash = strrchr(target->maps[i].path, '/'), *name = slash ? slash + 1 : "";
        for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
            if (files[k].whole ? strcmp(name, files[k].name) == 0
                               : strncmp(name, files[k].name, strlen(files[k].name)) == 0)
                return files[k].foreign;
        }
    }
    return is_foreign_thread(python);
}
