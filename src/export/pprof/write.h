/* The profile while it is written: what its parts share. */
#ifndef GS_EXPORT_PPROF_WRITE_H
#define GS_EXPORT_PPROF_WRITE_H

#include "export/label.h"
#include "export/pprof/pprof.h"

enum { GS_PPROF_MAPPING = 1 /* the program, in which everything is */ };

struct gs_pprof_writer {
    struct gs_pprof *pprof;
    struct gs_pprof_out *out;
    struct gs_pprof_texts *functions, *locations; /* their numbers, less 1, by what they are */
    uint64_t *location;                           /* of each node, 0: it is not shown */
    uint64_t *path;
    size_t path_room;
    struct gs_label name, file, key;
    enum gs_status status; /* of the first thing that failed */
};

/* Nothing is done any more when something failed before. */
void gs_pprof_piece(struct gs_pprof_writer *writer, const Gs__Profile *piece);
/* The number of a text. */
int64_t gs_pprof_number(struct gs_pprof_writer *writer, const char *text);
/* That of a label, which is empty then. */
int64_t gs_pprof_label_number(struct gs_pprof_writer *writer, struct gs_label *label);
/* Writes what the nodes of the tree are called, and fills writer->location. */
void gs_pprof_write_locations(struct gs_pprof_writer *writer);

#endif
