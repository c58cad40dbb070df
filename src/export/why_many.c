/* Who is alike: sorted by what is compared, equal ones lie beside one another. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "export/why_many.h"

/* ---- where ---- */

/* Everybody who waits stands in there: where that was called from tells more. */
static bool tells_little(const char *file)
{
    static const char *const files[] = {"threading.py", "queue.py",      "selectors.py",  "socket.py",
                                        "queues.py",    "connection.py", "synchronize.py"}; /* multiprocessing's, too */
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(name, files[i]) == 0)
            return true;
    }
    return false;
}

static const struct gs_thread *thread_of(const struct gs_why_member *member)
{
    const struct gs_verdict *worst = &member->why->list[0];
    const struct gs_snapshot *snapshot = member->dump.snapshot;
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        if (worst->thread_count > 0 ? thread->tid == worst->threads[0] : thread->main)
            return thread;
    }
    return NULL;
}

/* Its function is NULL where there is no Python frame. */
static struct gs_frame_info where_is(const struct gs_why_member *member)
{
    struct gs_frame_info found = {0}, info;
    const struct gs_thread *thread = thread_of(member);
    for (uint32_t i = 0; thread && i < thread->frame_count; i++) {
        if (thread->frames[i].kind != GS_FRAME_PYTHON)
            continue;
        gs_dump_frame(&member->dump, &thread->frames[i], &info);
        bool little = tells_little(info.file);
        if (!found.function || !little)
            found = info;
        if (!little)
            break;
    }
    return found;
}

/* ---- order ---- */

static const struct gs_verdict *worst_of(const struct gs_why_member *member)
{
    return &member->why->list[0];
}

/* 0: not well, 1: busy, 2: idle, 3: idle, and minds others. */
static int calm_of(const struct gs_why_member *member)
{
    if (!gs_why_kind_healthy(worst_of(member)->kind))
        return 0;
    if (worst_of(member)->kind != GS_WHY_idle)
        return 1;
    return member->master ? 3 : 2;
}

/* "worker-3" and "worker-12" are the same. */
static int compare_roles(const char *x, const char *y)
{
    for (;; x++, y++) {
        if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
            x += strspn(x, "0123456789");
            y += strspn(y, "0123456789");
        }
        if (*x != *y || !*x)
            return (unsigned char)*x - (unsigned char)*y;
    }
}

static int compare_texts(const char *x, const char *y)
{
    return strcmp(x ? x : "", y ? y : "");
}

/* 0: they are alike. */
static int compare(const struct gs_why_member *x, const struct gs_why_member *y)
{
    if (calm_of(x) != calm_of(y))
        return calm_of(x) - calm_of(y);
    if (worst_of(x)->kind != worst_of(y)->kind)
        return worst_of(x)->kind < worst_of(y)->kind ? -1 : 1;
    int order = compare_roles(x->role, y->role);
    if (order)
        return order;
    struct gs_frame_info x_where = where_is(x), y_where = where_is(y);
    order = compare_texts(x_where.function, y_where.function);
    return order ? order : compare_texts(x_where.file, y_where.file);
}

static int by_kind(const void *a, const void *b)
{
    const struct gs_why_member *x = *(const struct gs_why_member *const *)a;
    const struct gs_why_member *y = *(const struct gs_why_member *const *)b;
    int order = compare(x, y);
    pid_t x_pid = x->dump.target->pid, y_pid = y->dump.target->pid;
    return order ? order : (x_pid > y_pid) - (x_pid < y_pid);
}

/* ---- groups ---- */

static void fill_group(struct gs_why_group *group, const struct gs_why_member **members, size_t count)
{
    *group = (struct gs_why_group){.members = members,
                                   .count = count,
                                   .worst = worst_of(members[0]),
                                   .healthy = calm_of(members[0]) > 0,
                                   .where = where_is(members[0]),
                                   .same_line = true};
    for (size_t i = 0; i < count; i++) {
        group->held += gs_why_gil_held(&members[i]->watch->gils[0]) / (double)count;
        group->contended += gs_why_gil_contended(&members[i]->watch->gils[0]) / (double)count;
        group->same_line = group->same_line && where_is(members[i]).line == group->where.line;
    }
}

static bool differs(const struct gs_why_many *many, const struct gs_why_group *group)
{
    bool odd = !group->healthy;
    for (size_t i = 0; i < many->group_count && !odd; i++) {
        const struct gs_why_group *other = &many->groups[i];
        odd = other->count > group->count && compare_roles(other->members[0]->role, group->members[0]->role) == 0;
    }
    return odd;
}

enum gs_status gs_why_many_init(struct gs_why_many *many, const struct gs_why_member *members, size_t count)
{
    *many = (struct gs_why_many){.members = members, .count = count};
    many->order = calloc(count + 1, sizeof *many->order);
    many->groups = calloc(count + 1, sizeof *many->groups);
    if (!many->order || !many->groups)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        many->order[i] = &members[i];
    if (count > 0)
        qsort(many->order, count, sizeof *many->order, by_kind);
    for (size_t i = 0, next; i < count; i = next) {
        next = i + 1;
        while (next < count && compare(many->order[i], many->order[next]) == 0)
            next++;
        fill_group(&many->groups[many->group_count++], many->order + i, next - i);
    }
    for (size_t i = 0; i < many->group_count; i++)
        many->groups[i].differs = differs(many, &many->groups[i]);
    return GS_OK;
}

void gs_why_many_fini(struct gs_why_many *many)
{
    free(many->order);
    free(many->groups);
}
