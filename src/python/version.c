/* The exact version of a Python that does not describe itself: Py_Version (3.11 on, Include/pylifecycle.h), the text
 * that Py_GetVersion() made in its static buffer (Python/getversion.c), the name of the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "python/locate.h"

enum { BLOCK = 65536, OVERLAP = 64, VERSION_BYTES = 32, MAX_DATA = 16 << 20 };
enum { BORN_LOOKS = 50, BORN_PAUSE_NS = 1000000 };

static const char *skip_number(const char *text, unsigned *number)
{
    *number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && *number < 1000; at++)
        *number = *number * 10 + (unsigned)(*at - '0');
    return at == text ? NULL : at;
}

/* Parses "3.8.18 (", "3.14.0rc1+ (": 0 when text is nothing of the kind. */
static uint32_t parse_version_text(const char *text)
{
    unsigned major, minor, micro, serial = 0, level = 0xf;
    const char *at = skip_number(text, &major);
    if (!at || (major != 2 && major != 3) || *at != '.' || !(at = skip_number(at + 1, &minor)) || *at != '.' ||
        !(at = skip_number(at + 1, &micro)))
        return 0;
    if (strncmp(at, "rc", 2) == 0) {
        level = 0xc;
        at = skip_number(at + 2, &serial);
    } else if (*at == 'a' || *at == 'b') {
        level = *at == 'a' ? 0xa : 0xb;
        at = skip_number(at + 1, &serial);
    }
    if (at && *at == '+')
        at++;
    if (!at || strncmp(at, " (", 2) != 0 || minor > 255 || micro > 254 || serial > 15)
        return 0;
    return GS_VERSION(major, minor) | micro << 8 | level << 4 | serial;
}

uint32_t gs_version_in(const char *bytes, size_t len, bool first)
{
    uint32_t version = 0;
    for (const char *dot = bytes; !version && (dot = memchr(dot, '.', len - (size_t)(dot - bytes))); dot++) {
        char text[VERSION_BYTES] = {0};
        size_t left = len - (size_t)(dot - bytes);
        if (dot == bytes || (dot == bytes + 1 ? !first : dot[-2] != '\0'))
            continue;
        memcpy(text, dot - 1, left + 1 < sizeof text ? left + 1 : sizeof text - 1);
        version = parse_version_text(text);
    }
    return version;
}

/* The buffer is filled when sys is made. */
static uint32_t scan_data(struct gs_mem *mem, gs_addr start, gs_addr end)
{
    char *block = malloc(BLOCK + OVERLAP);
    uint32_t version = 0;
    gs_addr span = end - start < MAX_DATA ? end - start : MAX_DATA;
    for (gs_addr at = 0; block && at < span && !version; at += BLOCK) {
        size_t len = span - at < BLOCK + OVERLAP ? span - at : BLOCK + OVERLAP;
        /* A text that begins a later block was seen whole behind the block before. */
        if (gs_mem_read(mem, start + at, block, len) == GS_OK)
            version = gs_version_in(block, len, at == 0);
    }
    free(block);
    return version;
}

/* libpython3.8.so.1.0, python3.8, python2.7-dbg */
uint32_t gs_version_of_file(const char *path)
{
    const char *name = strrchr(path, '/');
    name = strstr(name ? name : path, "python");
    unsigned major, minor;
    const char *at = name ? skip_number(name + 6, &major) : NULL;
    if (!at || *at != '.' || !skip_number(at + 1, &minor) || major > 255 || minor > 255)
        return 0;
    return GS_VERSION(major, minor) | 0xff00 | 0xf0;
}

void gs_version_print(uint32_t version, char *dst, size_t size)
{
    unsigned major = GS_VERSION_MAJOR(version), minor = GS_VERSION_MINOR(version), micro = GS_VERSION_MICRO(version);
    unsigned level = version >> 4 & 0xf, serial = version & 0xf;
    const char *mark = level == 0xa ? "a" : level == 0xb ? "b" : level == 0xc ? "rc" : "";
    if (micro == 0xff)
        snprintf(dst, size, "%u.%u", major, minor);
    else if (*mark)
        snprintf(dst, size, "%u.%u.%u%s%u", major, minor, micro, mark, serial);
    else
        snprintf(dst, size, "%u.%u.%u", major, minor, micro);
}

/* One that was just born makes sys soon after its first interpreter (Python/pylifecycle.c). */
static uint32_t wait_for_text(const struct gs_python *python, const struct gs_image *image)
{
    uint32_t found = scan_data(python->mem, image->data_start, image->data_end);
    bool known = gs_version_of_file(python->library) != 0; /* so that it is a Python */
    for (int i = 0; i < BORN_LOOKS && !found && known && !python->target->postmortem; i++) {
        nanosleep(&(struct timespec){.tv_nsec = BORN_PAUSE_NS}, NULL);
        found = scan_data(python->mem, image->data_start, image->data_end);
    }
    return found;
}

enum gs_status gs_version_find(struct gs_python *python, const struct gs_image *image, uint32_t *version,
                               struct gs_err *err)
{
    uint32_t found = 0;
    gs_addr exported = gs_image_symbol(image, "Py_Version");
    if (!exported || gs_mem_read_u32(python->mem, exported, &found))
        found = 0;
    if (!found && image->data_start)
        found = wait_for_text(python, image);
    if (!found)
        found = gs_version_of_file(python->library);
    if (!found)
        return gs_fail(err, GS_UNKNOWN_PYTHON, "the version of the Python in process %d cannot be told",
                       (int)python->target->pid);
    *version = found;
    return GS_OK;
}
