/* Where results go: standard output, or a file that appears at its place only when it is complete. */
#ifndef GS_BASE_OUTPUT_H
#define GS_BASE_OUTPUT_H

#include <stdio.h>

#include "base/destination.h"
#include "base/remarks.h"

struct gs_output {
    FILE *file;
    const char *name; /* as it was given */
    char *buffer;
    struct gs_destination to; /* path NULL: standard output */
    char *part;               /* the file that is written meanwhile, in the same folder; NULL: there is none, standard
                               * output, devices and FIFOs are written directly */
    int reason;               /* errno of a flush that failed */
    const struct gs_remarks *remarks;
};

/* name: "-" or NULL is standard output. Links on the way are followed as gs_destination_find does. A new file belongs
 * to the user who called sudo; one that replaces another has no more rights than that one, and its group, if that is
 * the caller's or that user's; else it is the caller's. */
enum gs_status gs_output_open(struct gs_output *output, const char *name, const struct gs_remarks *remarks,
                              struct gs_err *err) GS_MUST_CHECK;
/* The same for a file that others may read while it grows, in NAME.part: what an earlier run left there is moved to
 * NAME.part.old, and a run that still writes it is named. `path` is that of the file from the folder of `in` on (NULL:
 * from the current one), name how it is called in messages. */
enum gs_status gs_output_open_growing(struct gs_output *output, const struct gs_destination *in, const char *path,
                                      const char *name, const struct gs_remarks *remarks,
                                      struct gs_err *err) GS_MUST_CHECK;
/* Whether gs_output_open would do; nothing is left behind. */
enum gs_status gs_output_try(const struct gs_destination *in, const char *path, const char *name,
                             const struct gs_remarks *remarks, struct gs_err *err) GS_MUST_CHECK;
/* What was written goes out now: a reader waits for it. GS_OUTPUT: it did not arrive, and closing tells why. */
enum gs_status gs_output_flush(struct gs_output *output) GS_MUST_CHECK;
/* Writes out what is buffered, and puts the file in its place when `complete`; otherwise nothing of it stays. Fails
 * when anything that was written since the beginning did not arrive. A reader that closed the pipe is no reason for
 * a message: err->what is empty then. */
enum gs_status gs_output_close(struct gs_output *output, bool complete, struct gs_err *err) GS_MUST_CHECK;
/* Closes it behind work that ended with `status` and *err: complete when that is GS_OK. Returns the first failure;
 * where the work could not write (GS_OUTPUT), closing tells why. */
enum gs_status gs_output_end(struct gs_output *output, enum gs_status status, struct gs_err *err) GS_MUST_CHECK;
/* Closes one that was opened by gs_output_open_growing and failed: what is there of it stays in its NAME.part, which is
 * output->part; a file that stands at its place stays too. */
void gs_output_leave(struct gs_output *output);
/* The same for standard output that was written to without one. */
enum gs_status gs_output_close_stdout(struct gs_err *err) GS_MUST_CHECK;

/* Root by sudo: a file that was made shall not be root's. */
void gs_output_give_to_sudo_user(int fd, const struct gs_remarks *remarks);

/* When the program must end at once, from whatever thread: what has no name yet is removed. */
void gs_output_abandon(const struct gs_output *output);

#endif
