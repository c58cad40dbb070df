/* What the nodes of a call tree are called in files: text of a known length, made safe. */
#ifndef GS_EXPORT_LABEL_H
#define GS_EXPORT_LABEL_H

#include <stdio.h>

#include "export/files.h"
#include "profile/calltree.h"

struct gs_label {
    char *bytes; /* terminated, NULL while empty */
    size_t len, size;
    bool failed; /* out of memory: something is missing */
};

void gs_label_fini(struct gs_label *label);
void gs_label_cut(struct gs_label *label, size_t len);
/* Words of ours, as they are. */
void gs_label_put(struct gs_label *label, const char *fmt, ...) GS_PRINTF(2, 3);
/* Words of the target's, escaped; `most` characters of them and "…", all when it is 0. */
void gs_label_add(struct gs_label *label, const char *theirs, size_t most);

/* A thread's name: as gs_label_add, but cut in the middle, since ends of names tell them apart. */
void gs_label_name(struct gs_label *label, const char *theirs, size_t most);

/* "function (file:line)", "[gap: why]", "worker-1 (4250)", "4242: python3 app.py". `files` shortens the file, NULL: it
 * is whole. */
void gs_label_node(struct gs_label *label, const struct gs_calltree *tree, uint32_t node, const struct gs_files *files,
                   size_t most);
/* The same apart: what it is called, and for a frame its file (a native one: the module); returns its line, or 0. */
int32_t gs_label_parts(struct gs_label *name, struct gs_label *file, const struct gs_calltree *tree, uint32_t node);
/* "Class.method", as gs_called; names of C++ and Rust whole. */
void gs_label_function(struct gs_label *label, const struct gs_place *place, size_t most);
/* The same for a place, as it stands in a call tree. */
void gs_label_place(struct gs_label *label, const struct gs_place *place, const struct gs_files *files, size_t most);
/* "4.2 s" */
void gs_label_time(struct gs_label *label, uint64_t ns);
/* "1 thread", "3 threads" */
void gs_label_count(struct gs_label *label, uint64_t count, const char *one, const char *many);

/* Writes text into XML, between tags or in quotes. */
void gs_xml_write(const char *text, FILE *out);

#endif
