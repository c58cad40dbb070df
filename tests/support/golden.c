/* Reading, comparing and renewing golden files. */
#include <stdlib.h>
#include <string.h>

#include "support/golden.h"
#include "support/unit.h"

FILE *golden_open(void)
{
    FILE *stream = tmpfile();
    assert_non_null(stream);
    return stream;
}

char *golden_text(FILE *stream)
{
    assert_int_equal(fflush(stream), 0);
    long len = ftell(stream);
    assert_true(len >= 0);
    char *text = calloc(1, (size_t)len + 1);
    assert_non_null(text);
    rewind(stream);
    assert_int_equal(fread(text, 1, (size_t)len, stream), len);
    fclose(stream);
    return text;
}

void golden_check(FILE *stream, const char *name)
{
    char path[512];
    char *text = golden_text(stream);
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    if (getenv("GOLDEN_WRITE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
    }
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    char *expected = golden_text(file);
    assert_string_equal(text, expected);
    free(expected);
    free(text);
}
