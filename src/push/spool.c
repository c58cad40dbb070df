/* A file is written beside its place and renamed: whoever is killed leaves whole files. Its name is its number; its
 * bytes are a head, the texts (service, then name and value of each label) with a NUL behind each, and the pprof. It is
 * read on the machine that wrote it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/room.h"
#include "push/spool.h"

enum { NAME = 32, FILE_MOST = 64 << 20, LABELS_MOST = 1000 };
#define MAGIC UINT64_C(0x316c6f6f70737367) /* "gsspool1" */

struct head {
    uint64_t magic;
    int64_t begin_ns;
    uint64_t duration_ns, texts_len, pprof_len, label_count;
    int64_t pid;
    uint8_t id[GS_PUSH_ID];
};

struct entry {
    uint64_t number, bytes;
};

struct gs_spool {
    int folder;
    uint64_t bytes_most, bytes, next; /* next: number of the next file */
    struct entry *entries;            /* from `first` on, in rising order */
    size_t first, count, room;
    struct entry taken; /* bytes 0: none is */
};

static void name_of(uint64_t number, char name[NAME])
{
    snprintf(name, NAME, "%020llu.profile", (unsigned long long)number);
}

static bool append(struct gs_spool *spool, struct entry entry)
{
    size_t left = spool->count - spool->first;
    if (spool->taken.bytes == 0 && spool->first > left) {
        memmove(spool->entries, spool->entries + spool->first, left * sizeof entry);
        spool->first = 0;
        spool->count = left;
    }
    if (!gs_room((void **)&spool->entries, &spool->room, spool->count + 1, sizeof entry))
        return false;
    spool->entries[spool->count++] = entry;
    spool->bytes += entry.bytes;
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* What an earlier run left; a file that it did not finish goes. */
static bool scan(struct gs_spool *spool)
{
    int fd = openat(spool->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    bool enough = folder;
    if (!folder && fd >= 0)
        close(fd);
    for (struct dirent *file; enough && (file = readdir(folder));) {
        char name[NAME];
        struct stat about;
        uint64_t number = strtoull(file->d_name, NULL, 10);
        name_of(number, name);
        if (strcmp(file->d_name, "growing") == 0)
            unlinkat(spool->folder, file->d_name, 0);
        if (strcmp(file->d_name, name) != 0 || fstatat(spool->folder, name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(about.st_mode))
            continue;
        enough = append(spool, (struct entry){number, (uint64_t)about.st_size});
        spool->next = number >= spool->next ? number + 1 : spool->next;
    }
    if (folder)
        closedir(folder);
    if (spool->count > 0)
        qsort(spool->entries, spool->count, sizeof *spool->entries, by_number);
    return enough;
}

enum gs_status gs_spool_open(struct gs_spool **out, const char *folder, uint64_t bytes_most, struct gs_err *err)
{
    struct gs_spool *spool = calloc(1, sizeof *spool);
    *out = spool;
    if (!spool)
        return gs_fail(err, GS_NO_MEMORY, "cannot keep profiles: out of memory");
    spool->bytes_most = bytes_most;
    spool->folder = mkdir(folder, 0700) == 0 || errno == EEXIST
                        ? open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                        : -1;
    if (spool->folder < 0 || faccessat(spool->folder, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return gs_fail(err, GS_FAILED, "cannot keep profiles in %.200s: %s", folder, strerror(errno));
    if (flock(spool->folder, LOCK_EX | LOCK_NB) != 0)
        return gs_fail(err, GS_FAILED, "cannot keep profiles in %.200s: another gilspy does", folder);
    return scan(spool) ? GS_OK : gs_fail(err, GS_FAILED, "cannot keep profiles in %.200s: it cannot be read", folder);
}

void gs_spool_close(struct gs_spool *spool)
{
    if (!spool)
        return;
    if (spool->folder >= 0)
        close(spool->folder);
    free(spool->entries);
    free(spool);
}

size_t gs_spool_count(const struct gs_spool *spool)
{
    return spool->count - spool->first + (spool->taken.bytes > 0);
}

static size_t texts_len(const struct gs_push_profile *profile)
{
    size_t len = strlen(profile->service) + 1;
    for (size_t i = 0; i < profile->label_count; i++)
        len += strlen(profile->labels[i].name) + strlen(profile->labels[i].value) + 2;
    return len;
}

bool gs_spool_fits(const struct gs_spool *spool, const struct gs_push_profile *profile)
{
    return spool->bytes + sizeof(struct head) + texts_len(profile) + profile->len <= spool->bytes_most;
}

static bool write_profile(FILE *out, const struct gs_push_profile *profile)
{
    struct head head = {.magic = MAGIC,
                        .begin_ns = profile->begin_ns,
                        .duration_ns = profile->duration_ns,
                        .texts_len = texts_len(profile),
                        .pprof_len = profile->len,
                        .label_count = profile->label_count,
                        .pid = profile->pid};
    memcpy(head.id, profile->id, sizeof head.id);
    fwrite(&head, sizeof head, 1, out);
    fwrite(profile->service, strlen(profile->service) + 1, 1, out);
    for (size_t i = 0; i < profile->label_count; i++) {
        fwrite(profile->labels[i].name, strlen(profile->labels[i].name) + 1, 1, out);
        fwrite(profile->labels[i].value, strlen(profile->labels[i].value) + 1, 1, out);
    }
    fwrite(profile->pprof, 1, profile->len, out);
    return fflush(out) == 0 && !ferror(out);
}

bool gs_spool_put(struct gs_spool *spool, const struct gs_push_profile *profile)
{
    char name[NAME];
    struct entry entry = {spool->next, sizeof(struct head) + texts_len(profile) + profile->len};
    int fd = openat(spool->folder, "growing", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool written = out && write_profile(out, profile);
    int reason = errno;
    if (out && fclose(out) != 0 && written) {
        written = false;
        reason = errno;
    }
    name_of(entry.number, name);
    if (written && renameat(spool->folder, "growing", spool->folder, name) == 0) {
        spool->next++;
        return append(spool, entry);
    }
    unlinkat(spool->folder, "growing", 0);
    errno = reason;
    return false;
}

/* The next of the texts between *at and end; NULL: there is none. */
static const char *next_text(const char **at, const char *end)
{
    const char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));
    if (!nul)
        return NULL;
    *at = nul + 1;
    return text;
}

static struct gs_push_profile *make_profile(const struct head *head, const char *texts)
{
    struct gs_push_profile *profile = NULL;
    const char *at = texts, *end = texts + head->texts_len, *service = next_text(&at, end);
    struct gs_push_label *labels = calloc(head->label_count + 1, sizeof *labels);
    bool whole = service && labels;
    for (size_t i = 0; i < head->label_count && whole; i++) {
        labels[i].name = (char *)next_text(&at, end);
        labels[i].value = labels[i].name ? (char *)next_text(&at, end) : NULL;
        whole = labels[i].value;
    }
    if (whole)
        profile = gs_push_profile_new(service, labels, head->label_count);
    free(labels);
    if (!profile)
        return NULL;
    memcpy(profile->id, head->id, sizeof profile->id);
    profile->begin_ns = head->begin_ns;
    profile->duration_ns = head->duration_ns;
    profile->pid = (pid_t)head->pid;
    return profile;
}

static struct gs_push_profile *read_profile(FILE *in, uint64_t bytes)
{
    struct head head;
    if (fread(&head, sizeof head, 1, in) != 1 || head.magic != MAGIC || bytes > FILE_MOST || head.texts_len > bytes ||
        head.pprof_len > bytes || sizeof head + head.texts_len + head.pprof_len != bytes ||
        head.label_count > LABELS_MOST)
        return NULL;
    char *texts = malloc(head.texts_len + 1);
    uint8_t *pprof = malloc(head.pprof_len + 1);
    bool whole = texts && pprof && fread(texts, 1, head.texts_len, in) == head.texts_len &&
                 fread(pprof, 1, head.pprof_len, in) == head.pprof_len;
    struct gs_push_profile *profile = whole ? make_profile(&head, texts) : NULL;
    free(texts);
    if (profile) {
        profile->pprof = pprof;
        profile->len = head.pprof_len;
    } else {
        free(pprof);
    }
    return profile;
}

static struct gs_push_profile *read_entry(const struct gs_spool *spool, const struct entry *entry)
{
    char name[NAME];
    name_of(entry->number, name);
    int fd = openat(spool->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
    struct gs_push_profile *profile = in ? read_profile(in, entry->bytes) : NULL;
    if (in)
        fclose(in);
    return profile;
}

static void remove_entry(struct gs_spool *spool, const struct entry *entry)
{
    char name[NAME];
    name_of(entry->number, name);
    unlinkat(spool->folder, name, 0);
    spool->bytes -= entry->bytes;
}

struct gs_push_profile *gs_spool_take(struct gs_spool *spool)
{
    if (spool->first == spool->count)
        return NULL;
    spool->taken = spool->entries[spool->first++];
    struct gs_push_profile *profile = read_entry(spool, &spool->taken);
    if (!profile)
        gs_spool_done(spool);
    return profile;
}

bool gs_spool_drop(struct gs_spool *spool, struct gs_push_profile **profile)
{
    if (spool->first == spool->count)
        return false;
    const struct entry *entry = &spool->entries[spool->first++];
    *profile = read_entry(spool, entry);
    remove_entry(spool, entry);
    return true;
}

void gs_spool_give_back(struct gs_spool *spool)
{
    spool->entries[--spool->first] = spool->taken;
    spool->taken.bytes = 0;
}

void gs_spool_done(struct gs_spool *spool)
{
    remove_entry(spool, &spool->taken);
    spool->taken.bytes = 0;
}
