/* The names of users. */
#ifndef GS_BASE_USER_H
#define GS_BASE_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The name that /etc/passwd has for a user, cut to `size`. False: none; dst is the number then. */
bool gs_user_name(uid_t uid, char *dst, size_t size);

enum { GS_USER_GROUPS_MAX = 64 };

struct gs_user {
    uid_t uid;
    gid_t groups[GS_USER_GROUPS_MAX]; /* the first is its own */
    size_t group_count;
    char name[64], folder[256]; /* its home directory; "" where /etc/passwd does not have it */
};

/* A user of /etc/passwd by name or number, with its groups of /etc/group; false: there is none. */
bool gs_user_find(struct gs_user *user, const char *name);

#endif
