/* A line of a log. */
#include <time.h>

#include "export/json.h"
#include "export/log.h"

enum gs_status gs_log_json(const char *level, const char *message, FILE *out)
{
    struct timespec now;
    struct tm utc;
    char time[40];
    clock_gettime(CLOCK_REALTIME, &now);
    size_t len = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
    snprintf(time + len, sizeof time - len, ".%03ldZ", now.tv_nsec / 1000000);
    enum gs_status status = gs_json_write(
        json_pack("{s:s, s:s, s:o}", "time", time, "level", level, "message", gs_json_text(message)), out);
    fputc('\n', out);
    return fflush(out) == 0 ? status : GS_OUTPUT;
}
