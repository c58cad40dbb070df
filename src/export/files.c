/* Which part of a path a reader can do without. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "export/files.h"

/* Behind "/pythonX.Y/" at p, a library's directory; NULL when it is something else. */
static const char *behind_version(const char *p)
{
    static const char name[] = "/python";
    if (strncmp(p, name, sizeof name - 1) != 0)
        return NULL;
    p += sizeof name - 1;
    size_t major = strspn(p, "0123456789");
    if (major == 0 || p[major] != '.' || !isdigit((unsigned char)p[major + 1]))
        return NULL;
    p += major + 1;
    p += strspn(p, "0123456789dmtu");
    return *p == '/' ? p + 1 : NULL;
}

/* What follows the innermost library directory in a path, NULL when there is none. */
static const char *in_library(const char *file)
{
    static const char *const packages[] = {"/site-packages/", "/dist-packages/"};
    const char *rest = NULL;
    for (const char *p = strchr(file, '/'); p; p = strchr(p + 1, '/')) {
        const char *behind = behind_version(p);
        for (size_t i = 0; i < 2 && !behind; i++) {
            if (strncmp(p, packages[i], strlen(packages[i])) == 0)
                behind = p + strlen(packages[i]);
        }
        rest = behind ? behind : rest;
    }
    return rest;
}

void gs_files_learn(struct gs_files *files, const char *file)
{
    if (file[0] != '/' || in_library(file))
        return;
    if (!files->first) {
        files->first = file;
        files->common = (size_t)(strrchr(file, '/') - file) + 1;
        return;
    }
    size_t same = 0;
    while (same < files->common && file[same] == files->first[same])
        same++;
    while (same > 0 && files->first[same - 1] != '/')
        same--;
    files->common = same;
}

const char *gs_files_shorten(const struct gs_files *files, const char *file)
{
    const char *rest = in_library(file);
    if (rest)
        return rest;
    bool inside = files->first && files->common > 1 && strncmp(file, files->first, files->common) == 0;
    return inside ? file + files->common : file;
}
