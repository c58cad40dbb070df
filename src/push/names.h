/* What targets and their threads are called on a server: short, few, and harmless. */
#ifndef GS_PUSH_NAMES_H
#define GS_PUSH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "gilspy/sample.h"

enum { GS_PUSH_TEXT = 128 /* bytes of a name, with its NUL */, GS_PUSH_GROUPS = 32 /* of threads of a process */ };

/* Cleans a text of the target's: characters that could do harm are escaped, and it ends in "…" where it is too long. */
void gs_push_clean(char clean[GS_PUSH_TEXT], const char *theirs, size_t len);
/* From an environment (name=value, each with a NUL behind it) the value of OTEL_SERVICE_NAME; without one, of the
 * command, the module or script that Python runs; else, of the text of /proc/PID/cgroup, the systemd unit, or 12 digits
 * of the container's id; else the program. Never empty. environment and cgroup may be NULL. */
void gs_push_service(char service[GS_PUSH_TEXT], const char *environment, size_t len, char *const *command,
                     const char *cgroup);
/* The same of a process that lives, by its /proc. */
void gs_push_service_of(char service[GS_PUSH_TEXT], const struct gs_sampled_process *process);
/* "worker-17" is of the group "worker-*". */
void gs_push_group(char group[GS_PUSH_TEXT], const char *thread);
/* A name of a label that every server takes (Prometheus: [a-zA-Z_][a-zA-Z0-9_]*), and none that gilspy gives. */
bool gs_push_label_name(const char *name, size_t len);

#endif
