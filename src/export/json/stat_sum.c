/* The group of all processes in stat --json, schema 1. */
#include "export/json.h"
#include "export/stat_sum.h"

static json_t *figure(struct gs_figure value)
{
    return value.known ? json_real(value.value) : json_null();
}

/* "4 processes, 1.02 GILs held, 0.3 threads waiting, 1.10 processors used", as far as it is known. */
static json_t *say(const struct gs_stat_sum *all)
{
    char held[40] = "", waiting[60] = "", on_cpu[60] = "";
    if (all->held.known)
        snprintf(held, sizeof held, ", %.2f GILs held", all->held.value);
    if (all->waiting.known)
        snprintf(waiting, sizeof waiting, ", %.1f threads waiting", all->waiting.value);
    if (all->on_cpu.known)
        snprintf(on_cpu, sizeof on_cpu, ", %.2f processors used", all->on_cpu.value);
    return json_sprintf("%zu %s%s%s%s", all->processes, all->processes == 1 ? "process" : "processes", held, waiting,
                        on_cpu);
}

enum gs_status gs_stat_sum_json(const struct gs_stat_sum *sums, size_t count, FILE *out)
{
    struct gs_stat_sum all = gs_stat_sum_all(sums, count);
    json_t *pids = json_array();
    for (size_t i = 0; pids && i < count; i++) {
        if (json_array_append_new(pids, json_integer(sums[i].pid)) != 0) {
            json_decref(pids);
            pids = NULL;
        }
    }
    fputc('[', out);
    enum gs_status status = gs_json_write_figures(
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "pids", pids, "kind", "all", "text", say(&all), "held",
                  figure(all.held), "mean_waiters", figure(all.waiting), "switches_per_second",
                  figure(all.switches_per_second), "on_cpu", figure(all.on_cpu), "threads", (json_int_t)all.threads),
        out);
    fputc(']', out);
    return status;
}
