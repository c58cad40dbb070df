/* Users' names out of /etc/passwd alone, in every build.
 *
 * getpwuid would ask whatever nsswitch.conf names: it loads libraries into us, which a static program cannot, and may
 * wait for a directory server just when the machine is in trouble. A user whom only a directory knows is shown by
 * number, which sudo -u '#NUMBER' takes as well. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/user.h"

bool gs_user_name(uid_t uid, char *dst, size_t size)
{
    char line[4096];
    struct passwd row, *found = NULL;
    FILE *file = fopen("/etc/passwd", "re");
    while (file && fgetpwent_r(file, &row, line, sizeof line, &found) == 0 && found->pw_uid != uid)
        found = NULL;
    if (found)
        snprintf(dst, size, "%s", found->pw_name);
    else
        snprintf(dst, size, "%u", (unsigned)uid);
    if (file)
        fclose(file);
    return found != NULL;
}

static void add_groups(struct gs_user *user, const char *name)
{
    FILE *file = fopen("/etc/group", "re");
    for (const struct group *group; file && (group = fgetgrent(file));) {
        for (char **member = group->gr_mem; *member && user->group_count < GS_USER_GROUPS_MAX; member++) {
            if (strcmp(*member, name) == 0 && group->gr_gid != user->groups[0])
                user->groups[user->group_count++] = group->gr_gid;
        }
    }
    if (file)
        fclose(file);
}

bool gs_user_find(struct gs_user *user, const char *name)
{
    int64_t number = -1;
    bool found = false;
    FILE *file = fopen("/etc/passwd", "re");
    if (!gs_parse_int(name, 0, UINT32_MAX - 1, &number))
        number = -1;
    for (const struct passwd *entry; file && !found && (entry = fgetpwent(file));) {
        found = strcmp(entry->pw_name, name) == 0 || (int64_t)entry->pw_uid == number;
        if (found) {
            *user = (struct gs_user){.uid = entry->pw_uid, .groups = {entry->pw_gid}, .group_count = 1};
            snprintf(user->name, sizeof user->name, "%s", entry->pw_name);
            snprintf(user->folder, sizeof user->folder, "%s", entry->pw_dir);
            add_groups(user, entry->pw_name);
        }
    }
    if (file)
        fclose(file);
    if (!found && number >= 0)
        *user = (struct gs_user){.uid = (uid_t)number, .groups = {(gid_t)number}, .group_count = 1};
    return found || number >= 0;
}
