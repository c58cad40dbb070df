/* Who waits for the lock of a file, in the kernel or in sqlite, and who has it. */
#ifndef GS_SESSION_WHY_FILES_H
#define GS_SESSION_WHY_FILES_H

#include "diagnose/why.h"
#include "session/attach.h"

/* By attach->snapshot, which is another one afterwards where C stacks had to be looked at. Each owner is looked at
 * once; what cannot be found out is left out. GS_OK, or what gs_reader_take says. */
enum gs_status gs_why_files_find(struct gs_why_files *files, struct gs_attach *attach,
                                 const struct gs_why_watch *watch) GS_MUST_CHECK;

#endif
