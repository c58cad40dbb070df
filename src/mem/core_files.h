/* The files that a process had mapped, for what its core leaves out: each is opened when it is needed. */
#ifndef GS_MEM_CORE_FILES_H
#define GS_MEM_CORE_FILES_H

#include "elf/core.h"

struct gs_core_files;

struct gs_core_files_options {
    const char *exe;        /* where the program is now, NULL: where it was. If that is the path that it had, below
                             * another root, the other files are looked for there, too */
    int64_t made_at_ns;     /* when the core was made, CLOCK_REALTIME */
    const char *build_ids;  /* a folder of files by their build ids, NULL: none */
    struct gs_watch *watch; /* told of each step that may wait for ever, NULL: nobody watches */
};

/* core is not owned. NULL when out of memory. */
struct gs_core_files *gs_core_files_new(const struct gs_core *core, const struct gs_core_files_options *options);
void gs_core_files_free(struct gs_core_files *files);

/* Where the program is mapped, NULL: not known. */
const struct gs_core_file *gs_core_files_program(const struct gs_core_files *files);
/* Numbers the mapped files from 0 on; addr lies in one. */
size_t gs_core_files_number(const struct gs_core_files *files, const struct gs_core_file *file);
/* Memory that the process cannot have changed, from the file that was mapped at addr: at most up to the end of a page.
 * Returns how many bytes, 0: none. */
size_t gs_core_files_read(struct gs_core_files *files, gs_addr addr, void *dst, size_t len);
/* A descriptor of the file that was mapped at addr, which the caller closes; -1: it is not to be had. */
int gs_core_files_open(struct gs_core_files *files, gs_addr addr);
/* The i-th of the files that were needed and are not to be had, and why ("is missing"). False: there are no more. */
bool gs_core_files_lack(const struct gs_core_files *files, size_t i, const char **path, const char **why);
/* Why options.exe is not the program; NULL: it is, or there is none, or the core does not tell which its program was.
 * It is looked at for that if it was not needed, so that this is the last to be asked. */
const char *gs_core_files_misled(struct gs_core_files *files);

#endif
