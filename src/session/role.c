/* Command lines of Pythons: options of the interpreter, then a module, code or a script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/joined.h"
#include "session/role.h"
#include "target/procfs.h"

/* Code behind -c that a library starts its helpers with. */
static const struct {
    const char *code, *role;
} helpers[] = {
    {"from multiprocessing.spawn import spawn_main", "multiprocessing worker"},        /* CPython 3.13, spawn.py */
    {"from multiprocessing.forkserver import main", "multiprocessing fork server"},    /* forkserver.py */
    {"from multiprocessing.resource_tracker import main", "multiprocessing tracker"},  /* resource_tracker.py */
    {"from multiprocessing.semaphore_tracker import main", "multiprocessing tracker"}, /* up to 3.7 */
    {"import sys;exec(eval(sys.stdin.readline()))", "execnet worker"},                 /* execnet 2.1, pytest-xdist */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* A process that names itself (setproctitle) has words and blanks where the program was. */
static bool is_title(const char *word)
{
    return strstr(word, ": ") || word[0] == '[';
}

static const char *helper_of(const char *code)
{
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++) {
        if (strncmp(code, helpers[i].code, strlen(helpers[i].code)) == 0)
            return helpers[i].role;
    }
    return NULL;
}

/* The words behind the interpreter's own options; *letter: 'm' or 'c' where it was given a module or code. */
static char *const *behind_options(char *const *words, char *letter)
{
    *letter = '\0';
    for (; *words && (*words)[0] == '-' && (*words)[1]; words++) {
        const char *option = *words + strcspn(*words, "cm");
        bool takes = strchr("WX", (*words)[1]) || strcmp(*words, "--check-hash-based-pycs") == 0;
        if ((*words)[1] != '-' && !takes && *option) {
            *letter = *option;
            return words + 1;
        }
        if (takes && (*words)[1] != '-' && (*words)[2])
            continue;
        if (takes && words[1])
            words++;
    }
    return words;
}

char *gs_role_program(char *const *command, bool *helper)
{
    char letter;
    *helper = false;
    if (!command || !command[0])
        return strdup("?");
    if (is_title(command[0]))
        return gs_words_joined(command);
    if (!gs_called_python(command[0]))
        return strdup(base_name(command[0]));
    char *const *rest = behind_options(command + 1, &letter);
    const char *role = letter == 'c' && rest[0] ? helper_of(rest[0]) : NULL;
    *helper = role != NULL;
    if (role)
        return strdup(role);
    if (letter == 'c' || !rest[0])
        return strdup(letter == 'c' ? "python -c" : base_name(command[0]));
    return strdup(letter == 'm' ? rest[0] : base_name(rest[0]));
}

pid_t gs_role_parent(pid_t pid)
{
    char text[1024];
    struct gs_proc_stat stat;
    return gs_proc_read(pid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, &stat) ? stat.parent : 0;
}

static bool is_titled(const struct gs_role_member *member)
{
    return member->command[0] && is_title(member->command[0]);
}

/* The child is one of those that its parent minds: a helper of a library, a fork that runs the same program, or both
 * have given themselves titles. A program that another one has started is not. */
static bool is_minded(const struct gs_role_member *child, const struct gs_role_member *parent)
{
    return child->helper || (is_titled(child) && is_titled(parent)) || strcmp(child->program, parent->program) == 0;
}

/* Who minds it; NULL: nobody of them. */
static struct gs_role_member *minder_of(const struct gs_role_member *member, struct gs_role_member *members,
                                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (member->parent > 0 && members[i].pid == member->parent)
            return is_minded(member, &members[i]) ? &members[i] : NULL;
    }
    return NULL;
}

/* "multiprocessing worker of app.py", "gunicorn, master" */
static char *role_of(const struct gs_role_member *member, const struct gs_role_member *minder)
{
    char *role = NULL;
    bool plain = member->helper || is_titled(member);
    int len = member->helper && minder && !minder->helper
                  ? asprintf(&role, "%s of %s", member->program, minder->program)
                  : asprintf(&role, "%s%s", member->program,
                             plain            ? ""
                             : minder         ? ", worker"
                             : member->master ? ", master"
                                              : "");
    return len < 0 ? NULL : role;
}

bool gs_roles_find(struct gs_role_member *members, size_t count)
{
    bool enough = true;
    for (size_t i = 0; i < count; i++) {
        members[i].program = gs_role_program(members[i].command, &members[i].helper);
        enough = enough && members[i].program;
    }
    for (size_t i = 0; i < count && enough; i++) {
        struct gs_role_member *minder = minder_of(&members[i], members, count);
        if (minder)
            minder->master = true;
    }
    for (size_t i = 0; i < count && enough; i++) {
        const struct gs_role_member *minder = minder_of(&members[i], members, count);
        members[i].master = members[i].master && !minder;
        members[i].role = role_of(&members[i], minder);
        enough = members[i].role != NULL;
    }
    return enough;
}

void gs_roles_free(struct gs_role_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(members[i].program);
        free(members[i].role);
    }
}
