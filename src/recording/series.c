/* Names with numbers: the next one that is free, and which of the old ones go. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/room.h"
#include "recording/series.h"

enum { DIGITS = 6 };
#define TAIL ".gilspy"
#define PART ".part"

/* The number in "BASE.000012.gilspy", with or without ".part"; 0: it is no name of the series. */
static uint64_t number_of(const struct gs_series *series, const char *name)
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
static DIR *open_folder(const struct gs_series *series)
{
    int fd = openat(series->in.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !folder)
        close(fd);
    return folder;
}

enum gs_status gs_series_init(struct gs_series *series, const char *output, struct gs_err *err)
{
    size_t len = strlen(output), tail = strlen(TAIL);
    *series = (struct gs_series){.in.folder = -1};
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

void gs_series_fini(struct gs_series *series)
{
    free(series->stem);
    gs_destination_close(&series->in);
}

char *gs_series_name(const struct gs_series *series, uint64_t number)
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

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Each number once, in rising order, up to that of the last file; false: out of memory. */
static bool list_numbers(const struct gs_series *series, DIR *folder, uint64_t **list, size_t *count)
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

uint64_t *gs_series_prune(const struct gs_series *series, uint64_t keep, size_t *count)
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
