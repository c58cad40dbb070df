/* The part of stat's text that is about locks other than GILs. */
#ifndef GS_EXPORT_TEXT_STAT_LOCKS_H
#define GS_EXPORT_TEXT_STAT_LOCKS_H

#include "base/text.h"
#include "gil/gilstat.h"

/* Of each lock how many waited, for how long, who had it, who waited. most: of them at most. GS_NO_MEMORY. */
enum gs_status gs_stat_locks(const struct gs_gilstat *stat, const struct gs_console *console,
                             size_t most) GS_MUST_CHECK;

#endif
