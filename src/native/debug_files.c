/* Debug information in files of their own, as distributions ship it: below /usr/lib/debug, by build id or beside the
 * program, in the target's root first. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/regular.h"
#include "native/symbols.h"

enum { PATH_BYTES = 4096 + 256 };

static bool belongs(const struct gs_module *module, int fd)
{
    uint8_t id[sizeof module->build_id];
    size_t len = gs_elf_build_id(fd, id, sizeof id);
    return len > 0 && len == module->build_id_len && memcmp(id, module->build_id, len) == 0;
}

int gs_debug_file_try(const struct gs_module *module, const char *path)
{
    struct stat st;
    int fd = gs_open_regular(path, &st);
    if (fd >= 0 && !belongs(module, fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int by_build_id(const struct gs_module *module, const char *root)
{
    char path[PATH_BYTES];
    size_t len = (size_t)snprintf(path, sizeof path, "%s/usr/lib/debug/.build-id/%02x/", root, module->build_id[0]);
    for (size_t i = 1; i < module->build_id_len; i++)
        len += (size_t)snprintf(path + len, sizeof path - len, "%02x", module->build_id[i]);
    snprintf(path + len, sizeof path - len, ".debug");
    return gs_debug_file_try(module, path);
}

static int by_link(const struct gs_module *module, const char *root, const char *link)
{
    static const char *const forms[] = {"%s%.*s/%s", "%s%.*s/.debug/%s", "%s/usr/lib/debug%.*s/%s"};
    char path[PATH_BYTES];
    int folder = (int)(module->name - module->map.path), fd = -1;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && fd < 0 && folder > 0; i++) {
        snprintf(path, sizeof path, forms[i], root, folder - 1, module->map.path, link);
        fd = gs_debug_file_try(module, path);
    }
    return fd;
}

int gs_debug_file_open(struct gs_native *native, const struct gs_module *module, int fd)
{
    char own[32], link[256];
    int found = -1;
    if (module->build_id_len < 2)
        return -1;
    snprintf(own, sizeof own, "/proc/%d/root", (int)native->target->living);
    const char *const roots[] = {native->target->postmortem ? "" : own, ""};
    bool linked = fd >= 0 && gs_elf_debug_link(fd, link, sizeof link);
    for (size_t i = 0; i < sizeof roots / sizeof *roots && found < 0; i++) {
        found = by_build_id(module, roots[i]);
        if (found < 0 && linked)
            found = by_link(module, roots[i], link);
    }
    return found;
}

int gs_debug_file_shared(int fd, const char *name)
{
    char link[40], path[2 * PATH_BYTES];
    struct stat st;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_BYTES - 1);
    path[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (*name == '/' || !slash)
        return *name == '/' ? gs_open_regular(name, &st) : -1;
    snprintf(slash + 1, PATH_BYTES, "%s", name);
    return gs_open_regular(path, &st);
}
