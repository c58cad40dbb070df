/* Profiles that wait on disk for their server: a file for each, in the order in which they were made. */
#ifndef GS_PUSH_SPOOL_H
#define GS_PUSH_SPOOL_H

#include "push/profile.h"

struct gs_spool;

/* folder is made where there is none, and is ours alone meanwhile; what is in it already comes first. GS_FAILED, err
 * filled; GS_NO_MEMORY. Close it in any case. */
enum gs_status gs_spool_open(struct gs_spool **spool, const char *folder, uint64_t bytes_most,
                             struct gs_err *err) GS_MUST_CHECK;
/* What is in it stays. */
void gs_spool_close(struct gs_spool *spool);
/* How many there are, one that was taken too. */
size_t gs_spool_count(const struct gs_spool *spool);
/* Whether there is room for a profile within the bound; else the first one has to go before. */
bool gs_spool_fits(const struct gs_spool *spool, const struct gs_push_profile *profile);
/* Keeps a copy behind the others. False: it could not be written, errno tells why. */
bool gs_spool_put(struct gs_spool *spool, const struct gs_push_profile *profile);
/* The first one that is not taken yet. NULL: there is none, or it could not be read, and is gone. */
struct gs_push_profile *gs_spool_take(struct gs_spool *spool);
/* Removes the first one that is not taken. False: there is none. *profile NULL: it could not be read. */
bool gs_spool_drop(struct gs_spool *spool, struct gs_push_profile **profile);
/* The one that was taken last is the first again, or gone for good. */
void gs_spool_give_back(struct gs_spool *spool);
void gs_spool_done(struct gs_spool *spool);

#endif
