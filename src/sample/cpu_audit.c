/* Adding up who had how much CPU time. */
#include "sample/cpu_audit.h"

bool gs_cpu_audit_check(struct gs_cpu_audit *audit, uint64_t rest_ns, size_t threads)
{
    /* Of a thread that has just been looked at for the first time, or had run when it was looked at again, all its time
     * is found: then the rest that was known was too much. It grows when a thread ends or is no longer looked at. */
    bool told = rest_ns != GS_CPU_TIME_UNKNOWN, complete = told && audit->known && rest_ns == audit->rest_ns;
    audit->missing_ns =
        told && audit->known && rest_ns > audit->rest_ns ? rest_ns - audit->rest_ns : GS_CPU_TIME_UNKNOWN;
    audit->left = complete ? 0 : threads;
    if (told && (!audit->known || rest_ns < audit->rest_ns))
        audit->rest_ns = rest_ns;
    audit->known = told;
    audit->complete = complete;
    return complete;
}

void gs_cpu_audit_count(struct gs_cpu_audit *audit, uint64_t more_ns)
{
    if (audit->left == 0)
        return;
    audit->left--;
    if (audit->missing_ns == GS_CPU_TIME_UNKNOWN)
        return;
    if (more_ns == audit->missing_ns) {
        audit->left = 0; /* all others slept */
        audit->complete = true;
        return;
    }
    if (more_ns > audit->missing_ns) {
        audit->missing_ns = GS_CPU_TIME_UNKNOWN; /* it ran on since: what of that is missing? */
        return;
    }
    audit->missing_ns -= more_ns;
    if (audit->left == 0)
        audit->known = false; /* it was somebody whom nobody looks at: the rest is another one from now on */
}

void gs_cpu_audit_restart(struct gs_cpu_audit *audit, size_t threads)
{
    audit->known = audit->complete = false;
    audit->missing_ns = GS_CPU_TIME_UNKNOWN;
    audit->left = threads;
}
