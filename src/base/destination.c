/* Path resolution of our own: each component is opened relative to the one before it, so that what was checked is what
 * is used. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/destination.h"
#include "base/user.h"

enum { LINKS_MOST = 40 /* the kernel's MAXSYMLINKS */ };

struct walk {
    struct gs_destination *to;
    char done[PATH_MAX]; /* up to the folder, as it was walked; empty: the one that it began in */
    char left[PATH_MAX]; /* from there on */
    char part[NAME_MAX + 1];
    int links;
    bool folder_only;
    bool told;            /* err has the reason */
    struct stat expected; /* what a link of /proc led to: a regular file with this path; st_mode 0: none */
    struct gs_err *err;
    const char *path; /* as it was given */
};

static bool fail(int reason)
{
    errno = reason;
    return false;
}

/* ---- directories ---- */

static bool enter(struct walk *walk, int folder, const char *text)
{
    size_t len = strlen(walk->done);
    if (folder < 0)
        return false;
    if (walk->to->folder >= 0)
        close(walk->to->folder);
    walk->to->folder = folder;
    if (len + strlen(text) + 2 > sizeof walk->done)
        return fail(ENAMETOOLONG);
    strcpy(walk->done + len, text);
    return true;
}

static bool enter_root(struct walk *walk)
{
    walk->done[0] = '\0';
    return enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "/");
}

static bool enter_part(struct walk *walk, int flags)
{
    char text[NAME_MAX + 2];
    size_t len = strlen(walk->part);
    memcpy(text, walk->part, len);
    memcpy(text + len, "/", 2);
    return enter(walk, openat(walk->to->folder, walk->part, O_PATH | O_DIRECTORY | O_CLOEXEC | flags), text);
}

/* ---- links ---- */

static bool is_shared(const struct stat *folder)
{
    return folder->st_mode & (S_IWGRP | S_IWOTH); /* of one with an ACL the group's bits are the mask of it */
}

static bool is_foreign(const struct stat *folder, const struct stat *file)
{
    return is_shared(folder) && file->st_uid != geteuid() && file->st_uid != folder->st_uid;
}

static bool refuse(struct walk *walk, const struct stat *link)
{
    char owner[64];
    gs_user_name(link->st_uid, owner, sizeof owner);
    walk->told = true;
    gs_fail(walk->err, GS_OUTPUT,
            "cannot write to %.300s: %.300s%.100s is a link of %s in a directory that others may write to", walk->path,
            walk->done, walk->part, owner);
    gs_err_todo(walk->err, "Name the file itself, or one in a directory of your own");
    return false;
}

/* What is left begins anew with the text of a link. */
static bool put_before(struct walk *walk, const char *text)
{
    char rest[PATH_MAX];
    strcpy(rest, walk->left);
    if (!*text || strlen(text) + strlen(rest) >= sizeof walk->left)
        return fail(*text ? ENAMETOOLONG : ENOENT);
    strcpy(walk->left, text);
    strcat(walk->left, rest);
    return *text != '/' || enter_root(walk);
}

static bool follow_text(struct walk *walk, int folder, const char *name)
{
    char text[PATH_MAX];
    ssize_t len = readlinkat(folder, name, text, sizeof text - 1);
    if (len < 0)
        return false;
    text[len] = '\0';
    return put_before(walk, text);
}

/* The last component is a link of /proc. What has no path (a pipe, a terminal of another namespace) is opened by it; a
 * file has one, which must lead to the same. */
static bool follow_kernels(struct walk *walk, bool *found)
{
    struct gs_destination *to = walk->to;
    int fd = openat(to->folder, walk->part, O_PATH | O_CLOEXEC);
    bool told = fd >= 0 && fstat(fd, &to->there) == 0;
    if (fd >= 0)
        close(fd);
    if (!told)
        return false;
    if (S_ISREG(to->there.st_mode)) {
        walk->expected = to->there;
        return follow_text(walk, to->folder, walk->part);
    }
    *found = to->exists = to->kernels = true;
    return true;
}

/* The component is no directory, or the last: it may be a link. */
static bool follow(struct walk *walk, const struct stat *about, int link, bool last, bool *found)
{
    struct stat folder;
    struct statfs system;
    if (++walk->links > LINKS_MOST)
        return fail(ELOOP);
    if (fstatfs(walk->to->folder, &system) != 0 || fstat(walk->to->folder, &folder) != 0)
        return false;
    if (system.f_type == PROC_SUPER_MAGIC)
        return last ? follow_kernels(walk, found) : enter_part(walk, 0);
    if (is_foreign(&folder, about))
        return refuse(walk, about);
    return follow_text(walk, link, "");
}

/* ---- the way ---- */

/* Cuts off the next component. */
static bool next(struct walk *walk, bool *last)
{
    const char *begin = walk->left + strspn(walk->left, "/");
    size_t len = strcspn(begin, "/");
    if (len == 0 || len > NAME_MAX)
        return fail(len > 0 ? ENAMETOOLONG : EISDIR);
    memcpy(walk->part, begin, len);
    walk->part[len] = '\0';
    *last = begin[len] == '\0';
    memmove(walk->left, begin + len, strlen(begin + len) + 1);
    return !*last || (strcmp(walk->part, ".") != 0 && strcmp(walk->part, "..") != 0) || fail(EISDIR);
}

static bool step(struct walk *walk, bool last, bool *found)
{
    struct stat about;
    if (last && walk->folder_only)
        return *found = true;
    if (!last && enter_part(walk, O_NOFOLLOW))
        return true;
    if (!last && errno != ENOTDIR && errno != ELOOP)
        return false;
    int fd = openat(walk->to->folder, walk->part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && last && errno == ENOENT)
        return *found = true;
    bool ok = fd >= 0 && fstat(fd, &about) == 0;
    if (ok && S_ISLNK(about.st_mode)) {
        ok = follow(walk, &about, fd, last, found);
    } else if (ok) {
        *found = walk->to->exists = last;
        walk->to->there = about;
        ok = last || fail(ENOTDIR);
    }
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return ok;
}

static bool go(struct walk *walk)
{
    bool last, found = false;
    while (!found) {
        if (!next(walk, &last) || !step(walk, last, &found))
            return false;
    }
    const struct stat *there = &walk->to->there, *expected = &walk->expected;
    return !expected->st_mode ||
           (walk->to->exists && there->st_ino == expected->st_ino && there->st_dev == expected->st_dev &&
            there->st_uid == expected->st_uid) ||
           fail(ENOENT);
}

static bool begin(struct walk *walk, const struct gs_destination *in)
{
    int from = in ? in->folder : AT_FDCWD;
    const char *text = in ? in->path : "";
    if (!*walk->path || strlen(walk->path) >= sizeof walk->left)
        return fail(*walk->path ? ENAMETOOLONG : ENOENT);
    strcpy(walk->left, walk->path);
    if (*walk->path == '/')
        return enter_root(walk);
    return enter(walk, openat(from, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), text) &&
           (!in || (walk->done[in->name - in->path] = '\0') == '\0');
}

static bool keep_path(struct walk *walk)
{
    size_t folder = strlen(walk->done), name = strlen(walk->part);
    walk->to->path = malloc(folder + name + 1);
    if (!walk->to->path)
        return fail(ENOMEM);
    memcpy(walk->to->path, walk->done, folder);
    memcpy(walk->to->path + folder, walk->part, name + 1);
    walk->to->name = walk->to->path + folder;
    return true;
}

static enum gs_status find(struct walk *walk, const struct gs_destination *in)
{
    *walk->to = (struct gs_destination){.folder = -1};
    if (begin(walk, in) && go(walk) && keep_path(walk))
        return GS_OK;
    int reason = errno;
    gs_destination_close(walk->to);
    return walk->told ? GS_OUTPUT
                      : gs_fail(walk->err, GS_OUTPUT, "cannot write to %.300s: %s", walk->path, strerror(reason));
}

enum gs_status gs_destination_find(struct gs_destination *to, const struct gs_destination *in, const char *path,
                                   struct gs_err *err)
{
    struct walk walk = {.to = to, .err = err, .path = path};
    return find(&walk, in);
}

enum gs_status gs_destination_folder(struct gs_destination *to, const char *path, struct gs_err *err)
{
    struct walk walk = {.to = to, .err = err, .path = path, .folder_only = true};
    return find(&walk, NULL);
}

void gs_destination_close(struct gs_destination *to)
{
    if (to->folder >= 0)
        close(to->folder);
    free(to->path);
    *to = (struct gs_destination){.folder = -1};
}

bool gs_destination_foreign(const struct gs_destination *to, const struct stat *file)
{
    struct stat folder;
    return fstat(to->folder, &folder) != 0 || is_foreign(&folder, file);
}
