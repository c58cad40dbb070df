/* Who we are to a server, out of the environment or files that it names: never out of the command line, which everybody
 * on the machine can read. */
#ifndef GS_PUSH_CREDENTIALS_H
#define GS_PUSH_CREDENTIALS_H

#include "gilspy/status.h"

/* GILSPY_PUSH_TOKEN (Authorization: Bearer), or GILSPY_PUSH_USER with GILSPY_PUSH_PASSWORD (Basic), and
 * GILSPY_PUSH_TENANT (X-Scope-OrgID); of each NAME_FILE names a file with it instead. GILSPY_PUSH_CA_FILE: certificates
 * to trust. */
struct gs_push_credentials {
    char *headers[3]; /* "Name: value", NULL at the end */
    const char *ca_file;
};

/* Files are read anew each time, since what they hold is rotated. GS_FAILED, err filled (with the name of what cannot
 * be had, not with a value): a file cannot be read, or a value has control characters; GS_NO_MEMORY. Free in any case.
 */
enum gs_status gs_push_credentials_read(struct gs_push_credentials *credentials, struct gs_err *err) GS_MUST_CHECK;
void gs_push_credentials_free(struct gs_push_credentials *credentials);

#endif
