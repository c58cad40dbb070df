/* Making strings fit for JSON, and writing it so that a terminal may show it. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "export/json.h"

/* A double has 15 digits that were meant: 2.13 is not written as 2.1299999999999999, whatever jansson does with more.
 */
enum { JSON_FLAGS = JSON_ENSURE_ASCII | JSON_ENCODE_ANY, FIGURE_DIGITS = 9, DIGITS = 15 };

json_t *gs_json_text(const char *theirs)
{
    json_t *value = json_string(theirs);
    if (value)
        return value;
    char *clean = gs_utf8_clean(theirs);
    value = clean ? json_string(clean) : NULL;
    free(clean);
    return value;
}

json_t *gs_json_text_or_null(const char *theirs)
{
    return theirs && *theirs ? gs_json_text(theirs) : json_null();
}

json_t *gs_json_texts(char *const *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(array, gs_json_text(list[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *gs_json_number(bool known, uint64_t number)
{
    return known ? json_integer((json_int_t)(number & INT64_MAX)) : json_null();
}

/* DEL is the one control character that jansson does not escape; it stands only in strings. */
static int write_part(const char *bytes, size_t len, void *stream)
{
    const char *del;
    while ((del = memchr(bytes, 0x7f, len))) {
        size_t plain = (size_t)(del - bytes);
        fwrite(bytes, 1, plain, stream);
        fputs("\\u007f", stream);
        bytes += plain + 1;
        len -= plain + 1;
    }
    fwrite(bytes, 1, len, stream);
    return 0;
}

static enum gs_status write_value(json_t *value, size_t flags, FILE *out)
{
    char small[2048]; /* most values fit: one piece to write instead of one for each token */
    int failed = 0;
    if (!value)
        return GS_NO_MEMORY;
    size_t len = json_dumpb(value, small, sizeof small, flags);
    if (len > 0 && len <= sizeof small)
        write_part(small, len, out);
    else
        failed = json_dump_callback(value, write_part, out, flags);
    json_decref(value);
    return failed ? GS_NO_MEMORY : GS_OK;
}

enum gs_status gs_json_write(json_t *value, FILE *out)
{
    return write_value(value, JSON_FLAGS | JSON_REAL_PRECISION(DIGITS), out);
}

enum gs_status gs_json_write_figures(json_t *value, FILE *out)
{
    return write_value(value, JSON_FLAGS | JSON_REAL_PRECISION(FIGURE_DIGITS), out);
}

enum gs_status gs_json_write_text(const char *theirs, FILE *out)
{
    size_t len = 0;
    while (theirs && theirs[len] >= ' ' && theirs[len] < 0x7f && theirs[len] != '"' && theirs[len] != '\\')
        len++;
    if (len == 0 || theirs[len] != '\0')
        return gs_json_write(gs_json_text_or_null(theirs), out);
    putc_unlocked('"', out);
    fwrite_unlocked(theirs, 1, len, out);
    putc_unlocked('"', out);
    return GS_OK;
}

json_t *gs_json_quality(const struct gs_quality *quality)
{
    const struct gs_quality *q = quality;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "samples", (json_int_t)q->samples,
                     "torn", (json_int_t)q->torn, "retried", (json_int_t)q->retried, "stopped", (json_int_t)q->stopped,
                     "stopped_us", (json_int_t)q->stopped_us, "stopped_in_syscall", (json_int_t)q->stopped_in_syscall,
                     "late", (json_int_t)q->late, "lost", (json_int_t)q->lost, "took_us", (json_int_t)q->took_us,
                     "cpu_us", (json_int_t)q->cpu_us, "skipped", (json_int_t)q->skipped, "refused",
                     (json_int_t)q->refused);
}
