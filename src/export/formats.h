/* The formats that there are, each in a file of its own. */
#ifndef GS_EXPORT_FORMATS_H
#define GS_EXPORT_FORMATS_H

#include "export/format.h"

extern const struct gs_format gs_format_svg, gs_format_html, gs_format_folded, gs_format_speedscope, gs_format_chrome,
    gs_format_source, gs_format_gecko, gs_format_pprof, gs_format_callgrind, gs_format_pstats, gs_format_jsonl,
    gs_format_stat;

#endif
