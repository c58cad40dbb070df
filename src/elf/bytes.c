/* Reading by pread: a mapping of a file that shrinks would kill us. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/bytes.h"

void gs_bytes_of_memory(struct gs_bytes *bytes, const void *memory, size_t size)
{
    *bytes = (struct gs_bytes){.size = size, .fd = -1, .memory = memory};
}

bool gs_bytes_of_file(struct gs_bytes *bytes, int fd)
{
    struct stat st;
    if (fstat(fd, &st) || st.st_size < 0)
        return false;
    *bytes = (struct gs_bytes){.size = (uint64_t)st.st_size, .fd = fd};
    return true;
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
        ssize_t got = pread(bytes->fd, (uint8_t *)dst + done, len - done, (off_t)(offset + done));
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0)
            done += (size_t)got;
    }
    return true;
}
