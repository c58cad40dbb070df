/* Names out of what a target says of itself, which is anything. */
#include <ctype.h>
#include <string.h>

#include "base/escape.h"
#include "push/names.h"
#include "push/profile.h"
#include "target/procfs.h"

void gs_push_clean(char clean[GS_PUSH_TEXT], const char *theirs, size_t len)
{
    static const char more[] = "…";
    size_t used = 0;
    while (len > 0) {
        uint32_t character;
        char shown[GS_ESCAPE_MAX];
        size_t taken = gs_utf8_next(theirs, len, &character);
        size_t width = gs_escape_plain(character, shown);
        if (used + width + sizeof more > GS_PUSH_TEXT) {
            memcpy(clean + used, more, sizeof more - 1);
            used += sizeof more - 1;
            break;
        }
        memcpy(clean + used, shown, width);
        used += width;
        theirs += taken;
        len -= taken;
    }
    clean[used] = '\0';
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* What the interpreter runs (Modules/main.c and Python/getopt.c, CPython 3.13: options that take the next word);
 * NULL: nothing that has a name. */
static const char *script_of(char *const *words)
{
    for (size_t i = 1; words[i]; i++) {
        const char *word = words[i];
        if (word[0] != '-')
            return base_of(word);
        if (strcmp(word, "-m") == 0)
            return words[i + 1];
        if (strncmp(word, "-m", 2) == 0)
            return word + 2;
        if (strncmp(word, "-c", 2) == 0 || strcmp(word, "-") == 0)
            return NULL;
        if ((strcmp(word, "-W") == 0 || strcmp(word, "-X") == 0 || strcmp(word, "--check-hash-based-pycs") == 0) &&
            words[i + 1])
            i++;
    }
    return NULL;
}

/* "web" of "0::/system.slice/web.service"; of a container, whose id has 64 digits, the first 12; NULL: neither. The
 * last line is that of version 2 (cgroups(7)). */
static const char *group_of(const char *cgroup, size_t *len)
{
    static const char unit[] = ".service", digits[] = "0123456789abcdef";
    enum { ID = 64, SHOWN = 12 };
    const char *end = cgroup + strlen(cgroup);
    while (end > cgroup && end[-1] == '\n')
        end--;
    const char *name = end;
    while (name > cgroup && name[-1] != '/' && name[-1] != '\n')
        name--;
    *len = (size_t)(end - name);
    if (*len > sizeof unit - 1 && memcmp(end - (sizeof unit - 1), unit, sizeof unit - 1) == 0) {
        *len -= sizeof unit - 1;
        return name;
    }
    for (; end - name >= ID; name++) {
        if (strspn(name, digits) == ID) {
            *len = SHOWN;
            return name;
        }
    }
    return NULL;
}

void gs_push_service(char service[GS_PUSH_TEXT], const struct gs_sampled_process *process)
{
    const char *program = process->command && process->command[0] ? process->command[0] : "", *name = process->service;
    size_t len = name ? strlen(name) : 0;
    bool given = len > 0;
    name = given ? name : NULL;
    if (!given && gs_called_python(program) && (name = script_of(process->command)))
        len = strlen(name);
    if (!name && process->cgroup)
        name = group_of(process->cgroup, &len);
    if (!name) {
        name = base_of(program);
        len = strlen(name);
    }
    if (!given && len > 3 && memcmp(name + len - 3, ".py", 3) == 0)
        len -= 3;
    gs_push_clean(service, len > 0 ? name : "python", len > 0 ? len : 6);
}

void gs_push_group(char group[GS_PUSH_TEXT], const char *thread)
{
    char shape[4 * GS_PUSH_TEXT]; /* more than is shown */
    size_t used = 0;
    for (const char *at = thread; *at && used < sizeof shape; at++) {
        if (!isdigit((unsigned char)*at))
            shape[used++] = *at;
        else if (used == 0 || shape[used - 1] != '*')
            shape[used++] = '*';
    }
    gs_push_clean(group, used > 0 ? shape : "<no name>", used > 0 ? used : 9);
}

bool gs_push_label_name(const char *name, size_t len)
{
    static const char *const ours[] = {"service_name", "pid", GS_PUSH_THREAD};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strlen(ours[i]) == len && memcmp(name, ours[i], len) == 0)
            return false;
    }
    if (len == 0 || len >= GS_PUSH_TEXT || isdigit((unsigned char)name[0]) || strncmp(name, "__", 2) == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    }
    return true;
}
