/* Lanes of tasks beside the tracks of threads: what each does when it runs, and where it is suspended. */
#ifndef GS_EXPORT_CHROME_LANES_H
#define GS_EXPORT_CHROME_LANES_H

#include "export/chrome/chrome.h"

/* The tasks of a sample, of threads that were chosen; begin_ns: since when it stands. */
enum gs_status gs_chrome_lanes_add(struct gs_chrome *chrome, const struct gs_sample *sample,
                                   uint64_t begin_ns) GS_MUST_CHECK;
/* Ends what goes on in the lanes of a process. */
void gs_chrome_lanes_stop(struct gs_chrome *chrome, uint32_t process, uint64_t ns);

#endif
