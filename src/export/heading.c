/* What stands above the graph: what was recorded, what of it is drawn, and what it is worth. */
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "export/heading.h"

enum { COMMAND_MOST = 120 };

void gs_heading_command(struct gs_label *text, const struct gs_tree_drawing *drawing)
{
    uint32_t count = gs_calltree_process_count(drawing->tree);
    const struct gs_calltree_process *first = count > 0 ? gs_calltree_process(drawing->tree, 0) : NULL;
    if (first)
        gs_label_add(text, *first->command ? first->command : "<no command line>", COMMAND_MOST);
    if (count > 1) {
        gs_label_put(text, " and ");
        gs_label_count(text, count - 1, "process more", "processes more");
    }
    if (!first)
        gs_label_put(text, "no process");
}

void gs_heading_run(struct gs_label *text, const struct gs_tree_drawing *drawing)
{
    uint32_t count = gs_calltree_process_count(drawing->tree);
    const struct gs_run_info *run = drawing->run;
    time_t second = (time_t)(run->realtime_ns / 1000000000);
    struct tm when;
    char date[32] = "";
    if (count > 0) {
        const struct gs_calltree_process *first = gs_calltree_process(drawing->tree, 0);
        gs_label_put(text, "pid %d · Python ", (int)first->pid);
        gs_label_add(text, first->python, 40);
        gs_label_put(text, " ");
        gs_label_add(text, first->build, 40);
        gs_label_put(text, " · ");
    }
    if (gmtime_r(&second, &when) && strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &when) > 0)
        gs_label_put(text, "%s UTC", date);
    if (run->host && *run->host) {
        gs_label_put(text, " on ");
        gs_label_add(text, run->host, 64);
    }
    gs_label_put(text, " · ");
    gs_label_time(text, drawing->end->end_ns > run->begin_ns ? drawing->end->end_ns - run->begin_ns : 0);
    if (isinf(run->rate_hz))
        gs_label_put(text, " at the highest rate");
    else
        gs_label_put(text, " at %g Hz", run->rate_hz);
    gs_label_put(text, " · gilspy ");
    gs_label_add(text, run->gilspy, 40);
}

void gs_heading_counted(struct gs_label *text, const struct gs_tree_drawing *drawing, uint64_t total_ns)
{
    const struct gs_selection *selection = drawing->selection;
    const struct gs_mode_row *mode = &gs_modes[selection->mode];
    gs_label_put(text, "Mode %s: %s · ", mode->name, mode->help);
    gs_label_time(text, total_ns);
    gs_label_put(text, " of thread time");
    for (size_t i = 0; i < selection->pattern_count; i++) {
        gs_label_put(text, i > 0 ? ", " : " · only threads ");
        gs_label_add(text, selection->patterns[i], 40);
    }
    if (gs_calltree_folded(drawing->tree) > 0) {
        gs_label_put(text, " · ");
        gs_label_count(text, gs_calltree_folded(drawing->tree), "rare stack", "rare stacks");
        gs_label_put(text, " went into (other)");
    }
}

void gs_heading_quality(struct gs_label *text, const struct gs_tree_drawing *drawing)
{
    const struct gs_quality *quality = &drawing->end->quality;
    const struct {
        uint64_t count;
        const char *words;
    } flaws[] = {{quality->torn, "torn"},
                 {quality->late, "late"},
                 {quality->lost, "lost"},
                 {quality->skipped, "left out for --max-pause"}};
    bool whole = true;
    gs_label_count(text, drawing->end->samples, "sample", "samples");
    gs_label_put(text, ", ");
    gs_label_count(text, drawing->end->thread_samples, "stack", "stacks");
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        if (flaws[i].count == 0)
            continue;
        gs_label_put(text, " · ");
        gs_label_count(text, flaws[i].count, flaws[i].words, flaws[i].words);
        whole = false;
    }
    gs_label_put(text, whole && drawing->end->samples > 0 ? ", all of them whole and in time" : "");
    if (quality->stopped > 0) {
        gs_label_put(text, " · threads were stopped ");
        gs_label_count(text, quality->stopped, "time", "times");
        gs_label_put(text, ", ");
        gs_label_time(text, quality->stopped_us * 1000);
        gs_label_put(text, " in all");
    }
    if (quality->refused > 0) {
        gs_label_put(text, " · threads could not be stopped ");
        gs_label_count(text, quality->refused, "time", "times");
        gs_label_put(text, ", because another program traces them");
    }
    if (!drawing->end->complete)
        gs_label_put(text, " · the recording ends before the run did");
}
