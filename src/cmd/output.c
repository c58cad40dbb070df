/* Output that is whole or not there: written beside its place and renamed, every error noticed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "cmd/message.h"
#include "cmd/output.h"

enum { BUFFER_BYTES = 64 * 1024 };

static enum gs_status fail(struct gs_err *err, const char *name, int reason)
{
    return gs_fail(err, GS_OUTPUT, "cannot write to %.300s: %s", name, strerror(reason));
}

void gs_output_give_to_sudo_user(int fd)
{
    const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
    int64_t user, group;
    if (geteuid() == 0 && uid && gid && gs_parse_int(uid, 1, UINT32_MAX - 1, &user) &&
        gs_parse_int(gid, 0, UINT32_MAX - 1, &group) && fchown(fd, (uid_t)user, (gid_t)group) != 0)
        gs_remark("the output stays root's: %s", strerror(errno));
}

/* The new file gets the rights of the one that it will replace. */
static void dress(int fd, const struct stat *old)
{
    if (old) {
        if (fchown(fd, old->st_uid, old->st_gid) == 0)
            fchmod(fd, old->st_mode & 07777);
        else
            fchmod(fd, old->st_mode & 0777);
        return;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    gs_output_give_to_sudo_user(fd);
}

/* Opens PATH.part-XXXXXX; old describes the file that stands at path, NULL when there is none. */
static int open_part(struct gs_output *output, const char *name, const struct stat *old)
{
    output->path = old ? realpath(name, NULL) : strdup(name); /* a symbolic link stays one */
    if (!output->path || asprintf(&output->part, "%s.part-XXXXXX", output->path) < 0) {
        output->part = NULL;
        return -1;
    }
    int fd = mkostemp(output->part, O_CLOEXEC);
    if (fd >= 0)
        dress(fd, old);
    return fd;
}

/* Few writes, large ones. Without memory for it the C library's own buffer serves. */
static void set_buffer(struct gs_output *output)
{
    output->buffer = malloc(BUFFER_BYTES);
    if (output->buffer)
        setvbuf(output->file, output->buffer, _IOFBF, BUFFER_BYTES);
}

enum gs_status gs_output_open(struct gs_output *output, const char *name, struct gs_err *err)
{
    struct stat old;
    int fd;
    *output = (struct gs_output){.file = stdout, .name = name ? name : "-"};
    if (strcmp(output->name, "-") == 0) {
        set_buffer(output);
        return GS_OK;
    }
    bool exists = stat(name, &old) == 0;
    if (exists && S_ISDIR(old.st_mode))
        return fail(err, name, EISDIR);
    if (exists && !S_ISREG(old.st_mode))
        fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    else
        fd = open_part(output, name, exists ? &old : NULL);
    output->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (output->file) {
        set_buffer(output);
        return GS_OK;
    }
    enum gs_status status = fail(err, name, errno);
    if (fd >= 0)
        close(fd);
    free(output->part);
    free(output->path);
    return status;
}

/* Opens PATH.part, unless another process writes it. */
static int open_growing(struct gs_output *output, const char *name, const struct stat *old)
{
    char *aside = NULL;
    struct stat left;
    output->path = old ? realpath(name, NULL) : strdup(name);
    if (!output->path || asprintf(&output->part, "%s.part", output->path) < 0 ||
        asprintf(&aside, "%s.part.old", output->path) < 0)
        return -1;
    int fd = open(output->part, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            close(fd);
            free(aside);
            errno = EBUSY;
            return -1;
        }
        if (fstat(fd, &left) == 0 && left.st_size > 0 && rename(output->part, aside) == 0)
            gs_remark("%s was left by a run that did not end: it is %s now", output->part, aside);
        close(fd);
    }
    free(aside);
    unlink(output->part);
    fd = open(output->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        dress(fd, old);
    return fd;
}

enum gs_status gs_output_open_growing(struct gs_output *output, const char *name, struct gs_err *err)
{
    struct stat old;
    bool exists = stat(name, &old) == 0;
    if (strcmp(name, "-") == 0 || (exists && !S_ISREG(old.st_mode)))
        return gs_output_open(output, name, err);
    *output = (struct gs_output){.name = name};
    int fd = open_growing(output, name, exists ? &old : NULL);
    output->file = fd >= 0 ? fdopen(fd, "r+") : NULL;
    if (output->file)
        return GS_OK;
    enum gs_status status = fail(err, name, errno);
    if (fd >= 0)
        close(fd);
    free(output->part);
    free(output->path);
    return status;
}

enum gs_status gs_output_try(const char *name, struct gs_err *err)
{
    struct gs_output output;
    struct stat old;
    if (strcmp(name, "-") == 0 || (stat(name, &old) == 0 && !S_ISREG(old.st_mode) && !S_ISDIR(old.st_mode)))
        return GS_OK;
    enum gs_status status = gs_output_open(&output, name, err);
    return status ? status : gs_output_close(&output, false, err);
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

enum gs_status gs_output_close(struct gs_output *output, bool complete, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    const char *name = strcmp(output->name, "-") == 0 ? "the output" : output->name;
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
    if (output->part && status == GS_OK && complete && rename(output->part, output->path) != 0)
        status = fail(err, name, errno);
    if (output->part && (status != GS_OK || !complete))
        unlink(output->part);
    free(output->part);
    free(output->path);
    return status;
}

void gs_output_abandon(const struct gs_output *output)
{
    if (output->part)
        unlink(output->part);
}

void gs_output_leave(struct gs_output *output)
{
    free(output->part);
    output->part = NULL;
    (void)!gs_output_close(output, false, NULL); /* it has failed already */
}

int gs_output_message(enum gs_status status, const struct gs_err *err)
{
    return status == GS_OUTPUT && !err->what[0] ? gs_status_exit(status) : gs_message(status, err);
}

int gs_stdout_close(int exit)
{
    struct gs_err err;
    struct gs_output output = {.file = stdout, .name = "-"};
    enum gs_status status = gs_output_close(&output, true, &err);
    if (status == GS_OK)
        return exit;
    return gs_output_message(status, &err);
}
