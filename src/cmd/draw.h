/* A recording drawn in another format: what record does at its end, and report. */
#ifndef GS_CMD_DRAW_H
#define GS_CMD_DRAW_H

#include "cmd/args.h"
#include "profile/meter.h"
#include "export/format.h"
#include "recording/join.h"

/* The name of the recording itself among those of formats. */
#define GS_FORMAT_RECORDING "gilspy"

/* The format that args ask for, by name or by the extension of the output; svg where neither tells. NULL in *format:
 * the recording itself. */
enum gs_status gs_draw_choose(const struct gs_format **format, const struct gs_args *args,
                              struct gs_err *err) GS_MUST_CHECK;
/* The extension of the files of a format (NULL: the recording), with its dot. */
void gs_draw_extension(const struct gs_format *format, char extension[32]);

/* The file that a format begins with at `name`: its folder is made where it is one. *first is to be freed in any case.
 */
enum gs_status gs_draw_first_file(char **first, const struct gs_format *format, const char *name,
                                  struct gs_err *err) GS_MUST_CHECK;

/* Opens recordings and adds them to join. */
enum gs_status gs_draw_open(struct gs_join *join, const char *const *names, size_t count,
                            struct gs_err *err) GS_MUST_CHECK;

/* A sink that wants to know no more than how often samples were taken, how long and how well. */
struct gs_draw_whole {
    struct gs_sink sink;
    double rate_hz;
    struct gs_run_end end;
};
/* Learns it of the part that args select. GS_FAILED: there is no sample in it. */
enum gs_status gs_draw_whole(struct gs_join *recordings, struct gs_draw_whole *whole, const struct gs_args *args,
                             struct gs_err *err) GS_MUST_CHECK;

/* What args select. */
struct gs_selection gs_draw_selection(const struct gs_args *args);
/* Plays the part that args select into a sink, and tells on stderr what was not complete. */
enum gs_status gs_draw_play(struct gs_join *recordings, struct gs_sink *sink, const struct gs_args *args,
                            struct gs_err *err) GS_MUST_CHECK;
/* Draws recordings into `output`. One that is damaged or not complete is drawn as far as it goes, and that is said on
 * stderr. must: it is an error if args select nothing of them, a time in which nothing was recorded or threads that are
 * not there; else it is said. meter counts what is drawn; NULL: nobody wants to know. */
enum gs_status gs_draw(struct gs_join *recordings, const struct gs_format *format, const char *output,
                       const struct gs_args *args, bool must, struct gs_meter *meter, struct gs_err *err) GS_MUST_CHECK;

#endif
