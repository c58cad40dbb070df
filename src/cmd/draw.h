/* A recording drawn in another format: what record does at its end, and report. */
#ifndef GS_CMD_DRAW_H
#define GS_CMD_DRAW_H

#include "cmd/args.h"
#include "export/format.h"
#include "recording/recording.h"

/* The name of the recording itself among those of formats. */
#define GS_FORMAT_RECORDING "gilspy"

/* The format that args ask for, by name or by the extension of the output; svg where neither tells. NULL in *format:
 * the recording itself. */
enum gs_status gs_draw_choose(const struct gs_format **format, const struct gs_args *args,
                              struct gs_err *err) GS_MUST_CHECK;
/* The extension of the files of a format (NULL: the recording), with its dot. */
void gs_draw_extension(const struct gs_format *format, char extension[32]);

/* Draws a recording into `output`. One that is damaged or not complete is drawn as far as it goes, and that is said on
 * stderr. name: of the recording, for messages. */
enum gs_status gs_draw(struct gs_recording *recording, const char *name, const struct gs_format *format,
                       const char *output, const struct gs_args *args, struct gs_err *err) GS_MUST_CHECK;

#endif
