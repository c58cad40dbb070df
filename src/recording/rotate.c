/* Each recording is a file of its own that grows in its .part and gets its name when it is whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/destination.h"
#include "base/output.h"
#include "base/parse.h"
#include "base/room.h"
#include "base/sorted.h"
#include "recording/recorder.h"
#include "recording/rotate.h"
#include "recording/splitter.h"

struct series {
    struct gs_destination in; /* their folder */
    char *stem;
    const char *base; /* its end, behind the folder */
    uint64_t number;  /* of the last file, 0: there is none */
};

/* Names with numbers: the next one that is free, and which of the old ones go. */
enum { DIGITS = 6 };
#define TAIL ".gilspy"
#define PART ".part"

/* The number in "BASE.000012.gilspy", with or without ".part"; 0: it is no name of the series. */
static uint64_t number_of(const struct series *series, const char *name)
{
    size_t base = strlen(series->base), digits;
    char number[20] = "";
    int64_t value;
    if (strncmp(name, series->base, base) != 0 || name[base] != '.')
        return 0;
    name += base + 1;
    digits = strspn(name, "0123456789");
    if (digits < DIGITS || digits >= sizeof number - 1 || strncmp(name + digits, TAIL, strlen(TAIL)) != 0)
        return 0;
    memcpy(number, name, digits);
    name += digits + strlen(TAIL);
    return (*name == '\0' || strcmp(name, PART) == 0) && gs_parse_int(number, 1, INT64_MAX / 2, &value)
               ? (uint64_t)value
               : 0;
}

/* The folder, to be read from its beginning; NULL: it may not be read. */
static DIR *open_folder(const struct series *series)
{
    int fd = openat(series->in.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !folder)
        close(fd);
    return folder;
}

/* output: "run.gilspy" or "run". The numbers go on after those of files that are there, whole or not.
 * GS_OUTPUT: there is no such folder; GS_NO_MEMORY. err is filled; free with series_fini in any case. */
static enum gs_status series_init(struct series *series, const char *output, struct gs_err *err)
{
    size_t len = strlen(output), tail = strlen(TAIL);
    *series = (struct series){.in.folder = -1};
    if (len > tail && strcmp(output + len - tail, TAIL) == 0)
        len -= tail;
    series->stem = strndup(output, len);
    if (!series->stem)
        return gs_fail(err, GS_NO_MEMORY, "cannot record: out of memory");
    const char *slash = strrchr(series->stem, '/');
    series->base = slash ? slash + 1 : series->stem;
    enum gs_status status = gs_destination_folder(&series->in, output, err);
    if (status)
        return status;
    DIR *folder = open_folder(series);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        uint64_t number = number_of(series, entry->d_name);
        series->number = number > series->number ? number : series->number;
    }
    if (folder)
        closedir(folder);
    return GS_OK;
}

static void series_fini(struct series *series)
{
    free(series->stem);
    gs_destination_close(&series->in);
}

/* The name of a file, malloc'ed; NULL: out of memory. */
static char *series_name(const struct series *series, uint64_t number)
{
    char *name;
    return asprintf(&name, "%s.%0*" PRIu64 TAIL, series->stem, DIGITS, number) < 0 ? NULL : name;
}

/* Unless somebody still writes it. */
static void remove_one(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    if (fd >= 0)
        close(fd);
}

GS_BY_VALUE(by_number, uint64_t);

/* Each number once, in rising order, up to that of the last file; false: out of memory. */
static bool list_numbers(const struct series *series, DIR *folder, uint64_t **list, size_t *count)
{
    size_t room = 0, all = 0;
    *list = NULL;
    *count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        uint64_t number = number_of(series, entry->d_name);
        if (number == 0 || number > series->number)
            continue;
        if (!gs_room((void **)list, &room, all + 1, sizeof **list))
            return false;
        (*list)[all++] = number;
    }
    if (all > 0)
        qsort(*list, all, sizeof **list, by_number);
    for (size_t i = 0; i < all; i++) {
        if (i == 0 || (*list)[i] != (*list)[i - 1])
            (*list)[(*count)++] = (*list)[i];
    }
    return gs_room((void **)list, &room, 1, sizeof **list);
}

/* Removes all but the last `keep` files in the order of their numbers, however far these are apart, and what runs that
 * broke off left of those. The numbers of those that are left, in rising order, are malloc'ed; NULL: out of memory, and
 * nothing is removed. */
static uint64_t *series_prune(const struct series *series, uint64_t keep, size_t *count)
{
    DIR *folder = open_folder(series);
    uint64_t *list;
    bool listed = list_numbers(series, folder, &list, count);
    size_t old = listed && *count > keep ? *count - (size_t)keep : 0;
    if (old > 0)
        rewinddir(folder);
    for (struct dirent *entry; old > 0 && (entry = readdir(folder));) {
        uint64_t number = number_of(series, entry->d_name);
        if (number > 0 && number < list[old])
            remove_one(dirfd(folder), entry->d_name);
    }
    if (folder)
        closedir(folder);
    if (!listed) {
        free(list);
        return NULL;
    }
    *count -= old;
    memmove(list, list + old, *count * sizeof *list);
    return list;
}

struct gs_rotation {
    struct gs_rotation_options options;
    struct series series;
    struct gs_splitter *splitter;
    struct gs_output output; /* of the open recording */
    char *name;              /* of it; NULL: none is open */
    struct gs_sink *recorder;
    struct gs_rotated result;
    struct gs_err err; /* why a file could not be opened or put in its place */
};

static void drop_name(struct gs_rotation *rotation)
{
    free(rotation->name);
    rotation->name = NULL;
}

/* The part of a name of the series that lies in its folder. */
static const char *in_folder(const struct gs_rotation *rotation, const char *name)
{
    return name + (strlen(rotation->series.stem) - strlen(rotation->series.base));
}

static enum gs_status open_next(void *context, struct gs_sink **recorder)
{
    struct gs_rotation *rotation = context;
    rotation->name = series_name(&rotation->series, rotation->series.number + 1);
    if (!rotation->name)
        return GS_NO_MEMORY;
    enum gs_status status =
        gs_output_open_growing(&rotation->output, &rotation->series.in, in_folder(rotation, rotation->name),
                               rotation->name, rotation->options.remarks, &rotation->err);
    if (status) {
        drop_name(rotation);
        return status;
    }
    status = gs_recorder_open(&rotation->recorder, fileno(rotation->output.file));
    if (status) { /* not even its head: nothing of it stays */
        gs_fail(&rotation->err, status, "cannot write to %.300s: %s", rotation->name,
                status == GS_OUTPUT ? strerror(errno) : gs_status_text(status));
        (void)!gs_output_close(&rotation->output, false, NULL);
        drop_name(rotation);
        return status;
    }
    rotation->series.number++;
    *recorder = rotation->recorder;
    return GS_OK;
}

static enum gs_status close_one(void *context)
{
    struct gs_rotation *rotation = context;
    gs_recorder_close(rotation->recorder);
    rotation->recorder = NULL;
    enum gs_status status = gs_output_close(&rotation->output, true, &rotation->err);
    drop_name(rotation);
    if (status)
        return status;
    struct gs_rotated *result = &rotation->result;
    result->made++;
    free(result->kept);
    result->kept = series_prune(&rotation->series, rotation->options.keep, &result->kept_count);
    return result->kept ? GS_OK : GS_NO_MEMORY;
}

/* Rather now than after an hour. */
static enum gs_status try_first(const struct gs_rotation *rotation, struct gs_err *err)
{
    char *name = series_name(&rotation->series, rotation->series.number + 1);
    enum gs_status status =
        name ? gs_output_try(&rotation->series.in, in_folder(rotation, name), name, rotation->options.remarks, err)
             : gs_fail(err, GS_NO_MEMORY, "cannot record: out of memory");
    free(name);
    return status;
}

enum gs_status gs_rotation_open(struct gs_rotation **out, const struct gs_rotation_options *options,
                                void (*sum)(void *context, struct gs_run_end *end), void *context, struct gs_err *err)
{
    struct gs_rotation *rotation = calloc(1, sizeof *rotation);
    *out = rotation;
    if (!rotation)
        return gs_fail(err, GS_NO_MEMORY, "cannot record: out of memory");
    enum gs_status status = series_init(&rotation->series, options->output, err);
    if (status)
        return status;
    rotation->options = *options;
    struct gs_splitter_limit limit = {.time_ns = options->rotate_us * 1000, .bytes = options->rotate_bytes};
    struct gs_splitter_calls calls = {
        .context = rotation, .open = open_next, .close = close_one, .sum = sum, .sum_context = context};
    if (gs_splitter_new(&rotation->splitter, &limit, &calls))
        return gs_fail(err, GS_NO_MEMORY, "cannot record: out of memory");
    return try_first(rotation, err);
}

struct gs_sink *gs_rotation_sink(struct gs_rotation *rotation)
{
    return gs_splitter_sink(rotation->splitter);
}

enum gs_status gs_rotation_finish(struct gs_rotation *rotation, enum gs_status status, struct gs_err *err)
{
    int reason = rotation->recorder ? gs_recorder_error(rotation->recorder) : 0;
    if (status == GS_OUTPUT && reason)
        gs_fail(err, GS_OUTPUT, "cannot write to %.300s: %s", rotation->name, strerror(reason));
    else if (status == GS_OUTPUT && rotation->err.what[0])
        *err = rotation->err;
    if (!rotation->name)
        return status;
    gs_recorder_close(rotation->recorder);
    rotation->recorder = NULL;
    if (status && rotation->output.part)
        gs_err_todo(err, "What was recorded last is in %.300s: gilspy report draws it", rotation->output.part);
    gs_output_leave(&rotation->output);
    drop_name(rotation);
    return status;
}

const struct gs_rotated *gs_rotation_result(const struct gs_rotation *rotation)
{
    return &rotation->result;
}

char *gs_rotation_name(const struct gs_rotation *rotation, uint64_t number)
{
    return series_name(&rotation->series, number);
}

void gs_rotation_close(struct gs_rotation *rotation)
{
    if (!rotation)
        return;
    gs_splitter_free(rotation->splitter);
    series_fini(&rotation->series);
    free(rotation->result.kept);
    free(rotation);
}
