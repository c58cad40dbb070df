/* From the options of a command line to those of the session that does what they ask for. */
#ifndef GS_CMD_WIRE_H
#define GS_CMD_WIRE_H

#include "base/output.h"
#include "cmd/args.h"
#include "export/dump.h"
#include "session/family.h"

/* output: is abandoned when the program must end at once; NULL: there is none. All refer to args and output. */
struct gs_attach_options gs_wire_attach(const struct gs_args *args, const struct gs_output *output);
struct gs_family_options gs_wire_family(const struct gs_args *args, const struct gs_output *output);
/* The snapshot for the renderings; it refers to attach. */
struct gs_dump gs_wire_dump(struct gs_attach *attach, const struct gs_args *args);

/* Tells which of the values that --show names no frame of these processes has (met: as of gs_values_met, of all). */
void gs_wire_tell_paths(const struct gs_args *args, uint64_t met);

/* Adds to the processes that args names those that --name and --cgroup ask for. err is filled. */
enum gs_status gs_wire_find(struct gs_args *args, struct gs_err *err) GS_MUST_CHECK;
/* args is known to name one process, or a program. GS_USAGE and err filled where it does not; verb: as "trace". */
enum gs_status gs_wire_check_one(const struct gs_args *args, const char *verb, struct gs_err *err) GS_MUST_CHECK;
/* The name of the output: that which was given, else "gilspy-4242-20260131-120000.svg", or "-" where the format has no
 * extension. malloc'ed; NULL: out of memory.
 */
char *gs_wire_name(const struct gs_args *args, const char *extension);
/* What the command ends with that has done what it could, and waited for a program: its exit status, -1: there was
 * none. */
int gs_wire_exit(int exit, int child);

#endif
