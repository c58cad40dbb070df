/* Reading by pread: a mapping of a file that shrinks would kill us. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/watch.h"
#include "elf/bytes.h"

void gs_bytes_of_memory(struct gs_bytes *bytes, const void *memory, size_t size)
{
    *bytes = (struct gs_bytes){.size = size, .fd = -1, .memory = memory};
}

/* False: it is to be left out. */
static bool enter(const struct gs_bytes *bytes)
{
    if (bytes->spare)
        return gs_watch_enter_spare(bytes->watch, bytes->step);
    gs_watch_enter(bytes->watch, bytes->step, 0, 0);
    return true;
}

bool gs_bytes_of_file(struct gs_bytes *bytes, int fd, struct gs_watch *watch, const char *step, bool spare)
{
    struct stat st;
    *bytes = (struct gs_bytes){.fd = fd, .watch = watch, .step = step, .spare = spare};
    if (!enter(bytes))
        return false;
    bool told = fstat(fd, &st) == 0 && st.st_size >= 0;
    gs_watch_leave(watch);
    bytes->size = told ? (uint64_t)st.st_size : 0;
    return told;
}

bool gs_bytes_read(const struct gs_bytes *bytes, uint64_t offset, void *dst, size_t len)
{
    if (len > bytes->size || offset > bytes->size - len)
        return false;
    if (bytes->fd < 0) {
        if (len > 0)
            memcpy(dst, (const uint8_t *)bytes->memory + offset, len);
        return true;
    }
    for (size_t done = 0; done < len;) {
        if (!enter(bytes))
            return false;
        ssize_t got = pread(bytes->fd, (uint8_t *)dst + done, len - done, (off_t)(offset + done));
        gs_watch_leave(bytes->watch);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0)
            done += (size_t)got;
    }
    return true;
}
