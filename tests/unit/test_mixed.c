/* Merging C frames and Python frames by counting evaluators. */
#include <stdlib.h>
#include <string.h>

#include "sample/mixed.h"
#include "support/unit.h"

enum { MOST = 64 };

/* Written as text: Python frames a to z, in capitals where C called them; C frames by digits, E an evaluator, - the
 * machinery of calls; behind them how the C stack ends. In the result ! is a gap of the C stack, ? one where both do
 * not fit. */
struct play {
    const char *python, *native;
    enum gs_native_end end;
    bool torn, leaf;
    const char *result;
};

static void play(const struct play *play)
{
    struct gs_frame python[MOST];
    struct gs_native_frame frames[MOST];
    uint8_t roles[MOST];
    char result[MOST] = "";
    struct gs_mixed mixed = {0};
    size_t count = strlen(play->python), natives = strlen(play->native);
    for (size_t i = 0; i < count; i++)
        python[i] = (struct gs_frame){
            .kind = GS_FRAME_PYTHON, .code = (gs_addr)(play->python[i] | 0x20), .entry = play->python[i] < 'a'};
    for (size_t i = 0; i < natives; i++) {
        frames[i] = (struct gs_native_frame){.pc = (gs_addr)play->native[i], .inferred = play->native[i] == '9'};
        roles[i] = play->native[i] == 'E'   ? GS_MIXED_EVALUATOR
                   : play->native[i] == '-' ? GS_MIXED_HIDDEN
                                            : GS_MIXED_SHOWN;
    }
    struct gs_native_stack native = {.frames = frames, .count = natives, .end = play->end};
    assert_true(gs_mixed_add(&mixed, python, count, play->torn, &native, roles, play->leaf));
    assert_true(mixed.count < MOST);
    for (size_t i = 0; i < mixed.count; i++) {
        const struct gs_frame *frame = &mixed.frames[i];
        bool gap = frame->kind == GS_FRAME_GAP;
        result[i] = !gap ? (char)frame->code : frame->gap == GS_GAP_UNMERGED ? '?' : '!';
        if (gap && frame->gap != GS_GAP_UNMERGED)
            assert_int_equal(frame->gap, GS_GAP_NATIVE + play->end);
        assert_int_equal(frame->kind == GS_FRAME_NATIVE, !gap && result[i] < 'A');
        assert_int_equal(frame->inferred, result[i] == '9');
    }
    assert_string_equal(result, play->result);
    free(mixed.frames);
}

UNIT_TEST(merging)
{
    static const struct play plays[] = {
        /* one evaluator for each frame, and one for several */
        {"AB", "1E-E23", GS_NATIVE_WHOLE, false, false, "1ab23"},
        {"abC", "1E2", GS_NATIVE_WHOLE, false, false, "1abc2"},
        {"aBcdE", "1E23E45", GS_NATIVE_WHOLE, false, false, "1ab23cde45"},
        {"ABC", "E1E2E3", GS_NATIVE_WHOLE, false, false, "a1b2c3"},
        {"A", "19E2", GS_NATIVE_WHOLE, false, false, "19a2"},
        /* the innermost evaluator has no frame yet, or no more */
        {"AB", "E1E2E3", GS_NATIVE_WHOLE, false, false, "1a2b3"},
        {"", "1E2", GS_NATIVE_WHOLE, false, false, "12"},
        {"", "123", GS_NATIVE_WHOLE, false, false, "123"},
        /* they do not fit */
        {"ABC", "1E2E3", GS_NATIVE_WHOLE, false, false, "1?abc"},
        {"A", "1E2E3E4", GS_NATIVE_WHOLE, false, false, "1?a"},
        {"AB", "123", GS_NATIVE_WHOLE, false, false, "123?ab"},
        {"AB", "1E2E3", GS_NATIVE_WHOLE, true, false, "1?ab"},
        /* the C stack breaks off: what is above is sure, */
        {"ABC", "1E2E3", GS_NATIVE_UNKNOWN, false, false, "1a2b3!c"},
        {"ABC", "12", GS_NATIVE_CUT, false, false, "12!abc"},
        {"AB", "1E2E3", GS_NATIVE_UNKNOWN, false, false, "1a2b3!"},
        {"ABC", "", GS_NATIVE_RUNS, false, false, "!abc"},
        {"", "", GS_NATIVE_HIDDEN, false, false, "!"},
        /* unless a frame may be missing there */
        {"ABC", "E1E3", GS_NATIVE_UNKNOWN, false, false, "!abc"},
        {"A", "1E2E3", GS_NATIVE_UNKNOWN, false, false, "1!a"},
        /* only above the innermost Python frame */
        {"AB", "12E-E34", GS_NATIVE_WHOLE, false, true, "12ab"},
        {"AB", "E1E34", GS_NATIVE_WHOLE, false, true, "ab"},
        {"AB", "12", GS_NATIVE_UNKNOWN, false, true, "12!ab"},
        {"AB", "12E3", GS_NATIVE_UNKNOWN, false, true, "12ab"},
        {"", "12", GS_NATIVE_WHOLE, false, true, "12"},
    };
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        play(&plays[i]);
}

UNIT_TEST(roles_by_name)
{
    static const char evaluator[] = "_PyEval_EvalFrameDefault";
    assert_int_equal(gs_mixed_role("_PyEval_EvalFrameDefault", evaluator), GS_MIXED_EVALUATOR);
    assert_int_equal(gs_mixed_role("_PyEval_EvalFrameDefault.cold", evaluator), GS_MIXED_EVALUATOR);
    assert_int_equal(gs_mixed_role("_PyEval_EvalFrameDefault.part.0.lto_priv.3", evaluator), GS_MIXED_EVALUATOR);
    assert_int_equal(gs_mixed_role("_PyEval_EvalFrameDefaults", evaluator), GS_MIXED_SHOWN);
    /* A wrapper since 3.6, the evaluator itself in 2.7. */
    assert_int_equal(gs_mixed_role("PyEval_EvalFrameEx", evaluator), GS_MIXED_HIDDEN);
    assert_int_equal(gs_mixed_role("PyEval_EvalFrameEx", "PyEval_EvalFrameEx"), GS_MIXED_EVALUATOR);
    assert_int_equal(gs_mixed_role("_PyFunction_Vectorcall", evaluator), GS_MIXED_HIDDEN);
    assert_int_equal(gs_mixed_role("_TAIL_CALL_CALL", evaluator), GS_MIXED_HIDDEN);
    assert_int_equal(gs_mixed_role("PyObject_CallMethod", evaluator), GS_MIXED_SHOWN);
    assert_int_equal(gs_mixed_role("python3.11+0x51e3de", evaluator), GS_MIXED_SHOWN);
}
