/* Which thread of the kernel a thread state belongs to. */
#ifndef GS_SAMPLE_IDENTITY_H
#define GS_SAMPLE_IDENTITY_H

#include "sample/reader.h"

/* The threads of the kernel, asked for once per discovery and only when needed; the list is the caller's to free. */
struct gs_tasks {
    struct gs_task *list;
    size_t count;
    bool asked;
    size_t states; /* thread states seen in this discovery */
};

/* Counts one more thread state; false when there are far more of them than threads: a damaged list, or a hostile one.
 */
bool gs_identity_count(struct gs_reader *reader, struct gs_tasks *tasks);

/* Sets the member's tid, ns_tid and syscall_fd, if a thread belongs to it: a thread state may be older or younger than
 * its thread. native: its native_thread_id (3.11 on), 0 where the Python has none. */
void gs_identity_find(struct gs_reader *reader, struct gs_tasks *tasks, struct gs_member *member, uint64_t native);

#endif
