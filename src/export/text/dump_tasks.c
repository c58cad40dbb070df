/* The tasks of an event loop below the thread that runs it: those that are alike together, or as a tree. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/text/page.h"
#include "python/task_groups.h"
#include "session/task_place.h"

enum {
    GROUPS_SHOWN = 50,
    NAMES_SHOWN = 5,
    LINES_SHOWN = 2000, /* of a tree */
    DEPTH_SHOWN = 40
};

static void add_name(struct gs_text *line, const struct gs_async_task *task)
{
    if (task->name[0])
        gs_text_add(line, task->name);
    else
        gs_text_put(line, "task 0x%" PRIx64, task->addr);
}

static void add_state(struct gs_text *line, const struct gs_tasks *tasks, const struct gs_task_group *group)
{
    static const char *const one[] = {" runs", " is ready", " waits"}, *const many[] = {" run", " are ready", " wait"};
    static const enum gs_style styles[] = {GS_STYLE_HOLDS, GS_STYLE_WITHOUT, GS_STYLE_IDLE};
    const enum gs_task_state state = tasks->tasks[group->members[0]].state;
    char words[GS_TASK_GROUP_WORDS];
    gs_text_style(line, styles[state]);
    gs_text_put(line, "%s", group->count == 1 ? one[state] : many[state]);
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_task_group_words(tasks, group, words);
    if (state == GS_TASK_WAITS && words[0]) {
        gs_text_put(line, ": ");
        gs_text_add(line, words);
    }
}

static void add_names(struct gs_text *line, const struct gs_tasks *tasks, const uint32_t *list, size_t count)
{
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        gs_text_put(line, i > 0 ? ", " : "");
        add_name(line, &tasks->tasks[list[i]]);
    }
    if (count > NAMES_SHOWN)
        gs_text_put(line, " and %zu more", count - NAMES_SHOWN);
}

static void write_group(struct gs_page *page, const struct gs_task_group *group)
{
    const struct gs_tasks *tasks = page->dump->tasks;
    const struct gs_async_task *first = &tasks->tasks[group->members[0]];
    struct gs_text *line = &page->line;
    gs_text_put(line, "  ");
    if (group->count == 1)
        add_name(line, first);
    else
        gs_words_count(line, group->count, "task", "tasks");
    add_state(line, tasks, group);
    if (group->count > 1) {
        gs_text_put(line, " (");
        add_names(line, tasks, group->members, group->count);
        gs_text_put(line, ")");
    } else if (first->awaited_count > 0) {
        gs_text_put(line, "; awaited by ");
        add_names(line, tasks, tasks->awaited_by + first->awaited_at, first->awaited_count);
    }
    gs_page_end_line(page);
    const struct gs_thread stack = {
        .tstate = 1, .frames = tasks->frames + first->frame_at, .frame_count = first->frame_count};
    gs_page_stack(page, &stack);
}

static enum gs_status write_groups(struct gs_page *page, const struct gs_event_loop *loop)
{
    const bool all = page->verbose || page->dump->lookup.locals;
    struct gs_task_groups groups;
    size_t left = 0;
    enum gs_status status = gs_task_groups_init(&groups, page->dump->tasks, loop, page->dump->running_only, all);
    for (size_t i = 0; i < groups.count && status == GS_OK; i++) {
        if (all || i < GROUPS_SHOWN)
            write_group(page, &groups.list[i]);
        else
            left += groups.list[i].count;
    }
    if (left > 0) {
        gs_text_put(&page->line, "  and ");
        gs_words_count(&page->line, left, "task", "tasks");
        gs_text_put(&page->line, " at %zu other places: -v shows them", groups.count - GROUPS_SHOWN);
        gs_page_end_line(page);
    }
    gs_task_groups_fini(&groups);
    return status;
}

/* ---- who awaits whom ---- */

/* For each task those that it awaits: the lists awaited_by, turned round. */
struct tree {
    const struct gs_tasks *tasks;
    uint32_t *begin, *awaits; /* begin has one more than there are tasks */
    bool *seen;
    size_t lines;
};

static void tree_fini(struct tree *tree)
{
    free(tree->begin);
    free(tree->awaits);
    free(tree->seen);
}

static bool tree_init(struct tree *tree, const struct gs_tasks *tasks)
{
    *tree = (struct tree){.tasks = tasks,
                          .begin = calloc(tasks->task_count + 2, sizeof *tree->begin),
                          .awaits = calloc(tasks->awaited_count + 1, sizeof *tree->awaits),
                          .seen = calloc(tasks->task_count + 1, sizeof *tree->seen)};
    if (!tree->begin || !tree->awaits || !tree->seen)
        return false;
    for (size_t i = 0; i < tasks->awaited_count; i++)
        tree->begin[tasks->awaited_by[i] + 2]++;
    for (size_t i = 0; i < tasks->task_count; i++)
        tree->begin[i + 2] += tree->begin[i + 1];
    for (uint32_t i = 0; i < tasks->task_count; i++) {
        const struct gs_async_task *task = &tasks->tasks[i];
        for (uint32_t k = 0; k < task->awaited_count; k++)
            tree->awaits[tree->begin[tasks->awaited_by[task->awaited_at + k] + 1]++] = i;
    }
    return true;
}

static void add_place(struct gs_page *page, const struct gs_async_task *task)
{
    struct gs_frame_info shown;
    if (!gs_task_place(&page->dump->lookup, page->dump->tasks, task, &shown))
        return;
    gs_text_put(&page->line, "  ");
    gs_text_add(&page->line, shown.function);
    if (shown.file && *shown.file) {
        gs_text_put(&page->line, " (");
        gs_text_add(&page->line, gs_files_shorten(&page->files, shown.file));
        gs_text_put(&page->line, shown.line > 0 && !page->dump->no_lines ? ":%d)" : ")", shown.line);
    }
}

static void write_branch(struct gs_page *page, struct tree *tree, uint32_t index, int depth)
{
    const struct gs_async_task *task = &tree->tasks->tasks[index];
    const bool again = tree->seen[index];
    if (tree->lines++ >= LINES_SHOWN && !page->verbose)
        return;
    gs_text_put(&page->line, "  %*s", 2 * depth, "");
    add_name(&page->line, task);
    add_state(&page->line, tree->tasks, &(struct gs_task_group){.members = &index, .count = 1});
    add_place(page, task);
    if (again && tree->begin[index + 1] > tree->begin[index])
        gs_text_put(&page->line, "  (see above)");
    gs_page_end_line(page);
    tree->seen[index] = true;
    for (uint32_t i = tree->begin[index]; i < tree->begin[index + 1] && !again && depth < DEPTH_SHOWN; i++)
        write_branch(page, tree, tree->awaits[i], depth + 1);
}

static enum gs_status write_tree(struct gs_page *page, const struct gs_event_loop *loop)
{
    const struct gs_tasks *tasks = page->dump->tasks;
    struct tree tree;
    enum gs_status status = tree_init(&tree, tasks) ? GS_OK : GS_NO_MEMORY;
    /* First those that nobody awaits, then what hangs on a circle. */
    for (int circles = 0; circles < 2 && status == GS_OK; circles++) {
        for (uint32_t i = loop->first; i < loop->first + loop->count; i++) {
            if (!tree.seen[i] && (circles || tasks->tasks[i].awaited_count == 0))
                write_branch(page, &tree, i, 0);
        }
    }
    if (status == GS_OK && tree.lines > LINES_SHOWN && !page->verbose) {
        gs_text_put(&page->line, "  and %zu more lines: -v shows them", tree.lines - LINES_SHOWN);
        gs_page_end_line(page);
    }
    tree_fini(&tree);
    return status;
}

/* ---- the loop ---- */

static void write_head(struct gs_page *page, const struct gs_entry *entry, const struct gs_event_loop *loop)
{
    struct gs_text *line = &page->line;
    uint64_t lag_us = entry ? gs_event_loop_late_us(page->dump->tasks, loop, entry->thread) : 0;
    gs_text_put(line, entry ? "  %s: " : "Event loop (%s) that no thread runs: ", gs_loop_kind_name(loop->kind));
    gs_words_count(line, loop->count, "task", "tasks");
    if (loop->has_ready && loop->ready > 0) {
        gs_text_put(line, ", ");
        gs_words_count(line, (size_t)loop->ready, "callback is ready", "callbacks are ready");
    }
    if (lag_us > 0) {
        gs_text_put(line, ", a timer is late by ");
        gs_words_time(line, lag_us);
    }
    gs_page_end_line(page);
}

enum gs_status gs_page_tasks(struct gs_page *page, const struct gs_entry *entry)
{
    const struct gs_event_loop *loop;
    enum gs_status status = GS_OK;
    for (size_t i = 0; status == GS_OK && (loop = gs_dump_loop(page->dump, entry, i)) != NULL; i++) {
        write_head(page, entry, loop);
        status = page->dump->tree && !page->dump->running_only ? write_tree(page, loop) : write_groups(page, loop);
    }
    return status;
}
