/* What targets and their threads are called on a server: short, few, and harmless. */
#ifndef GS_PUSH_NAMES_H
#define GS_PUSH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "gilspy/sample.h"

enum { GS_PUSH_TEXT = 128 /* bytes of a name, with its NUL */, GS_PUSH_GROUPS = 32 /* of threads of a process */ };

/* Cleans a text of the target's: characters that could do harm are escaped, and it ends in "…" where it is too long. */
void gs_push_clean(char clean[GS_PUSH_TEXT], const char *theirs, size_t len);
/* What OTEL_SERVICE_NAME of its environment says; without that, of the command, the module or script that Python runs;
 * else the systemd unit of its cgroup, or 12 digits of the container's id; else the program. Never empty. */
void gs_push_service(char service[GS_PUSH_TEXT], const struct gs_sampled_process *process);
/* "worker-17" is of the group "worker-*". */
void gs_push_group(char group[GS_PUSH_TEXT], const char *thread);
/* A name of a label that every server takes (Prometheus: [a-zA-Z_][a-zA-Z0-9_]*), and none that gilspy gives. */
bool gs_push_label_name(const char *name, size_t len);

#endif
