/* Output that is whole or not there: written beside its place and renamed, every error noticed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/user.h"
#include "base/output.h"

enum { BUFFER_BYTES = 64 * 1024 };

static enum gs_status fail(struct gs_err *err, const char *name, int reason)
{
    return gs_fail(err, GS_OUTPUT, "cannot write to %.300s: %s", name, strerror(reason));
}

/* Whom sudo works for. It says so by the environment, which nobody else sets for a program that is root; one that got
 * its rights from its file (AT_SECURE) does not listen to it. */
static bool sudo_user(uid_t *uid, gid_t *gid)
{
    const char *uid_text = secure_getenv("SUDO_UID"), *gid_text = secure_getenv("SUDO_GID");
    int64_t user, group;
    if (geteuid() != 0 || !uid_text || !gid_text || !gs_parse_int(uid_text, 1, UINT32_MAX - 1, &user) ||
        !gs_parse_int(gid_text, 0, UINT32_MAX - 1, &group))
        return false;
    *uid = (uid_t)user;
    *gid = (gid_t)group;
    return true;
}

void gs_output_give_to_sudo_user(int fd, const struct gs_remarks *remarks)
{
    uid_t uid;
    gid_t gid;
    if (sudo_user(&uid, &gid) && fchown(fd, uid, gid) != 0)
        gs_tell(remarks, "the output stays root's: %s", strerror(errno));
}

/* umask(2) tells the mask only to who changes it, for all threads: /proc has it since Linux 4.7. Not told: ours alone.
 */
static mode_t mode_of_new(void)
{
    char text[512];
    unsigned mask = 022;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    text[len > 0 ? len : 0] = '\0';
    const char *line = strstr(text, "\nUmask:");
    if (!line || sscanf(line, "\nUmask: %o", &mask) != 1)
        mask = 077;
    if (fd >= 0)
        close(fd);
    return 0666 & ~(mode_t)mask;
}

/* Rights of a group whose members differ: no more than all others have. */
static mode_t without_group(mode_t mode)
{
    return (mode & (S_IRWXU | S_IRWXO)) | (mode & S_IRWXG & (mode & S_IRWXO) << 3);
}

/* The new file, which is ours alone so far, gets the rights of the one that it will replace; it changes its owner for
 * nobody but the user of sudo. Whatever belongs to somebody else has no say in whose the new one is, and takes rights
 * from it only. */
static void dress(int fd, const struct gs_output *output)
{
    const struct gs_destination *to = &output->to;
    uid_t uid;
    gid_t gid;
    bool sudo = sudo_user(&uid, &gid);
    const struct stat *old = &to->there;
    if (!to->exists) {
        fchmod(fd, mode_of_new());
        gs_output_give_to_sudo_user(fd, output->remarks);
    } else if (old->st_uid == geteuid() || (sudo && old->st_uid == uid)) {
        bool same = fchown(fd, old->st_uid, old->st_gid) == 0;
        fchmod(fd, same ? old->st_mode & 0777 : without_group(old->st_mode));
    } else {
        fchmod(fd, without_group(old->st_mode) & mode_of_new());
    }
}

/* ---- beside its place ---- */

static enum gs_status cannot(const struct gs_output *output, int reason, struct gs_err *err)
{
    return fail(err, output->name, reason);
}

/* Of the file that is written meanwhile, in the folder. */
static const char *part_name(const struct gs_output *output)
{
    return output->part + (output->to.name - output->to.path);
}

static void forget_place(struct gs_output *output)
{
    free(output->part);
    output->part = NULL;
    if (output->to.path)
        gs_destination_close(&output->to);
}

/* NAME.part-XXXXXX. */
static int create_part(struct gs_output *output)
{
    enum { TRIES = 100, LETTERS = 6 };
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint8_t random[LETTERS];
    if (asprintf(&output->part, "%s.part-XXXXXX", output->to.path) < 0) {
        output->part = NULL;
        return -1;
    }
    char *end = output->part + strlen(output->part) - LETTERS;
    for (int i = 0; i < TRIES; i++) {
        if (getentropy(random, sizeof random))
            return -1;
        for (size_t k = 0; k < LETTERS; k++)
            end[k] = letters[random[k] % (sizeof letters - 1)];
        int fd = openat(output->to.folder, part_name(output), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* What an earlier run left in NAME.part makes room. */
static enum gs_status clear_part(struct gs_output *output, struct gs_err *err)
{
    char *aside, owner[64];
    struct stat left;
    int folder = output->to.folder,
        fd = openat(folder, part_name(output), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return GS_OK;
    bool known = fd >= 0 ? fstat(fd, &left) == 0 : fstatat(folder, part_name(output), &left, AT_SYMLINK_NOFOLLOW) == 0;
    gs_user_name(known ? left.st_uid : 0, owner, sizeof owner);
    enum gs_status status = GS_OK;
    if (!known)
        status = cannot(output, errno, err);
    else if (fd < 0 || !S_ISREG(left.st_mode) || gs_destination_foreign(&output->to, &left))
        status = gs_fail(err, GS_OUTPUT, "cannot write to %.300s: %.300s, which %s put there, is in the way",
                         output->name, output->part, owner);
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        status = gs_fail(err, GS_OUTPUT, "cannot write to %.300s: %.300s is being written by another run, of %s",
                         output->name, output->part, owner);
    if (!status && left.st_size > 0 && asprintf(&aside, "%s.old", output->part) >= 0) {
        if (renameat(folder, part_name(output), folder, aside + (output->to.name - output->to.path)) == 0)
            gs_tell(output->remarks, "%s was left by a run that did not end: it is %s now", output->part, aside);
        free(aside);
    }
    if (!status)
        unlinkat(folder, part_name(output), 0);
    if (fd >= 0)
        close(fd);
    return status;
}

/* NAME.part, unless another run writes it. */
static enum gs_status create_growing(struct gs_output *output, int *fd, struct gs_err *err)
{
    if (asprintf(&output->part, "%s.part", output->to.path) < 0) {
        output->part = NULL;
        return cannot(output, ENOMEM, err);
    }
    enum gs_status status = clear_part(output, err);
    if (status) {
        free(output->part); /* it is not ours */
        output->part = NULL;
        return status;
    }
    *fd = openat(output->to.folder, part_name(output), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return cannot(output, errno, err);
    (void)flock(*fd, LOCK_EX | LOCK_NB); /* nobody else has it open: where it fails the file system has no locks */
    return GS_OK;
}

/* ---- opening ---- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_uid == b->st_uid;
}

/* A device or FIFO. What another user put where anybody may is none that was meant. */
static enum gs_status open_direct(const struct gs_output *output, int *fd, struct gs_err *err)
{
    const struct gs_destination *to = &output->to;
    struct stat opened;
    if (!to->kernels && gs_destination_foreign(to, &to->there))
        return cannot(output, EPERM, err);
    *fd = openat(to->folder, to->name, O_WRONLY | O_CLOEXEC | O_NOCTTY | (to->kernels ? 0 : O_NOFOLLOW));
    if (*fd < 0)
        return cannot(output, errno, err);
    return fstat(*fd, &opened) == 0 && same_file(&opened, &to->there) ? GS_OK : cannot(output, ESTALE, err);
}

static bool is_special(const struct gs_output *output)
{
    return output->to.exists && !S_ISREG(output->to.there.st_mode);
}

static enum gs_status find(struct gs_output *output, const struct gs_destination *in, const char *path,
                           const char *name, const struct gs_remarks *remarks, struct gs_err *err)
{
    struct gs_err why;
    *output = (struct gs_output){.name = name, .to.folder = -1, .remarks = remarks};
    enum gs_status status = gs_destination_find(&output->to, in, path, &why);
    if (status)
        *err = why;
    else if (output->to.exists && S_ISDIR(output->to.there.st_mode))
        status = cannot(output, EISDIR, err);
    return status;
}

/* Few writes, large ones. Without memory for it the C library's own buffer serves. */
static void set_buffer(struct gs_output *output)
{
    output->buffer = malloc(BUFFER_BYTES);
    if (output->buffer)
        setvbuf(output->file, output->buffer, _IOFBF, BUFFER_BYTES);
}

/* Opens what was found. */
static enum gs_status open_found(struct gs_output *output, bool growing, struct gs_err *err)
{
    int fd = -1;
    enum gs_status status = GS_OK;
    if (is_special(output))
        status = open_direct(output, &fd, err);
    else if (growing)
        status = create_growing(output, &fd, err);
    else if ((fd = create_part(output)) < 0)
        status = cannot(output, errno, err);
    if (!status && output->part)
        dress(fd, output);
    if (!status && !(output->file = fdopen(fd, output->part && growing ? "r+" : "w")))
        status = cannot(output, errno, err);
    if (status && fd >= 0) {
        if (output->part)
            unlinkat(output->to.folder, part_name(output), 0);
        close(fd);
    }
    return status;
}

static enum gs_status open_output(struct gs_output *output, bool growing, const struct gs_destination *in,
                                  const char *path, const char *name, const struct gs_remarks *remarks,
                                  struct gs_err *err)
{
    if (!path || strcmp(path, "-") == 0) {
        *output = (struct gs_output){.file = stdout, .name = "-", .to.folder = -1};
        set_buffer(output);
        return GS_OK;
    }
    enum gs_status status = find(output, in, path, name, remarks, err);
    if (!status)
        status = open_found(output, growing, err);
    if (status)
        forget_place(output);
    else if (!growing || !output->part)
        set_buffer(output);
    return status;
}

enum gs_status gs_output_open(struct gs_output *output, const char *name, const struct gs_remarks *remarks,
                              struct gs_err *err)
{
    return open_output(output, false, NULL, name, name, remarks, err);
}

enum gs_status gs_output_open_growing(struct gs_output *output, const struct gs_destination *in, const char *path,
                                      const char *name, const struct gs_remarks *remarks, struct gs_err *err)
{
    return open_output(output, true, in, path, name, remarks, err);
}

enum gs_status gs_output_try(const struct gs_destination *in, const char *path, const char *name,
                             const struct gs_remarks *remarks, struct gs_err *err)
{
    struct gs_output output;
    if (strcmp(path, "-") == 0)
        return GS_OK;
    enum gs_status status = find(&output, in, path, name, remarks, err);
    bool special = !status && is_special(&output);
    if (!status && !special)
        status = open_found(&output, false, err);
    if (status || special) {
        forget_place(&output);
        return status;
    }
    return gs_output_close(&output, false, err);
}

enum gs_status gs_output_flush(struct gs_output *output)
{
    if (fflush(output->file) == 0)
        return GS_OK;
    output->reason = errno;
    return GS_OUTPUT;
}

/* Of a write that failed long ago. A pipe still tells; a disk that is full tells again when one byte more is to go
 * there, behind what is cut short anyway. */
static int failed_before(FILE *file)
{
    struct pollfd pipe_end = {.fd = fileno(file), .events = POLLOUT};
    struct stat about;
    if (poll(&pipe_end, 1, 0) == 1 && pipe_end.revents & POLLERR)
        return EPIPE;
    bool asked = fstat(fileno(file), &about) == 0 && (S_ISREG(about.st_mode) || S_ISCHR(about.st_mode));
    return asked && write(fileno(file), "\n", 1) < 0 ? errno : EIO;
}

/* Writes out what is left. 0, or why not everything written since the beginning arrived. */
static int finish(FILE *file)
{
    int reason = 0;
    if (ferror(file))
        reason = failed_before(file);
    if (fflush(file) != 0)
        reason = errno;
    if (file != stdout && fclose(file) != 0 && reason == 0)
        reason = errno;
    return reason;
}

/* Where others may write to the directory they may have put a file of theirs in the place of ours. */
static enum gs_status put_in_place(struct gs_output *output, const struct stat *written, struct gs_err *err)
{
    struct stat there;
    int folder = output->to.folder;
    if (renameat(folder, part_name(output), folder, output->to.name) != 0 ||
        fstatat(folder, output->to.name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return cannot(output, errno, err);
    if (same_file(written, &there))
        return GS_OK;
    return gs_fail(err, GS_OUTPUT, "cannot write to %.300s: somebody else put another file there", output->name);
}

enum gs_status gs_output_close(struct gs_output *output, bool complete, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    const char *name = strcmp(output->name, "-") == 0 ? "the output" : output->name;
    struct stat written = {0};
    if (output->part && fstat(fileno(output->file), &written) != 0)
        complete = false; /* it cannot fail: the file is open */
    int reason = finish(output->file);
    if (output->reason != 0)
        reason = output->reason;
    if (output->file == stdout && output->buffer)
        setvbuf(stdout, NULL, _IONBF, 0);
    free(output->buffer);
    if (reason != 0) {
        status = fail(err, name, reason);
        if (reason == EPIPE && err)
            err->what[0] = '\0';
    }
    if (output->part && status == GS_OK && complete)
        status = put_in_place(output, &written, err);
    if (output->part && (status != GS_OK || !complete))
        unlinkat(output->to.folder, part_name(output), 0);
    forget_place(output);
    return status;
}

enum gs_status gs_output_end(struct gs_output *output, enum gs_status status, struct gs_err *err)
{
    struct gs_err why = {0};
    enum gs_status closed = gs_output_close(output, status == GS_OK, &why);
    if (closed == GS_OK || (status != GS_OK && status != GS_OUTPUT))
        return status;
    *err = why;
    return closed;
}

void gs_output_abandon(const struct gs_output *output)
{
    if (output->part)
        unlinkat(output->to.folder, part_name(output), 0);
}

void gs_output_leave(struct gs_output *output)
{
    free(output->part);
    output->part = NULL;
    (void)!gs_output_close(output, false, NULL); /* it has failed already */
}

enum gs_status gs_output_close_stdout(struct gs_err *err)
{
    struct gs_output output = {.file = stdout, .name = "-", .to.folder = -1};
    return gs_output_close(&output, true, err);
}
