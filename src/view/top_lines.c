/* The head and the rows of top. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "view/top_lines.h"

enum { NAME_COLUMNS = 16, FUNCTION_MOST = 24, FUNCTION_LEAST = 10, BEFORE_FUNCTION = 60 };

/* On a narrow screen function and file share what the figures leave. */
static int function_columns(int columns)
{
    int half = (columns - BEFORE_FUNCTION) / 2;
    if (columns == 0 || half > FUNCTION_MOST)
        return FUNCTION_MOST;
    return half < FUNCTION_LEAST ? FUNCTION_LEAST : half;
}

void gs_top_model_fini(struct gs_top_model *model)
{
    gs_shares_fini(&model->shares);
    free(model->rows);
    free(model->cpu);
    gs_top_said_free(model->said, model->said_count);
    model->rows = NULL;
    model->cpu = NULL;
    model->said = NULL;
    model->row_count = model->row_room = model->cpu_count = model->said_count = 0;
}

/* Who holds most first, then who waits most. */
static int by_share(const void *left, const void *right)
{
    const struct gs_share *a = *(const struct gs_share *const *)left, *b = *(const struct gs_share *const *)right;
    static const enum gs_gil_word order[] = {GS_HOLDS, GS_WAITS};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        double x = gs_share_of(a, order[i]), y = gs_share_of(b, order[i]);
        if (x != y)
            return x > y ? -1 : 1;
    }
    return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static const struct gs_top_said *said_of(const struct gs_top_model *model, pid_t tid)
{
    return gs_top_said_of(model->said, model->said_count, tid);
}

enum gs_status gs_top_arrange(struct gs_top_model *model)
{
    const struct gs_shares *shares = &model->shares;
    if (shares->count > model->row_room) {
        const struct gs_share **rows = realloc(model->rows, shares->count * sizeof *rows);
        if (!rows)
            return GS_NO_MEMORY;
        model->rows = rows;
        model->row_room = shares->count;
    }
    enum gs_status status = gs_top_said_renew(&model->said, &model->said_count, shares, &model->lookup);
    model->row_count = shares->count;
    model->unknown = false;
    model->files = (struct gs_files){0};
    for (size_t i = 0; i < shares->count; i++) {
        const struct gs_share *share = model->rows[i] = &shares->list[i];
        model->unknown |= share->word_ns[GS_UNKNOWN] > 0;
        const struct gs_top_said *said = said_of(model, share->tid);
        if (said->file)
            gs_files_learn(&model->files, said->file);
    }
    if (shares->count > 1)
        qsort(model->rows, shares->count, sizeof *model->rows, by_share);
    return status;
}

/* Share of a processor that a thread (0: the process) has used since it was asked for first; negative: not known. */
static double cpu_share(struct gs_top_model *model, pid_t tid)
{
    uint64_t now_ns = gs_clock_ns(), used_us;
    size_t i = 0;
    if (!gs_target_cpu_us(model->target, tid, &used_us))
        return -1;
    while (i < model->cpu_count && model->cpu[i].tid != tid)
        i++;
    if (i == model->cpu_count) {
        struct gs_top_cpu *cpu = realloc(model->cpu, (i + 1) * sizeof *cpu);
        if (!cpu)
            return -1;
        model->cpu = cpu;
        cpu[model->cpu_count++] = (struct gs_top_cpu){tid, now_ns, used_us};
    }
    const struct gs_top_cpu *first = &model->cpu[i];
    if (now_ns - first->first_ns < 10000000 || used_us < first->first_us)
        return -1;
    return (double)(used_us - first->first_us) * 1e3 / (double)(now_ns - first->first_ns);
}

/* A further column takes from the room between the others, so that all of them together stay as wide. */
static int share_columns(const struct gs_top_model *model)
{
    return model->unknown ? 6 : 7;
}

static int tid_columns(const struct gs_top_model *model)
{
    return model->unknown ? 7 : 9;
}

static void put_share(const struct gs_top_model *model, struct gs_text *text, double share)
{
    if (share < 0)
        gs_text_put(text, "%*s", share_columns(model), "-");
    else
        gs_text_put(text, "%*.1f", share_columns(model), share * 100);
}

static void put_titles(const struct gs_top_model *model, int columns, struct gs_text *text)
{
    static const char *const titles[] = {"HAS%", "WAIT%", "NO%", "UNKN%", "CPU%"};
    gs_text_put(text, "  ");
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        if (i != 3 || model->unknown)
            gs_text_put(text, "%*s", share_columns(model), titles[i]);
    }
    gs_text_put(text, " %*s  %-*s  %-*s  %s", tid_columns(model), "TID", NAME_COLUMNS, "NAME",
                function_columns(columns), "NOW IN", "FILE");
}

static void put_name(const struct gs_top_said *said, struct gs_text *text)
{
    gs_text_fit(text, said->name ? said->name : "", NAME_COLUMNS, GS_CUT_END);
}

/* The innermost frame: function, and file:line behind `pad` columns. */
static void put_place(const struct gs_top_model *model, const struct gs_top_said *said, int pad, int columns,
                      struct gs_text *text)
{
    int begin = text->columns;
    if (said->gap)
        gs_text_put(text, "[gap: %s]", gs_gap_text(said->why));
    if (!said->function)
        return;
    char line[16] = "";
    if (said->line > 0)
        snprintf(line, sizeof line, ":%d", said->line);
    gs_text_fit(text, said->function, function_columns(columns), GS_CUT_END);
    gs_text_pad(text, begin + pad);
    gs_text_put(text, pad ? "  " : " ");
    int left = columns - text->columns - (int)strlen(line);
    gs_text_fit(text, gs_files_shorten(&model->files, said->file),
                columns == 0 ? 0
                : left > 1   ? left
                             : 1,
                GS_CUT_START);
    gs_text_put(text, "%s", line);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What tells one Python process from another: the script and its arguments, not the way to the interpreter. */
static void put_command(const struct gs_target *target, struct gs_text *text)
{
    size_t first = target->command_count > 1 && strncmp(base_name(target->command[0]), "python", 6) == 0;
    gs_text_add(text, base_name(target->command[first]));
    for (size_t i = first + 1; i < target->command_count; i++) {
        gs_text_put(text, " ");
        gs_text_add(text, target->command[i]);
    }
}

static void put_title(struct gs_top_model *model, int columns, struct gs_text *text)
{
    struct gs_text tail;
    double cpu = cpu_share(model, 0);
    gs_text_init(&tail, text->utf8);
    gs_text_put(&tail, "   pid %d   Python %s   up ", (int)model->target->pid, model->python->version);
    gs_words_time(&tail, (uint64_t)(gs_target_uptime_s(model->target) * 1e6));
    gs_text_put(&tail, "   ");
    gs_words_count(&tail, model->row_count, "thread", "threads");
    if (cpu >= 0)
        gs_text_put(&tail, "   CPU %.0f %%", cpu * 100);
    if (isinf(model->rate_hz))
        gs_text_put(&tail, "   max Hz");
    else
        gs_text_put(&tail, "   %g Hz", model->rate_hz);
    if (model->quality->samples > 0)
        gs_text_put(&tail, ", whole %.0f %%",
                    100.0 - 100.0 * (double)(model->quality->torn + model->quality->lost) /
                                (double)(model->quality->samples + model->quality->lost));
    struct gs_text command;
    gs_text_init(&command, text->utf8);
    put_command(model->target, &command);
    if (columns > 0)
        gs_text_cut(&command, columns - tail.columns > 20 ? columns - tail.columns : 20);
    gs_text_style(text, GS_STYLE_BOLD);
    gs_text_join(text, &command);
    gs_text_style(text, GS_STYLE_PLAIN);
    gs_text_join(text, &tail);
    gs_text_fini(&command);
    gs_text_fini(&tail);
}

static void put_gil(const struct gs_top_model *model, struct gs_text *text)
{
    const struct gs_shares *shares = &model->shares;
    size_t waiters = 0;
    if (model->gil.state == GS_GIL_DISABLED) {
        gs_text_put(text, "GIL none: this Python is free-threaded");
        return;
    }
    for (size_t i = 0; i < shares->count; i++)
        waiters += shares->list[i].thread.gil == GS_WAITS;
    gs_text_put(text, "GIL %.1f %% held   ", gs_shares_held(shares) * 100);
    gs_text_style(text, GS_STYLE_WAITS);
    gs_text_put(text, "%s %zu waiting", gs_face_symbol(GS_FACE_WAITS, text->utf8), waiters);
    gs_text_style(text, GS_STYLE_PLAIN);
    if (shares->watched_ns > 0)
        gs_text_put(text, ", %.1f on average", (double)shares->waiters_ns / (double)shares->watched_ns);
    if (shares->has_switches)
        gs_text_put(text, "   %.0f hand-overs/s", gs_shares_switches_hz(shares));
}

static void put_holder(const struct gs_top_model *model, int columns, struct gs_text *text)
{
    for (size_t i = 0; i < model->row_count; i++) {
        const struct gs_share *share = model->rows[i];
        if (share->thread.gil != GS_HOLDS)
            continue;
        const struct gs_top_said *said = said_of(model, share->tid);
        gs_text_style(text, GS_STYLE_HOLDS);
        gs_text_put(text, "%s ", gs_face_symbol(GS_FACE_HOLDS, text->utf8));
        put_name(said, text);
        gs_text_put(text, " (%d)", (int)share->tid);
        gs_text_style(text, GS_STYLE_PLAIN);
        gs_text_put(text, "   ");
        put_place(model, said, 0, columns, text);
        return;
    }
    gs_text_put(text, "nobody holds it now");
}

static void put_row(struct gs_top_model *model, const struct gs_share *share, int columns, struct gs_text *text)
{
    const struct gs_top_said *said = said_of(model, share->tid);
    enum gs_face face = gs_face_of(&share->thread);
    gs_text_style(text, gs_face_style(face));
    gs_text_put(text, "%s ", gs_face_symbol(face, text->utf8));
    gs_text_style(text, GS_STYLE_PLAIN);
    put_share(model, text, gs_share_of(share, GS_HOLDS));
    put_share(model, text, gs_share_of(share, GS_WAITS));
    put_share(model, text, gs_share_of(share, GS_WITHOUT) + gs_share_of(share, GS_NONE));
    if (model->unknown)
        put_share(model, text, gs_share_of(share, GS_UNKNOWN));
    put_share(model, text, cpu_share(model, share->tid));
    gs_text_put(text, " %*d  ", tid_columns(model), (int)share->tid);
    int name = text->columns;
    put_name(said, text);
    gs_text_pad(text, name + NAME_COLUMNS);
    gs_text_put(text, "  ");
    put_place(model, said, function_columns(columns), columns, text);
}

void gs_top_line(struct gs_top_model *model, size_t line, int columns, struct gs_text *text)
{
    gs_text_clear(text);
    if (line == 0)
        put_title(model, columns, text);
    else if (line == 1)
        put_gil(model, text);
    else if (line == 2 && model->gil.state != GS_GIL_DISABLED)
        put_holder(model, columns, text);
    else if (line == GS_TOP_HEAD_LINES - 1)
        put_titles(model, columns, text);
    else if (line - GS_TOP_HEAD_LINES < model->row_count)
        put_row(model, model->rows[line - GS_TOP_HEAD_LINES], columns, text);
    if (columns > 0)
        gs_text_cut(text, columns);
}
