/* Remarks of stat --exact and trace. */
#include "export/text/exact_remarks.h"

void gs_exact_tell_setup(const struct gs_exact *exact, const struct gs_remarks *remarks)
{
    const struct gs_tracer_setup *setup = gs_exact_setup(exact);
    if (setup->addresses.none)
        gs_tell(remarks, setup->addresses.count == 0
                             ? "this Python runs without the GIL: there is nothing of it to trace"
                             : "this Python runs without the GIL: what is traced is stopped worlds and collections");
    if (setup->addresses.none && setup->addresses.count > 0 && !setup->addresses.waits)
        gs_tell(remarks,
                "there are too few debug registers or descriptors left: collections are not seen, only stopped "
                "worlds");
    else if (setup->waits_refused)
        gs_tell(remarks, "debug registers are in use: waits are not seen, only who has the GIL");
    else if (setup->addresses.none && setup->addresses.count > 2) /* the runtime's, and those of interpreters */
        gs_tell(remarks, "there are only %d debug registers: of collections those of the main interpreter are seen",
                GS_ADDRESSES_MOST);
    if (setup->addresses.left_out > 0)
        gs_tell(remarks, "there are only %d debug registers: %s not traced: %zu", GS_ADDRESSES_MOST,
                setup->addresses.none ? "interpreters" : "GILs", setup->addresses.left_out);
}

void gs_exact_tell_counters(const struct gs_exact *exact, const struct gs_remarks *remarks)
{
    static const uint32_t hardware = 1u << GS_CYCLES | 1u << GS_INSTRUCTIONS | 1u << GS_CACHE_MISSES;
    const struct gs_tracer_setup *setup = gs_exact_setup(exact);
    uint32_t counted = gs_exact_counted(exact);
    if (setup->addresses.none)
        return;
    if (!counted)
        gs_tell(remarks,
                "nothing is counted: it takes several descriptors for each thread and processor, and there are too few "
                "(ulimit -n)");
    else if (!(counted & 1u << GS_PAGE_FAULTS))
        gs_tell(remarks,
                "page faults are not counted: it takes two more descriptors for each thread and processor, and there "
                "are too "
                "few (ulimit -n)");
    else if (!(counted & hardware))
        gs_tell(remarks, "cycles, instructions and cache misses are not counted: this machine does not let them be");
    if (counted & 1u << GS_PAGE_FAULTS && setup->gauges.user_only)
        gs_tell(remarks, "page faults in the kernel (a read into new memory) are not counted: that takes root, or "
                         "kernel.perf_event_paranoid of 1 or less");
}

void gs_exact_tell_losses(struct gs_exact *exact, const struct gs_remarks *remarks)
{
    struct gs_tracer_numbers numbers;
    gs_exact_numbers(exact, &numbers);
    if (numbers.lost > numbers.traps)
        gs_tell(remarks,
                "not exact: %llu of %llu events were lost, because gilspy could not read them in time; the times in "
                "which they were are left out",
                (unsigned long long)(numbers.lost - numbers.traps), (unsigned long long)(numbers.hits - numbers.traps));
    if (numbers.traps > 0)
        gs_tell(remarks,
                "not exact: at least %llu events were lost, because this machine did not tell the kernel what their "
                "traps were for, as some hypervisors do not; gilspy kept them from ending the process; the times in "
                "which they were are left out",
                (unsigned long long)numbers.traps);
    if (numbers.throttled > 0)
        gs_tell(remarks,
                "not exact: the kernel left out events %llu times (kernel.perf_event_max_sample_rate); these times "
                "are left out",
                (unsigned long long)numbers.throttled);
    if (numbers.lapses > 0)
        gs_tell(remarks,
                "not exact: gilspy stood still for more than a second, %llu times; the process was not watched "
                "meanwhile, and these times are left out",
                (unsigned long long)numbers.lapses);
    if (gs_exact_born(exact) > 0)
        gs_tell(remarks, "at least %zu %s born meanwhile: not traced", gs_exact_born(exact),
                gs_exact_born(exact) == 1 ? "interpreter was" : "interpreters were");
    if (numbers.unclear > 0)
        gs_tell(remarks, "of %llu events only their order tells whether %s", (unsigned long long)numbers.unclear,
                gs_exact_setup(exact)->addresses.none ? "the world was stopped or went on"
                                                      : "the GIL was taken or dropped");
}

/* The trap makes the time between a drop and the next take longer: whoever was woken up wins more often. */
const char *gs_exact_caveat(const struct gs_gilstat *stat)
{
    static const double takes_hz = 1000, contended = 0.1; /* five times what intervals alone make, and waits matter */
    double takes = 0;
    for (size_t i = 0; i < stat->thread_count; i++)
        takes += (double)stat->threads[i].acquisitions.value;
    if (stat->exact_seconds <= 0 || takes < takes_hz * stat->exact_seconds || stat->gil_count == 0 ||
        stat->gils[0].contended.value < contended)
        return NULL;
    return "threads compete for the GIL thousands of times a second: who gets it is changed by the tracing, which "
           "makes each hand-over longer; the shares are those of the traced process (without --exact it is not "
           "disturbed)";
}
