/* From a play to the file that a format makes of it. */

#include "export/format.h"
#include "support/drawn.h"
#include "support/golden.h"
#include "support/plays.h"
#include "support/run_made.h"
#include "support/unit.h"

static struct gs_sink *open_sink(const char *format, FILE *out, const struct gs_selection *selection)
{
    struct gs_sink *sink;
    assert_non_null(gs_format_find(format));
    assert_int_equal(gs_format_find(format)->open(&sink, out, selection), GS_OK);
    return sink;
}

FILE *drawn(const char *play, const char *format, const struct gs_selection *selection)
{
    FILE *out = golden_open();
    struct gs_sink *sink = open_sink(format, out, selection);
    assert_int_equal(play_find(play)->run(sink), GS_OK);
    gs_format_find(format)->close(sink);
    return out;
}

char *drawn_text(const char *play, const char *format, const struct gs_selection *selection)
{
    return golden_text(drawn(play, format, selection));
}

void drawn_check(const char *play, const char *format, struct gs_selection selection, const char *golden)
{
    golden_check(drawn(play, format, &selection), golden);
}

void drawn_is_plain(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        assert_true((*c >= ' ' || *c == '\n') && *c < 0x7f);
}

void drawn_wild(const char *format)
{
    for (int mode = 0; mode < GS_MODE_COUNT; mode++) {
        struct run_shape shape = {.seed = (uint32_t)mode,
                                  .samples = 300,
                                  .processes = 2,
                                  .most_threads = 6,
                                  .functions = 40,
                                  .depth = 12,
                                  .churn = 3,
                                  .slot_ns = 10000000,
                                  .wild = true};
        struct gs_selection selection = {.mode = (enum gs_mode)mode, .threads = mode % 2};
        FILE *out = golden_open();
        struct gs_sink *sink = open_sink(format, out, &selection);
        shape.forget_every = sink->forget ? 50 : 0;
        assert_true(run_make(sink, &shape));
        gs_format_find(format)->close(sink);
        assert_true(ftell(out) > 0);
        fclose(out);
    }
}
