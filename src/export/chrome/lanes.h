/* The lanes of tasks of event loops in a timeline. */
#ifndef GS_EXPORT_CHROME_LANES_H
#define GS_EXPORT_CHROME_LANES_H

#include "export/chrome/chrome.h"

struct gs_task_lanes_user gs_chrome_lanes(struct gs_chrome *chrome);

#endif
