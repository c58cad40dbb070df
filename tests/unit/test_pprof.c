/* Profiles for pprof, unpacked again. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/escape.h"
#include "support/drawn.h"
#include "support/golden.h"

#include "pprof.pb-c.h"
#include "support/unit.h"

enum { MOST_BYTES = 1 << 20 };

static Gs__Profile *unpack(const char *play, const struct gs_selection *selection)
{
    FILE *file = drawn(play, "pprof", selection);
    uint8_t *packed = malloc(MOST_BYTES), *bytes = malloc(MOST_BYTES);
    assert_non_null(packed);
    assert_non_null(bytes);
    rewind(file);
    z_stream stream = {.next_in = packed,
                       .avail_in = (unsigned)fread(packed, 1, MOST_BYTES, file),
                       .next_out = bytes,
                       .avail_out = MOST_BYTES};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    Gs__Profile *profile = gs__profile__unpack(NULL, MOST_BYTES - stream.avail_out, bytes);
    inflateEnd(&stream);
    free(packed);
    free(bytes);
    fclose(file);
    assert_non_null(profile);
    assert_string_equal(profile->string_table[0], "");
    return profile;
}

static const char *text(const Gs__Profile *profile, int64_t number)
{
    assert_true((uint64_t)number < profile->n_string_table);
    return profile->string_table[number];
}

static void print_location(const Gs__Profile *profile, uint64_t id, FILE *out)
{
    assert_true(id - 1 < profile->n_location);
    const Gs__Location *location = profile->location[id - 1];
    assert_int_equal(location->id, id);
    assert_int_equal(location->mapping_id, 1);
    assert_int_equal(location->n_line, 1);
    assert_true(location->line[0]->function_id - 1 < profile->n_function);
    const Gs__Function *function = profile->function[location->line[0]->function_id - 1];
    assert_int_equal(function->id, location->line[0]->function_id);
    fprintf(out, "%s", text(profile, function->name));
    if (function->filename)
        fprintf(out, " (%s:%" PRId64 ")", text(profile, function->filename), location->line[0]->line);
}

static void print_sample(const Gs__Profile *profile, const Gs__Sample *sample, FILE *out)
{
    for (size_t i = sample->n_location_id; i > 0; i--) {
        print_location(profile, sample->location_id[i - 1], out);
        fputs(i > 1 ? ";" : "\n   ", out);
    }
    assert_int_equal(sample->n_value, profile->n_sample_type);
    for (size_t i = 0; i < sample->n_value; i++)
        fprintf(out, " %" PRId64, sample->value[i]);
    for (size_t i = 0; i < sample->n_label; i++) {
        const Gs__Label *label = sample->label[i];
        if (label->str)
            fprintf(out, " %s=%s", text(profile, label->key), text(profile, label->str));
        else
            fprintf(out, " %s=%" PRId64, text(profile, label->key), label->num);
    }
    fputs("\n", out);
}

static void check(const char *play, struct gs_selection selection, const char *golden)
{
    Gs__Profile *profile = unpack(play, &selection);
    FILE *out = golden_open();
    for (size_t i = 0; i < profile->n_sample_type; i++)
        fprintf(out, "%s/%s ", text(profile, profile->sample_type[i]->type),
                text(profile, profile->sample_type[i]->unit));
    fprintf(out, "\nfirst %s, each %" PRId64 " %s of %s\n", text(profile, profile->default_sample_type),
            profile->period, text(profile, profile->period_type->unit), text(profile, profile->period_type->type));
    fprintf(out, "time %" PRId64 ", duration %" PRId64 ", program %s\n", profile->time_nanos, profile->duration_nanos,
            text(profile, profile->mapping[0]->filename));
    for (size_t i = 0; i < profile->n_comment; i++)
        fprintf(out, "# %s\n", text(profile, profile->comment[i]));
    for (size_t i = 0; i < profile->n_sample; i++)
        print_sample(profile, profile->sample[i], out);
    gs__profile__free_unpacked(profile, NULL);
    golden_check(out, golden);
}

static void golden(void **state)
{
    static const char *const patterns[] = {"worker-*"};
    (void)state;
    check("app", (struct gs_selection){.mode = GS_MODE_WALL}, "app-wall.pprof.txt");
    check("app", (struct gs_selection){.mode = GS_MODE_GIL, .function = true, .patterns = patterns, .pattern_count = 1},
          "app-gil-workers-function.pprof.txt");
    check("processes", (struct gs_selection){.mode = GS_MODE_BLAME, .threads = true},
          "processes-blame-threads.pprof.txt");
    check("free", (struct gs_selection){.mode = GS_MODE_CPU}, "free-cpu.pprof.txt");
    check("locks", (struct gs_selection){.mode = GS_MODE_BLAME}, "locks-blame.pprof.txt");
    check("empty", (struct gs_selection){.mode = GS_MODE_WAIT}, "empty.pprof.txt");
}

/* A function is there once, whatever its lines. */
static void functions_are_one(void **state)
{
    struct gs_selection selection = {.mode = GS_MODE_WALL};
    Gs__Profile *profile = unpack("deep", &selection);
    size_t visits = 0;
    (void)state;
    for (size_t i = 0; i < profile->n_function; i++)
        visits += strcmp(text(profile, profile->function[i]->name), "visit") == 0;
    assert_int_equal(visits, 1);
    assert_int_equal(profile->n_function, 1001);
    assert_int_equal(profile->n_location, 1007); /* visit has seven lines */
    assert_int_equal(profile->sample[99]->n_location_id, 2000);
    gs__profile__free_unpacked(profile, NULL);
}

static void hostile_names(void **state)
{
    struct gs_selection selection = {.mode = GS_MODE_WALL};
    Gs__Profile *profile = unpack("hostile", &selection);
    size_t longest = 0;
    (void)state;
    assert_int_equal(profile->n_sample, 14);
    for (size_t i = 0; i < profile->n_string_table; i++) {
        const char *at = profile->string_table[i];
        size_t left = strlen(at);
        longest = left > longest ? left : longest;
        while (left > 0) {
            uint32_t c;
            char form[GS_ESCAPE_MAX];
            size_t taken = gs_utf8_next(at, left, &c);
            /* Valid, and nothing that controls anything. */
            assert_int_equal(gs_escape_plain(c, form), taken);
            assert_memory_equal(form, at, taken);
            at += taken;
            left -= taken;
        }
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(profile->string_table[i], profile->string_table[k]);
    }
    assert_int_equal(longest, 10000);
    gs__profile__free_unpacked(profile, NULL);
}

static void numbers_of_any_size(void **state)
{
    (void)state;
    drawn_wild("pprof");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(functions_are_one),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(numbers_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
